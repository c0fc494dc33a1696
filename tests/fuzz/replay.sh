#!/bin/bash
# Every fuzz corpus through its target, one test a target.
set -u
BUILD=${BUILD:-build}
passed=0 failed=0
for b in "$BUILD"/tests/replay/*; do
	[ -x "$b" ] && [ ! -d "$b" ] || continue
	case $b in *.d) continue ;; esac
	name=$(basename "$b")
	if out=$(timeout 120 "$b" "tests/fuzz/corpus/$name" 2>&1); then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "replay $name: FAILED"
		tail -20 <<<"$out"
	fi
done
echo "replay: $passed passed, $failed failed"
[ "$failed" = 0 ]
