#!/usr/bin/perl
# Hostile and broken peers against a live switch.
#   hostile.pl rfc1006 HOST:PORT VECTOR   each case on a connection of its own
#   hostile.pl smtp HOST:PORT
#   hostile.pl replay HOST:PORT VECTOR    the octets of an independent MTA, whole
#   hostile.pl again HOST:PORT VECTOR     its bind, and one activity in another
# Prints one line a case: 'ok NAME: what came back' or 'not ok NAME: ...'.
# Every wait is bounded.
use strict;
use warnings;
use IO::Socket::INET;
use IO::Select;

my ($mode, $address, $vector) = @ARGV;
my $failed = 0;

sub connect_to {
	my $s = IO::Socket::INET->new(PeerAddr => $address, Timeout => 5) or die "connect $address: $!\n";
	$s->autoflush(1);
	return $s;
}

# What the peer says within the time; ends early when it closes.
sub read_for {
	my ($s, $seconds, $until) = @_;
	my ($got, $closed) = ('', 0);
	my $select = IO::Select->new($s);
	my $end = time + $seconds;
	while (time < $end) {
		next unless $select->can_read(0.2);
		my $n = sysread($s, my $octets, 65536);
		if (!$n) { $closed = 1; last; }
		$got .= $octets;
		last if defined $until && $got =~ $until;
	}
	return ($got, $closed);
}

sub send_all {
	my ($s, $octets) = @_;
	local $SIG{PIPE} = 'IGNORE';
	my $at = 0;
	while ($at < length $octets) {
		my $n = syswrite($s, $octets, 65536, $at);
		return 0 unless $n;
		$at += $n;
	}
	return 1;
}

sub result {
	my ($good, $name, $text) = @_;
	$failed++ unless $good;
	print $good ? "ok" : "not ok", " $name: $text\n";
}

sub tpkt { return pack('CCn', 3, 0, 4 + length $_[0]) . $_[0]; }
sub dt { return tpkt("\x02\xf0" . ($_[1] // "\x80") . $_[0]); }

# The vector as TPKTs.
sub tpkts {
	my ($file) = @_;
	open(my $f, '<', $file) or die "$file: $!\n";
	my $octets = pack('H*', join('', map { s/\s+//gr } <$f>));
	my @list;
	while (length $octets >= 4) {
		my $n = unpack('x2n', $octets);
		push @list, substr($octets, 0, $n, '');
	}
	return @list;
}

# --- RFC 1006 ---

# Sends the octets; the peer must close, having said something of its protocol
# or nothing, within the time.
sub must_close {
	my ($name, $octets, $expect, $seconds) = @_;
	my $s = connect_to();
	send_all($s, $octets);
	my ($got, $closed) = read_for($s, $seconds // 10);
	my $said = length $got ? 'answered ' . unpack('H*', substr($got, 0, 16)) . ', closed' : 'closed';
	result($closed && (!defined $expect || $got =~ $expect), $name, $closed ? $said : "still open after the time");
	close $s;
}

# The connection is taken up to session connect, then the octets follow.
sub after_cr {
	my ($name, $cr, $octets, $expect, $seconds) = @_;
	my $s = connect_to();
	send_all($s, $cr);
	my ($cc) = read_for($s, 5, qr/^.{7,}/s);
	if (substr($cc, 5, 1) ne "\xd0") {
		result(0, $name, 'no CC: ' . unpack('H*', $cc));
		return;
	}
	send_all($s, $octets);
	my ($got, $closed) = read_for($s, $seconds // 15);
	result($closed && (!defined $expect || $got =~ $expect), $name,
		($closed ? 'closed' : 'still open') . ', answered ' . unpack('H*', substr($got, 0, 24)));
	close $s;
}

sub rfc1006 {
	my ($cr, $cn, @rest) = tpkts($vector);
	my $garbage = join '', map { chr(($_ * 7919 + 13) % 256) } 1 .. 5000;
	must_close('http on the OSI port', "GET / HTTP/1.0\r\n\r\n");
	must_close('garbage', $garbage);
	must_close('TPKT of length 3', "\x03\x00\x00\x03");
	must_close('TPKT of length 65535 full of junk', "\x03\x00\xff\xff" . substr($garbage x 14, 0, 65531));
	my $unknown = $cr;
	$unknown =~ s/\xc2\x03.{3}/\xc2\x03NO!/s;
	must_close('unknown transport selector gets a DR', $unknown, qr/^\x03\x00..\x06?.\x80/s);

	# presentation data that is not: the session connect's user data cut, and
	# endless, and nested
	my $half = substr($cn, 0, length($cn) / 2);
	substr($half, 2, 2) = pack('n', length $half);
	after_cr('session connect cut in half', $cr, $half, qr/^\x03/);
	after_cr('session garbage', $cr, dt($garbage), qr/^\x03/);
	my $user = "\x31\x80" . ("\xa0\x80" x 100);
	after_cr('100-deep nesting in the connect', $cr, cn($user), qr/^\x03/);
	after_cr('indefinite length never closed', $cr, cn("\x31\x80\xa0\x80\x80\x01\x01\x00\x00"), qr/^\x03/);
	after_cr('length of 2^31 in the connect', $cr, cn("\x31\x84\x80\x00\x00\x00\xa0\x03"), qr/^\x03/);
	after_cr('the regression octets of the generated decoder', $cr, cn("\xa0\x80\x02\x01\x42\x00\x01"), qr/^\x03/);

	# a good bind, then trouble in the transfer
	my ($as, $data, @more) = @rest;
	in_transfer('peer stops in mid-transfer and goes', [$cr, $cn, $as], substr($data, 0, 300), 1);
	my $broken = $data;
	substr($broken, 120, 40) = "\xff" x 40;
	in_transfer('broken BER in the message', [$cr, $cn, $as], $broken, 0);
	in_transfer('endless nesting in the message', [$cr, $cn, $as],
		dt("\x01\x00\x01\x00\x61\x80\x30\x80\x02\x01\x03\xa0\x80\x24\x80\x04\x82\x08\x00" . ("\x30\x80" x 1024)), 0);
	idle_silence('an association that says nothing is harmless', $cr, $cn);
}

# A session CONNECT with our own octets as user data.
sub cn {
	my ($user) = @_;
	my $items = "\x05\x06\x13\x01\x00\x16\x01\x02\x14\x02\x02\x49\xc1" . chr(length $user) . $user;
	return dt("\x0d" . (length $items < 255 ? chr(length $items) : "\xff" . pack('n', length $items)) . $items);
}

sub in_transfer {
	my ($name, $first, $octets, $leave) = @_;
	my $s = connect_to();
	my $answer = '';
	for my $t (@$first[0, 1]) {
		send_all($s, $t);
		($answer) = read_for($s, 5, qr/^.{4,}/s);
	}
	if (substr($answer, 7, 1) ne "\x0e") {
		result(0, $name, 'bind not accepted: ' . unpack('H*', substr($answer, 0, 40)));
		return;
	}
	send_all($s, $_) for @$first[2 .. $#$first];
	send_all($s, $octets);
	if ($leave) {
		close $s;
		result(1, $name, 'left');
		return;
	}
	my ($got, $closed) = read_for($s, 15, qr/^\x03/);
	result(length $got > 0 || $closed, $name, 'answered ' . unpack('H*', substr($got, 0, 24)) . ($closed ? ', closed' : ''));
	close $s;
}

sub idle_silence {
	my ($name, $cr, $cn) = @_;
	my $s = connect_to();
	send_all($s, $cr);
	read_for($s, 5, qr/^.{7,}/s);
	send_all($s, $cn);
	my ($got) = read_for($s, 5, qr/^.{4,}/s);
	result(substr($got, 7, 1) eq "\x0e", $name, 'bound');
	close $s;
}

# Well-formed, and against the protocol: the session layer aborts.
sub again {
	my ($cr, $cn, $as) = tpkts($vector);
	my $s = connect_to();
	for my $t ($cr, $cn) {
		send_all($s, $t);
		read_for($s, 5, qr/^.{4,}/s);
	}
	send_all($s, $as . $as);
	my ($got) = read_for($s, 5, qr/^.{8,}/s);
	result(substr($got, 7, 1) eq "\x19", 'one activity in another', 'answered ' . unpack('H*', substr($got, 0, 24)));
	close $s;
}

sub replay {
	my @t = tpkts($vector);
	my $s = connect_to();
	my $n = 0;
	for my $t (@t) {
		send_all($s, $t);
		# answers are due to CR, CN, the end of the activity, and FINISH
		my ($got) = read_for($s, 1, qr/^.{4,}/s);
		$n++ if length $got;
	}
	result($n >= 4, 'replay', "$n answers to " . scalar(@t) . " TPKTs");
	close $s;
}

# --- SMTP ---

sub smtp_begin {
	my $s = connect_to();
	read_for($s, 5, qr/\n/);
	for my $command ("EHLO client.example", "MAIL FROM:<mallory\@alpha.example>", "RCPT TO:<alice\@alpha.example>", "DATA") {
		send_all($s, "$command\r\n");
		read_for($s, 5, qr/^\d{3} [^\n]*\n\z/m);
	}
	return $s;
}

# The octets inside DATA; a correct end follows. The whole must be refused, once.
sub smuggle {
	my ($name, $inside) = @_;
	my $s = smtp_begin();
	send_all($s, "Subject: smuggle\r\n\r\nfirst$inside" . "MAIL FROM:<evil\@alpha.example>\r\n");
	my ($early) = read_for($s, 1, qr/\n/);
	send_all($s, "\r\n.\r\n");
	my ($got) = read_for($s, 5, qr/\n/);
	my $shown = "$early$got" =~ s/\r?\n/ | /gr;
	result($early eq '' && $got =~ /^5\d\d [^\n]*\n\z/, $name, $shown);
	close $s;
}

sub smtp {
	my $s = connect_to();
	read_for($s, 5, qr/\n/);
	send_all($s, ('x' x (1 << 20)) . "\r\n");
	my ($got, $closed) = read_for($s, 5, qr/\n/);
	result($got =~ /^5\d\d /, 'a line of 1 MB', ($got =~ s/\r?\n.*//sr));
	close $s;

	$s = connect_to();
	read_for($s, 5, qr/\n/);
	send_all($s, join '', map { chr(($_ * 7919 + 13) % 256) } 1 .. 3000);
	send_all($s, "\r\n");
	($got) = read_for($s, 5, qr/\n/);
	result($got =~ /^(5\d\d|421) /, 'garbage', ($got =~ s/\r?\n.*//sr));
	close $s;

	$s = connect_to();
	read_for($s, 5, qr/\n/);
	for my $command ("EHLO client.example", "MAIL FROM:<m\@alpha.example>", "RCPT TO:<" . ('a' x 10000) . "\@alpha.example>") {
		send_all($s, "$command\r\n");
		($got) = read_for($s, 3, qr/^\d{3} [^\n]*\n\z/m);
	}
	result($got =~ /^50[01] /, 'an address of 10,000 octets', ($got =~ s/\r?\n.*//sr));
	close $s;

	smuggle('LF . LF does not end DATA', "\n.\n");
	smuggle('LF . CR LF does not end DATA', "\n.\r\n");
	smuggle('CR . CR does not end DATA', "\r.\r");
	smuggle('CR LF . LF does not end DATA', "\r\n.\n");
	smuggle('CR . CR LF does not end DATA', "\r.\r\n");

	$s = smtp_begin();
	send_all($s, "Subject: half\r\n\r\nthis peer stops");
	close $s;
	result(1, 'a peer that stops in DATA', 'left');
}

my %modes = (rfc1006 => \&rfc1006, smtp => \&smtp, replay => \&replay, again => \&again);
die "usage: hostile.pl rfc1006|smtp|replay|again HOST:PORT [VECTOR]\n" unless $mode && $modes{$mode};
$modes{$mode}->();
exit($failed ? 1 : 0);
