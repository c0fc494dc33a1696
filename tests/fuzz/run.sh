#!/bin/sh
# Runs every fuzz target for a bounded time, starting from its corpus, as many at
# once as there are processors; new inputs stay in build/. Fails when one of them
# crashes, leaks or hangs.
# usage: run.sh SECONDS BINARY...
if [ "$1" = one ]; then
	name=$(basename "$3")
	mkdir -p "build/fuzz-corpus/$name"
	if "$3" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 \
		-artifact_prefix="build/fuzz-corpus/$name-" -print_final_stats=0 \
		"build/fuzz-corpus/$name" "tests/fuzz/corpus/$name" \
		>"build/fuzz-corpus/$name.log" 2>&1; then
		echo "fuzz $name: clean after $2 s"
		exit 0
	fi
	echo "fuzz $name: FAILED, see build/fuzz-corpus/$name.log"
	exit 1
fi
seconds=$1
shift
printf '%s\n' "$@" | xargs -P "$(nproc)" -I '{}' sh "$0" one "$seconds" '{}'
