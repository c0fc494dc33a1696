#!/bin/bash
# The queue alone: durable records per second through the spool's own
# functions, what submit() costs a message while so many wait for their commit,
# and seconds from the start of a switch until a full queue is back in
# its scheduler, from a warm cache, with its only peer out of reach; then what the
# operator's questions cost with all of it queued.
#   QUEUED (500000)  ROUNDS (3)
set -u
# shellcheck source=tests/bench/common.sh
. "$(dirname "$0")/common.sh"
QUEUED=${QUEUED:-500000} ROUNDS=${ROUNDS:-3}

stamp() { # EVENT: when the log first says so, in milliseconds
	local t
	t=$(grep -m 1 " $1 \| $1\$" "$WORLD/switch.log" | cut -d ' ' -f 1)
	date -d "$t" +%s%3N
}
loaded() { grep -q queue-loaded "$WORLD/switch.log"; }

rate=$("$BUILD/tests/bench/qfill" "$WORLD/spool" "$QUEUED" out) || exit 1
line queue-put "${rate%% *}" - "durable messages of 1 KiB per second, one process"
fill_in "$BENCH_HERE/bench.xml.in" | sed "s|$WORLD/spool|$WORLD/submit|" >"$WORLD/submit.xml"
for at_once in 1 20 100; do
	got=$("$BUILD/tests/bench/submit" "$WORLD/submit.xml" 10000 $at_once) || exit 1
	line "submit-$at_once" "${got#* }" - "microseconds of CPU a message of 4 KiB, $at_once at once, ${got% *} per second"
done
rm -rf "$WORLD/submit"

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
line queue-load "$(median "$all")" - "ms until $QUEUED queued messages are back, warm cache; goal: below 5000"

: >"$WORLD/switch.log"
start switch "$BIN/isthmus" run -c "$WORLD/bench.xml"
wait_for 120 loaded || exit 1
id=$("$BIN/isthmus" queue -c "$WORLD/bench.xml" --limit 1 --json | grep -oE '"id":"[0-9a-f]{16}"' | cut -d '"' -f 4)
perl "$BENCH_HERE/control.pl" "$WORLD/spool/run/control" "$id" out "$((2 * ROUNDS + 1))"
code=$?
# every record is read: nothing is found, so the heading is all there is
reading() { # NAME FILTER...
	local name=$1 first="" last="" got
	shift
	for _ in $(seq "$ROUNDS"); do
		# shellcheck disable=SC2016
		got=$(perl -MTime::HiRes=time -e '
			my $t = time;
			open my $f, "-|", @ARGV or die "$!\n";
			my $line = <$f> // die "no answer\n";
			my $first = time - $t;
			1 while <$f>;
			printf "%.1f %.0f\n", 1000 * $first, 1000 * (time - $t);' \
			"$BIN/isthmus" queue list -c "$WORLD/bench.xml" "$@") || exit 1
		first="$first ${got% *}" last="$last ${got#* }"
	done
	line "queue-list-$name" "$(median "$first")" - "ms to the heading, $(median "$last") until $QUEUED records are read"
}
reading pattern --to 'x*y'
reading part --from nosuchpart
stop_pid "$PID_switch"
exit $code
