#!/usr/bin/perl
# Where all mail of a crash run ends: an LMTP and an SMTP server that note each
# delivery, with its time, before they say that they have it.
#
#	sink.pl LMTP-PORT SMTP-PORT NOTES LATE
#
# A line of NOTES: seconds, recipient, number of the message, and 'whole' when
# every line of it is there. A recipient named nobody is refused, one named late
# is asked to come again until LATE seconds from the start. The number of a
# report is that of its subject.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(time);

my ($lmtp_port, $smtp_port, $notes, $late) = @ARGV;
$late += time;
my $select = IO::Select->new;
my %lmtp;
for ($lmtp_port, $smtp_port) {
	my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$_", Listen => 100, ReuseAddr => 1)
		or die "listen on $_: $!";
	$lmtp{fileno $s} = $_ == $lmtp_port;
	$select->add($s);
}
open my $out, '>>', $notes or die "$notes: $!";
my (%session, %listens);
$listens{fileno $_} = 1 for $select->handles;
$SIG{PIPE} = 'IGNORE';

sub note {
	my ($s) = @_;
	my $text = $s->{data};
	$text =~ s/\r//g;
	$text =~ s/=\n//g;
	my ($n) = $text =~ /^Subject: crash (\d+)\./m;
	($n) = $text =~ /^X400-Content-Identifier: crash (\d+)\./m unless defined $n;
	$n = -1 unless defined $n;
	my ($want) = $text =~ /^crash $n line 1 of (\d+)$/m;
	my %lines = map { $_ => 1 } $text =~ /^crash $n line (\d+) of \d+$/mg;
	my $whole = defined $want && keys(%lines) == $want ? 'whole' : 'part';
	for my $to (@{$s->{to}}) {
		syswrite $out, sprintf("%.3f %s %d %s\n", time, $to, $n, $whole);
	}
}

sub command {
	my ($s, $line) = @_;
	if ($line =~ /^(EHLO|LHLO|HELO)/i) {
		@{$s}{qw(to data)} = ([], '');
		return "250 sink.example\r\n";
	}
	return "250 2.1.0 ok\r\n" if $line =~ /^MAIL/i;
	if ($line =~ /^RCPT TO:<([^>]*)>/i) {
		my $to = lc $1;
		return "550 5.1.1 no such user\r\n" if $to =~ /nobody/;
		return "450 4.2.1 later\r\n" if $to =~ /late/ && time < $late;
		push @{$s->{to}}, $to;
		return "250 2.1.5 ok\r\n";
	}
	if ($line =~ /^DATA/i) {
		return "503 5.5.1 no recipients\r\n" unless @{$s->{to}};
		$s->{in_data} = 1;
		return "354 go on\r\n";
	}
	@{$s}{qw(to data)} = ([], '') if $line =~ /^RSET/i;
	return "221 2.0.0 bye\r\n" if $line =~ /^QUIT/i;
	return "250 2.0.0 ok\r\n" if $line =~ /^(RSET|NOOP)/i;
	return "500 5.5.2 what?\r\n";
}

# What can be answered of what has come; octets go to DATA in one piece.
sub advance {
	my ($s) = @_;
	my $answer = '';
	for (;;) {
		if ($s->{in_data}) {
			last unless $s->{in} =~ s/\A(|.*?\r\n)\.\r\n//s;
			$s->{data} = $1;
			$s->{in_data} = 0;
			note($s);
			my $times = $s->{lmtp} ? @{$s->{to}} : 1;
			$answer .= "250 2.0.0 noted\r\n" x $times;
			@{$s}{qw(to data)} = ([], '');
		} else {
			last unless $s->{in} =~ s/\A([^\n]*?)\r?\n//;
			$answer .= command($s, $1);
		}
	}
	return $answer;
}

for (;;) {
	for my $sock ($select->can_read) {
		my $fd = fileno $sock;
		if ($listens{$fd}) {
			my $new = $sock->accept or next;
			$session{fileno $new} = {in => '', to => [], data => '', lmtp => $lmtp{$fd}};
			$select->add($new);
			syswrite $new, "220 sink.example\r\n";
			next;
		}
		my $s = $session{$fd};
		my $n = sysread $sock, $s->{in}, 65536, length $s->{in};
		my $answer = $n ? advance($s) : '';
		syswrite $sock, $answer if length $answer;
		next if $n && $answer !~ /^221/m;
		$select->remove($sock);
		delete $session{$fd};
		close $sock;
	}
}
