# shellcheck shell=bash
# What the benchmarks share: a world with its queue on the disk, one switch that
# relays (bench.xml.in), medians, and the line that is printed. Sourced.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
BUILD=${BUILD:-build}
BIN=$BUILD/bin
BENCH_HERE=tests/bench
export BIN
# shellcheck source=tests/e2e/world.sh
. tests/e2e/world.sh

# Disk, not memory: what is accepted must be synced for real.
WORLD=$(mktemp -d "${BENCH_DIR:-/var/tmp}/isthmus-bench-XXXXXX") || exit 1
chmod 755 "$WORLD"
trap world_stop EXIT
world_ports || exit 1

now_ms() { date +%s%3N; }

median() { tr ' ' '\n' <<<"$*" | grep . | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

bench_switch() {
	fill_in "$BENCH_HERE/bench.xml.in" >"$WORLD/bench.xml"
	start switch "$BIN/isthmus" run -c "$WORLD/bench.xml"
	wait_port "$ALPHA_SMTP" 15 && wait_port "$ALPHA_P1" 15 && return 0
	tail "$WORLD/switch.log"
	return 1
}
