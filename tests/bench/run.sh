#!/bin/bash
# make bench: what the switch does per second, beside a peer on the same machine
# in the same run where there is one. Each line is 'bench NAME ours=X peer=Y
# ratio=Z (what it is)'; 'cost' prints tables. BENCH="smtp latency p1 queue sched
# cost" names the parts to run (all). Each part takes a minute or two.
set -u
cd "$(dirname "$0")" || exit 2
status=0
for part in ${BENCH:-smtp latency p1 queue sched cost}; do
	bash "./$part.sh" || status=1
done
exit $status
