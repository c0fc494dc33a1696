#!/bin/bash
# What smtp and lmtp make of servers of others that offer more and less:
# Postfix's smtp-sink with and without 8BITMIME, Dovecot's LMTP over TCP and a
# Unix socket; and the reports that follow, with the operator's own text.
# Prints what failed and 'NAME: N passed, N failed' for each part.
set -u
cd "$(dirname "$0")/../.." || exit 2
BIN=${BUILD:-build}/bin
export BIN
PATH=$PATH:/usr/sbin:/sbin
for program in swaks smtp-sink dovecot; do
	command -v $program >/dev/null && continue
	echo "outbound: there is no $program (make deps): 0 passed, 1 failed"
	[ -n "${INTEROP:-}" ] && exit 0
	exit 1
done
# shellcheck source=tests/e2e/world.sh
. tests/e2e/world.sh
# shellcheck source=tests/e2e/parts.sh
. tests/e2e/parts.sh

trap 'finish "$WORLD"/outbound.log' EXIT
trap 'exit 130' INT TERM

start_outbound() {
	local base as=()
	[ "$(id -u)" = 0 ] && as=(-u nobody)
	world_ports || return 1
	base=$(free_ports) || return 1
	MX=$base EIGHT=$((base + 1)) SEVEN=$((base + 2))
	dovecot_conf
	sed "s|service lmtp {|&\n  unix_listener $WORLD/lmtp {\n    mode = 0666\n  }|" \
		"$WORLD/dovecot.conf" >"$WORLD/both.conf"
	start dovecot dovecot -F -c "$WORLD/both.conf"
	mkdir -p "$WORLD/eight" "$WORLD/seven" "$WORLD/outbound"
	chmod 777 "$WORLD/eight" "$WORLD/seven"
	# shellcheck disable=SC2034 # by start()
	PID_eight='' PID_seven=''
	start eight smtp-sink "${as[@]}" -d "$WORLD/eight/%M." "127.0.0.1:$EIGHT" 100
	start seven smtp-sink "${as[@]}" -8 -d "$WORLD/seven/%M." "127.0.0.1:$SEVEN" 100
	printf '# ours\n[failed]\nNot to ${recipient}: ${detail}\n[failed.de]\nNicht zugestellt: ${recipient}\n' \
		>"$WORLD/reports.txt"
	fill_in "$HERE/outbound.xml.in" | sed -e "s|@MX@|$MX|g" \
		-e "s|@EIGHT@|$EIGHT|g" -e "s|@SEVEN@|$SEVEN|g" >"$WORLD/outbound.xml"
	"$BIN/isthmus" check -c "$WORLD/outbound.xml" || return 1
	start outbound "$BIN/isthmus" run -c "$WORLD/outbound.xml"
	wait_port "$LMTP" && wait_port "$EIGHT" && wait_port "$SEVEN" && wait_port "$MX" 15
}
send() { # TO FILE
	swaks --server "127.0.0.1:$MX" --helo client.example --from alice@alpha.example \
		--to "$1" --data "@$2" --suppress-data >>"$WORLD/swaks.log" 2>&1
}
found() { grep -lrE -- "$2" "$WORLD/$1" 2>/dev/null | head -1 | grep .; }
has() { grep -qE -- "$2" "$(found "$1" '^Subject')"; }
report() { mailbox_find alice@alpha.example "$1"; }
reported() { grep -q -- "$2" "$(report "$1")"; }

content() {
	send x@eight.example "$HERE/mail/text.eml"
	wait_for 10 found eight '^Subject'
	check "8-bit data goes as it is where it may" has eight 'Genève'
	send x@seven.example "$HERE/mail/text.eml"
	wait_for 10 found seven '^Subject'
	check "and as quoted-printable where not" has seven 'Gen=C3=A8ve'
	check "with its label" has seven '^Content-Transfer-Encoding: quoted-printable'
	part "content"
}
signed() {
	local s=$WORLD/signed.eml
	printf 'Accept-Language: de-CH\nSubject: s\nMIME-Version: 1.0\nContent-Type: multipart/signed; boundary=b\n\n--b\n\ncaf\303\251\n--b\nContent-Type: a/b\n\nx\n--b--\n' >"$s"
	send y@seven.example "$s"
	wait_for 20 report 'Status: 5.6.3'
	check "a signed part is not rewritten but returned" report 'Status: 5.6.3'
	check "in the operator's words and the sender's language" \
		reported 'Status: 5.6.3' 'Nicht zugestellt: y@seven.example'
	part "signed parts"
}
mailboxes() {
	send bob@bravo.example,nobody@bravo.example "$HERE/mail/text.eml"
	wait_for 20 mailbox_find bob@bravo.example 'Genève'
	check "LMTP over a Unix socket" mailbox_find bob@bravo.example 'Genève'
	wait_for 20 report 'nobody@bravo.example'
	check "each recipient has its own fate" reported 'nobody@bravo.example' 'Action: failed'
	check "with the server's words" reported 'nobody@bravo.example' \
		'^Not to nobody@bravo.example: 550 5.1.1'
	part "mailboxes"
}

WORLD=$(mktemp -d "${TMPDIR:-/tmp}/isthmus-XXXXXX") || exit 2
chmod 755 "$WORLD"
start_outbound || exit 1
content
signed
mailboxes
[ "$all_failed" = 0 ]
