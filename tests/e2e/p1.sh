#!/bin/bash
# P1 between two switches, north and south: every protocol and the fall-back
# between them, credentials simple and strong, TLS, busy, permanent associations,
# and a large message whose association is lost on the way, in three manners.
# Prints what failed and 'NAME: N passed, N failed' for each part.
set -u
cd "$(dirname "$0")/../.." || exit 2
BIN=${BUILD:-build}/bin
export BIN
# shellcheck source=tests/e2e/world.sh
. tests/e2e/world.sh
# shellcheck source=tests/e2e/story.sh
. tests/e2e/story.sh
# shellcheck source=tests/e2e/parts.sh
. tests/e2e/parts.sh

PID_north="" PID_south="" PID_proxy="" # set by start()
trap 'finish "$WORLD"/north.log "$WORLD"/south.log' EXIT
trap 'exit 130' INT TERM

# a disk that stands still: the loader only warns where it is missing
SLOW=$(realpath "${BUILD:-build}")/tests/e2e/libslow.so
if [ ! -r "$SLOW" ] || LD_PRELOAD=$SLOW env true 2>&1 | grep -q .; then
	echo "p1: $SLOW is missing or cannot be loaded: make check-programs" >&2
	echo "p1: 0 passed, 1 failed"
	exit 1
fi

# --- certificates ---

certificate() { # NAME CA
	local w="$WORLD/pki"
	openssl req -newkey rsa:2048 -nodes -keyout "$w/$1.key" -out "$w/$1.csr" \
		-subj "/C=XX/O=Test/CN=$1" 2>/dev/null &&
		openssl x509 -req -in "$w/$1.csr" -CA "$w/$2.pem" -CAkey "$w/$2.key" \
			-CAcreateserial -days 2 -out "$w/$1.pem" \
			-extfile <(printf 'subjectAltName=DNS:%s\nkeyUsage=digitalSignature,keyEncipherment\n' "$1") 2>/dev/null
}
authority() { # NAME
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORLD/pki/$1.key" \
		-out "$WORLD/pki/$1.pem" -days 2 -subj "/C=XX/O=Test/CN=$1" 2>/dev/null
}
certificates() {
	mkdir -p "$WORLD/pki" && authority ca && authority stranger-ca &&
		certificate north-tls ca && certificate south-tls ca &&
		certificate north-strong ca && certificate south-strong ca &&
		certificate stranger stranger-ca
}

# --- the two switches ---

ports() {
	local base
	base=$(free_ports) || return 1
	NORTH_SMTP=$base NORTH_P1=$((base + 1)) SOUTH_P1=$((base + 2))
	SOUTH_TLS=$((base + 3)) PROXY=$((base + 4)) SINK=$((base + 5))
}

common() { # NAME
	local id=${1^^}
	cat <<-XML
		<mta name="$1" country="XX" admd="$id" hostname="$1.example"
		     postmaster="postmaster@$1.example"/>
		<log level="info" to="stderr"/>
		<spool directory="$WORLD/$1/spool"/>
		<scheduler retry-step="2s" retry-max="4s" chan-time1="100ms"/>
		<channel name="x400p1" program="x400p1" silence-timeout="60s"/>
		<channel name="smtp" program="smtp"/>
		<mixer gateway-domain="$1.example" gateway-or="/C=XX/ADMD=$id/"/>
		<tls name="mutual" certificate="$WORLD/pki/$1-tls.pem"
		     key="$WORLD/pki/$1-tls.key" ca="$WORLD/pki/ca.pem"
		     verify="required"/>
		<security name="strong" certificate="$WORLD/pki/$1-strong.pem"
		          key="$WORLD/pki/$1-strong.key" ca="$WORLD/pki/ca.pem"/>
	XML
}
# The peer called NAME is south, where north is known as north-NAME; recipients
# are @NAME.example.
north_peer() { # NAME PORT ATTRIBUTES
	echo "<peer name=\"$1\" channel=\"x400p1\" address=\"127.0.0.1:$2\""
	echo "  tsel=\"P1-SOUTH\" our-mta=\"north-$1\" $3/>"
	echo "<route domain=\"$1.example\" peer=\"$1\"/>"
}
south_peer() { # NAME ATTRIBUTES
	echo "<peer name=\"$1\" channel=\"x400p1\" address=\"127.0.0.1:$NORTH_P1\""
	echo "  tsel=\"P1-NORTH\" mta=\"north-$1\" $2/>"
}
simple='mta="south" password="south-says" our-password="north-says"'
back='password="north-says" our-password="south-says"'

north_xml() {
	echo '<isthmus name="north">'
	common north
	cat <<-XML
		<iaed><listen address="127.0.0.1:$NORTH_P1"/>
		<service tsel="P1-NORTH" channel="x400p1"/></iaed>
		<smtpd><listen address="127.0.0.1:$NORTH_SMTP"/>
		<relay client="127.0.0.0/8"/></smtpd>
	XML
	north_peer p88 "$SOUTH_P1" "$simple"
	north_peer px410 "$SOUTH_P1" "$simple protocol=\"x410\""
	north_peer p84 "$SOUTH_P1" "$simple protocol=\"1984\""
	north_peer pauto "$SOUTH_P1" "$simple protocol=\"auto\""
	north_peer ptls "$SOUTH_TLS" "$simple tls=\"mutual\" tls-name=\"south-tls\""
	north_peer pplain "$SOUTH_P1" "$simple"
	north_peer pstrong "$SOUTH_P1" 'mta="south-strong" security="strong"'
	north_peer pweak "$SOUTH_P1" "$simple"
	north_peer pwrong "$SOUTH_P1" 'mta="south" password="south-says" our-password="guess"'
	north_peer pfrom "$SOUTH_P1" "$simple"
	north_peer pkept "$SOUTH_P1" "$simple permanent=\"2\""
	north_peer pcut "$PROXY" "$simple"
	north_peer pbusy "$SOUTH_P1" "$simple max-connections=\"1\" permanent=\"1\""
	echo "<peer name=\"pbusy2\" channel=\"x400p1\" address=\"127.0.0.1:$SOUTH_P1\""
	echo "  tsel=\"P1-SOUTH\" our-mta=\"north-pbusy\" $simple/>"
	echo '<route domain="pbusy2.example" peer="pbusy2"/>'
	north_peer paway 1 'mta="away" country="YY" admd="AWAY" otherwise="p88" reroute-after="2s"'
	echo '<peer name="out" channel="smtp" address="127.0.0.1:1"/>'
	echo '<route domain="north.example" peer="out"/>'
	echo '<route or="/C=XX/ADMD=NORTH/" peer="out"/></isthmus>'
}
south_xml() {
	echo '<isthmus name="south">'
	common south
	cat <<-XML
		<iaed><listen address="127.0.0.1:$SOUTH_P1"/>
		<listen address="127.0.0.1:$SOUTH_TLS" tls="mutual" channel="x400p1"/>
		<service tsel="P1-SOUTH" channel="x400p1"/></iaed>
	XML
	south_peer p88 "$back"
	south_peer px410 "$back protocol=\"x410\""
	south_peer p84 "$back protocol=\"1984\""
	south_peer pauto "$back protocol=\"1984\""
	south_peer ptls "$back tls=\"mutual\" tls-name=\"north-tls\""
	south_peer pplain "$back tls=\"mutual\" tls-name=\"north-tls\""
	echo "<peer name=\"pstrong\" channel=\"x400p1\" address=\"127.0.0.1:$NORTH_P1\""
	echo '  mta="north-pstrong" our-mta="south-strong" security="strong"'
	echo '  security-subject="CN=north-strong,O=Test,C=XX"/>'
	south_peer pweak 'security="strong"'
	south_peer pwrong "$back"
	south_peer pfrom "$back from=\"192.0.2.0/24 2001:db8::/32\""
	south_peer pkept "$back"
	south_peer pcut "$back"
	south_peer pbusy "$back max-incoming=\"1\""
	echo "<peer name=\"sink\" channel=\"smtp\" address=\"127.0.0.1:$SINK\"/>"
	echo '<route or="/C=XX/ADMD=NORTH/" peer="sink"/>'
	echo '<route domain="*" peer="sink"/></isthmus>'
}

switch_start() { # north | south
	mkdir -p "$WORLD/$1"
	"$1_xml" >"$WORLD/$1.xml"
	start "$1" env LD_PRELOAD="$SLOW" SLOW_WHILE="$WORLD/slow-$1" \
		"$BIN/isthmus" run -c "$WORLD/$1.xml"
}
p1_world_start() {
	WORLD=$(mktemp -d "${TMPDIR:-/tmp}/isthmus-XXXXXX") || return 1
	chmod 755 "$WORLD"
	ports && certificates || return 1
	mkdir -p "$WORLD/sink" && chmod 777 "$WORLD/sink"
	local as=()
	[ "$(id -u)" = 0 ] && as=(-u nobody)
	start sink /usr/sbin/smtp-sink "${as[@]}" -d "$WORLD/sink/%M." \
		"127.0.0.1:$SINK" 100
	wait_port "$SINK" || return 1
	switch_start south
	wait_port "$SOUTH_P1" 15 && switch_start north &&
		wait_port "$NORTH_SMTP" 15
}

# --- messages ---

mail() { # PEER SUBJECT
	printf 'From: ann@north.example\r\nTo: bob@%s.example\r\nSubject: %s\r\n\r\nText.\r\n' \
		"$1" "$2" >"$WORLD/mail.eml"
	send_mail "$NORTH_SMTP" ann@north.example "$WORLD/mail.eml" \
		"bob@$1.example" >/dev/null
}
arrives() { # PEER TEXT
	mail "$1" "By $1"
	wait_for 20 sink_find "^Subject: By $1\$"
	check "$2" sink_find "^Subject: By $1\$"
}
north_says() { log_line "$WORLD/north.log" "$@"; }
south_says() { log_line "$WORLD/south.log" "$@"; }

protocols() {
	arrives p88 "1988, normal mode"
	check "its association says so" north_says state=open peer=p88 "context=mts-transfer "
	arrives px410 "1988, X.410 mode"
	check "its association says so" south_says state=open peer=px410 context=mts-transfer-protocol
	arrives p84 "1984"
	check "its association says so" south_says state=open peer=p84 context=mts-transfer-protocol-1984
	arrives pauto "a peer of 1984 is found out"
	check "by way of the others" test "$(grep -c 'protocol refused.*peer=pauto' "$WORLD/north.log")" = 2
	check "and known from then on" south_says state=open peer=pauto context=mts-transfer-protocol-1984
}

credentials() {
	arrives ptls "TLS, both certificates matched to the names"
	mail pplain "By pplain"
	wait_for 10 south_says "caller refused" "must speak TLS"
	check "who must speak TLS, and does not, is refused" south_says "caller refused" "must speak TLS"
	check "with the reason" north_says state=refused peer=pplain bind-error=inadequate-association-confidentiality
	arrives pstrong "strong credentials"
	mail pweak "By pweak"
	wait_for 10 north_says state=refused peer=pweak
	check "simple ones are not enough where strong ones are asked for" north_says state=refused peer=pweak bind-error=
	mail pwrong "By pwrong"
	wait_for 10 north_says state=refused peer=pwrong
	check "a wrong password: authentication-error" north_says state=refused peer=pwrong bind-error=authentication-error
	check "and at the other end" south_says state=refused peer=pwrong
	check "one line an attempt, with what waits" north_says state=refused peer=pwrong attempt=1 waiting=1 reason=
	check "and none else" bash -c "! grep -v 'state=refused' '$WORLD/north.log' | grep -q 'x400p1.*peer=pwrong'"
	mail pfrom "By pfrom"
	wait_for 10 north_says state=refused peer=pfrom
	check "a call from elsewhere: authentication-error" north_says state=refused peer=pfrom bind-error=authentication-error
	check "and the reason in our own log" south_says "caller refused" "from this address"
}

# Whose peer is away: it goes to the other, and says where it was tried.
rerouted() {
	arrives paway "a peer that is away: the other gets it"
	check "the log says so" north_says rerouted peer=paway to=p88
	check "and who got it" north_says "sent kind=message" "bob(a)paway" peer=p88
}

# One message, three peers: each gets a copy with all recipients, and is
# responsible for its own (X.411 14.3.2).
copies() {
	local files peer
	mail p88 "Copies" # makes the text, too
	send_mail "$NORTH_SMTP" ann@north.example "$WORLD/mail.eml" \
		bob@p88.example bob@px410.example bob@pstrong.example >/dev/null
	wait_for 20 sink_has 4 Copies
	sleep 1
	check "three peers' recipients: three copies" sink_has 4 Copies # and the first mail
	files=$(grep -lr '^Subject: Copies$' "$WORLD/sink")
	for peer in p88 px410 pstrong; do
		check "$peer has one, which names all recipients" \
			south_says "received kind=message" "recipients=3" "peer=$peer"
		check "and passes it on to its own" grep -q "^X-Rcpt-Args: <bob@$peer\.example>" $files
	done
	check "one recipient each" test "$(grep -h '^X-Rcpt-Args' $files | wc -l)" = 4
}
sink_has() { # N SUBJECT
	test "$(grep -lr "^Subject: $2\$" "$WORLD/sink" | wc -l)" = "$1"
}

pings() { # PEER TEXT WORDS: `isthmus ping` of north binds to it, and says WORDS
	check "ping: $2" bash -c \
		"'$BIN/isthmus' ping -c '$WORLD/north.xml' $1 >'$WORLD/ping.out' 2>&1"
	check "it says so" grep -q "$3" "$WORLD/ping.out"
}
pinged() {
	pings p88 "1988" 'id-as-mtse'
	pings px410 "X.410 mode" 'P1 .*bound'
	pings p84 "1984" 'P1 .*bound'
	pings pauto "a peer of 1984 is found out" 'P1 .*bound'
	pings ptls "TLS" 'TLS .*TLSv1\.[23],.*subject "CN=south-tls'
	pings pstrong "strong credentials" 'the MTA is "south-strong"'
	check "ping: TLS by options" bash -c "'$BIN/isthmus' ping 127.0.0.1:$SOUTH_TLS \
		--tsel P1-SOUTH --our-mta north-ptls --our-password north-says --mta south \
		--tls-ca '$WORLD/pki/ca.pem' --tls-cert '$WORLD/pki/north-tls.pem' \
		--tls-key '$WORLD/pki/north-tls.key' --tls-name south-tls >'$WORLD/ping.out' 2>&1"
	check "ping: another name" bash -c "! '$BIN/isthmus' ping -c '$WORLD/north.xml' ptls \
		--tls-name other >'$WORLD/ping.out' 2>&1"
	check "it is TLS that says no" grep -q 'TLS: .*does not carry the name' "$WORLD/ping.out"
	check "and no PDU is said to be sent" bash -c "! grep -q -e '->' '$WORLD/ping.out'"
	check "ping: plain to a TLS port" bash -c "! '$BIN/isthmus' ping 127.0.0.1:$SOUTH_TLS \
		--tsel P1-SOUTH --our-mta x -t 5 >'$WORLD/ping.out' 2>&1"
	check "the right question is asked" grep -q 'is it a TLS port' "$WORLD/ping.out"
}

kill_channel() { # PID of a switch: its x400p1 dies
	kill -KILL "$(child_of "$1" x400p1 | head -1)"
}
opened() { # PEER N: so many associations were opened to it
	test "$(grep -c "state=open.*role=initiator peer=$1 " "$WORLD/north.log")" -ge "$2"
}

kept_associations() {
	wait_for 10 opened pkept 2
	check "permanent associations are opened without work" opened pkept 2
	wait_for 10 opened pbusy 1
	mail pbusy2 "By pbusy2"
	wait_for 10 north_says state=refused peer=pbusy2
	check "one more than the peer may have: busy" north_says state=refused peer=pbusy2 bind-error=busy
	sleep 3
	check "they are not idle ones" test "$(grep -c 'state=closed.*peer=pkept' "$WORLD/north.log")" = 0
	kill_channel "$PID_south"
	wait_for 20 opened pkept 4
	check "and opened again when they break" opened pkept 4
	arrives pkept "mail goes over them"
	check "and opens no other" test "$(grep -c 'state=open.*role=initiator peer=pkept ' "$WORLD/north.log")" = 4
}

# --- resume ---

large_mail() { # SUBJECT
	{
		printf 'From: ann@north.example\r\nTo: bob@pcut.example\r\nSubject: %s\r\n\r\n' "$1"
		awk 'BEGIN { for (i = 0; i < 80000; i++) printf "line %05d of a message that is on its way for a good long while\r\n", i }'
	} >"$WORLD/large.eml"
	send_mail "$NORTH_SMTP" ann@north.example "$WORLD/large.eml" bob@pcut.example >/dev/null
}
proxy_start() { # cut | stall
	: >"$WORLD/proxy.log"
	start proxy perl "$HERE/cut.pl" "$PROXY" "$SOUTH_P1" "$1" 3000000
	wait_port "$PROXY"
}
# All that crossed: little more than once, and much more than was sent last.
octets_fit() {
	local all last
	all=$(awk '/^(cut|closed) / { n += $2 } END { print n + 0 }' "$WORLD/proxy.log")
	last=$(awk '/^closed / { n = $2 } END { print n + 0 }' "$WORLD/proxy.log")
	echo "octets: $all in all, $last on the last association" >"$WORLD/octets"
	[ "$all" -gt 5000000 ] && [ "$all" -lt 6300000 ] && [ "$last" -lt 4000000 ]
}
large_arrived() { # SUBJECT
	local file
	file=$(sink_find "^Subject: $1\$") || return 1
	cmp <(tr -d '\r' <"$WORLD/large.eml" | grep '^line ') \
		<(tr -d '\r' <"$file" | grep '^line ')
}
resumes=1 # that there must be by then
said_resumed() { # north|south out|in
	test "$(grep -c "transfer resumed direction=$2 .*peer=pcut " "$WORLD/$1.log")" = $resumes
}
resumed() { # SUBJECT WHAT, after the association was lost
	wait_for 40 sink_find "^Subject: $1\$"
	check "$2: it arrives whole" large_arrived "$1"
	check "$2: and once" test "$(grep -lr "^Subject: $1" "$WORLD/sink" | wc -l)" = 1
	# the association is closed when it has been idle
	stop_pid "$(child_of "$PID_north" x400p1 | head -1)"
	wait_for 20 octets_fit
	check "$2: from its checkpoint ($(cat "$WORLD/octets"))" octets_fit
	check "$2: north says so" said_resumed north out
	check "$2: south says so" said_resumed south in
	check "$2: nothing stays behind" no_transfers
	stop_pid "$PID_proxy"
	resumes=$((resumes + 1))
}
no_transfers() { ! compgen -G "$WORLD/*/spool/transfers/*.busy" && ! compgen -G "$WORLD/*/spool/transfers/*.in" && ! compgen -G "$WORLD/*/spool/transfers/*.out"; }

lost_associations() {
	proxy_start cut
	large_mail "Cut off"
	resumed "Cut off" "a connection that is reset"
	proxy_start stall
	large_mail "Our end"
	wait_for 20 grep -q stalled "$WORLD/proxy.log"
	kill_channel "$PID_north"
	resumed "Our end" "the sender is killed"
	proxy_start stall
	large_mail "Their end"
	wait_for 20 grep -q stalled "$WORLD/proxy.log"
	kill_channel "$PID_south"
	resumed "Their end" "the receiver is killed"
	resumed_while_committed late "While it is written" "lost in the commit"
	resumed_while_committed half "Still open" "lost in the commit, unnoticed"
}

# The whole of it has come, and the disk stands still; the association is lost,
# and the transfer resumed on another: it is taken once.
resumed_while_committed() { # late|half SUBJECT WHAT
	local waits
	waits=$(grep -c "transfer waits" "$WORLD/south.log")
	proxy_start "$1"
	: >"$WORLD/slow-south"
	large_mail "$2"
	wait_for 30 grep -q '^cut' "$WORLD/proxy.log"
	wait_for 30 test_more "transfer waits" "$waits"
	check "$3: it waits" test_more "transfer waits" "$waits"
	check "$3: it is not there yet" bash -c "! grep -qlr '^Subject: $2' '$WORLD/sink'"
	rm -f "$WORLD/slow-south"
	wait_for 30 sink_find "^Subject: $2\$"
	check "$3: it arrives whole" large_arrived "$2"
	wait_for 10 north_says " sent .*" "peer=pcut"
	sleep 3
	check "$3: and once" test "$(grep -lr "^Subject: $2" "$WORLD/sink" | wc -l)" = 1
	check "$3: known to be complete" south_says "transfer complete already"
	stop_pid "$PID_proxy"
	wait_for 10 no_transfers
	check "$3: nothing stays behind" no_transfers
	resumes=$((resumes + 1))
}
test_more() { test "$(grep -c "$1" "$WORLD/south.log")" -gt "$2"; }

p1_world_start || {
	echo "p1: 0 passed, 1 failed"
	exit 1
}
capture_start "$WORLD/p1.pcap" "$NORTH_P1" "$SOUTH_P1"
protocols
part "p1 protocols"
credentials
part "p1 credentials"
rerouted
part "p1 rerouting"
copies
part "p1 copies"
pinged
part "isthmus ping"
kept_associations
part "p1 associations"
lost_associations
part "p1 lost associations"
stop_pid "$PID_tcpdump"
bash tests/conformance/streams.sh "$WORLD/p1.pcap" "$NORTH_P1,$SOUTH_P1" || all_failed=$((all_failed + 1))
