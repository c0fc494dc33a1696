#!/usr/bin/perl
# The table of many crash runs: what struck, where, and what was delivered twice
# for it.
#
#	table.pl TALLY		the file that run.pl filled (CRASH_TALLY)
use strict;
use warnings;
use List::Util qw(max sum0);

my (%kills, %cuts, %twice, %at_point, %at_random, @run);
my %take = (
	point => sub { $kills{$_[0]} += $_[1]; $cuts{$_[0]} += $_[2]; },
	process => sub { $at_point{$_[0]} += $_[1]; $at_random{$_[0]} += $_[2]; },
	twice => sub { $twice{$_[0]} += $_[1]; },
	run => sub { push @run, [@_]; },
);
while (<>) {
	chomp;
	my ($kind, @v) = split /\t/;
	$take{$kind}->(@v);
}

sub row { printf "%-40s %8s %15s %16s\n", @_; }
row('point', 'kills', 'power failures', 'delivered twice');
row($_, $kills{$_}, $cuts{$_}, $twice{$_} // 0) for sort keys %kills;
row('all', sum0(values %kills), sum0(values %cuts), sum0(values %twice));
print "\n";
row('process', 'killed', 'at a point', 'at any time');
row($_, $at_point{$_} + $at_random{$_}, $at_point{$_}, $at_random{$_}) for sort keys %at_point;
print "\n";

my ($failed, $accepted, $delivered, $queued, $again, $lost) = map { my $i = $_; sum0(map { $_->[$i] } @run) } 0 .. 5;
printf "%d runs: %d messages accepted, %d deliveries, %d left in a queue, %d lost, %d delivered twice;\n",
	scalar @run, $accepted, $delivered, $queued, $lost, $again;
printf "those were on their way at a crash, for at most %.2f s\n", max(0, map { $_->[6] } @run);
