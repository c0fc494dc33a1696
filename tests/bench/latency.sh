#!/bin/bash
# Latency from acceptance to onward delivery over SMTP, ours and Postfix's, each
# at half of the load that it can relay, measured just before; and ours once
# more at Postfix's load.
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

measure() { # NAME PORT [RATE]
	local rate a b all
	p50[$1]="" p99[$1]=""
	for _ in $(seq "$ROUNDS"); do
		rate=${3:-$(($(relay_rate "$2" 20 "$MESSAGES" "$SIZE") / 2))}
		all=$(timeout 60 "$BUILD/tests/bench/latency" "$2" "$SINK" "$rate" "$SECONDS_EACH" "$SIZE") || failed
		read -r a b _ <<<"$all"
		p50[$1]+=" $a" p99[$1]+=" $b"
		echo "rounds: $1 at $rate messages per second: p50 p99 worst messages: $all"
	done
	last=$rate
}
lines() { # NAME OURS PEER TEXT
	local p q
	for p in p50 p99; do
		declare -n v=$p
		q=-
		[ -z "${v[$3]:-}" ] || q=$(median "${v[$3]}")
		line "$1-$p" "$(median "${v[$2]}")" "$q" "microseconds, $4; peer: Postfix"
	done
}

bench_switch || exit 1
measure ours "$ALPHA_SMTP"
if postfix_start 20; then
	measure peer "$POSTFIX_SMTP"
	measure same "$ALPHA_SMTP" "$last"
	lines smtp-latency-same same peer "$last messages per second"
fi
lines smtp-latency ours peer "each at half load"
