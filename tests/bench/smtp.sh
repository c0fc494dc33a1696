#!/bin/bash
# SMTP, ours and Postfix's, on this machine, in this run, each message synced to
# disk before it is accepted, in both: messages relayed per second; the
# same beside what the two load programs reach without an MTA between them; and
# messages accepted per second while the outbound peer is down. The rounds
# alternate, so that a noisy machine is noisy for all; medians are printed.
#   MESSAGES (3000)  SIZE (4096)  SESSIONS (20 100)  ROUNDS (3)
set -u
# shellcheck source=tests/bench/common.sh
. "$(dirname "$0")/common.sh"
MESSAGES=${MESSAGES:-3000} SIZE=${SIZE:-4096} SESSIONS=${SESSIONS:-20 100}
ROUNDS=${ROUNDS:-3}

failed() {
	tail "$WORLD/switch.log"
	exit 1
}

# The median of some rounds, or '-'.
of() { if [ -n "$*" ]; then median "$*"; else echo -; fi; }

relay() { # SESSIONS
	local ours="" peer="" bare="" r
	for _ in $(seq "$ROUNDS"); do
		r=$(relay_rate "$ALPHA_SMTP" "$1" "$MESSAGES" "$SIZE") || failed
		ours="$ours $r"
		if [ -n "$POSTFIX_UP" ]; then
			r=$(relay_rate "$POSTFIX_SMTP" "$1" "$MESSAGES" "$SIZE") || failed
			peer="$peer $r"
		fi
		r=$(bare_rate "$1" "$MESSAGES" "$SIZE") || failed
		bare="$bare $r"
	done
	line "smtp-relay-$1" "$(of "$ours")" "$(of "$peer")" "messages per second, $1 sessions; peer: Postfix"
	line "smtp-relay-$1-bare" "$(of "$ours")" "$(of "$bare")" "peer: without an MTA between source and sink"
	echo "rounds: ours$ours; Postfix$peer; bare$bare"
}

# Nobody listens at the sink's port.
accept_rate() { # PORT SESSIONS
	local t0
	t0=$(now_ms)
	source_run "$1" "$2" "$MESSAGES" "$SIZE" || return 1
	echo $((MESSAGES * 1000 / ($(now_ms) - t0 + 1)))
}
accept_only() { # SESSIONS
	local ours="" peer="" r
	for _ in $(seq "$ROUNDS"); do
		r=$(accept_rate "$ALPHA_SMTP" "$1") || failed
		ours="$ours $r"
		if [ -n "$POSTFIX_UP" ]; then
			r=$(accept_rate "$POSTFIX_SMTP" "$1") || failed
			peer="$peer $r"
		fi
	done
	line "smtp-accept-$1" "$(of "$ours")" "$(of "$peer")" \
		"messages accepted per second, $1 sessions, the outbound peer is down; peer: Postfix"
	echo "rounds: ours$ours; Postfix$peer"
}

bench_switch || exit 1
postfix_start 100
for sessions in $SESSIONS; do relay "$sessions"; done
for sessions in $SESSIONS; do accept_only "$sessions"; done
