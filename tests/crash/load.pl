#!/usr/bin/perl
# Sends numbered messages of all kinds over SMTP, through failures, and notes
# each that was accepted. A message without an answer is not sent again.
#
#	load.pl PORT SECONDS SEED FIRST STEP LARGE NOTES
#
# It goes on for longer (but no longer than ten seconds more) where little was
# accepted so far: a machine may be slow. Numbers are FIRST, FIRST + STEP, ... LARGE: octets above which a content has a
# file of its own. A line of NOTES: seconds, number, and who is to have it.
use strict;
use warnings;
use IO::Socket::INET;
use Time::HiRes qw(time sleep);

my ($port, $seconds, $seed, $n, $step, $large, $notes) = @ARGV;
my $end = time + $seconds;
my $last = $end + 10;
my $enough = 3;
srand $seed;
open my $out, '>>', $notes or die "$notes: $!";
$SIG{PIPE} = 'IGNORE';

# recipients, and who has it in the end
my @kinds = (
	(['bob@bravo.example'], ['bob@bravo.example']) x 3,
	(['dave@direct.example'], ['dave@direct.example']) x 2,
	(['crew@bravo.example'], ['carol@bravo.example', 'dan@bravo.example']),
	(['nobody@bravo.example'], ['alice@alpha.example']),
	# stays in the queue for a while, among what goes at once
	(['late@direct.example'], ['late@direct.example']),
	(['late@bravo.example'], ['late@bravo.example']),
	(['bob@bravo.example', 'dave@direct.example'], ['bob@bravo.example', 'dave@direct.example']),
);

my $s;
sub reply {
	my $line;
	do {
		$line = eval {
			local $SIG{ALRM} = sub { die };
			alarm 5;
			my $l = <$s>;
			alarm 0;
			$l;
		};
		alarm 0;
		return '' unless defined $line;
	} while ($line =~ /^\d{3}-/);
	return $line;
}
sub ask {
	print {$s} "$_[0]\r\n" or return '';
	return reply();
}
sub goes_on { return time < ($enough > 0 ? $last : $end); }
sub begin {
	while (goes_on()) {
		$s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port", Timeout => 1);
		if ($s) {
			$s->autoflush(1);
			return 1 if reply() =~ /^220/ && ask('EHLO load.example') =~ /^250/;
		}
		sleep 0.03;
	}
	return 0;
}
sub message {
	my ($n, $to) = @_;
	my $lines = 1 + int rand 60;
	$lines = int($large / 40) + int rand 4000 if rand() < 0.06;
	return join "\r\n", 'From: <alice@alpha.example>', "To: <$to>", "Subject: crash $n.",
		"Message-ID: <crash.$n\@load.example>", 'Date: Sat, 21 Nov 2026 10:00:00 +0000', '',
		(map { "crash $n line $_ of $lines" } 1 .. $lines), '.';
}

my $up = 0;
my $pace = (0, 0.005, 0.02)[int rand 3];
for (; goes_on(); $n += $step) {
	$up ||= begin() or last;
	my $kind = 2 * int rand(@kinds / 2);
	my ($to, $goes) = @kinds[$kind, $kind + 1];
	$up = ask('MAIL FROM:<alice@alpha.example>') =~ /^250/;
	$up &&= ask("RCPT TO:<$_>") =~ /^250/ for @$to;
	$up &&= ask('DATA') =~ /^354/;
	my $answer = $up ? ask(message($n, $to->[0])) : '';
	if ($answer =~ /^250/) {
		$enough--;
		syswrite $out, sprintf("%.3f %d %s\n", time, $n, join(' ', @$goes));
	} else {
		close $s;
		$up = 0;
	}
	sleep $pace if $pace;
}
