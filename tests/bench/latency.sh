#!/bin/bash
# Latency from acceptance to onward delivery over SMTP, ours and Postfix's, each
# at half of the load that it can relay, measured just before.
#   MESSAGES (2000) to find the load  SECONDS_EACH (5)  SIZE (4096)  ROUNDS (3)
set -u
# shellcheck source=tests/bench/common.sh
. "$(dirname "$0")/common.sh"
MESSAGES=${MESSAGES:-2000} SECONDS_EACH=${SECONDS_EACH:-5} SIZE=${SIZE:-4096}
ROUNDS=${ROUNDS:-3}
declare -A p50 p99

failed() {
	tail "$WORLD/switch.log"
	exit 1
}

measure() { # NAME PORT
	local rate half a b all
	p50[$1]="" p99[$1]=""
	for _ in $(seq "$ROUNDS"); do
		rate=$(relay_rate "$2" 20 "$MESSAGES" "$SIZE") || failed
		half=$((rate / 2))
		all=$(timeout 60 "$BUILD/tests/bench/latency" "$2" "$SINK" "$half" "$SECONDS_EACH" "$SIZE") || failed
		read -r a b _ <<<"$all"
		p50[$1]+=" $a" p99[$1]+=" $b"
		echo "rounds: $1 at $half messages per second: p50 p99 worst messages: $all"
	done
}

bench_switch || exit 1
measure ours "$ALPHA_SMTP"
p50[peer]="" p99[peer]=""
if postfix_start 20; then
	measure peer "$POSTFIX_SMTP"
fi
for p in p50 p99; do
	declare -n v=$p
	q=-
	[ -z "${v[peer]}" ] || q=$(median "${v[peer]}")
	line "smtp-latency-$p" "$(median "${v[ours]}")" "$q" "microseconds at half load; peer: Postfix"
done
