# shellcheck shell=bash disable=SC2034
# The demo's three messages, told by row(), show() and check(), which the script
# that sources this defines: demo.sh shows everything, run.sh only counts.

# The value of a key in a log line: field KEY LINE
field() {
	sed -nE "s/.*[ ]$1=(\"([^\"]*)\"|([^ ]*)).*/\2\3/p" <<<"$2"
}
# The last line of a log with all these words: log_line FILE WORD...
log_line() {
	local file=$1 text
	shift
	text=$(cat "$file")
	for word in "$@"; do
		text=$(grep -F -- "$word" <<<"$text")
	done
	tail -n 1 <<<"$text" | grep .
}
has() { grep -qE -- "$1" <<<"$2"; }

told_association=
tell_association() {
	local line
	[ -z "$told_association" ] || return 0
	told_association=1
	line=$(log_line "$WORLD/alpha.log" association state=open role=initiator peer=bravo)
	row "association" "application context $(field context "$line") ($(field context-oid "$line")), RTSE $(field dialogue "$line"), checkpoint $(field checkpoint "$line") KiB"
	row "" "MTA $(field our-mta "$line") bound to MTA $(field peer-mta "$line") at $(field address "$line")"
	check "P1 association alpha to bravo, application context mts-transfer, both MTAs named" \
		has 'context-oid=2\.6\.0\.1\.6.* our-mta=alpha peer-mta=bravo' "$line"
	line=$(log_line "$WORLD/bravo.log" association state=open role=responder peer=alpha)
	check "seen by bravo as the responder" has 'context-oid=2\.6\.0\.1\.6' "$line"
}

# Accepts by SMTP at alpha, then follows it over P1. Sets accepted, sent, received.
send_over() { # FILE TO...
	local file=$1 dialogue id
	shift
	dialogue=$(send_mail "$ALPHA_SMTP" alice@alpha.example "$HERE/mail/$file" "$@")
	reply=$(grep -E '^<-  250 2\.0\.0 ' <<<"$dialogue" | tail -1)
	row "accepted" "${reply#<-  }"
	check "alpha said 250 for the message" test -n "$reply"
	id=$(grep -oE '\b[0-9a-f]{16}\b' <<<"$reply" | head -1)
	wait_for 20 log_line "$WORLD/alpha.log" " sent " "id=$id"
	accepted=$(log_line "$WORLD/alpha.log" " accepted " "id=$id")
	sent=$(log_line "$WORLD/alpha.log" " sent " "id=$id")
	tell_association
	mts_id=$(field mts-id "$sent")
	wait_for 10 log_line "$WORLD/bravo.log" " received " "$mts_id"
	received=$(log_line "$WORLD/bravo.log" " received " "$mts_id")
	row "MTS id" "$mts_id"
	row "originator" "$(field from "$received")"
	row "recipient" "$(field to "$received")$([ "$(field recipients "$received")" = 1 ] || echo ", and $(($(field recipients "$received") - 1)) more")"
	check "crossed P1: sent by alpha, accepted by bravo under the same MTS identifier" \
		has 'kind=message' "$received"
	check "the originator's O/R address" has 'from="?/S=alice/O=alpha/PRMD=GATE/ADMD=ALPHA/C=XX/' "$received"
}

# The trace fields of a message, unfolded, newest first.
trace_of() {
	tr -d '\r' <"$1" | sed '/^$/q' | sed -z 's/\n[ \t]\+/ /g' | grep -iE '^(X400-)?Received:'
}
tell_trace() { # FILE
	row "trace" "each hop, newest first"
	trace_of "$1" | fold -s -w 90 | show
	check "the trace shows SMTP at alpha, the X.400 domains of alpha and bravo, and the delivery" \
		trace_is_whole "$(trace_of "$1")"
}
trace_is_whole() {
	has '^X400-Received: .*alpha\.example' "$1" && has '^X400-Received: .*/PRMD=GATE/ADMD=ALPHA/C=XX/' "$1" &&
		has '^X400-Received: .*/PRMD=SHIP/ADMD=BRAVO/C=XX/' "$1" && has '^Received: .*LMTP' "$1"
}

# The decoded text of a message: transfer encodings undone.
decoded() { perl -MMIME::QuotedPrint -MMIME::Base64 -0777 -ne '
	s/\r//g; my $t = "";
	while (/^content-transfer-encoding:\s*(\S+)/mgi) { $t = lc $1; last if $t ne "7bit"; }
	if ($t eq "quoted-printable") { $_ = decode_qp($_) }
	elsif ($t eq "base64") { s/^([A-Za-z0-9+\/=\n]{16,})$/decode_base64($1)/mge; }
	print' "$1"; }
# as UTF-8, whatever the charset is
as_utf8() {
	if grep -qiE 'charset="?iso-8859-1' "$1"; then
		decoded "$1" | iconv -f ISO-8859-1 -t UTF-8
	else
		decoded "$1"
	fi
}
subject_of() { perl -MEncode -CO -0777 -ne 's/\r//g; s/\n[ \t]+/ /g; print decode("MIME-Header", $1) if /^Subject: ([^\n]*)/mi' "$1"; }
# What a mail reader shows on top.
readable_header() {
	perl -MEncode -CO -0777 -ne 's/\r//g; s/\n\n.*//s; s/\n[ \t]+/ /g;
		for my $n (qw(From To Subject Date Message-ID)) {
			print "$n: ", decode("MIME-Header", $1), "\n" if /^$n: ([^\n]*)/mi;
		}' "$1"
}
attachment() { # FILE NAME -> its octets
	perl -MMIME::Base64 -0777 -ne '
	BEGIN { $name = shift @ARGV }
	s/\r//g;
	for my $part (split /^--/m) {
		my ($head, $body) = split /\n\n/, $part, 2;
		next unless defined $body && $head =~ /filename="?\Q$name\E/;
		print $head =~ /base64/i ? decode_base64($body) : $body;
	}' "$2" "$1"
}

story_text() {
	local file text
	send_over text.eml bob@bravo.example
	check "the recipient's O/R address" has 'to="?/S=bob/O=bravo/PRMD=SHIP/ADMD=BRAVO/C=XX/' "$received"
	wait_for 20 mailbox_find bob@bravo.example '^Subject: .*Wetter'
	file=$(mailbox_find bob@bravo.example '^Subject: .*Wetter')
	check "delivered to bob's mailbox at bravo" test -n "$file"
	[ -n "$file" ] || return
	row "delivered" "to bob@bravo.example"
	{ readable_header "$file"; echo; as_utf8 "$file" | awk 'b; /^$/ { b = 1 }'; } | show
	check "the subject, character by character" test "$(subject_of "$file")" = "Wetter für Zürich und Malmö"
	text=$(as_utf8 "$file")
	check "the text, character by character" has 'Grüße aus Genève: QNH 1013 hPa, Temperatur 3 °C\.' "$text"
	check "every line of it" has 'Très bien reçu, à bientôt\.' "$text"
	check "the same Message-ID" grep -qi '^Message-ID: <text-1@alpha.example>' "$file"
	tell_trace "$file"
}

story_attachments() {
	local file name
	send_over attachments.eml bob@bravo.example
	wait_for 20 mailbox_find bob@bravo.example '^Subject: Two attachments'
	file=$(mailbox_find bob@bravo.example '^Subject: Two attachments')
	check "delivered to bob's mailbox at bravo" test -n "$file"
	[ -n "$file" ] || return
	for name in chart.png stations.csv; do
		row "attachment" "$name, $(attachment "$file" $name | wc -c) octets, SHA-256 $(attachment "$file" $name | sha256sum | cut -c1-16)..."
		check "$name arrived, octet by octet" \
			cmp <(attachment "$file" $name) <(attachment "$HERE/mail/attachments.eml" $name)
	done
	check "and the text before them" grep -q 'The chart and the table, as agreed\.' "$file"
}

story_two_recipients() {
	local file report line
	send_over two-recipients.eml carol@bravo.example nobody@bravo.example
	wait_for 20 mailbox_find carol@bravo.example '^Subject: One of you'
	file=$(mailbox_find carol@bravo.example '^Subject: One of you')
	check "the recipient who exists has it" test -n "$file"
	line=$(log_line "$WORLD/bravo.log" " failed " nobody@bravo.example)
	row "refused" "$(field to "$line"): $(field text "$line")"
	check "bravo's mailbox server refused the other" has ' failed .*nobody' "$line"
	wait_for 20 log_line "$WORLD/alpha.log" " received " kind=report
	report=$(log_line "$WORLD/alpha.log" " received " kind=report)
	row "report" "P1 report $(field mts-id "$report") from MTA $(field peer "$report") to $(field to "$report")"
	check "a non-delivery report came back over P1" has 'kind=report.*peer=bravo' "$report"
	wait_for 20 mailbox_find alice@alpha.example '^Content-Type: multipart/report'
	file=$(mailbox_find alice@alpha.example '^Content-Type: multipart/report')
	check "alice has a delivery status notification (RFC 3464)" test -n "$file"
	[ -n "$file" ] || return
	row "notification" "to alice@alpha.example"
	tr -d '\r' <"$file" | awk '/^(From|To|Subject):/ { print }' | head -3 | show
	tr -d '\r' <"$file" | awk '/^Content-Type: message\/delivery-status/ { p = 1; next } p && /^--/ { exit } p' | show
	check "from the null sender" grep -qE '^Return-Path: <>' "$file"
	check "it names the recipient" grep -qiE '^Final-Recipient: .*nobody' "$file"
	check "with Action: failed" grep -qiE '^Action: failed' "$file"
	check "and Status: 5.1.1" grep -qE '^Status: 5\.1\.1' "$file"
	check "and says nothing of the recipient who has it" bash -c "! grep -qiE '^Final-Recipient: .*carol' '$file'"
}
