#!/bin/bash
# The scheduler in memory: decisions a second, octets an mlist.
#   MLISTS (1000000)
set -u
cd "$(dirname "$0")/../.." || exit 2
exec "${BUILD:-build}/tests/bench/sched" "${MLISTS:-1000000}"
