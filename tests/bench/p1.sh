#!/bin/bash
# P1 relays: messages and megabytes per second for small and large contents, on
# one and on many associations; against a bare copy over TCP; and the memory
# that idle associations and a very large content cost.
#   ROUNDS (3)  IDLE (1000)  LARGE_MIB (100)
set -u
# shellcheck source=tests/bench/common.sh
. "$(dirname "$0")/common.sh"
ROUNDS=${ROUNDS:-3} IDLE=${IDLE:-1000} LARGE_MIB=${LARGE_MIB:-100}
PID_hold="" # set by start
P1LOAD=$BUILD/tests/bench/p1load
ulimit -n 8192 2>/dev/null || ulimit -n "$(ulimit -Hn)"

# Milliseconds from the first octet to the last message at the sink.
relay() { # SIZE MESSAGES ASSOCIATIONS
	local t0 t1 sink
	timeout 300 "$P1LOAD" sink "127.0.0.1:$BRAVO_P1" --our-mta sink --our-password k \
		--peer-mta bench --peer-password b --messages "$2" >"$WORLD/p1sink.out" &
	sink=$!
	PIDS+=("$sink")
	wait_port "$BRAVO_P1" 5 || return 1
	t0=$(now_ms)
	timeout 300 "$P1LOAD" source "127.0.0.1:$ALPHA_P1" --tsel BENCH \
		--our-mta source --our-password s --peer-mta bench --peer-password b \
		--to '/C=XX/ADMD=SINK/S=Sink/' --messages "$2" --associations "$3" \
		--size "$1" >"$WORLD/p1source.out" || return 1
	wait $sink || return 1
	t1=$(now_ms)
	echo $((t1 - t0 + 1))
}

x400p1_pid() { switch_pids x400p1 | head -1; }
memory() { awk -v k="$2:" '$1 == k { print $2 }' "/proc/$1/status"; } # PID FIELD: kB

failed() {
	tail "$WORLD/switch.log"
	exit 1
}

bench_switch || exit 1

# NAME OCTETS MESSAGES
while read -r name size messages; do
	for associations in 1 20; do
		rates=""
		for _ in $(seq "$ROUNDS"); do
			ms=$(relay "$size" "$messages" "$associations") || failed
			rates="$rates $((messages * 1000 / ms))"
			[ "$name $associations" != "10MiB 1" ] ||
				ours="${ours:-} $((size / 1000 * messages / ms))"
		done
		line "p1-relay-$name-$associations" "$(median "$rates")" - "messages per second"
	done
done <<-EOF
	2KiB 2048 3000
	64KiB 65536 600
	10MiB 10485760 20
EOF

peer=""
for _ in $(seq "$ROUNDS"); do
	peer="$peer $(perl "$BENCH_HERE/copy.pl" 1000)"
done
line p1-relay-bytes "$(median "$ours")" "$(median "$peer")" "megabytes per second; peer: a bare copy over two TCP connections"

pid=$(x400p1_pid)
before=$(memory "$pid" VmRSS)
start hold "$P1LOAD" hold "127.0.0.1:$ALPHA_P1" --tsel BENCH --our-mta source --our-password s \
	--peer-mta bench --peer-password b --associations "$IDLE" --seconds 3
wait_for 60 grep -q 'are open' "$WORLD/hold.log" || failed
after=$(memory "$pid" VmRSS)
line "p1-idle-association" $(((after - before) * 1024 / IDLE)) - "octets for each of $IDLE; the process: $after kB"
wait "$PID_hold"

# a process that has done nothing else shows the peak of this alone
stop_pid "$PID_switch"
rm -rf "$WORLD/spool"
bench_switch || exit 1
relay $((LARGE_MIB << 20)) 1 1 >/dev/null || failed
peak=$(memory "$(x400p1_pid)" VmHWM)
line p1-peak-memory $((peak / 1024)) - "MiB of the process, content of $LARGE_MIB MiB; goal: below 32"
