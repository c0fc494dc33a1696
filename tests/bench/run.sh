#!/bin/bash
# make bench: what the switch does per second, beside a peer on the same machine
# in the same run where there is one. Each line is 'bench NAME ours=X peer=Y
# ratio=Z', or says what it measures. BENCH="smtp p1 queue sched" names the parts
# to run (all).
set -u
cd "$(dirname "$0")" || exit 2
status=0
for part in ${BENCH:-smtp p1 queue sched}; do
	bash "./$part.sh" || status=1
done
exit $status
