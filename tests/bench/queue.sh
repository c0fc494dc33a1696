#!/bin/bash
# The queue alone: durable records per second through the spool's own
# functions, and seconds from the start of a switch until a full queue is back in
# its scheduler, from a warm cache, with its only peer out of reach.
#   QUEUED (500000)  ROUNDS (3)
set -u
# shellcheck source=tests/bench/common.sh
. "$(dirname "$0")/common.sh"
QUEUED=${QUEUED:-500000} ROUNDS=${ROUNDS:-3}
PID_switch="" # set by start

stamp() { # EVENT: when the log first says so, in milliseconds
	local t
	t=$(grep -m 1 " $1 \| $1\$" "$WORLD/switch.log" | cut -d ' ' -f 1)
	date -d "$t" +%s%3N
}
loaded() { grep -q queue-loaded "$WORLD/switch.log"; }

rate=$("$BUILD/tests/bench/qfill" "$WORLD/spool" "$QUEUED" out) || exit 1
echo "bench queue-put ours=${rate%% *} peer=- ratio=- (durable messages of 1 KiB per second, one process)"
cat "$WORLD"/spool/segments/*.seg >/dev/null

fill_in "$BENCH_HERE/bench.xml.in" | sed 's/level="warn"/level="info"/' >"$WORLD/bench.xml"
all=""
for _ in $(seq "$ROUNDS"); do
	: >"$WORLD/switch.log"
	start switch "$BIN/isthmus" run -c "$WORLD/bench.xml"
	wait_for 120 loaded || {
		tail "$WORLD/switch.log"
		exit 1
	}
	ms=$(($(stamp queue-loaded) - $(stamp running)))
	n=$(grep -o 'queue-loaded messages=[0-9]*' "$WORLD/switch.log" | cut -d = -f 2)
	[ "$n" = "$QUEUED" ] || {
		echo "FAILED: $n of $QUEUED messages came back"
		exit 1
	}
	all="$all $ms"
	stop_pid "$PID_switch"
done
echo "bench queue-load ours=$(median "$all") peer=- ratio=- (ms until $QUEUED queued messages are back, warm cache)"
