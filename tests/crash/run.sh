#!/bin/bash
# Seeded crash runs. Each is two switches under load, alpha (SMTP in; P1 and SMTP
# out) and bravo behind it, whose processes are killed at random and at named
# points, and whose power fails; the same seed makes the same plan.
#
#	tests/crash/run.sh SEED...	those runs; what is drawn, with VERBOSE=1
#	RUNS=500 tests/crash/run.sh	so many, from a seed that is printed
#	RUNS=500 tests/crash/run.sh N	so many from seed N on
#	tests/crash/run.sh short	the few of make check
#
# ISTHMUS_CRASH (tests/crash/shim.c) puts other points in the place of those that
# are drawn. JOBS: runs at a time (2). LIMIT: seconds after which no run is begun.
# KEEP=1: spools, logs and notes of each run stay; those of a failed one always
# do. A run passes when each delivery that was accepted is made, whole, and made
# again only where a crash found it on its way; when nothing is in quarantine,
# the queues can be read and are empty, and both switches stop cleanly.
# Prints a line a run, with several a table (what struck where, what was
# delivered twice for it), and 'crash runs: N passed, N failed'.
set -u
cd "$(dirname "$0")/../.." || exit 2
export BUILD=${BUILD:-build}
export ASAN_OPTIONS="verify_asan_link_order=0:${ASAN_OPTIONS:-}"
jobs=${JOBS:-2} special=
out=$(mktemp) || exit 2
export CRASH_TALLY=$out.tally
trap 'rm -f "$out" "$CRASH_TALLY"' EXIT
trap 'trap - INT TERM; kill -- "${pids[@]}" 2>/dev/null; wait; exit 130' INT TERM
pids=()

if [ "${1:-}" = short ]; then
	seeds=(2 3 5 12)
	special=7
elif [ -n "${RUNS:-}" ]; then
	from=${1:-$((RANDOM * 32768 + RANDOM))}
	mapfile -t seeds < <(seq "$from" $((from + RUNS - 1)))
	echo "seeds $from to $((from + RUNS - 1))"
elif [ $# -gt 0 ]; then
	seeds=("$@")
else
	sed -n '2,22s/^# \{0,1\}//p' "$0"
	exit 2
fi
limit=${LIMIT:-$((60 + ${#seeds[@]} * 12 / jobs))}

for seed in "${seeds[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
		wait -n
	done
	[ $SECONDS -lt "$limit" ] || break
	perl tests/crash/run.pl "$seed" </dev/null | tee -a "$out" &
	pids+=($!)
done
wait

failed=$(grep -c '^seed .*: FAILED$' "$out")
passed=$(($(grep -c '^seed ' "$out") - failed))
missed=$((${#seeds[@]} - passed - failed))
[ $missed = 0 ] || echo "FAILED: $missed runs were not begun or had no result (limit: $limit s)"
with() { # ENVIRONMENT...
	env "$@" perl tests/crash/run.pl "$special" >"$out" 2>&1
}
if [ -n "$special" ]; then
	# the power fails again and again, just while a re-used segment gets its name
	if with ISTHMUS_CRASH='*:fdatasync:segments:before:9:cut'; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		cat "$out"
	fi
	# a record that was found, but never synced, is lost after all
	if with ISTHMUS_CRASH='list:fdatasync:segments/*.seg:before:4:kill qmgr:fdatasync:journal/*.jnl:after:45:cut'; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		cat "$out"
	fi
	# can a run fail? On a disk that only says that it has synced, it must.
	if with CRASH_LIE='segments/*.seg' ISTHMUS_CRASH='smtpd:fdatasync:segments/*.seg:after:20:cut'; then
		failed=$((failed + 1))
		echo "FAILED: a disk that does not sync goes unnoticed"
	else
		passed=$((passed + 1))
		kept=$(sed -n 's/^  kept: //p' "$out")
		[ -z "$kept" ] || rm -rf -- "$kept"
	fi
fi
[ ${#seeds[@]} -lt 10 ] || perl tests/crash/table.pl "$CRASH_TALLY"
echo "crash runs: $passed passed, $((failed + missed)) failed"
[ $((failed + missed)) = 0 ]
