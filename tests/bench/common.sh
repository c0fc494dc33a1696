# shellcheck shell=bash
# What the benchmarks share: a world with its queue on the disk, one switch that
# relays (bench.xml.in), Postfix beside it, load for both, medians, and the line
# that is printed. Sourced.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
BUILD=${BUILD:-build}
BIN=$BUILD/bin
BENCH_HERE=tests/bench
export BIN
# shellcheck source=tests/e2e/world.sh
. tests/e2e/world.sh

# Disk, not memory: what is accepted must be synced for real.
WORLD=$(mktemp -d "${BENCH_DIR:-/var/tmp}/isthmus-bench-XXXXXX") || exit 1
chmod 755 "$WORLD"
bench_end() {
	postfix_stop
	world_stop
}
trap bench_end EXIT
world_ports || exit 1

now_ms() { date +%s%3N; }

median() { tr ' ' '\n' <<<"$*" | grep . | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# NAME OURS PEER [TEXT]: a peer of '-' is none.
line() {
	local r=-
	[ "$3" = - ] || r=$(ratio "$2" "$3")
	echo "bench $1 ours=$2 peer=$3 ratio=$r${4:+ ($4)}"
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

bench_switch() {
	fill_in "$BENCH_HERE/bench.xml.in" >"$WORLD/bench.xml"
	start switch "$BIN/isthmus" run -c "$WORLD/bench.xml"
	wait_port "$ALPHA_SMTP" 15 && wait_port "$ALPHA_P1" 15 && return 0
	tail "$WORLD/switch.log"
	return 1
}

# Its children of that name. (start sets PID_switch.)
PID_switch=""
switch_pids() { pgrep -x "$1" -P "$(pgrep -x qmgr -P "$PID_switch")"; } # NAME

# Postfix, on port $POSTFIX_SMTP, relays to the sink as the switch does.
POSTFIX_SMTP=$DEAD POSTFIX_UP=""
postfix_start() { # SESSIONS
	if [ "$(id -u)" != 0 ]; then
		echo "bench: Postfix starts only as root: no peer figures"
		return 1
	fi
	local d=$WORLD/postfix
	mkdir -p "$d/etc" "$d/queue" "$d/data"
	chown postfix "$d/data"
	sed -e "s|@DIR@|$d|g" -e "s|@SINK@|$SINK|g" -e "s|@SESSIONS@|$1|g" \
		"$BENCH_HERE/postfix-main.cf.in" >"$d/etc/main.cf"
	sed "s|@PORT@|$POSTFIX_SMTP|g" "$BENCH_HERE/postfix-master.cf.in" >"$d/etc/master.cf"
	postfix -c "$d/etc" start >"$WORLD/postfix.log" 2>&1 || {
		cat "$WORLD/postfix.log"
		return 1
	}
	POSTFIX_UP=1
	wait_port "$POSTFIX_SMTP" 10
}
postfix_stop() {
	[ -z "$POSTFIX_UP" ] || postfix -c "$WORLD/postfix/etc" stop 2>/dev/null
	POSTFIX_UP=""
}

# The other end of a relay: ends after so many messages. Sets sink.
sink_start() { # MESSAGES
	local as=()
	[ "$(id -u)" != 0 ] || as=(-u nobody)
	timeout 300 /usr/sbin/smtp-sink "${as[@]}" -M "$1" "127.0.0.1:$SINK" 1000 &
	sink=$!
	PIDS+=("$sink")
	wait_port "$SINK" 5
}
source_run() { # PORT SESSIONS MESSAGES OCTETS
	timeout 300 /usr/sbin/smtp-source -s "$2" -l "$4" -m "$3" -N \
		-f source@bench.example -t sink@bench.example "127.0.0.1:$1"
}
# The same without an MTA in between: the sink would leave before its last reply,
# so it expects one more.
bare_rate() { # SESSIONS MESSAGES OCTETS
	local t0 ms
	sink_start $(($2 + 1)) || return 1
	t0=$(now_ms)
	source_run "$SINK" "$@" || return 1
	ms=$(($(now_ms) - t0 + 1))
	stop_pid "$sink"
	echo $(($2 * 1000 / ms))
}
# Messages per second from the first command to the last message at the sink.
relay_rate() { # PORT SESSIONS MESSAGES OCTETS
	local t0
	sink_start "$3" || return 1
	t0=$(now_ms)
	source_run "$@" || return 1
	wait "$sink" || return 1
	echo $(($3 * 1000 / ($(now_ms) - t0 + 1)))
}
