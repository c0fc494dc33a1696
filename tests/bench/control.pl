#!/usr/bin/perl
# What an operator's question costs while much is queued: for each kind of
# request to the control socket, milliseconds until the first line of the answer
# and until its end; then how long a small question takes while others read the
# whole queue.
#   control.pl SOCKET ID PEER ROUNDS
use strict;
use warnings;
use IO::Socket::UNIX;
use Time::HiRes qw(time);

my ($path, $id, $peer, $rounds) = @ARGV;

# Milliseconds to the first line and to the last; dies if it is no answer.
sub ask {
	my $request = shift;
	my $s = IO::Socket::UNIX->new(Peer => $path) or die "$path: $!\n";
	my ($begun, $first, $last) = (time);
	print $s "$request\n";
	$s->flush;
	while (my $line = <$s>) {
		$first //= time;
		$last = $line;
	}
	die "$request: " . ($last // "no answer\n") unless ($last // '') eq ".\n";
	return map { 1000 * ($_ - $begun) } $first, time;
}

sub median { my @v = sort { $a <=> $b } @_; return $v[@v / 2]; }

sub measure {
	my ($name, $request) = @_;
	my (@first, @last);
	for (1 .. $rounds) {
		my ($f, $l) = ask($request);
		push @first, $f;
		push @last, $l;
	}
	printf "bench control-%s ours=%.1f peer=- ratio=- (ms to the first line, %.0f to the last)\n",
		$name, median(@first), median(@last);
	return (sort { $b <=> $a } @first)[0];
}

my @kinds = (
	["list", "list"],
	["list-none", "list\tlevels#32"],
	["list-peer", "list\tpeer=$peer"],
	["list-from", "list\tfrom=0123456789abcdef"],
	["list-to", "list\tto=0123456789abcdef"],
	["show", "show\ttargets=$id"],
	["status", "status"],
	["hold", "hold\ttargets=$id"],
	["release", "release\ttargets=$id"],
	["priority", "priority\ttargets=$id\tlevel=routine"],
	["retry", "retry\ttargets=$id"],
	["retry-peer", "retry_peer\tpeer=$peer"],
	["peer-stop", "stop\tpeer=$peer"],
	["peer-start", "start\tpeer=$peer"],
);
my $worst = 0;
for my $k (@kinds) {
	my $w = measure(@$k);
	$worst = $w if $w > $worst;
}
printf "bench control-worst ours=%.1f peer=100 ratio=%.2f (ms to the first line of any answer)\n",
	$worst, 100 / $worst;

# four readers of the whole queue, and one who asks little things meanwhile
my @readers;
for (1 .. 4) {
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		ask("list");
		exit 0;
	}
	push @readers, $pid;
}
select undef, undef, undef, 0.2;
my @small;
for (1 .. 200) { push @small, (ask("show\ttargets=$id"))[1]; }
waitpid $_, 0 for @readers;
@small = sort { $a <=> $b } @small;
printf "bench control-beside ours=%.1f peer=- ratio=- (ms for one message, median; %.1f at most; four list all meanwhile)\n",
	$small[@small / 2], $small[-1];
exit($worst > 100 ? 1 : 0);
