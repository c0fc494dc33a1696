#!/bin/bash
# Processes of a switch: one that hangs is found out and replaced, one that is
# killed too; a bad configuration is refused at SIGHUP and a good one taken;
# SIGTERM finishes what is in progress. Prints 'processes: N passed, N failed'.
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

configure() { # MAX-SIZE
	cat >"$WORLD/switch.xml" <<-END
		<isthmus name="alpha">
		  <mta name="alpha" country="XX" admd="ALPHA" hostname="alpha.example"
		       postmaster="postmaster@alpha.example"/>
		  <spool directory="$WORLD/spool" low-water="1MiB"/>
		  <scheduler retry-step="1s" retry-max="2s" hang-timeout="1s"
		             stop-timeout="8s"/>
		  <smtpd max-size="$1">
		    <listen address="127.0.0.1:$ALPHA_SMTP"/>
		    <relay client="127.0.0.0/8"/>
		  </smtpd>
		  <channel name="smtp" program="smtp"/>
		  <peer name="internet" channel="smtp" address="127.0.0.1:$SINK"
		        max-connections="2"/>
		  <route domain="*" peer="internet"/>
		</isthmus>
	END
}

# The sink takes a second for each message, and keeps each in a file.
mkdir -p "$WORLD/sink" && chmod 777 "$WORLD/sink"
as=()
[ "$(id -u)" = 0 ] && as=(-u nobody)
start sink /usr/sbin/smtp-sink "${as[@]}" -w 1 -d "$WORLD/sink/%M." \
	"127.0.0.1:$SINK" 100
configure 50MiB
start switch "$BIN/isthmus" run -c "$WORLD/switch.xml"
wait_port "$SINK" && wait_port "$ALPHA_SMTP" 15 || exit 1

post() { # NUMBER
	/usr/sbin/smtp-source -m "$1" -s 1 -f a@alpha.example -t b@x.example \
		"127.0.0.1:$ALPHA_SMTP" >/dev/null
}
arrived() { [ "$(find "$WORLD/sink" -type f | wc -l)" = "$1" ]; }
logged() { grep -q "$1" "$WORLD/switch.log"; }
child_of() { # PID NAME: pids of its descendants of that name
	local child
	for child in $(pgrep -P "$1"); do
		[ "$(cat "/proc/$child/comm" 2>/dev/null)" = "$2" ] && echo "$child"
		child_of "$child" "$2"
	done
}
channel() { child_of "$PID_switch" smtp | head -n 1; }
replaced() {
	local now
	now=$(channel)
	[ -n "$now" ] && [ "$now" != "$1" ]
}

post 1
check "a message passes" wait_for 10 arrived 1

old=$(channel)
kill -STOP "$old"
post 2
check "a channel that hangs is found out" wait_for 10 logged "does not answer"
check "another takes its place" wait_for 15 replaced "$old"
check "and its work" wait_for 20 arrived 3

old=$(channel)
kill -KILL "$old"
post 1
check "so with one that is killed" wait_for 20 arrived 4

qmgr=$(child_of "$PID_switch" qmgr | head -n 1)
sed -i 's/hang-timeout="1s"/hang-timeout="1ms"/' "$WORLD/switch.xml"
kill -HUP "$qmgr"
check "a bad configuration is refused" wait_for 5 logged configuration-refused
post 1
check "the old one goes on" wait_for 10 arrived 5
check "without a new start" test "$(grep -c restarting "$WORLD/switch.log")" = 0

configure 40MiB
kill -HUP "$qmgr"
check "a good one is taken" wait_for 5 logged restarting
check "by the same process" wait_for 10 logged "queue-loaded"
post 1
check "and messages pass" wait_for 15 arrived 6

post 4
kill -TERM "$PID_switch"
wait "$PID_switch"
check "it stops cleanly" test $? = 0
n=$(find "$WORLD/sink" -type f | wc -l)
check "and finished what was in progress" test "$n" -ge 7
start switch "$BIN/isthmus" run -c "$WORLD/switch.xml"
check "what was left goes after the next start" wait_for 20 arrived 10
sleep 0.5
check "and nothing twice" arrived 10
part processes
