#!/bin/bash
# Delivery by MX records, against a name server (NSD, signed zones) and servers
# on addresses of their own: Postfix's smtp-sink in plain, our smtpd with TLS, a
# server whose TLS is broken, and some that are not there.
# Prints what failed and 'NAME: N passed, N failed' for each part.
set -u
cd "$(dirname "$0")/../.." || exit 2
BIN=${BUILD:-build}/bin
export BIN
PATH=$PATH:/usr/sbin:/sbin
for program in swaks nsd ldns-signzone ldns-keygen openssl smtp-sink perl; do
	command -v $program >/dev/null && continue
	if [ -n "${INTEROP:-}" ]; then
		echo "delivery by MX: skipped, there is no $program"
		exit 0
	fi
	echo "delivery by MX: there is no $program (make deps): 0 passed, 1 failed"
	exit 1
done
# shellcheck source=tests/e2e/world.sh
. tests/e2e/world.sh
# shellcheck source=tests/e2e/story.sh
. tests/e2e/story.sh
# shellcheck source=tests/e2e/parts.sh
. tests/e2e/parts.sh

trap 'finish "$WORLD"/mx.log' EXIT
trap 'exit 130' INT TERM

ports() {
	local base
	base=$(free_ports) || return 1
	PORT=$base DNS=$((base + 1)) IN=$((base + 2)) SINK=$((base + 3))
}

pki() {
	PKI=$WORLD/pki
	mkdir "$PKI"
	{
		authority &&
			certificate server /CN=server "DNS:localhost,DNS:mx1.signed.example,DNS:mx1.plain.example"
	} >"$WORLD/pki.log" 2>&1
	TLSA=$(openssl x509 -in "$PKI/server.crt" -noout -pubkey |
		openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)
	echo pencil | "$BIN/isthmus" identity --file "$WORLD/identities.xml" \
		--addresses "*@own.example" alice
}

zone() { # NAME: records on standard input
	{
		echo "\$ORIGIN $1."
		echo '$TTL 600'
		echo '@ SOA ns hostmaster 1 3600 600 86400 60'
		echo '@ NS ns'
		echo 'ns A 127.0.0.1'
		cat
	} >"$WORLD/zones/$1"
}
zones() {
	local key
	mkdir "$WORLD/zones"
	zone plain.example <<-END
		sink A 127.0.0.2
		mx1 A 127.0.0.3
		mx2 A 127.0.0.5
		broken A 127.0.0.7
		down A 127.0.0.4
		down2 A 127.0.0.9
		one MX 10 sink
		two MX 10 sink
		gone MX 10 down
		gone MX 20 down2
		second MX 10 down
		second MX 20 sink
		null MX 0 .
		implicit A 127.0.0.2
		tls MX 10 mx1
		fallback MX 10 broken
		verified MX 10 mx1
		unverified MX 10 mx2
		dane-only MX 10 mx1
		own MX 10 mx.own.example.
		relay MX 10 sink
		greeting A 127.0.0.10
		mail A 127.0.0.11
		rcpt A 127.0.0.12
		next MX 10 greeting
		next MX 20 mail
		next MX 30 sink
		final MX 10 rcpt
		final MX 20 sink
		six MX 1 six1
		six MX 2 six2
		six MX 3 six3
		six MX 4 six4
		six MX 5 six5
		six MX 6 sink
		$(for i in 1 2 3 4 5; do echo "six$i A 127.0.1.$i"; done)
		$(for i in $(seq 12); do echo "many$i MX 10 host$i"; echo "host$i A 127.0.0.2"; done)
		sts MX 10 mx1
		_mta-sts.sts TXT "v=STSv1; id=1;"
		unknown MX 10 mx1
		_mta-sts.unknown TXT "v=STSv1; id=1;"
		elsewhere MX 10 sink
		_mta-sts.elsewhere TXT "v=STSv1; id=1;"
		tested MX 10 sink
		_mta-sts.tested TXT "v=STSv1; id=1;"
		nopolicy MX 10 mx1
	END
	zone signed.example <<-END
		mx1 A 127.0.0.3
		mx2 A 127.0.0.5
		mx3 A 127.0.0.6
		_$PORT._tcp.mx1 TLSA 3 1 1 $TLSA
		_$PORT._tcp.mx2 TLSA 3 1 1 ${TLSA//[0-9]/0}
		_$PORT._tcp.mx3 TLSA 3 1 1 $TLSA
		good MX 10 mx1
		better MX 10 mx2
		better MX 20 mx1
		forged MX 10 mx2
		stripped MX 10 mx3
	END
	(cd "$WORLD/zones" &&
		key=$(ldns-keygen -r /dev/urandom -k -a ECDSAP256SHA256 signed.example) &&
		ldns-signzone signed.example "$key" && cp "$key.key" signed.key) >"$WORLD/zones.log" 2>&1 ||
		return 1
	cat >"$WORLD/nsd.conf" <<-END
		server:
		  ip-address: 127.0.0.1@$DNS
		  username: ""
		  zonesdir: $WORLD/zones
		  pidfile: $WORLD/nsd.pid
		  database: ""
		  xfrdfile: $WORLD/xfrd
		  zonelistfile: $WORLD/zonelist
		  xfrdir: $WORLD
		  server-count: 1
		remote-control:
		  control-enable: no
		zone:
		  name: plain.example
		  zonefile: plain.example
		zone:
		  name: signed.example
		  zonefile: signed.example.signed
	END
	start nsd nsd -d -c "$WORLD/nsd.conf"
	wait_port "$DNS"
}

# As if they had been fetched: HTTPS has a port and authorities of its own.
policies() { # FILE
	local domain mode host
	mkdir -p "${1%/*}"
	echo "isthmus mta-sts 1" >"$1"
	while read -r domain mode host; do
		echo "$domain 1 $(date +%s) 86400 $mode $host" >>"$1"
	done <<-END
		elsewhere.plain.example enforce mx1.plain.example
		sts.plain.example enforce mx1.plain.example
		tested.plain.example testing mx1.plain.example
		unknown.plain.example enforce *.plain.example
	END
}

# Servers with faults: the last octet of the address says which.
#   7   agrees to STARTTLS and knows nothing of TLS; in plain it takes a message
#   10  has no time, and says so in its greeting
#   11  nor here, but says so when it gets MAIL
#   12  refuses each recipient
faulty() {
	start faulty perl -MIO::Socket::INET -e '
		$| = 1;
		for my $n (7, 10, 11, 12) {
			my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.$n", LocalPort => $ARGV[0],
				Listen => 5, ReuseAddr => 1) or die $!;
			print "ready\n";
			my $kid = fork;
			push @kids, $kid;
			serve($n, $l) if !$kid;
		}
		$SIG{TERM} = sub { kill TERM => @kids; exit };
		1 while wait > 0;
		sub serve {
			my ($n, $l) = @_;
			while (my $s = $l->accept) {
				my $data = 0;
				print $s $n == 10 ? "450 later\r\n" : "220 faulty.plain.example\r\n";
				while (<$s>) {
					if ($data) { next unless /^\.\r$/; $data = 0; print $s "250 done\r\n"; print "taken\n" }
					elsif (/^EHLO/) { print $s "250-faulty.plain.example\r\n250 ", $n == 7 ? "STARTTLS" : "HELP", "\r\n" }
					elsif (/^STARTTLS/) { print $s "220 go on\r\n"; sysread $s, $_, 1; print $s "what?\r\n"; last }
					elsif (/^MAIL/ && $n == 11) { print $s "421 not now\r\n"; last }
					elsif (/^RCPT/ && $n == 12) { print $s "550 5.1.1 nobody\r\n" }
					elsif (/^DATA/) { $data = 1; print $s "354 go on\r\n" }
					elsif (/^QUIT/) { print $s "221 bye\r\n"; last }
					else { print $s "250 ok\r\n" }
				}
				close $s;
			}
		}' "$PORT"
	wait_for 5 eval '[ "$(grep -c ready "$WORLD/faulty.log")" = 4 ]'
}

world() {
	local name as=()
	[ "$(id -u)" = 0 ] && as=(-u nobody)
	mkdir -p "$WORLD/sink" "$WORLD/plain" "$WORLD/mx" "$WORLD/goal" &&
		chmod 777 "$WORLD/sink" "$WORLD/plain"
	for name in mx goal; do
		sed -e "s|@WORLD@|$WORLD|g" -e "s|@PORT@|$PORT|" -e "s|@DNS@|$DNS|" \
			-e "s|@IN@|$IN|" -e "s|@SINK@|$SINK|" "$HERE/$name.xml.in" >"$WORLD/$name.xml"
	done
	start plain smtp-sink "${as[@]}" -h sink.plain.example -d "$WORLD/plain/%M." "127.0.0.2:$PORT" 100
	start sink smtp-sink "${as[@]}" -d "$WORLD/sink/%M." "127.0.0.1:$SINK" 100
	faulty || return 1
	policies "$WORLD/mx/spool/mta-sts"
	start goal "$BIN/isthmus" run -c "$WORLD/goal.xml"
	start mx "$BIN/isthmus" run -c "$WORLD/mx.xml"
	wait_for 15 grep -q "listening address=127.0.0.8:$PORT " "$WORLD/goal.log" &&
		wait_for 15 grep -q "listening address=127.0.0.1:$IN " "$WORLD/mx.log"
}

# --- what is said, and what becomes of it ---

send() { # SUBJECT TO...
	local subject=$1 to
	shift
	to=$(IFS=,; echo "$*")
	swaks --server 127.0.0.1 --port "$IN" --helo client.example --from zoe@own.example \
		--to "$to" --header "Subject: $subject" --body test >"$WORLD/last" 2>&1
}
# The log says of this recipient: became WORD TO PATTERN
became() {
	wait_for "${TIME:-10}" eval "grep -E ' $1 .*to=$2 ' '$WORLD/mx.log' | grep -qE -- '$3'"
}
in_plain() { wait_for 5 grep -rqE -- "^Subject: $1" "$WORLD/plain"; }
in_sink() { wait_for 5 sink_find "^Subject: $1\$"; }
said() { wait_for 5 grep -qE -- "$1" "$WORLD/mx.log"; }

plain() {
	send first a@one.plain.example b@two.plain.example
	check "a domain's MX host gets its mail" became relayed a@one.plain.example 'remote="dns; sink.plain.example"'
	check "and so does another domain's in the same message" became relayed b@two.plain.example 'remote="dns; sink.plain.example"'
	check "it is there" in_plain first
	send implicit c@implicit.plain.example
	check "a host without MX records is its own" became relayed c@implicit.plain.example 'remote="dns; implicit.plain.example"'
	send second d@second.plain.example
	check "the second MX host, when the first is down" became relayed d@second.plain.example 'remote="dns; sink.plain.example"'
	check "and the log names the first" said 'peer unreachable .*host=down.plain.example .*status=4.4.1'
	send via x@elsewhere.example
	check "one domain's MX records serve for all" became relayed x@elsewhere.example 'remote="dns; sink.plain.example"'
	part "MX"
}

fates() {
	send fates ok@one.plain.example no@null.plain.example later@gone.plain.example nobody@nowhere.plain.example
	check "one message: relayed here" became relayed ok@one.plain.example 'status=2'
	check "failed there, by a null MX" became failed no@null.plain.example 'status=5.1.10'
	check "failed where there is no such domain" became failed nobody@nowhere.plain.example 'status=5.1.2'
	check "deferred where all are down" became deferred later@gone.plain.example 'status=4.4.1 text=.*connect'
	check "the report comes back" wait_for 10 grep -rq 'Status: 5.1.10' "$WORLD/sink"
	send next ok2@one.plain.example
	check "and one domain's trouble holds nobody else up" became relayed ok2@one.plain.example 'status=2'
	send again later2@gone.plain.example
	check "what is down is not asked again at once" became deferred later2@gone.plain.example 'status=4.4.1'
	check "but once" test "$(grep -c 'peer unreachable .*host=down2' "$WORLD/mx.log")" = 1
	send own who@own.plain.example
	check "we are its MX host: a loop" became failed who@own.plain.example 'status=5.4.6'
	part "fates"
}

failover() {
	send next a@next.plain.example
	check "on after a greeting of 4xx, and after 421 to MAIL" became relayed a@next.plain.example 'remote="dns; sink.plain.example"'
	check "the log has the first" said 'host=greeting.plain.example .*reason="450 later"'
	send final a@final.plain.example
	check "a refused recipient is refused" became failed a@final.plain.example 'remote="dns; rcpt.plain.example" status=5.1.1'
	send six a@six.plain.example
	check "no sixth server in one attempt" became deferred a@six.plain.example 'remote="dns; six5.plain.example" status=4.4.1'
	TIME=15 check "but in the next" became relayed a@six.plain.example 'remote="dns; sink.plain.example"'
	part "fail-over"
}

# Twelve hosts, four sessions.
crowd() {
	local i to=()
	for i in $(seq 12); do
		to+=("m@many$i.plain.example")
	done
	send crowd "${to[@]}"
	# the idle time is 3 s
	TIME=2
	for i in $(seq 12); do
		check "host $i gets its turn" became relayed "m@many$i.plain.example" "remote=\"dns; host$i.plain.example\""
	done
	TIME=10
	part "sessions"
}

tls() {
	send tls a@tls.plain.example
	check "TLS where it is offered" became relayed a@tls.plain.example 'tls=TLSv1.3 '
	check "it is there" in_sink tls
	send fallback a@fallback.plain.example
	check "plain, where TLS is offered and broken" became relayed a@fallback.plain.example 'remote="dns; broken.plain.example" status'
	check "and the log says so" said 'TLS failed: spoken to in plain .*host=broken.plain.example'
	check "nobody took it before" test "$(grep -c taken "$WORLD/faulty.log")" = 1
	send verified a@verified.plain.example
	check "the host's name is in its certificate" became relayed a@verified.plain.example 'tls="TLSv1.3 verified"'
	send unverified a@unverified.plain.example
	check "and where it is not, nothing goes" became deferred a@unverified.plain.example 'status=4.7.5 .*does not carry the name'
	part "TLS"
}

dane() {
	send good a@good.signed.example
	check "the host of the TLSA record" became relayed a@good.signed.example 'remote="dns; mx1.signed.example" tls="TLSv1.3 dane"'
	check "it is there" in_sink good
	send better a@better.signed.example
	check "the next host is tried" became relayed a@better.signed.example 'remote="dns; mx1.signed.example" tls="TLSv1.3 dane"'
	check "when the first has another key" said 'peer unreachable .*host=mx2.signed.example .*status=4.7.5'
	send forged a@forged.signed.example
	check "where it is the only one" became deferred a@forged.signed.example 'remote="dns; mx2.signed.example"'
	check "another key: nothing goes" became deferred a@forged.signed.example 'status=4.7.5 text="handshake: '
	send stripped a@stripped.signed.example
	check "no STARTTLS: nothing goes" became deferred a@stripped.signed.example 'status=4.7.4'
	send dane-only a@dane-only.plain.example
	check "none, where they must be" became deferred a@dane-only.plain.example 'status=4.7.5 text="mx1.plain.example: DANE is required'
	check "none of these came through" not_in_sink 'forged|stripped|dane-only'
	part "DANE"
}
not_in_sink() { ! sink_find "^Subject: ($1)\$"; }

sts() {
	send sts a@sts.plain.example
	check "the host and the authority of the policy" became relayed a@sts.plain.example 'tls="TLSv1.3 verified"'
	send unknown a@unknown.plain.example
	check "another authority: nothing goes" became deferred a@unknown.plain.example 'status=4.7.5 text="handshake: .*unable to get local issuer'
	send elsewhere a@elsewhere.plain.example
	check "another host: nothing goes" became deferred a@elsewhere.plain.example 'status=4.7.5 text="sink.plain.example: it is not in the domain.s MTA-STS policy'
	send tested a@tested.plain.example
	check "but where the policy is being tested" became relayed a@tested.plain.example 'status=2'
	send nopolicy a@nopolicy.plain.example
	check "no policy, where there must be one" became deferred a@nopolicy.plain.example 'text="mx1.plain.example: MTA-STS is required'
	part "MTA-STS"
}

auth() {
	send submitted a@submitted.example
	check "as a user of the smart host" became relayed a@submitted.example 'tls="TLSv1.3 verified"'
	check "it is there" in_sink submitted
	check "with ESMTPSA" eval "grep -qE 'with ESMTPSA' \$(sink_find '^Subject: submitted\$')"
	send refused a@refused.example
	check "a wrong password is the peer's failure" became deferred a@refused.example 'status=4.7.8 text="authentication: 535'
	part "AUTH"
}

WORLD=$(mktemp -d "${TMPDIR:-/tmp}/isthmus-XXXXXX") || exit 2
chmod 755 "$WORLD"
ports && pki && zones && world || exit 1
plain
fates
failover
crowd
tls
dane
sts
auth
[ "$all_failed" = 0 ]
