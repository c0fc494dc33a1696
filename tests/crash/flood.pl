#!/usr/bin/perl
# Sends numbered messages over SMTP, through failures, and writes down each one
# that was accepted: only those may be asked for later.
#   flood.pl HOST:PORT FROM TO COUNT SECONDS > ACCEPTED
use strict;
use warnings;
use IO::Socket::INET;

my ($address, $from, $to, $count, $seconds) = @ARGV;
my $end = time + $seconds;
$SIG{PIPE} = 'IGNORE';
$| = 1;

my $s;
sub reply {
	my $line;
	do {
		local $SIG{ALRM} = sub { close $s };
		alarm 10;
		$line = <$s>;
		alarm 0;
		return '' unless defined $line;
	} while ($line =~ /^\d{3}-/);
	return $line;
}
sub say_and_hear {
	print {$s} "$_[0]\r\n" or return '';
	return reply();
}
sub begin {
	while (time < $end) {
		$s = IO::Socket::INET->new(PeerAddr => $address, Timeout => 2);
		if ($s) {
			$s->autoflush(1);
			return 1 if reply() =~ /^220/ && say_and_hear('EHLO flood.example') =~ /^250/;
		}
		select undef, undef, undef, 0.1;
	}
	return 0;
}

my $n = 1;
my $up = 0;
while ($n <= $count && time < $end) {
	$up ||= begin() or last;
	my $good = say_and_hear("MAIL FROM:<$from>") =~ /^250/
		&& say_and_hear("RCPT TO:<$to>") =~ /^250/
		&& say_and_hear('DATA') =~ /^354/;
	if ($good) {
		my $answer = say_and_hear("From: <$from>\r\nTo: <$to>\r\nSubject: flood $n\r\n"
			. "Message-ID: <flood.$n.$$\@flood.example>\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n\r\n"
			. "number $n\r\n" . ("payload\r\n" x 50) . ".");
		$good = $answer =~ /^250/;
		print "flood $n\n" if $good;
	}
	# a message without an answer is sent again under a number of its own
	$n++;
	$up = 0 unless $good;
	close $s unless $good;
	select undef, undef, undef, 0.005; # so that kills fall between messages
}
