#!/bin/bash
# make demo: two complete switches on loopback, real mail from SMTP over X.400
# P1 and back. Shows each message on its way, checks all that it shows, and
# stops everything it started. Exit code 0 only when nothing was missing.
set -u
cd "$(dirname "$0")/../.." || exit 2
BIN=${BUILD:-build}/bin
export BIN
# shellcheck source=tests/e2e/world.sh
. tests/e2e/world.sh
# shellcheck source=tests/e2e/story.sh
. tests/e2e/story.sh

if [ -t 1 ]; then
	B=$'\e[1m' G=$'\e[32m' R=$'\e[31m' D=$'\e[2m' N=$'\e[0m'
else
	B='' G='' R='' D='' N=''
fi
missing=0
title() { printf '\n%s%s%s\n' "$B" "$1" "$N"; }
row() { printf '  %s%-14s%s %s\n' "$D" "$1" "$N" "$2"; }
show() { # indents what comes in
	sed 's/^/      /'
}
check() { # TEXT COMMAND...
	local text=$1
	shift
	if "$@" >/dev/null 2>&1; then
		printf '  %s✓%s %s\n' "$G" "$N" "$text"
	else
		printf '  %s✗ %s%s\n' "$R" "$text" "$N"
		missing=$((missing + 1))
	fi
}
finish() {
	local status=$?
	[ $status = 0 ] && [ "$missing" != 0 ] && status=1
	if [ $status != 0 ] && [ -n "$WORLD" ] && [ -z "${KEEP:-}" ]; then
		echo
		echo "Last lines of the logs (KEEP=1 make demo keeps all of it):"
		tail -n 15 "$WORLD"/alpha.log "$WORLD"/bravo.log 2>/dev/null
	fi
	[ -z "${KEEP:-}" ] || echo "kept: $WORLD"
	world_stop
	exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

world_start || exit 1
switches_start || exit 1

title "Two switches on this machine"
row alpha "SMTP/X.400 gateway: SMTP on port $ALPHA_SMTP, X.400 P1 (RFC 1006) on port $ALPHA_P1"
row bravo "X.400 MTA: P1 on port $BRAVO_P1, LMTP delivery to Dovecot on port $LMTP"
row "maps" "alpha.example = /C=XX/ADMD=ALPHA/PRMD=GATE/O=alpha/"
row "" "bravo.example = /C=XX/ADMD=BRAVO/PRMD=SHIP/O=bravo/"

title "1. A plain text with non-ASCII characters, alice@alpha.example to bob@bravo.example"
story_text
title "2. A message with two attachments"
story_attachments
title "3. To two recipients, of whom one does not exist"
story_two_recipients

title "The queues"
"$BIN/isthmus" queue -c "$WORLD/alpha.xml" | show
"$BIN/isthmus" queue -c "$WORLD/bravo.xml" | show

echo
if [ "$missing" = 0 ]; then
	echo "${G}Everything arrived, and every check held.${N}"
else
	echo "${R}$missing of the checks failed.${N}"
fi
