#!/bin/bash
# What a message costs each process of the switch: system calls, syncs, octets
# read and written, and time on a processor; and what submit() alone costs. One
# table for each load. System calls are counted by strace in a run of their own;
# the rest comes from /proc, without it.
#   MESSAGES (2000)  SIZE (4096)  TOP (6) system calls named  LOADS (1 20 100)
set -u
# shellcheck source=tests/bench/common.sh
. "$(dirname "$0")/common.sh"
MESSAGES=${MESSAGES:-2000} SIZE=${SIZE:-4096} TOP=${TOP:-6}
P1LOAD=$BUILD/tests/bench/p1load

pid_of() { # PROCESS
	if [ "$1" = qmgr ]; then
		pgrep -x qmgr -P "$PID_switch"
	else
		switch_pids "$1" | head -1
	fi
}

# SESSIONS: the same number of messages, whatever the protocol.
load_smtp() {
	relay_rate "$ALPHA_SMTP" "$1" "$MESSAGES" "$SIZE" >/dev/null
}
load_p1() {
	timeout 300 "$P1LOAD" sink "127.0.0.1:$BRAVO_P1" --our-mta sink --our-password k \
		--peer-mta bench --peer-password b --messages "$MESSAGES" >/dev/null &
	sink=$!
	PIDS+=("$sink")
	wait_port "$BRAVO_P1" 5 || return 1
	timeout 300 "$P1LOAD" source "127.0.0.1:$ALPHA_P1" --tsel BENCH \
		--our-mta source --our-password s --peer-mta bench --peer-password b \
		--to '/C=XX/ADMD=SINK/S=Sink/' --messages "$MESSAGES" --associations "$1" \
		--size "$SIZE" >/dev/null && wait "$sink"
}

# Nanoseconds on a processor, and octets that went through system calls, so far.
usage() { # PID
	cat "/proc/$1/task"/*/schedstat | awk '{ n += $1 } END { printf "%.0f ", n }'
	awk '/^rchar|^wchar/ { printf "%.0f ", $2 }' "/proc/$1/io"
}

# Of strace's counts: calls and syncs a message, and the most frequent ones.
calls() { # FILE
	awk -v m="$MESSAGES" -v top="$TOP" '
	$1 ~ /^[0-9.]+$/ && $NF != "total" { n[$NF] += $4; all += $4; if ($NF ~ /^f(data)?sync$/) syncs += $4 }
	END {
		printf "%.1f %.3f ", all / m, syncs / m
		for (i = 0; i < top; i++) {
			best = ""
			for (c in n)
				if (best == "" || n[c] > n[best])
					best = c
			if (best == "" || n[best] / m < 0.05)
				break
			printf "%s%s %.1f", i ? ", " : "", best, n[best] / m
			delete n[best]
		}
	}' "$1"
}

row() { printf '| %-12s | %8s | %9s | %8s | %8s | %8s | %s |\n' "$@"; }

# Two runs of the same load: one in peace, one that strace counts.
cost() { # LOAD SESSIONS PROCESS...
	local load=$1 sessions=$2 p pid tracers=()
	local -A before after
	shift 2
	for p in "$@"; do before[$p]=$(usage "$(pid_of "$p")"); done
	"load_$load" "$sessions" || return 1
	for p in "$@"; do after[$p]=$(usage "$(pid_of "$p")"); done
	for p in "$@"; do
		pid=$(pid_of "$p")
		strace -qq -c -f -o "$WORLD/strace.$p" -p "$pid" 2>/dev/null &
		tracers+=($!)
		PIDS+=($!)
	done
	sleep 0.5
	"load_$load" "$sessions" || return 1
	kill -INT "${tracers[@]}"
	wait "${tracers[@]}"
	for p in "$@"; do
		local cpu in out n syncs top
		read -r cpu in out <<<"$(awk -v m="$MESSAGES" '{
			printf "%.0f %.0f %.0f", ($4 - $1) / m / 1000, ($5 - $2) / m, ($6 - $3) / m }' \
			<<<"${before[$p]} ${after[$p]}")"
		read -r n syncs top <<<"$(calls "$WORLD/strace.$p")"
		row "$load $sessions $p" "$cpu" "$n" "$syncs" "$in" "$out" "$top"
	done
}

# Its process alone, under strace -f: what comes before the first message is in
# the figures, so there are many.
cost_submit() { # AT-ONCE
	local n syncs top got
	rm -rf "$WORLD/spool"
	got=$("$BUILD/tests/bench/submit" "$WORLD/bench.xml" 20000 "$1" "$SIZE") || return 1
	rm -rf "$WORLD/spool"
	strace -qq -c -f -o "$WORLD/strace.submit" "$BUILD/tests/bench/submit" "$WORLD/bench.xml" \
		"$MESSAGES" "$1" "$SIZE" >/dev/null || return 1
	read -r n syncs top <<<"$(calls "$WORLD/strace.submit")"
	row "submit() $1" "${got#* }" "$n" "$syncs" - - "$top"
}

bench_switch || exit 1
# all processes are there from here on
if ! load_smtp 20 || ! load_p1 20; then
	tail "$WORLD/switch.log"
	exit 1
fi
echo "A message of $SIZE octets, one recipient; mean of $MESSAGES. CPU in microseconds."
row "load" "CPU" "calls" "syncs" "read" "written" "most frequent calls"
row "---" "---" "---" "---" "---" "---" "---"
for sessions in ${LOADS:-1 20 100}; do
	cost smtp "$sessions" smtpd qmgr smtp || exit 1
done
for sessions in ${LOADS:-1 20 100}; do
	cost p1 "$sessions" x400p1 qmgr || exit 1
done
stop_pid "$PID_switch"
for at_once in ${LOADS:-1 20 100}; do
	cost_submit "$at_once" || exit 1
done
