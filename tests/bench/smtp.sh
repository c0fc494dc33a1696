#!/bin/bash
# SMTP relays per second, ours and Postfix's, on this machine, in this run,
# message by message synced to disk before it is accepted, in both. The rounds
# alternate, so that a noisy machine is noisy for both; medians are printed.
#   MESSAGES (2000)  SIZE (4096)  SESSIONS (20)  ROUNDS (3)
set -u
# shellcheck source=tests/bench/common.sh
. "$(dirname "$0")/common.sh"
MESSAGES=${MESSAGES:-2000} SIZE=${SIZE:-4096} SESSIONS=${SESSIONS:-20}
ROUNDS=${ROUNDS:-3}

cleanup() {
	[ -z "${POSTFIX_UP:-}" ] || postfix -c "$WORLD/postfix/etc" stop 2>/dev/null
	world_stop
}
trap cleanup EXIT
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
		"$BENCH_HERE/postfix-main.cf.in" >"$d/etc/main.cf"
	sed "s|@PORT@|$POSTFIX_SMTP|g" "$BENCH_HERE/postfix-master.cf.in" >"$d/etc/master.cf"
	postfix -c "$d/etc" start >"$WORLD/postfix.log" 2>&1 || {
		cat "$WORLD/postfix.log"
		return 1
	}
	POSTFIX_UP=1
	wait_port "$POSTFIX_SMTP" 10
}

sink_as() { [ "$(id -u)" = 0 ] && echo "-u nobody"; }

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

bench_switch || exit 1
postfix_start
ours="" peer=""
for _ in $(seq "$ROUNDS"); do
	r=$(smtp_round "$ALPHA_SMTP") || { tail "$WORLD/switch.log"; exit 1; }
	ours="$ours $r"
	if [ -n "${POSTFIX_UP:-}" ]; then
		r=$(smtp_round "$POSTFIX_SMTP") || exit 1
		peer="$peer $r"
	fi
done
o=$(median "$ours")
if [ -n "$peer" ]; then
	q=$(median "$peer")
	echo "bench smtp-relay-$SIZE ours=$o peer=$q ratio=$(awk "BEGIN { printf \"%.2f\", $o / $q }")"
else
	echo "bench smtp-relay-$SIZE ours=$o peer=- ratio=-"
fi
echo "rounds: smtp ours$ours; smtp peer$peer ($MESSAGES messages, $SESSIONS sessions)"
