#!/bin/bash
# The end-to-end tests: the demo's path, quietly; the opposite direction; the
# octets of an independent MTA; the operator's command; hostile peers; kills.
# All P1 traffic is captured and judged by an independent reader.
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
# shellcheck source=tests/e2e/operator.sh
. tests/e2e/operator.sh
# shellcheck source=tests/e2e/mta.sh
. tests/e2e/mta.sh

PID_alpha="" PID_bravo="" # set by start()
trap 'finish "$WORLD"/alpha.log "$WORLD"/bravo.log' EXIT
trap 'exit 130' INT TERM

opposite_direction() {
	local file text
	send_mail "$BRAVO_SMTP" bob@bravo.example "$HERE/mail/reverse.eml" \
		alice@alpha.example zoe@outside.example >"$WORLD/reverse.out"
	check "bravo accepts mail by SMTP" grep -q '^<-  250 2\.0\.0 ' "$WORLD/reverse.out"
	wait_for 20 mailbox_find alice@alpha.example '^Subject: The opposite direction'
	file=$(mailbox_find alice@alpha.example '^Subject: The opposite direction')
	check "alice has it by LMTP" test -n "$file"
	text=$(as_utf8 "${file:-/dev/null}")
	check "with its text" has 'Alles empfangen, schöne Grüße\.' "$text"
	wait_for 20 sink_find '^Subject: The opposite direction'
	check "a stranger's SMTP server has it" sink_find '^Subject: The opposite direction'
}

independent_mta() {
	local vector=tests/vectors/p1-88-message.initiator.hex line
	check "the octets of an independent MTA are answered" \
		perl "$HERE/hostile.pl" replay "127.0.0.1:$ALPHA_P1" $vector
	wait_for 10 log_line "$WORLD/alpha.log" " received " peer=independent
	line=$(log_line "$WORLD/alpha.log" " received " peer=independent)
	check "its message is accepted" has 'kind=message.*mts-id=' "$line"
	wait_for 5 bash -c "'$BIN/isthmus' queue -c '$WORLD/alpha.xml' | grep -q x400p1/independent"
	check "and queued by its route, which names a country only" bash -c \
		"'$BIN/isthmus' queue -c '$WORLD/alpha.xml' | grep -q x400p1/independent"
	check "isthmus decode shows its envelope and its P22 content" bash -c \
		"'$BIN/isthmus' decode tests/vectors/p1-apdu-message.hex | grep -q 'Test P1'"
}

hostile_peers() {
	local line n
	while IFS= read -r line; do
		check "hostile ${line#*ok }" test "${line%% *}" = ok
	done < <(perl "$HERE/hostile.pl" rfc1006 "127.0.0.1:$ALPHA_P1" tests/vectors/p1-88-message.initiator.hex
		perl "$HERE/hostile.pl" smtp "127.0.0.1:$ALPHA_SMTP")
	n=$(grep -cE '(warn|info) .*(peer|client|address)=.*reason=' "$WORLD/alpha.log")
	check "each left a line with the peer and the reason ($n)" test "$n" -ge 12
	check "also the one that stopped in DATA" log_line "$WORLD/alpha.log" " abandoned " in=DATA "client=127.0.0.1"
	check "no process of alpha died of it" \
		bash -c "! grep -qE 'signal=|fatal |Sanitizer|runtime error' '$WORLD/alpha.log'"
	check "alpha still answers P1" "$BIN/isthmus" ping -c "$WORLD/bravo.xml" alpha
}

# --- kills ---

# A content that has a file of its own, in every version of it.
large_message() {
	{
		printf 'From: alice@alpha.example\r\nTo: bob@bravo.example\r\nSubject: A large one\r\n\r\n'
		awk 'BEGIN { for (i = 0; i < 10000; i++) printf "line %05d of a message that is too large for a segment\r\n", i }'
	} >"$WORLD/large.eml"
	send_mail "$ALPHA_SMTP" alice@alpha.example "$WORLD/large.eml" bob@bravo.example >/dev/null
	wait_for 20 mailbox_find bob@bravo.example '^Subject: A large one'
	check "a large message arrives whole" cmp \
		<(tr -d '\r' <"$WORLD/large.eml" | grep '^line ') \
		<(tr -d '\r' <"$(mailbox_find bob@bravo.example '^Subject: A large one')" | grep '^line ')
	# it is finished: its files are gone, its records are still there
	local side pid
	for side in "$PID_alpha" "$PID_bravo"; do
		pid=$(child_of "$side" qmgr | head -1)
		kill -KILL "$pid"
	done
	wait_for 10 loaded_again
	check "both queue managers come back" loaded_again
	check "and take nothing sound for damaged" quarantine_is_empty
}
loaded_again() {
	[ "$(grep -c 'queue-loaded' "$WORLD/alpha.log")" -ge 2 ] && [ "$(grep -c 'queue-loaded' "$WORLD/bravo.log")" -ge 2 ] &&
		wait_port "$ALPHA_P1" 5 && wait_port "$ALPHA_SMTP" 5 && wait_port "$BRAVO_P1" 5
}
quarantine_is_empty() { ! compgen -G "$WORLD/*/spool/quarantine/*"; }

kills() {
	local victims=(smtpd mixer x400p1 qmgr iaed lmtp report) i victim pid side n killed=0
	perl tests/crash/flood.pl "127.0.0.1:$ALPHA_SMTP" alice@alpha.example \
		bob@bravo.example 1500 12 >"$WORLD/accepted" &
	local flood=$!
	for ((i = 0; i < 14; i++)); do
		sleep 0.6
		victim=${victims[i % ${#victims[@]}]}
		side=$((i % 2 ? PID_bravo : PID_alpha))
		pid=$(child_of "$side" "$victim" | head -1)
		[ -n "$pid" ] && kill -KILL "$pid" && killed=$((killed + 1))
	done
	wait $flood
	n=$(wc -l <"$WORLD/accepted")
	check "processes were killed ($killed)" test "$killed" -ge 8
	check "messages were accepted meanwhile ($n)" test "$n" -ge 100
	wait_for 60 all_delivered
	check "each of them is delivered: nothing accepted is lost" all_delivered
	check "nothing sound was taken for damaged" quarantine_is_empty
	check "all processes are back" "$BIN/isthmus" ping -c "$WORLD/bravo.xml" alpha
}
all_delivered() {
	comm -23 <(sort "$WORLD/accepted") \
		<(grep -rhoE '^Subject: flood [0-9]+' "$WORLD/mail/bravo.example/bob" | sed 's/^Subject: //' | tr -d '\r' | sort -u) \
		>"$WORLD/lost"
	[ ! -s "$WORLD/lost" ]
}

# --- the run ---

world_start && capture_start "$WORLD/p1.pcap" "$ALPHA_P1" "$BRAVO_P1" "$CHARLIE" && switches_start || {
	echo "e2e: 0 passed, 1 failed"
	exit 1
}
story_text
story_attachments
story_two_recipients
part "demo path"
opposite_direction
part "opposite direction"
operator
part "operator's command"
mta
part "MTA functions"
check "an activity in an activity is aborted" \
	perl "$HERE/hostile.pl" again "127.0.0.1:$ALPHA_P1" tests/vectors/p1-88-message.initiator.hex
stop_pid "$PID_tcpdump"
messages=$(cat "$WORLD/alpha.log" "$WORLD/bravo.log" | grep -c ' sent kind=message')
reports=$(cat "$WORLD/alpha.log" "$WORLD/bravo.log" | grep -c ' sent kind=report')
bash tests/conformance/read.sh "$WORLD/p1.pcap" "$ALPHA_P1,$BRAVO_P1,$CHARLIE" "$messages" "$reports" ||
	all_failed=$((all_failed + 1))
large_message
independent_mta
part "large and independent"
hostile_peers
part "hostile peers"
kills
part "kills"
bash tests/e2e/p1.sh || all_failed=$((all_failed + 1))
bash tests/e2e/disk.sh || all_failed=$((all_failed + 1))
