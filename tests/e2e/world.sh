# shellcheck shell=bash
# A small world on loopback for the demo and the tests: two switches (alpha and
# bravo), Dovecot as the mailbox server behind both (LMTP), Postfix's smtp-sink
# as a stranger's SMTP server. Sourced by bash scripts. Everything lives below
# $WORLD; world_stop ends what world_start started, by pid, and nothing else.

BIN=${BIN:-build/bin}
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
WORLD=
PIDS=()

# A run of eight free ports, the same for both families.
free_ports() {
	local base used
	used=$(awk 'NR > 1 { split($2, a, ":"); print a[2] }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
	for _ in $(seq 50); do
		base=$((20000 + (RANDOM % 1200) * 10))
		local ok=1 i
		for i in 0 1 2 3 4 5 6 7; do
			grep -qi "^$(printf '%04X' $((base + i)))$" <<<"$used" && ok=0
		done
		[ $ok = 1 ] && echo $base && return
	done
	echo "no free ports" >&2
	return 1
}

world_ports() {
	local base
	base=$(free_ports) || return 1
	ALPHA_SMTP=$base ALPHA_P1=$((base + 1)) BRAVO_SMTP=$((base + 2))
	BRAVO_P1=$((base + 3)) LMTP=$((base + 4)) SINK=$((base + 5))
	DEAD=$((base + 6)) # nobody listens here
	CHARLIE=$((base + 7))
}

fill_in() { # TEMPLATE -> standard output
	sed -e "s|@WORLD@|$WORLD|g" -e "s|@ALPHA_SMTP@|$ALPHA_SMTP|g" \
		-e "s|@ALPHA_P1@|$ALPHA_P1|g" -e "s|@BRAVO_SMTP@|$BRAVO_SMTP|g" \
		-e "s|@BRAVO_P1@|$BRAVO_P1|g" -e "s|@LMTP@|$LMTP|g" \
		-e "s|@CHARLIE@|$CHARLIE|g" -e "s|@SINK@|$SINK|g" -e "s|@DEAD@|$DEAD|g" "$1"
}

wait_port() { # PORT SECONDS
	local hex end=$((SECONDS + ${2:-10}))
	hex=$(printf ':%04X' "$1")
	while [ $SECONDS -lt $end ]; do
		awk -v p="$hex" '$4 == "0A" && $2 ~ p "$" { f = 1 } END { exit !f }' \
			/proc/net/tcp /proc/net/tcp6 2>/dev/null && return 0
		sleep 0.05
	done
	echo "nothing listens on port $1" >&2
	return 1
}

wait_for() { # SECONDS COMMAND...
	local end=$(($(date +%s%N) + $1 * 1000000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s%N)" -lt $end ] || return 1
		sleep 0.1
	done
}

start() { # NAME COMMAND... (log to $WORLD/NAME.log)
	local name=$1
	shift
	"$@" >>"$WORLD/$name.log" 2>&1 &
	PIDS+=($!)
	eval "PID_$name=$!"
}

dovecot_conf() {
	local uid gid user login
	if [ "$(id -u)" = 0 ]; then
		# Dovecot delivers no mail as root
		uid=$(id -u nobody) gid=$(id -g nobody) user=root login=nobody
	else
		uid=$(id -u) gid=$(id -g) user=$(id -un) login=$(id -un)
	fi
	mkdir -p "$WORLD/mail" && chown "$uid:$gid" "$WORLD/mail"
	sed -e "s|@UID@|$uid|" -e "s|@GID@|$gid|" -e "s|@USER@|$user|" \
		-e "s|@GROUP@|$(id -gn)|" -e "s|@LOGIN@|$login|" "$HERE/dovecot.conf.in" >"$WORLD/dovecot.conf.in"
	fill_in "$WORLD/dovecot.conf.in" >"$WORLD/dovecot.conf"
	printf '%s:{PLAIN}x::::::\n' alice@alpha.example bob@bravo.example \
		carol@bravo.example >"$WORLD/users"
}

start_switch() { # alpha | bravo
	mkdir -p "$WORLD/$1"
	fill_in "$HERE/$1.xml.in" >"$WORLD/$1.xml"
	start "$1" "$BIN/isthmus" run -c "$WORLD/$1.xml"
}

world_start() {
	WORLD=$(mktemp -d "${TMPDIR:-/tmp}/isthmus-XXXXXX") || return 1
	chmod 755 "$WORLD"
	world_ports || return 1
	dovecot_conf
	start dovecot /usr/sbin/dovecot -F -c "$WORLD/dovecot.conf"
	mkdir -p "$WORLD/sink" && chmod 777 "$WORLD/sink"
	local as=()
	[ "$(id -u)" = 0 ] && as=(-u nobody)
	start sink /usr/sbin/smtp-sink "${as[@]}" -d "$WORLD/sink/%M." \
		"127.0.0.1:$SINK" 100
	wait_port "$LMTP" && wait_port "$SINK" || return 1
}

switches_start() {
	start_switch alpha
	start_switch bravo
	wait_port "$ALPHA_SMTP" 15 && wait_port "$ALPHA_P1" 15 &&
		wait_port "$BRAVO_SMTP" 15 && wait_port "$BRAVO_P1" 15
}

stop_pid() { # PID: asks, waits, insists
	kill -TERM "$1" 2>/dev/null || return 0
	local i
	for i in $(seq 120); do
		kill -0 "$1" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	return 0
}

world_stop() {
	local i
	for ((i = ${#PIDS[@]} - 1; i >= 0; i--)); do
		stop_pid "${PIDS[i]}"
	done
	PIDS=()
	if [ -n "$WORLD" ] && [ -z "${KEEP:-}" ]; then
		rm -rf "$WORLD"
	fi
}

send_mail() { # PORT FROM FILE TO...   prints the SMTP dialogue
	local port=$1 from=$2 file=$3
	shift 3
	local to
	to=$(IFS=,; echo "$*")
	swaks --server "127.0.0.1:$port" --helo client.example --from "$from" \
		--to "$to" --data "@$file" --suppress-data 2>&1
}

# The newest message in a mailbox whose text has PATTERN: its file name.
mailbox_find() { # USER@DOMAIN PATTERN
	local dir="$WORLD/mail/${1#*@}/${1%@*}"
	grep -lrE -- "$2" "$dir/new" "$dir/cur" 2>/dev/null | head -1 | grep .
}
sink_find() { # PATTERN
	grep -lrE -- "$1" "$WORLD/sink" 2>/dev/null | head -1 | grep .
}
