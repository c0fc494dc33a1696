#!/bin/bash
# Real mail servers as peers, in both directions: what we send, they deliver, and
# what they send, we take and pass on. Each is a scratch instance on loopback.
# One that is not installed, or cannot run here, is left out with a word. Debian's
# packages exclude each other: EXIM=/path/to/exim4 names one that was unpacked.
set -u
cd "$(dirname "$0")/../.." || exit 2
BIN=${BUILD:-build}/bin
export BIN
# shellcheck source=tests/e2e/world.sh
. tests/e2e/world.sh
EXIM=${EXIM:-$(command -v exim4 || true)}
failed=0 POSTFIX_UP=""

WORLD=$(mktemp -d "${TMPDIR:-/tmp}/isthmus-interop-XXXXXX") || exit 1
chmod 755 "$WORLD"
stop() {
	[ -z "$POSTFIX_UP" ] || postfix -c "$WORLD/postfix/etc" stop 2>/dev/null
	world_stop
}
trap stop EXIT

says() { # WHAT COMMAND...
	local what=$1
	shift
	if "$@"; then
		echo "ok: $what"
	else
		echo "FAILED: $what"
		failed=$((failed + 1))
	fi
}

send() { # PORT TO SUBJECT
	swaks --server 127.0.0.1 --port "$1" --from joe@home.example --to "$2" \
		--header "Subject: $3" --body $'one\n.two\n..three\n' --timeout 20 >>"$WORLD/swaks.log" 2>&1
}

# All of these lines are in a file below the directory, soon.
holds() { # DIRECTORY SUBJECT LINE...
	local dir=$1 file line
	wait_for 20 grep -rqs "^Subject: $2" "$dir" || return 1
	file=$(grep -rls "^Subject: $2" "$dir" | head -1)
	shift 2
	for line; do
		grep -q "$line" "$file" || return 1
	done
}

both_ways() { # NAME PORT MAIL-DIRECTORY
	says "$1 takes what we send" send "$ALPHA_SMTP" "joe@$1.example" "to-$1"
	says "and delivers it as it was" holds "$3" "to-$1" '^Received: .*' \
		'isthmus\.example (Isthmus)' '^\.two' '^\.\.three'
	says "$1 is given mail for us" send "$2" ann@home.example "from-$1"
	says "we take it from $1, and pass it on" holds "$WORLD/sink" "from-$1" \
		"$1\.example" 'isthmus\.example (Isthmus)' '\.two'
}

switch() {
	fill_in tests/interop/isthmus.xml.in >"$WORLD/isthmus.xml"
	mkdir "$WORLD/sink"
	chown nobody "$WORLD/sink" 2>/dev/null
	start sink /usr/sbin/smtp-sink "${as[@]}" -d "$WORLD/sink/m." \
		"127.0.0.1:$SINK" 100
	start switch "$BIN/isthmus" run -c "$WORLD/isthmus.xml"
	wait_port "$SINK" 10 && wait_port "$ALPHA_SMTP" 15
}

with_postfix() {
	local d=$WORLD/postfix
	if [ "$(id -u)" != 0 ] || ! command -v postfix >/dev/null; then
		echo "skipped: Postfix is not installed, or we are not root"
		return
	fi
	mkdir -p "$d/etc" "$d/queue" "$d/data" "$d/mail"
	chown postfix "$d/data"
	chown nobody "$d/mail"
	sed -e "s|@DIR@|$d|g" -e "s|@SINK@|$ALPHA_SMTP|g" -e "s|@SESSIONS@|10|g" \
		-e "s|bench\.example|postfix.example|" \
		tests/bench/postfix-main.cf.in >"$d/etc/main.cf"
	cat >>"$d/etc/main.cf" <<-END
		virtual_mailbox_domains = postfix.example
		virtual_mailbox_base = $d/mail
		virtual_mailbox_maps = static:box
		virtual_uid_maps = static:$(id -u nobody)
		virtual_gid_maps = static:$(id -g nobody)
		virtual_minimum_uid = 1
	END
	sed "s|@PORT@|$BRAVO_SMTP|g" tests/bench/postfix-master.cf.in >"$d/etc/master.cf"
	echo "virtual unix - n n - - virtual" >>"$d/etc/master.cf"
	postfix -c "$d/etc" start >"$WORLD/postfix.log" 2>&1 && POSTFIX_UP=1
	says "Postfix runs" wait_port "$BRAVO_SMTP" 10
	both_ways postfix "$BRAVO_SMTP" "$d/mail"
}

with_exim() {
	if [ "$(id -u)" != 0 ] || [ ! -x "$EXIM" ]; then
		echo "skipped: Exim is not installed (EXIM=...), or we are not root"
		return
	fi
	mkdir -p "$WORLD/exim/spool"
	chown -R nobody "$WORLD/exim"
	fill_in tests/interop/exim.conf.in >"$WORLD/exim/conf"
	if ! "$EXIM" -C "$WORLD/exim/conf" -bV >"$WORLD/exim.log" 2>&1; then
		echo "skipped: Exim cannot run here: $(head -1 "$WORLD/exim.log")"
		return
	fi
	start exim "$EXIM" -C "$WORLD/exim/conf" -bdf -q1m
	says "Exim runs" wait_port "$BRAVO_P1" 10
	both_ways exim "$BRAVO_P1" "$WORLD/exim"
}

as=()
[ "$(id -u)" != 0 ] || as=(-u nobody)
world_ports && switch || exit 1
with_postfix
with_exim
if [ "$failed" != 0 ]; then
	grep -v ' info ' "$WORLD/switch.log" | tail
	exit 1
fi
