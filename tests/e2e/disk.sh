#!/bin/bash
# A spool on a small file system of its own: it fills up, new mail is refused
# with 452, what is queued is delivered, room comes back and mail is taken again;
# long-lived messages among many that pass are moved together. Nothing is lost. Needs the right to mount (root); says so otherwise.
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

PID_disk="" # set by start
SPOOL=""
end() {
	local status=$?
	world_end_mount
	(exit $status)
	finish "$WORLD"/disk.log
}
world_end_mount() {
	[ -z "$PID_disk" ] || stop_pid "$PID_disk"
	[ -z "$SPOOL" ] || umount -l "$SPOOL" 2>/dev/null
}
trap end EXIT
trap 'exit 130' INT TERM

configuration() { # LOW-WATER
	cat <<-XML
		<?xml version="1.0" encoding="UTF-8"?>
		<isthmus name="disk">
		  <mta name="disk" country="XX" admd="DISK" hostname="disk.example"
		       postmaster="postmaster@disk.example"/>
		  <log level="info" to="stderr"/>
		  <spool directory="$SPOOL" segment-size="256KiB"
		         content-file-threshold="64KiB" low-water="$1"/>
		  <scheduler retry-step="1s" retry-max="1s"/>
		  <smtpd>
		    <listen address="127.0.0.1:$ALPHA_SMTP"/>
		    <relay client="127.0.0.0/8"/>
		  </smtpd>
		  <channel name="report" program="report"/>
		  <channel name="smtp" program="smtp"/>
		  <peer name="out" channel="smtp" address="127.0.0.1:$SINK"/>
		  <peer name="later" channel="smtp" address="127.0.0.1:$DEAD"/>
		  <route domain="later.example" peer="later"/>
		  <route domain="*" peer="out"/>
		</isthmus>
	XML
}

# Sends messages until one is refused, or N; how many were accepted.
fill() { # N DOMAIN OCTETS
	perl - "$ALPHA_SMTP" "$@" <<'PERL'
use strict; use warnings; use IO::Socket::INET; use Socket qw(IPPROTO_TCP TCP_NODELAY);
my ($port, $n, $domain, $octets) = @ARGV;
my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port", Timeout => 10) or die;
$s->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
my $line = "x" x 70 . "\r\n";
my ($accepted, $last) = (0, "");
sub answer { my $l; do { $l = <$s> // die "closed" } while ($l =~ /^...-/); $l =~ s/\r?\n//; return $l }
sub say_it { print $s "$_[0]\r\n"; return $last = answer() }
answer(); say_it("EHLO client.example");
for my $i (1 .. $n) {
	last unless say_it("MAIL FROM:<a\@client.example>") =~ /^250/;
	last unless say_it("RCPT TO:<b$i\@$domain>") =~ /^250/;
	last unless say_it("DATA") =~ /^354/;
	print $s "Subject: number $domain $i\r\n\r\n", $line x ($octets / 72);
	last unless say_it(".") =~ /^250/;
	$accepted++;
}
print "$accepted $last\n";
PERL
}
said() { grep -qE "$1" "$WORLD/disk.log"; }
times_said() { grep -cE "$1" "$WORLD/disk.log"; }
accepts() { [ "$(fill 1 sink.example 100 | cut -d ' ' -f 1)" = 1 ]; }
verify() { "$BIN/isthmus" spool -d "$SPOOL" verify; }
queued() { verify | awk '$1 == "messages" { print $2 }'; }
nothing_queued() { [ "$(queued)" = "$1" ]; }
kib_used() { du -sk "$SPOOL/segments" | cut -f 1; }

WORLD=$(mktemp -d "${TMPDIR:-/tmp}/isthmus-XXXXXX") || exit 1
chmod 755 "$WORLD"
SPOOL=$WORLD/spool
mkdir "$SPOOL"
if ! mount -t tmpfs -o size=96m isthmus-disk "$SPOOL" 2>/dev/null; then
	SPOOL=""
	echo "disk: skipped (only root may mount a small file system)"
	trap - EXIT
	rm -rf "$WORLD"
	exit 0
fi
world_ports || exit 1
configuration 8MiB >"$WORLD/disk.xml"
start disk "$BIN/isthmus" run -c "$WORLD/disk.xml"
wait_port "$ALPHA_SMTP" 10 || exit 1

# --- full ---
read -r accepted answer <<<"$(fill 5000 sink.example 20000)"
check "mail is accepted until the disk is full ($accepted)" test "$accepted" -gt 500
check "then refused with 452 ($answer)" grep -q '^452 ' <<<"$answer"
fill 50 sink.example 1000 >/dev/null
check "the log says it once" test "$(times_said ' smtpd.* spool .*state=full')" = 1
check "everything that was accepted is queued" test "$(queued)" = "$accepted"
dd if=/dev/zero of="$SPOOL/ballast" bs=64k 2>/dev/null # to the last block
check "there is no room at all" test "$(df --output=avail "$SPOOL" | tail -1)" -lt 64
mkdir "$WORLD/sink" && chmod 777 "$WORLD/sink"
start sink /usr/sbin/smtp-sink -u "$(id -un)" "127.0.0.1:$SINK" 100
wait_for 60 nothing_queued 0
check "what is queued goes on being delivered, with the disk full" nothing_queued 0
rm "$SPOOL/ballast"
wait_for 10 accepts
check "mail is accepted again, by itself" accepts
check "and the log says so" said ' smtpd.* spool .*state=ok'
check "nothing in the spool is damaged" verify
part "disk full"

# --- long-lived ones ---
kept=0
for _ in $(seq 12); do
	n=$(fill 5 later.example 2000 | cut -d ' ' -f 1)
	kept=$((kept + n))
	fill 200 sink.example 2000 >/dev/null
done
wait_for 60 nothing_queued "$kept"
check "those that can be delivered are ($kept stay)" nothing_queued "$kept"
fill 300 sink.example 2000 >/dev/null
wait_for 30 said ' compacted .*records='
check "live records are moved out of segments that are mostly dead" said ' compacted .*records='
check "and none is in doubt" verify
pid=$(pgrep -P "$PID_disk" -x qmgr | head -1)
kill -KILL "$pid"
wait_for 10 said "queue-loaded messages=$kept"
wait_for 60 nothing_queued "$kept"
check "after a crash the same ones are there" nothing_queued "$kept"
wait_for 20 test "$(kib_used)" -lt 8000
check "they do not keep the disk full ($(kib_used) KiB)" test "$(kib_used)" -lt 8000
id=$("$BIN/isthmus" queue -c "$WORLD/disk.xml" | grep -oE '^[0-9a-f]{16}' | head -1)
check "one that was moved is shown by its id" bash -c "'$BIN/isthmus' spool -d '$SPOOL' dump $id | grep -q 'b[0-9]*@later.example'"
check "for programs too" bash -c "'$BIN/isthmus' spool -d '$SPOOL' --json dump $id | perl -MJSON::PP -e 'decode_json(join \"\", <STDIN>)'"
stop_pid "$PID_disk"
PID_disk=""
check "and the stopped spool is sound" verify
part "long-lived messages"
