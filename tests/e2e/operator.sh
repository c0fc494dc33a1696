# shellcheck shell=bash
# isthmus(1) as an operator uses it: each subcommand once, right and wrong.
# Sourced by run.sh, which defines check().

isthmus() { "$BIN/isthmus" "$@"; }
status_is() { # CODE COMMAND...
	local want=$1
	shift
	"$@" >"$WORLD/out" 2>&1
	[ $? = "$want" ]
}
says() { # PATTERN: in the last command's output
	grep -qE -- "$1" "$WORLD/out"
}

operator_help() {
	local c
	check "isthmus --help" status_is 0 isthmus --help
	for c in run check status queue channel peer decode convert ping; do
		check "isthmus --help names $c" says "\\b$c\\b"
	done
	for c in run check status queue channel peer decode convert ping; do
		check "isthmus $c --help" status_is 0 isthmus "$c" --help
	done
	check "an unknown subcommand is a usage error" status_is 2 isthmus frobnicate
	check "an unknown option is a usage error" status_is 2 isthmus check --frobnicate
}

operator_check() {
	check "check accepts a good configuration" status_is 0 isthmus check -c "$WORLD/alpha.xml"
	check "check accepts the shipped example" status_is 0 isthmus check -c conf/isthmus.xml
	sed '/route domain="bravo.example"/s/peer="bravo"/peer="brvo"/' "$WORLD/alpha.xml" >"$WORLD/bad.xml"
	check "check refuses a route to an unknown peer" status_is 1 isthmus check -c "$WORLD/bad.xml"
	check "with file, line, and the name" says "bad\\.xml:$(grep -n brvo "$WORLD/bad.xml" | cut -d: -f1):.*brvo"
	sed 's/<log level="info"/<log level="loud"/' "$WORLD/alpha.xml" >"$WORLD/bad.xml"
	check "check refuses a value outside the schema" status_is 1 isthmus check -c "$WORLD/bad.xml"
	check "with file and line" says "bad\\.xml:$(grep -n loud "$WORLD/bad.xml" | cut -d: -f1):"
	sed 's|relay client="127.0.0.0/8"|relay client="127.0.0.0/99"|' "$WORLD/alpha.xml" >"$WORLD/bad.xml"
	check "check refuses a network that is none" status_is 1 isthmus check -c "$WORLD/bad.xml"
	check "with file and line" says "bad\\.xml:$(grep -n '/99' "$WORLD/bad.xml" | cut -d: -f1):"
	sed "s|$ALPHA_SMTP\"|99999\"|" "$WORLD/alpha.xml" >"$WORLD/bad.xml"
	check "check refuses a port that is none" status_is 1 isthmus check -c "$WORLD/bad.xml"
	sed 's|tsel="P1-BRAVO"|tsel="0xZZ"|' "$WORLD/alpha.xml" >"$WORLD/bad.xml"
	check "check refuses a selector that is none" status_is 1 isthmus check -c "$WORLD/bad.xml"
	sed "s|127.0.0.1:$ALPHA_SMTP\"|127.0.0.1:$ALPHA_P1\"|" "$WORLD/alpha.xml" >"$WORLD/bad.xml"
	check "check refuses two listeners on one address" status_is 1 isthmus check -c "$WORLD/bad.xml"
	sed 's|<iaed|<tls name="bb" certificate="/nonexistent/c.pem"/><iaed|' "$WORLD/alpha.xml" >"$WORLD/bad.xml"
	check "check refuses a certificate that is not there" status_is 1 isthmus check -c "$WORLD/bad.xml"
	check "and names it" says '/nonexistent/c\.pem: No such file'
	sed 's|</iaed>|<listen address="127.0.0.1:1" tls="bb" channel="x400p1"/></iaed>|' "$WORLD/alpha.xml" >"$WORLD/bad.xml"
	check "check refuses the name of no <tls>" status_is 1 isthmus check -c "$WORLD/bad.xml"
	sed '/<peer name="bravo"/s/channel=/permanent="99" channel=/' "$WORLD/alpha.xml" >"$WORLD/bad.xml"
	check "check refuses more permanent associations than there may be" status_is 1 isthmus check -c "$WORLD/bad.xml"
	check "with the line" says 'bad\.xml:[0-9]+: <peer> permanent'
	sed 's|<iaed|<security name="s" certificate="/nonexistent/s.pem" ca="/nonexistent/ca.pem"/><iaed|' "$WORLD/alpha.xml" >"$WORLD/bad.xml"
	check "check refuses credentials that are not there" status_is 1 isthmus check -c "$WORLD/bad.xml"
	sed 's|<peer \(.*\)channel="smtp"|<peer tls-policy="dane" \1channel="smtp"|' "$WORLD/alpha.xml" >"$WORLD/bad.xml"
	check "check refuses DANE for a peer that has an address" status_is 1 isthmus check -c "$WORLD/bad.xml"
	check "and says why" says 'bad\.xml:[0-9]+: .*tls-policy: dane is for peers with mx'
	sed 's|</isthmus>|<peer name="p" channel="x400p1" address="127.0.0.1:1" mta="M" password="a"/><peer name="q" channel="x400p1" address="127.0.0.1:1" mta="m" password="a" from="::1"/></isthmus>|' "$WORLD/alpha.xml" >"$WORLD/good.xml"
	check "check warns of a peer that nobody will be taken for" status_is 0 isthmus check -c "$WORLD/good.xml"
	check "with its name and the other's" says 'warning: when this peer calls, it cannot be told from "p"'
	sed -i 's|mta="m" password="a"|mta="m" password="b"|' "$WORLD/good.xml"
	check "not if its password differs" status_is 0 isthmus check -c "$WORLD/good.xml"
	check "so that nothing is said" test "$(grep -c warning "$WORLD/out")" = 0
	echo '<isthmus' >"$WORLD/bad.xml"
	check "check refuses what is not XML" status_is 1 isthmus check -c "$WORLD/bad.xml"
	check "with file and line" says 'bad\.xml:[0-9]+:'
	check "check says which file is missing" status_is 1 isthmus check -c "$WORLD/none.xml"
	check "by its name" says 'none\.xml'
}

operator_queue() {
	send_mail "$ALPHA_SMTP" alice@alpha.example "$HERE/mail/text.eml" joe@dead.example >/dev/null
	wait_for 10 log_line "$WORLD/alpha.log" " deferred " joe@dead.example
	check "queue shows what waits" status_is 0 isthmus queue -c "$WORLD/alpha.xml"
	check "for whom" says 'joe@dead\.example'
	check "from whom" says 'alice@alpha\.example'
	check "why" says '[Cc]onnect|refused'
	check "bravo's is empty" status_is 0 isthmus queue -c "$WORLD/bravo.xml"
}

json_is() { # PATTERN: each line of the last output is JSON, and one says so
	perl -MJSON::PP -ne 'decode_json($_)' "$WORLD/out" && says "$1"
}
queued_id() { # FILTER...: the only one
	isthmus queue list -c "$WORLD/alpha.xml" --json "$@" | grep -oE '"id":"[0-9a-f]{16}"' | cut -d '"' -f 4 | sort -u
}
entries() { # N FILTER...
	local n=$1
	shift
	[ "$(isthmus queue list -c "$WORLD/alpha.xml" --json "$@" | grep -c '"id"')" = "$n" ]
}

operator_actions() {
	local c=(-c "$WORLD/alpha.xml") id token
	check "delete by recipient" status_is 0 isthmus queue delete "${c[@]}" --to joe@dead.example
	send_mail "$ALPHA_SMTP" alice@alpha.example "$HERE/mail/text.eml" sue@dead.example >/dev/null
	send_mail "$ALPHA_SMTP" alice@alpha.example "$HERE/mail/text.eml" tom@dead.example >/dev/null
	wait_for 10 log_line "$WORLD/alpha.log" " deferred " tom@dead.example
	check "list by recipient" wait_for 10 entries 1 --to sue@dead.example
	check "list by a pattern" entries 2 --from 'alice@*' --to '*@dead.example'
	check "list by peer, kind and age" entries 2 --peer dead --kind message --newer-than 1h --from alice@alpha.example
	check "nothing is older than it is" entries 0 --older-than 1h
	check "a state that is none is a usage error" status_is 2 isthmus queue list "${c[@]}" --state asleep
	check "list gives pages" status_is 0 isthmus queue list "${c[@]}" --peer dead --limit 1
	token=$(sed -n 's/^more: --after //p' "$WORLD/out")
	check "and where the next begins" status_is 0 isthmus queue list "${c[@]}" --peer dead --limit 1 --after "$token"
	check "a token of another start is refused" status_is 1 isthmus queue list "${c[@]}" --after "0000000000000001-${token#*-}"
	check "JSON is JSON" status_is 0 isthmus queue list "${c[@]}" --json --peer dead
	check "with addresses" json_is '"to":\["sue@dead.example"\]'
	id=$(queued_id --to sue@dead.example)
	check "show one message" status_is 0 isthmus queue show "${c[@]}" "$id"
	check "its recipient's state and error" says 'peer dead by channel smtp'
	check "its envelope" says 'originator: alice@alpha.example'
	check "show as JSON" status_is 0 isthmus queue show "${c[@]}" --json "$id"
	check "is JSON" json_is '"recipient_states":\['
	check "show its header" status_is 0 isthmus queue show "${c[@]}" --header "$id"
	check "which has the subject" says '^Subject:'
	check "one that is not there is refused" status_is 1 isthmus queue show "${c[@]}" 0000000000000001
	check "hold" status_is 0 isthmus queue hold "${c[@]}" "$id"
	check "it is held" entries 1 --state held --to sue@dead.example
	check "release by a filter" status_is 0 isthmus queue release "${c[@]}" --state held --to sue@dead.example
	check "it is held no more" entries 0 --state held
	check "priority" status_is 0 isthmus queue priority flash "${c[@]}" "$id"
	check "has a new level" entries 1 --priority flash.. --to sue@dead.example
	check "retry" status_is 0 isthmus queue retry "${c[@]}" "$id"
	check "two by a filter need --yes" status_is 2 isthmus queue retry "${c[@]}" --from alice@alpha.example </dev/null
	check "with the number of them" says '2 messages'
	check "and go with it" status_is 0 isthmus queue retry "${c[@]}" --from alice@alpha.example --yes
	check "an action on nothing is a usage error" status_is 2 isthmus queue delete "${c[@]}"
	isthmus peer stop "${c[@]}" dead >/dev/null
	wait_for 10 entries 2 --state stopped --peer dead --from alice@alpha.example
	check "redirect to a peer that is not there is refused" status_is 1 isthmus queue redirect "${c[@]}" --to-peer nowhere "$id"
	check "redirect" status_is 0 isthmus queue redirect "${c[@]}" --to-peer outside "$id"
	check "it goes there" wait_for 15 entries 0 --to sue@dead.example
	id=$(queued_id --to tom@dead.example)
	check "return, with a text" status_is 0 isthmus queue return "${c[@]}" --status 5.7.1 --reason "not from here, says the operator" "$id"
	check "it is gone" wait_for 15 entries 0 --to tom@dead.example
	check "the originator is told why" wait_for 15 grep -rq 'not from here, says the operator' "$WORLD/mail/alpha.example/alice"
	check "and with which status" grep -rqE '^Status: 5\.7\.1' "$WORLD/mail/alpha.example/alice"
	send_mail "$ALPHA_SMTP" alice@alpha.example "$HERE/mail/text.eml" zoe@dead.example >/dev/null
	check "what is for a stopped peer waits" wait_for 10 entries 1 --state stopped --to zoe@dead.example
	check "delete" status_is 0 isthmus queue delete "${c[@]}" --to zoe@dead.example
	check "it is gone too" wait_for 10 entries 0 --to zoe@dead.example
	check "who did it is in the log" log_line "$WORLD/alpha.log" "operator action=delete" "uid=$(id -u)"
}

# What is asked wrongly is said, and what is said is so.
operator_words() {
	local c=(-c "$WORLD/alpha.xml") id n
	isthmus peer stop "${c[@]}" dead >/dev/null
	for n in 1 2 3; do
		send_mail "$ALPHA_SMTP" alice@alpha.example "$HERE/mail/text.eml" "word$n@dead.example" "both@dead.example" >/dev/null
	done
	wait_for 10 entries 3 --state stopped --peer dead
	for n in "delete --reason x --all" "list --reason x" "list --to-peer dead" "hold --to-peer dead --all" \
		"show 0000000000000001 --to x" "list --content" "priority flash 0000000000000001 --to x" \
		"delete 0000000000000001 --all" "delete 0000000000000001 --limit 1" "list --limit x" "delete --all --limit x"; do
		# shellcheck disable=SC2086
		check "queue $n is a usage error" status_is 2 isthmus queue $n "${c[@]}" --yes
	done
	for n in from to; do
		check "delete --$n '' is refused" status_is 2 isthmus queue delete "${c[@]}" "--$n" '' --yes
		check "with a sentence" says "'' is no address .the null sender is '<>'."
		check "so is list" status_is 2 isthmus queue list "${c[@]}" "--$n" ''
	done
	check "nothing is gone" entries 3 --peer dead
	check "delete --limit 1" status_is 0 isthmus queue delete "${c[@]}" --peer dead --limit 1 --yes
	check "is one message, and says so" says '^delete: 1 message, 2 recipients$'
	check "two are left" wait_for 10 entries 2 --peer dead
	check "a part of an address may end with @" entries 1 --to word2@
	id=$(queued_id --to word2@dead.example)
	check "one recipient of one message" status_is 0 isthmus queue delete "${c[@]}" "$id" --to both@dead.example
	check "is one" says '^delete: 1 message, 1 recipient$'
	check "of that message only" wait_for 10 entries 1 --to both@dead.example
	check "the other recipient is left" entries 1 --to word2@dead.example
	check "a recipient that it has not" status_is 1 isthmus queue delete "${c[@]}" "$id" --to nobody@dead.example
	check "hold" status_is 0 isthmus queue hold "${c[@]}" "$id"
	check "hold again changes nothing" status_is 0 isthmus queue hold "${c[@]}" "$id"
	check "which is said" says ': 0 recipients, 1 not changed: held already$'
	check "spool dump shows the hold" status_is 0 isthmus spool dump "$id" "${c[@]}"
	check "of the recipient" says '^recipient 0: .*held'
	check "spool dump as JSON" status_is 0 isthmus spool dump "$id" "${c[@]}" --json
	check "has it" json_is '"held":true'
	isthmus queue release "${c[@]}" "$id" >/dev/null
	check "retry of what is stopped" status_is 0 isthmus queue retry "${c[@]}" "$id"
	check "says so" says '0 recipients, 1 not changed: its peer is stopped'
	check "status counts what is stopped as stopped" status_is 0 isthmus status "${c[@]}"
	check "not as ready" says '^queue: .* entries: 0 ready, .* 2 stopped'
	check "also of the peer" says ' dead by smtp: 2 stopped, 0 active'
	check "and in JSON" status_is 0 isthmus status "${c[@]}" --json
	check "by the names of the list" json_is '"type":"switch".*"ready":0,.*"peer-wait":0,.*"stopped":2'
	check "redirect to where it goes" status_is 0 isthmus queue redirect "${c[@]}" --to-peer dead "$id"
	check "is said" says ': 0 recipients, 1 not changed: it goes there already'
	check "a peer that is none is refused once" status_is 1 isthmus queue redirect "${c[@]}" --to-peer nonesuch --peer dead --yes
	check "in one line" test "$(wc -l <"$WORLD/out")" = 1
	check "return --status 4.2.2" status_is 2 isthmus queue return "${c[@]}" --status 4.2.2 "$id"
	check "says what it would be" says '^isthmus queue: --status 4.2.2: .* 5\.x\.y'
	check "list --peer of none" status_is 1 isthmus queue list "${c[@]}" --peer nonesuch
	check "says so" says 'no peer "nonesuch"'
	check "delete --channel of none" status_is 1 isthmus queue delete "${c[@]}" --channel nonesuch --yes
	check "says so too" says 'no channel "nonesuch"'
	check "one bad name stops no good one" status_is 1 isthmus peer stop "${c[@]}" dead nonesuch outside
	check "the bad one is named" says 'no peer "nonesuch"'
	check "and so are the good ones" says '^outside: done'
	isthmus peer start "${c[@]}" outside >/dev/null
	check "delete by a filter" status_is 0 isthmus queue delete "${c[@]}" --to '*@dead.example' --peer dead --yes
	check "the log has the filter" log_line "$WORLD/alpha.log" "operator action=delete ids=" 'asked="--peer dead --to *@dead.example"'
	check "and each message" log_line "$WORLD/alpha.log" "operator action=delete id=$id recipients=1 uid=$(id -u)"
	# a report that waits
	isthmus channel stop "${c[@]}" lmtp >/dev/null
	send_mail "$ALPHA_SMTP" alice@alpha.example "$HERE/mail/text.eml" gone@dead.example >/dev/null
	wait_for 10 entries 1 --to gone@dead.example
	check "return" status_is 0 isthmus queue return "${c[@]}" --to gone@dead.example
	check "says who is told" says 'reports are due for 1 of them, nobody is told of 0'
	wait_for 10 entries 1 --kind report
	check "a report is from <>" entries 1 --kind report --from '<>'
	id=$(queued_id --kind report)
	check "which list says" bash -c "'$BIN/isthmus' queue list -c '$WORLD/alpha.xml' --kind report | grep -q '    from <>'"
	check "show a report" status_is 0 isthmus queue show "${c[@]}" "$id"
	check "with ids as they are written" says '^(parent|settles): [0-9a-f]{16}$'
	check "show its content" status_is 0 isthmus queue show "${c[@]}" "$id" --content
	check "which is the message's" says '^Subject:'
	isthmus channel start "${c[@]}" lmtp >/dev/null
	wait_for 10 entries 0 --kind report
}

# What a filter found and was delivered before its turn is no error; an id is.
operator_gone() {
	local pid id=0000000000000007
	mkdir -p "$WORLD/gone/run"
	# shellcheck disable=SC2016
	perl -MIO::Socket::UNIX -e '
		my $l = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 5) or die;
		while (my $s = $l->accept) {
			my $request = <$s>;
			print $s $request =~ /^list/ ? "queue\tmessages#1\nentry\tid=$ARGV[1]\tindices=0\n.\n"
				: "refused\tid=$ARGV[1]\tgone?1\treason=no such message is queued\n.\n";
			close $s;
		}' "$WORLD/gone/run/control" $id &
	pid=$!
	wait_for 5 test -S "$WORLD/gone/run/control"
	check "what was delivered meanwhile is no error" status_is 0 isthmus queue delete -d "$WORLD/gone" --all --yes
	check "but said" says '^delete: 0 messages, 0 recipients; 1 message was done meanwhile$'
	check "an id that is gone is one" status_is 1 isthmus queue delete -d "$WORLD/gone" $id
	check "with the reason" says "$id: no such message is queued"
	kill $pid
	wait $pid 2>/dev/null
}

# Connections that ask for nothing keep nobody out.
operator_idle() {
	local pid
	perl -MIO::Socket::UNIX -e 'my @s = map { IO::Socket::UNIX->new(Peer => $ARGV[0]) // () } 1 .. 200; print "here\n"; $| = 1; close STDOUT; sleep 60' \
		"$WORLD/alpha/spool/run/control" >"$WORLD/idle" &
	pid=$!
	wait_for 10 grep -q here "$WORLD/idle"
	check "200 idle connections of one user keep him not out" status_is 0 isthmus peer retry -c "$WORLD/alpha.xml" dead
	check "and again" status_is 0 isthmus queue list -c "$WORLD/alpha.xml"
	kill $pid
	wait $pid 2>/dev/null
}

# as a user who is in that group only
as_group() { # GROUP COMMAND...
	local g=$1
	shift
	setpriv --reuid 65534 --regid "$g" --clear-groups "$WORLD/isthmus" "$@" -d "$WORLD/alpha/spool"
}
operator_groups() {
	# the tree may be out of others' reach
	cp "$BIN/isthmus" "$WORLD/isthmus" && chmod 755 "$WORLD" "$WORLD/alpha"
	send_mail "$ALPHA_SMTP" alice@alpha.example "$HERE/mail/text.eml" pat@dead.example >/dev/null
	wait_for 10 log_line "$WORLD/alpha.log" " deferred " pat@dead.example
	check "who is in no group is refused" status_is 1 as_group nogroup status
	check "with a sentence" says "none of the switch's operators"
	check "a viewer may look" status_is 0 as_group mail status
	check "at the queue too" status_is 0 as_group mail queue
	check "without addresses, which is said" says 'no addresses'
	check "but with peers and errors" says 'smtp/dead'
	check "not search by pattern" status_is 1 as_group mail queue --to '*pat*'
	check "and not act" status_is 1 as_group mail peer stop dead
	check "which is said" says 'may look, but not act'
	check "an operator may act" status_is 0 as_group daemon peer retry dead
	check "and is named in the log" log_line "$WORLD/alpha.log" 'operator action=retry_peer' 'uid=65534'
	check "the spool is not theirs to read" bash -c "! setpriv --reuid 65534 --regid daemon --clear-groups ls '$WORLD/alpha/spool/segments' 2>/dev/null"
	check "delete it" status_is 0 isthmus queue delete "${c[@]}" --to pat@dead.example
}

operator_status() {
	local c=(-c "$WORLD/alpha.xml")
	check "status" status_is 0 isthmus status "${c[@]}"
	check "names processes" says 'smtpd +pid [0-9]+'
	check "the spool" says '^spool: ok'
	check "what is stopped" says 'peer dead'
	check "as JSON" status_is 0 isthmus status "${c[@]}" --json
	check "is JSON" json_is '"type":"process","program":"smtpd"'
	check "with the self test" json_is '"type":"self_test"'
	check "stopped is remembered" grep -qx 'peer dead' "$WORLD/alpha/spool/stopped"
	check "stop a channel that is not there" status_is 1 isthmus channel stop "${c[@]}" nonesuch
	check "start the peer" status_is 0 isthmus peer start "${c[@]}" dead
	check "that is remembered too" test ! -s "$WORLD/alpha/spool/stopped"
	check "stop a channel" status_is 0 isthmus channel stop "${c[@]}" smtp
	check "and let it go on" status_is 0 isthmus channel start "${c[@]}" smtp
	operator_idle
	operator_gone
	: >"$WORLD/alpha/spool/quarantine/0000000000000001"
	: >"$WORLD/alpha/spool/quarantine/0000000000000001.txt"
	check "status" status_is 0 isthmus status "${c[@]}"
	check "counts what is damaged" says '^spool: .*, 1 DAMAGED in quarantine/'
	check "as JSON" status_is 0 isthmus status "${c[@]}" --json
	check "too" json_is '"type":"spool".*"quarantined":1[,}]'
	rm "$WORLD"/alpha/spool/quarantine/*
	check "retry a peer" status_is 0 isthmus peer retry "${c[@]}" dead
	[ "$(id -u)" != 0 ] || operator_groups
	check "no switch there" status_is 1 isthmus status -d "$WORLD"
}

operator_convert() {
	local m=$HERE/mail/text.eml
	check "convert rfc822 to p22" bash -c "'$BIN/isthmus' convert --from rfc822 --to p22 <'$m' >'$WORLD/m.p22' 2>'$WORLD/lost.p22'"
	check "decode recognizes the P22" status_is 0 isthmus decode "$WORLD/m.p22"
	check "and names it" says 'IPM|P22'
	check "and its subject" says 'Wetter'
	check "convert p22 to p2" bash -c "'$BIN/isthmus' convert --from p22 --to p2 <'$WORLD/m.p22' >'$WORLD/m.p2'"
	check "convert p22 to rfc822" bash -c "'$BIN/isthmus' convert --from p22 --to rfc822 '$WORLD/m.p22' >'$WORLD/m.eml'"
	check "and back again whole" test "$(subject_of "$WORLD/m.eml")" = "Wetter für Zürich und Malmö"
	check "garbage is refused" status_is 1 isthmus convert --from p22 --to rfc822 "$m"
	check "a pair that makes no sense is a usage error" status_is 2 isthmus convert --from p22 --to p772 "$m"
	check "decode shows any BER as TLVs" bash -c "printf '\\x30\\x03\\x02\\x01\\x05' | '$BIN/isthmus' decode | grep -qi 'INTEGER'"
	check "decode says where garbage breaks" bash -c "! printf '\\x30\\x7f\\x02\\x01\\x05' | '$BIN/isthmus' decode >/dev/null 2>'$WORLD/out'"
	check "with the octet" says 'octet'
}

operator_ping() {
	check "ping a configured peer" status_is 0 isthmus ping -c "$WORLD/alpha.xml" bravo
	check "says what transport answered" says 'COTP|transport'
	check "what session answered" says '[Ss]ession'
	check "what presentation answered" says '[Pp]resentation'
	check "what ACSE answered" says 'ACSE'
	check "what RTSE answered" says 'RTSE'
	check "and which MTA" says 'bravo'
	check "ping by address" status_is 0 isthmus ping "127.0.0.1:$BRAVO_P1" --tsel P1-BRAVO \
		--our-mta alpha --our-password alpha-says --mta bravo --password bravo-says
	check "a wrong password is refused" status_is 1 isthmus ping "127.0.0.1:$BRAVO_P1" --tsel P1-BRAVO \
		--our-mta alpha --our-password wrong --mta bravo --password bravo-says
	check "with authentication-error" says 'authentication-error'
	check "and bravo's log says so" log_line "$WORLD/bravo.log" association authentication
	check "an unknown selector is refused" status_is 1 isthmus ping "127.0.0.1:$BRAVO_P1" --tsel NOBODY \
		--our-mta alpha --our-password alpha-says
	check "by the transport layer" says 'COTP|transport'
	check "nobody there" status_is 1 isthmus ping "127.0.0.1:$DEAD" --tsel X --our-mta a
}

operator() {
	operator_help
	operator_check
	operator_queue
	operator_actions
	operator_words
	operator_status
	operator_convert
	operator_ping
}
