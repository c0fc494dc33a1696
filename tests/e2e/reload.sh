#!/bin/bash
# A configuration put in force while the switch runs (SIGHUP), refused, and
# lost: what cannot be put in force is refused before the old one is given up;
# a crash at a time when the file is bad is survived with the last good one;
# what is under way at SIGHUP and SIGTERM is finished. Prints 'reload: N passed,
# N failed'.
set -u
cd "$(dirname "$0")/../.." || exit 2
BIN=${BUILD:-build}/bin
export BIN
# shellcheck source=tests/e2e/world.sh
. tests/e2e/world.sh
# shellcheck source=tests/e2e/parts.sh
. tests/e2e/parts.sh

PID_switch=""
trap 'finish "$WORLD/switch.log"' EXIT
trap 'exit 130' INT TERM

WORLD=$(mktemp -d "${TMPDIR:-/tmp}/isthmus-XXXXXX") || exit 1
chmod 755 "$WORLD"
world_ports || exit 1

write_config() { # SPOOL LISTEN... : the listeners are in a file of their own
	local spool=$1 address
	shift
	{
		echo '<smtpd>'
		for address; do echo "<listen address=\"$address\"/>"; done
		echo '<relay client="127.0.0.0/8"/></smtpd>'
	} >"$WORLD/smtpd.xml"
	cat >"$WORLD/switch.xml" <<-END
		<isthmus name="alpha" xmlns:xi="http://www.w3.org/2001/XInclude">
		  <mta name="alpha" country="XX" admd="ALPHA" hostname="alpha.example"
		       postmaster="postmaster@alpha.example"/>
		  <spool directory="$spool" low-water="1MiB"/>
		  <scheduler retry-step="1s" retry-max="2s" stop-timeout="4s"/>
		  <xi:include href="smtpd.xml"/>
		  <channel name="smtp" program="smtp"/>
		  <peer name="internet" channel="smtp" address="127.0.0.1:$DEAD"/>
		  <route domain="*" peer="internet"/>
		</isthmus>
	END
}
SMTP=127.0.0.1:$ALPHA_SMTP NEW=127.0.0.1:$BRAVO_SMTP TAKEN=127.0.0.1:$CHARLIE

logged() { grep -qE "$1" "$WORLD/switch.log"; }
count() { # N PATTERN: so often in the log
	[ "$(grep -cE "$2" "$WORLD/switch.log")" -ge "$1" ]
}
child_of() { # PID NAME: pids of its descendants of that name
	local child
	for child in $(pgrep -P "$1"); do
		[ "$(cat "/proc/$child/comm" 2>/dev/null)" = "$2" ] && echo "$child"
		child_of "$child" "$2"
	done
}
qmgr() { child_of "$PID_switch" qmgr | head -n 1; }
post() { # ADDRESS
	/usr/sbin/smtp-source -m 1 -s 1 -f a@alpha.example -t b@x.example "$1" \
		>/dev/null 2>&1
}
queued() { # N
	"$BIN/isthmus" queue -d "$WORLD/spool" | grep -c b@x.example | grep -qx "$1"
}
greeted() { # ADDRESS
	timeout 3 bash -c "read -r x </dev/tcp/${1/:/\/} && [ \"\${x:0:3}\" = 220 ]"
}
hup_refused() { # PATTERN: that HUP changes nothing, and says why
	local n
	n=$(grep -c configuration-refused "$WORLD/switch.log")
	kill -HUP "$(qmgr)"
	wait_for 5 count $((n + 1)) configuration-refused
	check "$1: is refused" count $((n + 1)) configuration-refused
	check "$1: with the reason" bash -c "grep configuration-refused '$WORLD/switch.log' | tail -n 1 | grep -qE '$1'"
	check "$1: once" test "$(grep -c configuration-refused "$WORLD/switch.log")" = $((n + 1))
	check "$1: the old one goes on" greeted "$SMTP"
	check "$1: nothing begins anew" test "$(grep -c restarting "$WORLD/switch.log")" = "$anew"
}
anew=0

# --- a first start with a bad file ---

echo '<isthmus' >"$WORLD/switch.xml"
check "a first start with a bad file fails at once" \
	bash -c "! timeout 5 '$BIN/isthmus' run -c '$WORLD/switch.xml'; [ \$? != 124 ]"

# --- what cannot be put in force ---

start taken perl -MIO::Socket::INET -e \
	'$s = IO::Socket::INET->new(LocalAddr => shift, Listen => 1) or die; sleep 600' "$TAKEN"
wait_port "$CHARLIE" || exit 1
write_config "$WORLD/spool" "$SMTP"
start switch "$BIN/isthmus" run -c "$WORLD/switch.xml"
wait_port "$ALPHA_SMTP" 15 || exit 1
check "a message is taken" post "$SMTP"
wait_for 5 queued 1

write_config "$WORLD/spool" "$SMTP" "$NEW" "$TAKEN"
hup_refused "$TAKEN.*in use"
check "and what could be opened is closed again" bash -c "! greeted '$NEW'"
write_config "$WORLD/spool" "$SMTP" "no.such.host.invalid:25"
hup_refused "no.such.host.invalid"
write_config /proc/nope "$SMTP"
hup_refused "/proc/nope.*needs a stop and a start"
mkdir "$WORLD/other"
write_config "$WORLD/other" "$SMTP"
hup_refused "$WORLD/other.*needs a stop and a start"
check "what is queued is queued still" queued 1

# --- what can ---

ln -s spool "$WORLD/alias"
write_config "$WORLD/alias" "$SMTP" "$NEW"
pid=$(qmgr)
kill -HUP "$pid"
wait_for 5 logged restarting
echo '<isthmus' >"$WORLD/switch.xml" # too late to matter
wait_for 10 count 2 queue-loaded
check "another name of the same spool, and a new listener, are taken" greeted "$NEW"
check "what was checked is put in force, not what the file says now" count 2 queue-loaded
check "by the same process, of the same name" test "$(cat "/proc/$pid/comm")" = qmgr
check "executed by its own path" bash -c "readlink /proc/$pid/exe | grep -q 'libexec/isthmus/qmgr$'"
check "the queue is there" queued 1

# --- a crash at a time when the file is bad ---

rm "$WORLD/smtpd.xml"
for i in 1 2; do
	kill -KILL "$(qmgr)"
	wait_for 20 count $((i + 2)) queue-loaded
	check "after a crash it goes on with the last good configuration ($i)" count $((i + 2)) queue-loaded
	check "and says so ($i)" count "$i" 'configuration-refused.*goes-on-with=.*/run/configuration'
done
check "its included listeners too" greeted "$NEW"
check "messages are taken" post "$NEW"
rm "$WORLD/spool/run/configuration"
kill -KILL "$(qmgr)"
check "without it, it is tried again" wait_for 20 count 3 'qmgr-ended.*exit code 2'
write_config "$WORLD/spool" "$SMTP" "$NEW"
check "until the file is repaired" wait_for 20 count 5 queue-loaded
check "and the queue is there" queued 2

# --- what is under way ---

# An SMTP session that stands in the middle of DATA until its file GO is there.
session() { # NAME
	start "$1" perl -MIO::Socket::INET -e '
		my ($to, $go) = @ARGV;
		my $s = IO::Socket::INET->new(PeerAddr => $to) or die "connect";
		my $ask = sub { print $s @_; my $x = <$s>; print $x // "eof\n"; STDOUT->flush };
		$ask->();
		$ask->("HELO c\r\n");
		$ask->("MAIL FROM:<a\@alpha.example>\r\n");
		$ask->("RCPT TO:<b\@x.example>\r\n");
		$ask->("DATA\r\n");
		print $s "Subject: x\r\n\r\nfirst\r\n";
		select undef, undef, undef, 0.05 until -e $go;
		$ask->("second\r\n.\r\n");
		$ask->();' "$SMTP" "$WORLD/$1.go"
	wait_for 5 grep -q '^354' "$WORLD/$1.log"
}
refuses() { # ADDRESS
	! bash -c "exec 3<>/dev/tcp/${1/:/\/}" 2>/dev/null
}
session over_hup
kill -HUP "$(qmgr)"
wait_for 5 logged ' restarting'
# connects while the old processes finish
(timeout 10 bash -c "read -r x </dev/tcp/${SMTP/:/\/}; echo \"\$x\"" >"$WORLD/caller") &
caller=$!
sleep 1
check "a message in DATA is waited for at SIGHUP" bash -c "! grep -q 421 '$WORLD/over_hup.log'"
touch "$WORLD/over_hup.go"
check "and taken" wait_for 5 grep -q '^250 2.0.0 Queued' "$WORLD/over_hup.log"
check "then the session ends" wait_for 5 grep -q '^421' "$WORLD/over_hup.log"
wait $caller
check "who connected meanwhile is greeted by the new processes" grep -q '^220' "$WORLD/caller"
check "the message is there" wait_for 10 queued 3

# who is told to go and does not close, for two seconds
exec 4<>"/dev/tcp/${SMTP/:/\/}"
read -r _ <&4
n=$(grep -c queue-loaded "$WORLD/switch.log")
kill -HUP "$(qmgr)"
check "nobody waits for an idle client" wait_for 2 count $((n + 1)) queue-loaded
check "that was told to go" bash -c "read -r -t 1 x <&4; [ \"\${x:0:3}\" = 421 ]"
exec 4>&-

session stalled
n=$(grep -c queue-loaded "$WORLD/switch.log")
kill -HUP "$(qmgr)"
check "a client that stalls is told so before stop-timeout" wait_for 6 logged 'sessions cut off'
wait_for 5 count $((n + 1)) queue-loaded
check "and the new configuration is put in force" greeted "$SMTP"
check "nobody was killed" test "$(grep -c ' killed ' "$WORLD/switch.log")" = 0
touch "$WORLD/stalled.go"
wait_for 5 grep -q '^421' "$WORLD/stalled.log"
check "its reply says 421" grep -q '^421' "$WORLD/stalled.log"

session over_term
kill -TERM "$PID_switch"
wait_for 2 logged ' stopping'
sleep 0.3
check "listening sockets are closed at once at SIGTERM" refuses "$SMTP"
check "the other one too" refuses "$NEW"
touch "$WORLD/over_term.go"
check "the message in DATA is taken" wait_for 5 grep -q '^250 2.0.0 Queued' "$WORLD/over_term.log"
wait "$PID_switch"
check "and the switch stops cleanly" test $? = 0

part reload
