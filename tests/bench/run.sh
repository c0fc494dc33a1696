#!/bin/bash
# make bench: relays per second, ours and Postfix's, on this machine, in this
# run, message by message synced to disk before it is accepted, in both.
# Prints 'bench NAME ours=X peer=Y ratio=Z' (messages per second). The rounds
# alternate, so that a noisy machine is noisy for both; medians are printed.
#   MESSAGES (2000)  SIZE (4096)  SESSIONS (20)  ROUNDS (3)
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=${BUILD:-build}
BIN=$BUILD/bin
export BIN
# shellcheck source=tests/e2e/world.sh
. tests/e2e/world.sh
MESSAGES=${MESSAGES:-2000} SIZE=${SIZE:-4096} SESSIONS=${SESSIONS:-20}
ROUNDS=${ROUNDS:-3}
HERE=tests/bench

# Disk, not memory: the queues of both must be synced for real.
WORLD=$(mktemp -d "${BENCH_DIR:-/var/tmp}/isthmus-bench-XXXXXX") || exit 1
chmod 755 "$WORLD"
cleanup() {
	[ -z "${POSTFIX_UP:-}" ] || postfix -c "$WORLD/postfix/etc" stop 2>/dev/null
	world_stop
}
trap cleanup EXIT
world_ports || exit 1
POSTFIX_SMTP=$DEAD

postfix_start() {
	if [ "$(id -u)" != 0 ]; then
		echo "bench: Postfix starts only as root: no peer figures"
		return 1
	fi
	local d=$WORLD/postfix
	mkdir -p "$d/etc" "$d/queue" "$d/data"
	chown postfix "$d/data"
	sed -e "s|@DIR@|$d|g" -e "s|@SINK@|$SINK|g" -e "s|@SESSIONS@|$SESSIONS|g" \
		"$HERE/postfix-main.cf.in" >"$d/etc/main.cf"
	sed "s|@PORT@|$POSTFIX_SMTP|g" "$HERE/postfix-master.cf.in" >"$d/etc/master.cf"
	postfix -c "$d/etc" start >"$WORLD/postfix.log" 2>&1 || {
		cat "$WORLD/postfix.log"
		return 1
	}
	POSTFIX_UP=1
	wait_port "$POSTFIX_SMTP" 10
}

sink_as() { [ "$(id -u)" = 0 ] && echo "-u nobody"; }

now_ms() { date +%s%3N; }

# Messages per second from the first command to the last message at the sink.
smtp_round() { # PORT
	local t0 t1 sink
	# shellcheck disable=SC2046 # two words or none
	timeout 300 /usr/sbin/smtp-sink $(sink_as) -M "$MESSAGES" "127.0.0.1:$SINK" 1000 &
	sink=$!
	PIDS+=("$sink")
	wait_port "$SINK" 5 || return 1
	t0=$(now_ms)
	timeout 300 /usr/sbin/smtp-source -s "$SESSIONS" -l "$SIZE" -m "$MESSAGES" -N \
		-f source@bench.example -t sink@bench.example "127.0.0.1:$1" || return 1
	wait $sink
	t1=$(now_ms)
	echo $((MESSAGES * 1000 / (t1 - t0 + 1)))
}

p1_round() { # messages per second through the relay in the middle
	local t0 t1 sink
	timeout 300 "$BUILD/tests/bench/p1load" sink "127.0.0.1:$BRAVO_P1" --our-mta sink \
		--our-password k --peer-mta bench --peer-password b --messages "$MESSAGES" >"$WORLD/p1sink.out" &
	sink=$!
	PIDS+=("$sink")
	wait_port "$BRAVO_P1" 5 || return 1
	t0=$(now_ms)
	timeout 300 "$BUILD/tests/bench/p1load" source "127.0.0.1:$ALPHA_P1" --tsel BENCH \
		--our-mta source --our-password s --peer-mta bench --peer-password b \
		--to '/C=XX/ADMD=SINK/S=Sink/' --messages "$MESSAGES" --associations "$SESSIONS" \
		--size "$SIZE" >"$WORLD/p1source.out" || return 1
	wait $sink || return 1
	t1=$(now_ms)
	echo $((MESSAGES * 1000 / (t1 - t0 + 1)))
}

median() { tr ' ' '\n' <<<"$*" | grep . | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

fill_in "$HERE/bench.xml.in" >"$WORLD/bench.xml"
start switch "$BIN/isthmus" run -c "$WORLD/bench.xml"
wait_port "$ALPHA_SMTP" 15 || { tail "$WORLD/switch.log"; exit 1; }
postfix_start
ours="" peer="" p1=""
for _ in $(seq "$ROUNDS"); do
	r=$(smtp_round "$ALPHA_SMTP") || { tail "$WORLD/switch.log"; exit 1; }
	ours="$ours $r"
	if [ -n "${POSTFIX_UP:-}" ]; then
		r=$(smtp_round "$POSTFIX_SMTP") || exit 1
		peer="$peer $r"
	fi
	r=$(p1_round) || { tail "$WORLD/switch.log"; exit 1; }
	p1="$p1 $r"
done
o=$(median "$ours")
if [ -n "$peer" ]; then
	q=$(median "$peer")
	echo "bench smtp-relay-$SIZE ours=$o peer=$q ratio=$(awk "BEGIN { printf \"%.2f\", $o / $q }")"
else
	echo "bench smtp-relay-$SIZE ours=$o peer=- ratio=-"
fi
echo "bench p1-relay-$SIZE ours=$(median "$p1") peer=- ratio=-"
echo "rounds: smtp ours$ours; smtp peer$peer; p1$p1 ($MESSAGES messages, $SESSIONS sessions)"
