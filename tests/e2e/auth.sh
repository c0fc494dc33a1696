#!/bin/bash
# TLS and SASL as clients of others speak them to smtpd: swaks, gsasl and
# OpenSSL's s_client against a listener of each kind; Kerberos with a KDC of the
# test's own; client certificates; and what must be refused.
# Prints what failed and 'NAME: N passed, N failed' for each part.
set -u
cd "$(dirname "$0")/../.." || exit 2
BIN=${BUILD:-build}/bin
export BIN
for program in swaks gsasl krb5kdc kadmin.local kdb5_util kinit openssl smtp-sink saslauthd; do
	PATH=$PATH:/usr/sbin:/sbin command -v $program >/dev/null && continue
	if [ -n "${INTEROP:-}" ]; then
		echo "authentication: skipped, there is no $program"
		exit 0
	fi
	echo "authentication: there is no $program (make deps): 0 passed, 1 failed"
	exit 1
done
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=tests/e2e/world.sh
. tests/e2e/world.sh
# shellcheck source=tests/e2e/story.sh
. tests/e2e/story.sh
# shellcheck source=tests/e2e/parts.sh
. tests/e2e/parts.sh

PID_saslauthd="" # set by start()
trap 'finish "$WORLD"/auth.log' EXIT
trap 'exit 130' INT TERM

# --- the world: keys, identities, a realm, a switch ---

ports() {
	local base
	base=$(free_ports) || return 1
	MX=$base SUBMIT=$((base + 1)) SUBMITS=$((base + 2)) OLD=$((base + 3))
	INSIDE=$((base + 4)) LMTPIN=$((base + 5)) SINK=$((base + 6)) KDC=$((base + 7))
	DAEMON=$((base + 8)) IMAP=$((base + 9))
}

pki() {
	PKI=$WORLD/pki
	mkdir "$PKI"
	{
		authority &&
			certificate server "/CN=localhost" "DNS:localhost" &&
			certificate other "/CN=mail.other.example" "DNS:mail.other.example" &&
			certificate alice "/CN=Alice" "email:alice@auth.example" &&
			certificate eve "/CN=Eve" "email:eve@auth.example"
	} >"$WORLD/pki.log" 2>&1
}

identity() { "$BIN/isthmus" identity --file "$WORLD/identities.xml" "$@"; }
identities() {
	echo pencil | identity --addresses "alice@auth.example *@own.example" \
		--certificates alice@auth.example --principals alice@AUTH.EXAMPLE \
		alice &&
		echo 'p&b "x"' | identity --addresses bob@auth.example bob &&
		identity --no-password --act-as bob alice &&
		echo gone | identity gone && identity --disable gone
}

realm() {
	export KRB5_CONFIG=$WORLD/krb5/krb5.conf KRB5_KDC_PROFILE=$WORLD/krb5/kdc.conf
	export KRB5CCNAME=$WORLD/krb5/tickets KRB5RCACHEDIR=$WORLD/krb5
	mkdir "$WORLD/krb5"
	cat >"$KRB5_CONFIG" <<-END
		[libdefaults]
		default_realm = AUTH.EXAMPLE
		dns_lookup_kdc = false
		dns_lookup_realm = false
		dns_canonicalize_hostname = false
		rdns = false
		[realms]
		AUTH.EXAMPLE = {
			kdc = 127.0.0.1:$KDC
		}
		[domain_realm]
		localhost = AUTH.EXAMPLE
	END
	cat >"$KRB5_KDC_PROFILE" <<-END
		[kdcdefaults]
		kdc_listen = 127.0.0.1:$KDC
		kdc_tcp_listen = 127.0.0.1:$KDC
		[realms]
		AUTH.EXAMPLE = {
			database_name = $WORLD/krb5/principal
			key_stash_file = $WORLD/krb5/stash
			acl_file = $WORLD/krb5/acl
		}
		[logging]
		kdc = FILE:$WORLD/kdc.log
	END
	{
		kdb5_util create -s -r AUTH.EXAMPLE -P master &&
			kadmin.local -q "addprinc -randkey smtp/localhost" &&
			kadmin.local -q "ktadd -k $WORLD/krb5/keytab smtp/localhost" &&
			kadmin.local -q "addprinc -pw tgt alice" &&
			kadmin.local -q "addprinc -pw tgt eve"
	} >"$WORLD/krb5.log" 2>&1 || return 1
	start krb5kdc krb5kdc -n
	wait_port "$KDC"
}

# saslauthd(8), which asks an IMAP server, which is a few lines of Perl.
back_end() {
	mkdir "$WORLD/saslauthd"
	start imap perl -MIO::Socket::INET -e '
		my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ARGV[0],
			Listen => 5, ReuseAddr => 1) or die $!;
		while (my $s = $l->accept) {
			print $s "* OK ready\r\n";
			while (<$s>) {
				if (/^(\S+) LOGIN "?carol\@auth.example"? "?carols"?\r?$/) { print $s "$1 OK in\r\n" }
				elsif (/^(\S+) LOGOUT/) { print $s "* BYE\r\n$1 OK\r\n"; last }
				elsif (/^(\S+) /) { print $s "$1 NO that is nobody\r\n" }
			}
			close $s;
		}' "$IMAP"
	wait_port "$IMAP" || return 1
	# it ends its whole process group: give it one
	start saslauthd setsid saslauthd -d -a rimap -r -O "127.0.0.1/$IMAP" -m "$WORLD/saslauthd" -n 1
	wait_for 5 test -S "$WORLD/saslauthd/mux"
}

start_auth() {
	mkdir -p "$WORLD/auth" "$WORLD/sink" && chmod 777 "$WORLD/sink"
	sed -e "s|@WORLD@|$WORLD|g" -e "s|@MX@|$MX|" -e "s|@SUBMIT@|$SUBMIT|" \
		-e "s|@SUBMITS@|$SUBMITS|" -e "s|@OLD@|$OLD|" -e "s|@INSIDE@|$INSIDE|" \
		-e "s|@LMTPIN@|$LMTPIN|" -e "s|@DAEMON@|$DAEMON|" -e "s|@SINK@|$SINK|" "$HERE/auth.xml.in" >"$WORLD/auth.xml"
	local as=()
	[ "$(id -u)" = 0 ] && as=(-u nobody)
	start sink smtp-sink "${as[@]}" -d "$WORLD/sink/%M." "127.0.0.1:$SINK" 100
	wait_port "$SINK" || return 1
	start auth "$BIN/isthmus" run -c "$WORLD/auth.xml"
	wait_for 15 grep -q "listening address=127.0.0.1:$LMTPIN " "$WORLD/auth.log"
}

# --- clients ---

mail() { # PORT FROM TO SWAKS-OPTION...: the dialogue
	local port=$1 from=$2 to=$3
	shift 3
	swaks --server 127.0.0.1 --port "$port" --helo client.example --from "$from" \
		--to "$to" --header "Subject: $SUBJECT" --body test "$@" 2>&1
}
# dialogue PATTERN COMMAND...: the command's output has it
dialogue() {
	local pattern=$1
	shift
	"$@" >"$WORLD/last" 2>&1
	cat "$WORLD/last" >>"$WORLD/dialogues"
	grep -qE -- "$pattern" "$WORLD/last"
}
queued='^<[-~]  250 2\.0\.0 Queued'
SUBJECT=none
# What the sink got with this subject has the pattern.
delivered() { # SUBJECT PATTERN
	local file
	wait_for 10 sink_find "^Subject: $1\$" || return 1
	file=$(sink_find "^Subject: $1\$")
	tr -d '\r' <"$file" | grep -qE -- "$2"
}
said() { grep -qE -- "$1" "$WORLD/auth.log"; }
# Plain lines, at the pace of a client that waits: raw PORT LINE...
raw() {
	local port=$1 line
	shift
	exec 9<>"/dev/tcp/127.0.0.1/$port" || return 1
	read -r -t 5 line <&9
	echo "$line"
	for line in "$@"; do
		printf '%b\r\n' "$line" >&9
		while read -r -t 5 line <&9; do
			echo "$line"
			[ "${line:3:1}" = - ] || break
		done
	done
	exec 9>&-
}
# The same inside TLS: tls_raw PORT S_CLIENT-OPTION... -- LINE...
tls_raw() {
	local port=$1 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	{
		sleep 0.5
		for line in "$@"; do
			printf '%b\r\n' "$line"
			sleep 0.3
		done
	} | timeout 20 openssl s_client -quiet -connect "127.0.0.1:$port" \
		-CAfile "$PKI/ca.pem" "${options[@]}" 2>&1
}
prove() { # PORT MECHANISM GSASL-OPTION...
	local port=$1 mechanism=$2
	shift 2
	timeout 20 gsasl --smtp --connect="localhost:$port" --mechanism="$mechanism" \
		--x509-ca-file="$PKI/ca.pem" --hostname=localhost "$@" </dev/null 2>&1
}

# --- what is promised ---

offers() {
	check "isthmus check finds nothing" "$BIN/isthmus" check -c "$WORLD/auth.xml"
	check "but where passwords can be seen" dialogue \
		'auth\.xml:[0-9]+: warning: passwords .*name="plain"' \
		"$BIN/isthmus" check -c "$WORLD/auth.xml"
	sed 's|mechanisms="PLAIN LOGIN"|mechanisms="DIGEST-MD5"|' "$WORLD/auth.xml" >"$WORLD/bad.xml"
	check "but what no back end can do" dialogue 'bad\.xml:[0-9]+: .*DIGEST-MD5' \
		"$BIN/isthmus" check -c "$WORLD/bad.xml"
	check "in plain no password is asked for" dialogue \
		'AUTH GSSAPI SCRAM-SHA-256 SCRAM-SHA-1.?$' raw "$MX" 'EHLO c'
	check "nor is one taken" dialogue '^538 5\.7\.11' \
		raw "$MX" 'EHLO c' 'AUTH PLAIN AGFsaWNlAHBlbmNpbA=='
	check "there is TLS" dialogue '^250-STARTTLS' raw "$MX" 'EHLO c'
	check "under TLS they are" dialogue 'AUTH .*PLAIN LOGIN' tls_raw "$MX" \
		-starttls smtp -- 'EHLO c' QUIT
	check "and the channel can be bound" dialogue 'AUTH SCRAM-SHA-256-PLUS' \
		tls_raw "$MX" -starttls smtp -- 'EHLO c' QUIT
	check "there is no TLS in TLS" dialogue '^503 5\.5\.1' tls_raw "$MX" \
		-starttls smtp -- 'EHLO c' STARTTLS QUIT
	check "a mechanism that we have not is named so" dialogue '^504 5\.5\.4' \
		raw "$MX" 'EHLO c' 'AUTH CRAM-MD5'
	check "one who gives up is let go on" dialogue '^250 2\.0\.0' \
		raw "$MX" 'EHLO c' 'AUTH SCRAM-SHA-256' '*' NOOP
	check "a listener without AUTH has none" dialogue '^502 5\.5\.1' \
		raw "$INSIDE" 'EHLO c' 'AUTH PLAIN'
	part "what is offered"
}

tls_versions() {
	local v
	for v in 2 3; do
		check "TLS 1.$v" dialogue '^250 2\.0\.0' tls_raw "$MX" \
			-starttls smtp "-tls1_$v" -- 'EHLO c' NOOP QUIT
	done
	check "no TLS 1.1" dialogue 'alert|no protocols' tls_raw "$MX" \
		-starttls smtp -tls1_1 -cipher 'ALL:@SECLEVEL=0' -- 'EHLO c' QUIT
	check "implicit TLS greets inside" dialogue '^220 .*ESMTP' \
		tls_raw "$SUBMITS" -- QUIT
	check "its certificate is the server's" dialogue 'CN = localhost' \
		tls_raw "$MX" -starttls smtp -servername localhost -- QUIT
	check "another name has its own" dialogue 'CN = mail\.other\.example' \
		tls_raw "$MX" -starttls smtp -servername mail.other.example -- QUIT
	for v in 2 3; do
		# the first read of TLS 1.3 brings the tickets
		{
			sleep 0.5
			printf 'QUIT\r\n'
			sleep 0.5
		} | openssl s_client -connect "127.0.0.1:$MX" -starttls smtp "-tls1_$v" \
			-sess_out "$WORLD/session" >/dev/null 2>&1
		check "a session of TLS 1.$v is resumed" dialogue '^Reused' bash -c \
			"echo QUIT | openssl s_client -connect 127.0.0.1:$MX -starttls smtp \
			-tls1_$v -sess_in '$WORLD/session' 2>&1"
	done
	part "TLS"
}

# Commands in front of TLS are nobody's: neither in the same segment, nor after.
injection() {
	check "commands behind STARTTLS are not run" dialogue '^220 2\.0\.0 Ready' \
		perl "$HERE/inject.pl" "127.0.0.1:$MX" "$PKI/ca.pem"
	check "inside TLS there is not even a hello" grep -q '^inside: 503 5\.5\.1' \
		"$WORLD/last"
	check "nothing was said of them" grep -q '^in plain: 0 more' "$WORLD/last"
	check "the log tells of it" said 'dropped client=.* octets=[0-9]+'
	part "injection"
}

relaying() {
	SUBJECT=relay-1
	check "a stranger may not send to strangers" dialogue '550 5\.7\.1' \
		mail "$MX" x@client.example zoe@far.example
	check "a stranger may send to us" dialogue "$queued" \
		mail "$MX" x@client.example joe@auth.example
	SUBJECT=relay-2
	check "nor does TLS alone help" dialogue '550 5\.7\.1' \
		mail "$MX" x@client.example zoe@far.example --tls
	check "who has proved who they are may send to anyone" dialogue "$queued" \
		mail "$MX" alice@auth.example zoe@far.example --tls --auth PLAIN -au alice -ap pencil
	check "which Received tells" delivered relay-2 'with ESMTPSA id'
	SUBJECT=relay-3
	check "so may a client that is named" dialogue "$queued" \
		mail "$INSIDE" x@client.example zoe@far.example
	check "in plain" delivered relay-3 'with ESMTP id'
	SUBJECT=relay-4
	check "and under TLS" dialogue "$queued" \
		mail "$INSIDE" x@client.example zoe@far.example --tls
	check "which Received tells too" delivered relay-4 'with ESMTPS id'
	SUBJECT=relay-5
	check "LMTP is closed as well" dialogue '550 5\.7\.1' \
		mail "$LMTPIN" x@client.example zoe@far.example --protocol LMTP
	check "and open for who is known" dialogue "$queued" \
		mail "$LMTPIN" alice@auth.example zoe@far.example --protocol LMTP \
		--tls --auth LOGIN -au alice -ap pencil
	check "which Received tells as well" delivered relay-5 'with LMTPSA id'
	part "relay control"
}

submission() {
	check "no mail before TLS" dialogue '^530 5\.7\.0 Must issue a STARTTLS' \
		raw "$SUBMIT" 'EHLO c' 'MAIL FROM:<alice@auth.example>'
	check "no mail before AUTH" dialogue '^530 5\.7\.0 Authentication required' \
		tls_raw "$SUBMIT" -starttls smtp -- 'EHLO c' 'MAIL FROM:<alice@auth.example>' QUIT
	SUBJECT=submit-1
	check "PLAIN" dialogue "$queued" mail "$SUBMIT" alice@auth.example \
		zoe@far.example --tls --auth PLAIN -au alice -ap pencil
	SUBJECT=submit-2
	check "LOGIN, at the implicit port" dialogue "$queued" mail "$SUBMITS" bob@auth.example \
		zoe@far.example --tls-on-connect --auth LOGIN -au bob -ap 'p&b "x"'
	SUBJECT=submit-3
	printf 'From: alice@auth.example\nSubject: submit-3\n\nbody\n' >"$WORLD/bare.eml"
	check "a message without Date and Message-ID" dialogue "$queued" \
		mail "$SUBMIT" x@own.example zoe@far.example --tls --auth PLAIN \
		-au alice -ap pencil --data "@$WORLD/bare.eml"
	check "gets a Date" delivered submit-3 '^Date: .* \+0000$'
	check "and a Message-ID" delivered submit-3 '^Message-ID: <.*@localhost>$'
	check "nobody sends as somebody else" dialogue '553 5\.7\.1' mail "$SUBMIT" \
		bob@auth.example zoe@far.example --tls --auth PLAIN -au alice -ap pencil
	SUBJECT=submit-4
	check "the null sender is everybody's" dialogue "$queued" mail "$SUBMIT" \
		'<>' zoe@far.example --tls --auth PLAIN -au alice -ap pencil
	part "submission"
}

refusals() {
	local p
	for p in wrong 'pencil ' Pencil; do
		check "\"$p\" is no password" dialogue '535 5\.7\.8' mail "$SUBMIT" \
			alice@auth.example zoe@far.example --tls --auth PLAIN -au alice -ap "$p"
	done
	check "nobody is not somebody" dialogue '535 5\.7\.8' mail "$SUBMIT" \
		a@b zoe@far.example --tls --auth PLAIN -au nobody -ap pencil
	check "who was disabled stays out" dialogue '535 5\.7\.8' mail "$SUBMIT" \
		a@b zoe@far.example --tls --auth LOGIN -au gone -ap gone
	check "three failures are enough" dialogue '^421 4\.7\.0' raw "$OLD" 'EHLO c' \
		'AUTH PLAIN AGEAYg==' 'AUTH PLAIN AGEAYg==' 'AUTH PLAIN AGEAYg==\r\nNOOP' ''
	check "no base64 is an error" dialogue '^501 5\.5\.2' \
		raw "$OLD" 'EHLO c' 'AUTH PLAIN AGEAYg'
	check "so is an endless line" dialogue '^500 5\.5\.6' raw "$OLD" 'EHLO c' \
		"AUTH PLAIN $(head -c 13000 /dev/zero | tr '\0' A)"
	check "the log tells who it was not" said \
		'not authenticated.* identity=alice mechanism=PLAIN client=127\.0\.0\.1'
	check "a password is in no log" bash -c "! grep -qi pencil '$WORLD/auth.log'"
	SUBJECT=old-1
	check "where it is allowed, passwords go in plain" dialogue "$queued" \
		mail "$OLD" alice@auth.example zoe@far.example --auth PLAIN -au alice -ap pencil
	check "once is enough" dialogue '^503 5\.5\.1 Authenticated already' raw "$OLD" \
		'EHLO c' 'AUTH PLAIN AGFsaWNlAHBlbmNpbA==' 'AUTH PLAIN AGFsaWNlAHBlbmNpbA=='
	part "refusals"
}

mechanisms() {
	local m
	for m in SCRAM-SHA-1 SCRAM-SHA-256; do
		check "$m in plain" dialogue '^235 2\.7\.0' \
			prove "$MX" $m --no-starttls -a alice -p pencil
		check "$m, wrong" dialogue '^535 5\.7\.8' \
			prove "$MX" $m --no-starttls -a alice -p pencils
		check "$m, nobody" dialogue '^535 5\.7\.8' \
			prove "$MX" $m --no-starttls -a nobody -p pencil
		check "$m-PLUS, bound to TLS" dialogue '^235 2\.7\.0' \
			prove "$MX" $m-PLUS --starttls -a alice -p pencil
		check "and it was that" said "authenticated user=alice .*mechanism=$m-PLUS"
	done
	check "as another, who allows it" dialogue '^235 2\.7\.0' \
		prove "$MX" SCRAM-SHA-256 --no-starttls -a alice -z bob -p pencil
	check "which the log tells" said 'authenticated user=bob identity=alice'
	check "as another, who does not" dialogue '^535 5\.7\.8' \
		prove "$MX" SCRAM-SHA-256 --no-starttls -a bob -z alice -p 'p&b "x"'
	part "SCRAM"
}

external() {
	check "a certificate of alice's is offered EXTERNAL" dialogue 'AUTH .*EXTERNAL' \
		tls_raw "$SUBMITS" -cert "$PKI/alice.pem" -- 'EHLO c' QUIT
	check "and is alice" dialogue '^235 2\.7\.0' tls_raw "$SUBMITS" \
		-cert "$PKI/alice.pem" -- 'EHLO c' 'AUTH EXTERNAL =' QUIT
	check "who may send as herself" dialogue '^250 2\.1\.0' tls_raw "$SUBMITS" \
		-cert "$PKI/alice.pem" -- 'EHLO c' 'AUTH EXTERNAL =' \
		'MAIL FROM:<alice@auth.example> AUTH=alice@auth.example' QUIT
	check "and acts for bob" dialogue '^235 2\.7\.0' tls_raw "$SUBMITS" \
		-cert "$PKI/alice.pem" -- 'EHLO c' 'AUTH EXTERNAL Ym9i' QUIT
	check "a stranger's certificate is not" dialogue '^504 5\.5\.4' tls_raw "$SUBMITS" \
		-cert "$PKI/eve.pem" -- 'EHLO c' 'AUTH EXTERNAL =' QUIT
	check "nor is none" dialogue '^504 5\.5\.4' \
		tls_raw "$SUBMITS" -- 'EHLO c' 'AUTH EXTERNAL =' QUIT
	part "EXTERNAL"
}

kerberos() {
	echo tgt | kinit alice >"$WORLD/kinit.log" 2>&1
	check "alice has a ticket" klist -s
	check "GSSAPI with it" dialogue '^235 2\.7\.0' prove "$MX" GSSAPI --starttls -z alice
	check "the log tells her name" said 'authenticated user=alice .*mechanism=GSSAPI'
	check "it is not bob's" dialogue '^535 5\.7\.8|^501' prove "$MX" GSSAPI --starttls -z gone
	echo tgt | kinit eve >"$WORLD/kinit.log" 2>&1
	check "a principal that is nobody's" dialogue '^535 5\.7\.8' \
		prove "$MX" GSSAPI --starttls -z eve
	kdestroy
	check "without a ticket nobody gets in" bash -c \
		"! grep -q '^235' <(timeout 20 gsasl --smtp --connect=localhost:$MX -m GSSAPI --x509-ca-file='$PKI/ca.pem' -z alice </dev/null 2>&1)"
	part "Kerberos"
}

daemon() {
	SUBJECT=daemon-1
	check "whom saslauthd knows may send" dialogue "$queued" mail "$DAEMON" \
		carol@auth.example zoe@far.example --tls --auth PLAIN \
		-au carol@auth.example -ap carols
	check "as themselves" dialogue '553 5\.7\.1' mail "$DAEMON" \
		bob@auth.example zoe@far.example --tls --auth LOGIN \
		-au carol@auth.example -ap carols
	check "whom it does not know may not" dialogue '535 5\.7\.8' mail "$DAEMON" \
		carol@auth.example zoe@far.example --tls --auth PLAIN \
		-au carol@auth.example -ap carol
	stop_pid "$PID_saslauthd"
	check "while it is away nobody may, for now" dialogue '454 4\.7\.0' \
		mail "$DAEMON" carol@auth.example zoe@far.example --tls --auth PLAIN \
		-au carol@auth.example -ap carols
	part "saslauthd"
}

reload() {
	echo other | identity bob
	sleep 1.5
	check "a new password counts at once" dialogue '^235 2\.7\.0' \
		prove "$MX" SCRAM-SHA-256 --no-starttls -a bob -p other
	check "and the old one no more" dialogue '^535' \
		prove "$MX" SCRAM-SHA-256 --no-starttls -a bob -p 'p&b "x"'
	cp "$WORLD/identities.xml" "$WORLD/good.xml"
	echo '<identities><user/></identities>' >"$WORLD/identities.xml"
	sleep 1.5
	check "a broken table leaves the last good one" dialogue '^235 2\.7\.0' \
		prove "$MX" SCRAM-SHA-256 --no-starttls -a bob -p other
	check "and the log says where it is broken" said \
		'identities not read.*identities\.xml:1'
	cp "$WORLD/good.xml" "$WORLD/identities.xml"
	part "identities"
}

WORLD=$(mktemp -d "${TMPDIR:-/tmp}/isthmus-XXXXXX") || exit 2
chmod 755 "$WORLD"
ports && pki && identities && realm && back_end && start_auth || exit 1
offers
tls_versions
injection
relaying
submission
refusals
mechanisms
external
kerberos
daemon
reload
[ "$all_failed" = 0 ]
