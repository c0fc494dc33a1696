# shellcheck shell=bash disable=SC2154
# What an MTA does beyond passing messages on (X.411 clause 14), through both
# switches: an MTA of the tests' own, charlie, sends by P1 to alpha, which
# relays to bravo, which delivers; reports come back to charlie. Sourced by
# run.sh, which defines check().

SHIP=/O=bravo/PRMD=SHIP/ADMD=BRAVO/C=XX/
CHARLIE_USER=/S=Chief/ADMD=CHARLIE/C=XX/
PEER=${BUILD:-build}/tests/e2e/p1peer

# charlie_sends ID TO [--OPTION VALUE]...
charlie_sends() {
	local id=$1 to=$2
	shift 2
	"$PEER" send "127.0.0.1:$ALPHA_P1" --tsel P1-ALPHA \
		--our-mta charlie --our-password charlie-says --peer-mta alpha --peer-password alpha-says \
		--from "$CHARLIE_USER" --id "$id" --to "$to" "$@" >>"$WORLD/p1peer.log" 2>&1
}
# The report about a message, as charlie got it: report_on ID [PATTERN]
report_on() {
	awk -v id=";$1\$" -v want="${2:-.}" '
		function flush() { if (hit && text ~ want) { printf "%s", text; found = 1 } text = ""; hit = 0 }
		/^==$/ { flush(); next }
		{ text = text $0 "\n" }
		/subject/ && $0 ~ id { hit = 1 }
		END { flush(); exit !found }' "$WORLD/charlie.log"
}
# reported WHAT ID PATTERN...: the report on ID has all of these
reported() {
	local what=$1 id=$2 report p
	shift 2
	wait_for 20 report_on "$id"
	report=$(report_on "$id")
	for p in "$@"; do
		check "$what: $p" has "$p" "$report"
	done
}
no_report_on() { ! report_on "$1"; }
lacks() { ! has "$1" "$2"; }
delivered_to() { mailbox_find "$1@bravo.example" "^Subject: $2\$"; }

mta_redirection() {
	local file
	charlie_sends moved-1 "/S=moved$SHIP"
	reported "a redirected recipient" moved-1 'S=bob' 'S=moved' 'redirection-history' 'delivered'
	check "bob has it" delivered_to bob moved-1
	file=$(delivered_to bob moved-1)
	check "and its trace says so" has 'Redirected' "$(trace_of "${file:-/dev/null}")"
	charlie_sends moved-2 "/S=moved$SHIP" --prohibit reassignment
	reported "redirection that is prohibited" moved-2 'recipient-reassignment-prohibited'
	charlie_sends moved-3 "/S=ping$SHIP"
	reported "a circle of redirections" moved-3 'redirection-loop-detected'
	send_mail "$BRAVO_SMTP" alice@alpha.example "$HERE/mail/reverse.eml" moved@bravo.example >/dev/null
	wait_for 20 log_line "$WORLD/bravo.log" " delivered " "to=bob@bravo.example"
	check "an Internet recipient is redirected" log_line "$WORLD/bravo.log" " delivered " "to=bob@bravo.example"
}

mta_alternates() {
	charlie_sends alt-1 "/S=ghost$SHIP" --alternate "/S=bob$SHIP"
	reported "the originator's alternate, when delivery failed" alt-1 'S=bob' 'S=ghost' 'delivered'
	check "bob has what ghost could not get" delivered_to bob alt-1
	charlie_sends alt-2 "/S=ghost$SHIP" --alternate "/S=spectre$SHIP"
	reported "an alternate that fails as well" alt-2 'S=spectre' 'not-delivered' 'unrecognised-OR-name'
	charlie_sends alt-3 "/S=ghost$SHIP" --allow alternate
	reported "the domain's alternate" alt-3 'S=carol' 'S=ghost'
	check "carol has what nobody else could get" delivered_to carol alt-3
	charlie_sends alt-4 "/S=Nobody/PRMD=SHIP/ADMD=BRAVO/C=XX/"
	reported "a recipient without a route" alt-4 'unrecognised-OR-name'
}

mta_lists() {
	charlie_sends list-1 "/CN=crew$SHIP"
	reported "a member's failure, back through the list" list-1 'S=ghost' 'not-delivered' 'reporting-DL-name'
	check "the other member has it" delivered_to bob list-1
	check "and its history" grep -qi '^DL-Expansion-History: .*crew' "$(delivered_to bob list-1)"
	charlie_sends list-2 "/CN=crew$SHIP" --prohibit dl
	reported "expansion that is prohibited" list-2 'dl-expansion-prohibited'
	charlie_sends list-3 "/CN=silent$SHIP"
	reported "a list that tells nothing of its members" list-3 'CN=silent' 'delivered'
	wait_for 20 log_line "$WORLD/bravo.log" "report dropped" list=/CN=silent
	check "drops their reports, and says so" log_line "$WORLD/bravo.log" "report dropped" CN=silent
	check "so that the sender hears nothing of ghost" bash -c "! grep -q 'list-3.*ghost' '$WORLD/charlie.log'"
	charlie_sends list-4 "/CN=silent$SHIP" --from /S=Nemo/ADMD=CHARLIE/C=XX/
	reported "who may not send to a list" list-4 'no-dl-submit-permission'
	charlie_sends list-5 "/CN=owned$SHIP" --report ndr
	reported "members' failures, to the owner" list-5 'S=Owner' 'S=ghost'
	charlie_sends list-6 "/CN=all$SHIP"
	reported "a nested list" list-6 'S=ghost'
	check "its member has it once" test "$(grep -rlE '^Subject: list-6' "$WORLD"/mail/bravo.example/bob/{new,cur} | wc -l)" = 1
	check "and the circle in it ends" log_line "$WORLD/bravo.log" "list loop"
}

mta_probes() {
	charlie_sends probe-1 "/S=bob$SHIP" --probe yes --to "/S=Nobody/PRMD=SHIP/ADMD=BRAVO/C=XX/"
	reported "a probe" probe-1 'delivered' 'unrecognised-OR-name'
	charlie_sends probe-2 "/CN=silent$SHIP" --probe yes --from /S=Nemo/ADMD=CHARLIE/C=XX/
	reported "a probe for a list" probe-2 'no-dl-submit-permission'
	check "nothing is ever delivered of it" bash -c "! grep -rq 'Subject: probe-' '$WORLD/mail'"
}

mta_rejected() {
	charlie_sends rej-1 "/S=bob$SHIP" --unknown critical --return yes
	reported "what is rejected at receipt" rej-1 'unsupported-critical-function' 'extension 199' 'content-returned'
	check "nobody has it" bash -c "! grep -rq 'Subject: rej-1' '$WORLD/mail'"
	check "it is told once" test "$(grep -c 'subject.*;rej-1$' "$WORLD/charlie.log")" = 1
	charlie_sends rej-2 "/S=bob$SHIP" --unknown critical --report ndr --alternate "/S=bob$SHIP"
	reported "one without its content" rej-2 'unsupported-critical-function'
	check "not asked for" lacks content-returned "$(report_on rej-2)"
	check "an alternate would get the same" bash -c "! grep -rq 'Subject: rej-2' '$WORLD/mail'"
	charlie_sends rej-3 "/S=bob$SHIP" --passed GATE --return yes
	reported "a loop" rej-3 'loop-detected' 'content-returned'
	charlie_sends rej-5 "/S=bob$SHIP" --size 400000 --return yes
	reported "a content longer than the channel's max-size" rej-5 'content-too-long'
	check "which was not kept" lacks content-returned "$(report_on rej-5)"
	charlie_sends rej-6 "/S=bob$SHIP" --responsible no
	wait_for 20 log_line "$WORLD/alpha.log" "not ours" 'rej-6'
	check "a message that is nobody's here leaves a warning" log_line "$WORLD/alpha.log" " warn " "not ours" rej-6
	check "and goes no further" bash -c "! grep -rq 'Subject: rej-6' '$WORLD/mail'"
}

mta_reports() {
	local report
	charlie_sends rep-1 "/S=ghost$SHIP" --return yes --report audit
	reported "an audited report" rep-1 'reporting-MTA-name' 'subject-trace' 'content-returned'
	charlie_sends rep-2 "/S=ghost$SHIP" --report ndr
	wait_for 20 report_on rep-2
	report=$(report_on rep-2)
	check "content that was not asked for stays" lacks content-returned "$report"
	charlie_sends rep-3 "/S=bob$SHIP" --report ndr
	wait_for 20 delivered_to bob rep-3
	check "a delivery that nobody asked about is not reported" no_report_on rep-3
	charlie_sends rep-4 "/S=ghost$SHIP" --from /S=Lost/ADMD=NOWHERE/C=XX/
	wait_for 20 log_line "$WORLD/bravo.log" "report dropped" unrecognised-OR-name
	check "a report that leads nowhere ends with a line in the log" \
		log_line "$WORLD/bravo.log" "report dropped" unrecognised-OR-name
}

queue_says() { "$BIN/isthmus" queue -c "$WORLD/alpha.xml" >"$WORLD/out" 2>&1 && grep -qE -- "$1" "$WORLD/out"; }
mta_times() {
	local sent file
	sent=$SECONDS
	charlie_sends defer-1 "/S=bob$SHIP" --deferred 8
	wait_for 5 queue_says 'deferred-until 20'
	check "a deferred message is held, and the queue says until when" queue_says 'deferred-until 20'
	check "which is no attempt" queue_says 'x400p1/bravo .* 0 +[0-9]+$'
	kill -KILL "$(child_of "$PID_alpha" qmgr | head -1)"
	wait_port "$ALPHA_P1" 10
	wait_for 5 queue_says 'deferred-until 20'
	check "also after a restart" queue_says 'deferred-until 20'
	check "it is not there before its time" bash -c "! grep -rq 'Subject: defer-1' '$WORLD/mail'"
	wait_for 20 delivered_to bob defer-1
	file=$(delivered_to bob defer-1)
	check "and there after it" test $((SECONDS - sent)) -ge 7
	check "its trace has the deferred time" has '[Dd]eferred until' "$(trace_of "${file:-/dev/null}")"
	charlie_sends late-1 "/S=any/O=gb/ADMD=GB/C=GB/" --latest 3
	reported "a latest delivery time" late-1 'maximum-time-expired'
	charlie_sends late-2 "/S=bob$SHIP" --latest -5
	reported "a latest delivery time that is over" late-2 'maximum-time-expired'
}

mta() {
	start charlie "$PEER" sink "127.0.0.1:$CHARLIE" --our-mta charlie --our-password charlie-says
	wait_port "$CHARLIE"
	mta_redirection
	mta_alternates
	mta_lists
	mta_probes
	mta_rejected
	mta_reports
	mta_times
}
