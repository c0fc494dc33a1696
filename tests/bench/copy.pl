#!/usr/bin/perl
# A bare copy of octets from one process through a second to a third, over two
# TCP connections on loopback: what the machine can do without any protocol.
# usage: copy.pl MEGABYTES     prints megabytes per second
use strict;
use warnings;
use IO::Socket::INET;
use Time::HiRes 'time';

my $octets = ($ARGV[0] // 200) * 1_000_000;

sub listener {
	return IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) // die "listen: $!";
}

sub dial {
	return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $_[0]->sockport) // die "connect: $!";
}

sub put {
	my ($to, $n) = (shift, length $_[0]);
	for (my $at = 0; $at < $n;) {
		$at += syswrite($to, $_[0], $n - $at, $at) // die "write: $!";
	}
}

my ($relay, $sink) = (listener(), listener());
alarm 120;
my $relay_pid = fork() // die "fork: $!";
if ($relay_pid == 0) {
	my ($from, $to) = (scalar $relay->accept, dial($sink));
	my $block;
	put($to, $block) while sysread($from, $block, 65536);
	exit 0;
}
my $source_pid = fork() // die "fork: $!";
if ($source_pid == 0) {
	my ($to, $block) = (dial($relay), 'x' x 65536);
	for (my $left = $octets; $left > 0; $left -= 65536) {
		put($to, $block);
	}
	exit 0;
}
my ($from, $got, $block) = (scalar $sink->accept, 0, "");
my $start = time;
while (my $n = sysread($from, $block, 65536)) {
	$got += $n;
}
printf "%.0f\n", $got / 1e6 / (time - $start);
waitpid $_, 0 for $relay_pid, $source_pid;
