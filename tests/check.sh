#!/bin/bash
# All tests, one after the other; the last line is their sum. Each part ends its
# output with 'NAME: N passed, N failed'.
set -u
cd "$(dirname "$0")/.." || exit 2
BUILD=${BUILD:-build}
export BUILD
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

part() { # NAME COMMAND...
	local name=$1 line
	shift
	echo "== $name"
	"$@" 2>&1 | tee "$log"
	if grep -qE '^[A-Za-z0-9'"'"' -]+: [0-9]+ passed, [0-9]+ failed$' "$log"; then
		while read -r line; do
			passed=$((passed + $(sed -E 's/.*: ([0-9]+) passed.*/\1/' <<<"$line")))
			failed=$((failed + $(sed -E 's/.*, ([0-9]+) failed.*/\1/' <<<"$line")))
		done < <(grep -E '^[A-Za-z0-9'"'"' -]+: [0-9]+ passed, [0-9]+ failed$' "$log")
	else
		echo "$name: ended without a result"
		failed=$((failed + 1))
	fi
}

unit() {
	"$BUILD/tests/unit/all" >"$log.unit" 2>&1
	local status=$?
	grep -vE '^$|^ +(CUnit|http)|Run Summary|suites|asserts|  tests|Elapsed' "$log.unit"
	rm -f "$log.unit"
	# a crash leaves no summary: it must count
	[ $status -le 1 ] || echo "unit: the test program ended with status $status"
}

part unit unit
part "fuzz corpus" bash tests/fuzz/replay.sh
part "end to end" bash tests/e2e/run.sh
part "authentication" bash tests/e2e/auth.sh
part "outbound" bash tests/e2e/outbound.sh
part "delivery by MX" bash tests/e2e/mx.sh
part "ESMTP" bash tests/e2e/esmtp.sh
part "processes" bash tests/e2e/processes.sh
part "reload" bash tests/e2e/reload.sh
crash() {
	bash tests/crash/steps.sh
	bash tests/crash/run.sh short
}
part "crash" crash
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
