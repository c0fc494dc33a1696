#!/bin/bash
# A crash at every step: each process of each switch is killed (kill -9), one at
# a time, just while a message is in it. To keep the message there, the process
# that comes next on its way is stopped first (or the victim itself). Then
# all goes on, and the message must arrive; at the end both queues are empty.
# What is not begun after 35 s has failed: the whole ends within a minute.
# Prints what failed and 'crash: N passed, N failed'.
set -u
cd "$(dirname "$0")/../.." || exit 2
BIN=${BUILD:-build}/bin
export BIN
# shellcheck source=tests/e2e/world.sh
. tests/e2e/world.sh
# shellcheck source=tests/e2e/story.sh
. tests/e2e/story.sh

PID_dovecot="" # set by start(), as are PID_alpha and PID_bravo
passed=0 failed=0
check() { # TEXT COMMAND...
	local text=$1
	shift
	if "$@" >/dev/null 2>&1; then
		passed=$((passed + 1))
		[ -z "${VERBOSE:-}" ] || echo "ok: $text (at $SECONDS s)"
	else
		failed=$((failed + 1))
		echo "FAILED: $text"
	fi
}
finish() {
	local status=$?
	trap '' INT TERM
	release
	if [ $failed != 0 ] && [ -n "$WORLD" ]; then
		tail -n 40 "$WORLD"/alpha.log "$WORLD"/bravo.log 2>/dev/null
	fi
	[ -z "${KEEP:-}" ] || echo "kept: $WORLD"
	world_stop
	echo "crash: $passed passed, $failed failed"
	[ $status != 0 ] || [ $failed = 0 ] || status=1
	exit $status
}

# --- processes ---

qmgr_of() { # SIDE
	local switch=PID_$1
	pgrep -x -P "${!switch}" qmgr
}
pids_of() { # SIDE NAME
	case $1-$2 in
	*-qmgr) qmgr_of "$1" ;;
	mailboxes-*) echo "$PID_dovecot" && pgrep -x -P "$PID_dovecot" lmtp ;;
	*) pgrep -x -P "$(qmgr_of "$1")" "$2" ;;
	esac
}

stopped=()
stop() { # SIDE NAME: it does nothing more until release()
	local p pids
	wait_for 5 pids_of "$1" "$2" || return 1
	mapfile -t pids < <(pids_of "$1" "$2")
	for p in "${pids[@]}"; do
		kill -STOP "$p" && stopped+=("$p")
	done
}
release() {
	[ ${#stopped[@]} = 0 ] || kill -CONT "${stopped[@]}" 2>/dev/null
	stopped=()
}
slay() { # SIDE NAME
	local pids
	mapfile -t pids < <(pids_of "$1" "$2")
	[ ${#pids[@]} -gt 0 ] && kill -KILL "${pids[@]}"
}

# Waits, looking all the time, for a child of that name: its pid in $caught.
catch() { # PARENT NAME OTHER-THAN
	local end=$((SECONDS + 5)) kids k name
	while [ $SECONDS -lt $end ]; do
		kids=
		read -r kids <"/proc/$1/task/$1/children"
		for k in $kids; do
			name=
			read -r name <"/proc/$k/comm"
			[ "$name" = "$2" ] && [ "$k" != "${3:-}" ] && caught=$k && return
		done
	done 2>/dev/null
	return 1
}

# --- messages ---

n=0
other() { [ "$1" = alpha ] && echo bravo || echo alpha; }
someone() { # SIDE: its user
	[ "$1" = alpha ] && echo alice@alpha.example || echo bob@bravo.example
}
# From SIDE's user to the other side's, or to TO. Sets subject, accepted (its id).
post() { # SIDE [TO]
	local port=${1^^}_SMTP to=${2:-$(someone "$(other "$1")")}
	subject="crash $((++n))."
	printf 'From: %s\nTo: %s\nSubject: %s\nMessage-ID: <crash-%s@%s>\n\nStill here.\n' \
		"$(someone "$1")" "$to" "$subject" "$n" "$1.example" >"$WORLD/crash.eml"
	accepted=$(send_mail "${!port}" "$(someone "$1")" "$WORLD/crash.eml" "$to" |
		sed -nE 's/^<-  250 2\.0\.0 .*\b([0-9a-f]{16})\b.*/\1/p')
	[ -n "$accepted" ]
}
arrived() { # SIDE: the message of post() is in its user's mailbox
	mailbox_find "$(someone "$1")" "^Subject: ${subject//./\\.}"
}
reported() { # SIDE: its user has the report on it
	mailbox_find "$(someone "$1")" "^X400-Content-Identifier: ${subject//./\\.}"
}
queue() { "$BIN/isthmus" queue -c "$WORLD/$1.xml"; }
active() { # SIDE CHANNEL: it has been given work
	queue "$1" | grep -qE "[ ]$2[/ ].* active "
}
empty() { queue "$1" | grep -q '^The queue is empty'; }
all_empty() { empty alpha && empty bravo; }

# A step is 'hold, post, until, kill'; then all goes on.
over() { # SIDE WHAT ARRIVED-COMMAND...
	local what="$2 of $1"
	shift 2
	release
	wait_for 8 "$@"
	check "killed: $what; its message arrives" "$@"
}
posted() { # SIDE VICTIM: until the message is where it should be
	check "$2 of $1 has a message" "${@:3}"
}

# --- the steps: each for one side ---

# It said 250; nobody else knows of the message.
step_smtpd() {
	stop "$1" qmgr
	posted "$1" smtpd post "$1"
	slay "$1" smtpd
	over "$1" smtpd arrived "$(other "$1")"
}
step_mixer() {
	stop "$1" mixer
	post "$1"
	posted "$1" mixer wait_for 5 active "$1" mixer
	slay "$1" mixer
	over "$1" mixer arrived "$(other "$1")"
}
# The peer has the octets, perhaps, and does not answer.
step_x400p1_out() {
	stop "$(other "$1")" x400p1
	post "$1"
	posted "$1" "x400p1 (out)" wait_for 5 active "$1" x400p1
	slay "$1" x400p1
	over "$1" "x400p1 (out)" arrived "$(other "$1")"
}
# It took responsibility; nobody else on its side knows of the message.
step_x400p1_in() {
	local peer
	peer=$(other "$1")
	stop "$1" qmgr
	post "$peer"
	posted "$1" "x400p1 (in)" \
		wait_for 5 log_line "$WORLD/$peer.log" " sent " "id=$accepted"
	slay "$1" x400p1
	over "$1" "x400p1 (in)" arrived "$1"
}
step_lmtp() {
	stop mailboxes lmtp
	post "$(other "$1")"
	posted "$1" lmtp wait_for 5 active "$1" lmtp
	slay "$1" lmtp
	over "$1" lmtp arrived "$1"
}
step_report() {
	stop "$1" report
	post "$(other "$1")" "nobody@$1.example"
	posted "$1" report wait_for 5 active "$1" report
	slay "$1" report
	over "$1" report reported "$(other "$1")"
}
step_qmgr() {
	stop "$1" mixer
	post "$1"
	posted "$1" qmgr wait_for 5 active "$1" mixer
	slay "$1" qmgr
	over "$1" qmgr arrived "$(other "$1")"
}
# The association that brings it is with iaed, not yet with x400p1.
step_iaed() {
	local peer
	peer=$(other "$1")
	slay "$peer" x400p1
	stop "$1" iaed
	post "$peer"
	posted "$1" iaed wait_for 5 active "$peer" x400p1
	slay "$1" iaed
	over "$1" iaed arrived "$1"
}
# It reads the queue of a qmgr that has just started.
step_loader() {
	local old switch=PID_$1
	stop "$1" mixer
	post "$1"
	wait_for 5 active "$1" mixer
	old=$(qmgr_of "$1")
	slay "$1" qmgr
	catch "${!switch}" qmgr "$old" && catch "$caught" loader
	posted "$1" loader kill -KILL "$caught"
	over "$1" loader arrived "$(other "$1")"
}

# --- the run ---

trap finish EXIT
trap 'exit 130' INT TERM
SECONDS=0
if ! { world_start && switches_start; }; then
	check "the world starts" false
	exit 1
fi
# all channels have a process from here on
post alpha && wait_for 15 arrived bravo && post alpha nobody@bravo.example &&
	post bravo && wait_for 15 arrived alpha && post bravo nobody@alpha.example
wait_for 15 reported bravo
wait_for 15 all_empty
check "mail goes both ways" all_empty
for step in smtpd mixer x400p1_out x400p1_in lmtp report qmgr iaed loader; do
	for side in alpha bravo; do
		if [ $SECONDS -lt 35 ]; then
			"step_$step" $side
		else
			check "$step of $side: no time is left" false
		fi
	done
done
wait_for 10 all_empty
check "alpha's queue is empty" empty alpha
check "bravo's queue is empty" empty bravo
