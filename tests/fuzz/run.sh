#!/bin/sh
# Runs every fuzz target for a bounded time, starting from its corpus; new
# inputs stay in build/. Fails when one of them crashes, leaks or hangs.
# usage: run.sh SECONDS BINARY...
seconds=$1
shift
failed=0
for b in "$@"; do
	name=$(basename "$b")
	mkdir -p "build/fuzz-corpus/$name"
	if "$b" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
		-artifact_prefix="build/fuzz-corpus/$name-" -print_final_stats=0 \
		"build/fuzz-corpus/$name" "tests/fuzz/corpus/$name" \
		> "build/fuzz-corpus/$name.log" 2>&1; then
		echo "fuzz $name: clean after $seconds s"
	else
		echo "fuzz $name: FAILED, see build/fuzz-corpus/$name.log"
		failed=1
	fi
done
exit $failed
