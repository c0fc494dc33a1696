#!/bin/bash
# The extensions and defences of smtpd's listeners, spoken on sockets of the
# test's own and by swaks; and how much memory an idle connection takes.
# Prints what failed and 'NAME: N passed, N failed' for each part. IDLE=N: so
# many idle connections (10,000).
set -u
cd "$(dirname "$0")/../.." || exit 2
BIN=${BUILD:-build}/bin
export BIN
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=tests/e2e/world.sh
. tests/e2e/world.sh
# shellcheck source=tests/e2e/parts.sh
. tests/e2e/parts.sh
PID_esmtp="" # set by start()
trap 'finish "$WORLD"/esmtp.log' EXIT
trap 'exit 130' INT TERM

WORLD=$(mktemp -d "${TMPDIR:-/tmp}/isthmus-XXXXXX") || exit 1
chmod 755 "$WORLD"
base=$(free_ports) || exit 1
MX=$base SUBMIT=$((base + 1)) SUBMITS=$((base + 2)) IDLEPORT=$((base + 3))
IDLESPORT=$((base + 4)) SINK=$((base + 5))
mkdir -p "$WORLD/esmtp" "$WORLD/sink" && chmod 777 "$WORLD/sink"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
	-subj /CN=mx.esmtp.example -keyout "$WORLD/key.pem" -out "$WORLD/cert.pem" 2>"$WORLD/pki.log"
cat "$WORLD/cert.pem" "$WORLD/key.pem" >"$WORLD/server.pem"
chmod 600 "$WORLD/server.pem" "$WORLD/key.pem"
echo pencil | "$BIN/isthmus" identity --file "$WORLD/identities.xml" alice
sed -e "s|@WORLD@|$WORLD|g" -e "s|@MX@|$MX|" -e "s|@SUBMIT@|$SUBMIT|" \
	-e "s|@SUBMITS@|$SUBMITS|" -e "s|@IDLE@|$IDLEPORT|" -e "s|@IDLES@|$IDLESPORT|" \
	-e "s|@SINK@|$SINK|" tests/e2e/esmtp.xml.in >"$WORLD/esmtp.xml"
as=()
[ "$(id -u)" = 0 ] && as=(-u nobody)
start sink smtp-sink "${as[@]}" -d "$WORLD/sink/%M." "127.0.0.1:$SINK" 100
start esmtp "$BIN/isthmus" run -c "$WORLD/esmtp.xml"
wait_for 15 grep -q "listening address=127.0.0.1:$IDLESPORT " "$WORLD/esmtp.log" || exit 1

# says PATTERN PORT STEP...: the dialogue's last lines have it
says() {
	local pattern=$1
	shift
	perl tests/e2e/esmtp.pl "$@" >"$WORLD/last" 2>&1
	cat "$WORLD/last" >>"$WORLD/dialogues"
	grep -zqP -- "$pattern" "$WORLD/last"
}
not() { ! "$@"; }
sunk() { # PATTERN: a message that has it arrives
	wait_for 10 grep -rqP -- "$1" "$WORLD/sink"
}
HELLO="EHLO c.example" FROM="MAIL FROM:<a@b.example>" TO="RCPT TO:<joe@esmtp.example>"

check "extensions are listed" says '250-CHUNKING\n250-BINARYMIME\n250-SMTPUTF8\n250-MT-PRIORITY STANAG4406\n250-DELIVERBY 60\n250-MTRK\n250-RRVS\n250-XCLIENT' "$MX" "$HELLO"
check "submission has its own" says '250-FUTURERELEASE 3600 20' "$SUBMIT" "$HELLO"
check "what a listener is without" says '^(?!.*MTRK)(?!.*RRVS)(?s:.*)250 ' "$SUBMIT" "$HELLO"
check "a message in chunks" says '250 2.0.0 Queued' "$MX" "$HELLO" "$FROM" "$TO" \
	'raw:BDAT 16\r\nSubject: bdat\r\n\r' get 'raw:BDAT 9 LAST\r\n\n.\r\nend\r\n' get
check "its dots are its own" sunk '^\.\.?\r?$'
check "a chunk without recipients" says '503 5.5.1 No valid(?s:.*)250 2.0.0 Nothing' "$MX" "$HELLO" "$FROM" \
	'raw:BDAT 6\r\nQUIT\r\n' get NOOP
check "a chunk too large" says '552 5.3.4' "$MX" "$HELLO" "$FROM" "$TO" \
	'raw:BDAT 1048577\r\n' fill:1048577 get
check "a priority is raised by who may" says '250 2.1.0' "$MX" "$HELLO" "$FROM MT-PRIORITY=6"
check "and by nobody else" says '250 2.3.6 0 ' "$SUBMIT" "$HELLO" "$FROM MT-PRIORITY=6"
check "anyone may lower it" says '250 2.1.0' "$SUBMIT" "$HELLO" "$FROM MT-PRIORITY=-4"
check "a priority that was tunnelled" says 'Queued' "$MX" "$HELLO" "$FROM" "$TO" DATA \
	'MT-Priority: 4 (ultra)\r\nSubject: tunnel\r\n\r\nx\r\n.'
check "is in the log" wait_for 5 grep -q 'accepted.*priority=4' "$WORLD/esmtp.log"
check "a priority is in Received" says Queued "$MX" "$HELLO" "$FROM MT-PRIORITY=2" "$TO" DATA 'Subject: clause\r\n\r\nx\r\n.'
check "as a clause" sunk 'PRIORITY 2;'
check "UTF-8 without SMTPUTF8" says '550 5.6.7(?s:.*)553 5.6.7' "$MX" "$HELLO" 'MAIL FROM:<j\xc3\xb6@b.example>' \
	"$FROM" 'RCPT TO:<j\xc3\xb6@esmtp.example>'
check "a domain in U-labels finds its route" says '250 2.1.5' "$SUBMIT" "$HELLO" "$FROM SMTPUTF8" 'RCPT TO:<x@b\xc3\xbccher.example>'
check "too soon to be delivered by" says '555 5.5.4' "$MX" "$HELLO" "$FROM BY=10;R"
check "held longer than is allowed" says '501 5.5.4' "$SUBMIT" "$HELLO" "$FROM HOLDFOR=3601"
check "a message is held" says Queued "$SUBMIT" "$HELLO" "$FROM HOLDFOR=5" "$TO" DATA 'Subject: held\r\n\r\nx\r\n.'
sleep 1
check "not sent meanwhile" not grep -rq 'Subject: held' "$WORLD/sink"
check "and then released" sunk '^Subject: held'
check "REQUIRETLS is offered under TLS only" says '555 5.5.4' "$MX" "$HELLO" "$FROM REQUIRETLS"
check "aliases and details of them" says '250 2.1.5 <info\+x@esmtp.example>' "$MX" "$HELLO" "VRFY info+x@esmtp.example"
check "VRFY tells others nothing" says '252 2.1.5' "$SUBMIT" "$HELLO" "VRFY joe@esmtp.example"
check "EXPN of who is not known" says '502 5.5.1' "$SUBMIT" "$HELLO" "EXPN all@esmtp.example"
check "EXPN of who is" says '235(?s:.*)250-2.1.5 <joe@esmtp.example>\n250 2.1.5 <ann@' "$SUBMIT" "$HELLO" \
	"AUTH PLAIN $(printf '\0alice\0pencil' | base64)" "EXPN all@esmtp.example"
check "ETRN is not offered" says '502 5.5.1' "$MX" "$HELLO" "ETRN esmtp.example"
check "a domain that takes no mail" says '550 5.7.27(?s:.*)556 5.1.10' "$MX" "$HELLO" 'MAIL FROM:<a@silent.example>' \
	"$FROM" 'RCPT TO:<x@silent.example>'
check "our postmaster" says '250 2.1.5(?s:.*)250 2.1.5' "$SUBMIT" "$HELLO" "MAIL FROM:<>" \
	"RCPT TO:<Postmaster>" "RCPT TO:<postmaster@mx.esmtp.example>"
check "bare line ends are refused" says '550 5.6.0' "$MX" "$HELLO" "$FROM" "$TO" DATA 'a\nb\r\n.'
check "or made whole" says 'Queued' "$SUBMIT" "$HELLO" "$FROM" "$TO" DATA 'Subject: whole\r\n\r\na\n.\nMAIL FROM:<evil@x>\r\n.'
check "with what was smuggled inside" sunk '^MAIL FROM:<evil@x>'
check "a slow sender" says '421 4.4.2' "$MX" "$HELLO" "$FROM" "$TO" DATA raw:x get
check "XCLIENT" says '220 mx(?s:.*)250 2.1.0(?s:.*)550 5.7.1' "$MX" "$HELLO" "XCLIENT ADDR=192.0.2.7 HELO=far.example" \
	"$HELLO" "$FROM" "RCPT TO:<x@elsewhere.example>"
check "is in the log" grep -q 'xclient client=192.0.2.7:0' "$WORLD/esmtp.log"
check "the PROXY protocol in front of TLS" says '220 (?s:.*)550 5.7.1' tls "$SUBMITS" \
	'front:PROXY TCP4 192.0.2.9 127.0.0.1 1025 465\r\n' "$HELLO" "$FROM" "RCPT TO:<x@elsewhere.example>"
check "version 2 of it" says '220 (?s:.*)250 ' tls "$SUBMITS" \
	'front:\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x0a\x7f\0\0\x01\x04\x01\x01\xd1' "$HELLO" "$FROM" "RCPT TO:<y@elsewhere.example>"
check "names the client" grep -q 'refused client=192.0.2.9:1025' "$WORLD/esmtp.log"
check "and so does the other" grep -q 'refused client=192.0.2.10:1025' "$WORLD/esmtp.log"
check "no header, no session" says closed "$SUBMITS" "front:EHLO c\r\n" NOOP
check "which the log tells" grep -q 'proxy refused' "$WORLD/esmtp.log"
part "extensions"

# --- idle connections ---

smtpd=$(child_of "$PID_esmtp" smtpd)
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$smtpd/status"; }
hold() { # PORT N [tls]: KiB of each, in $each; they stay until let_go
	local before after=0
	before=$(rss)
	coproc HOLD { exec perl tests/e2e/idle.pl ${3:+"$3"} "$1" "$2" 2>>"$WORLD/idle.log"; }
	read -r -t 300 held <&"${HOLD[0]}"
	after=$(rss)
	each=$(((after - before) * 1024 / $2))
	check "a client is served beside $2 idle ${3:-plain} connections" says '250 ' "$MX" "$HELLO"
	check "$2 idle connections ${3:-in plain}: $held" [ "$held" = "$2 held" ]
}
let_go() {
	local pid=$HOLD_PID to=${HOLD[1]}
	exec {to}>&-
	wait "$pid" 2>/dev/null
}
# those with TLS first: memory that is free again would be counted for nothing
hold "$IDLESPORT" "$((${IDLE:-10000} / 10))" tls
tls=$each
let_go
PLAIN=$(rss)
hold "$IDLEPORT" "${IDLE:-10000}"
each=$((($(rss) - PLAIN + tls * ${IDLE:-10000} / 10 / 1024) * 1024 / ${IDLE:-10000}))
let_go
check "an idle connection takes less than 16 KiB" [ "$each" -lt 16384 ]
check "one under TLS less than 64 KiB" [ "$tls" -lt 65536 ]
echo "smtpd's memory for an idle connection: $each octets plain (of ${IDLE:-10000}), $tls under TLS"
part "idle connections"
