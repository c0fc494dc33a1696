#!/usr/bin/perl
# A TCP relay that breaks connections: when so many octets came from the client,
# the first one is reset (cut), or gets nothing through any more (stall). With
# `late` and `half` it is reset once nothing more came from the client for a
# second; with `half` only for the client, while the server hears of nothing. The
# next ones pass. Prints, for each connection that ended, how many octets of the
# client were passed on; and "stalled" when that happens.
#
#	cut.pl LISTEN-PORT TO-PORT cut|stall|late|half OCTETS
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER);

my ($port, $to, $mode, $octets) = @ARGV;
my $times = 1;
my $listener = IO::Socket::INET->new(
	LocalAddr => "127.0.0.1:$port", Listen => 20, ReuseAddr => 1)
	or die "listen: $!";
my $select = IO::Select->new($listener);
my (%other, %count, %is_client, %limit, %stalled, %late, %last, %deaf);
$| = 1;

sub end {
	my ($sock, $reset) = @_;
	my $peer = $other{$sock};
	my $client = $is_client{$sock} ? $sock : $peer;
	print(($reset ? "cut " : "closed ") . $count{$client} . "\n");
	for my $s ($sock, $peer) {
		setsockopt($s, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0)) if $reset;
		$select->remove($s);
		delete $other{$s};
		close $s;
	}
}

sub cut_late {
	my ($client) = @_;
	my $server = $other{$client};
	print "cut $count{$client}\n";
	setsockopt($client, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0));
	$select->remove($client);
	delete $other{$client};
	delete $other{$server};
	close $client;
	if ($mode eq 'half') {
		$deaf{$server} = $server;
		$select->remove($server);
	} else {
		$select->remove($server);
		close $server;
	}
}

while (1) {
	my @ready = $select->can_read(0.2);
	for my $client (values %late) {
		next unless $other{$client} && time - $last{$client} > 1;
		delete $late{$client};
		cut_late($client);
	}
	for my $sock (@ready) {
		if ($sock == $listener) {
			my $client = $listener->accept or next;
			my $server = IO::Socket::INET->new("127.0.0.1:$to");
			if (!$server) {
				close $client;
				next;
			}
			$other{$client} = $server;
			$other{$server} = $client;
			$is_client{$client} = 1;
			$count{$client} = 0;
			$limit{$client} = $times-- > 0 ? $octets : 0;
			$select->add($client, $server);
			next;
		}
		next unless $other{$sock};
		my $n = sysread $sock, my $data, 16384;
		if (!$n) {
			end($sock, 0);
			next;
		}
		next if $stalled{$sock};
		my ($at, $failed) = (0, 0);
		while ($at < $n) {
			my $w = syswrite $other{$sock}, $data, $n - $at, $at;
			if (!defined $w) { $failed = 1; last; }
			$at += $w;
		}
		$count{$sock} += $n if $is_client{$sock};
		$last{$sock} = time;
		if ($failed) {
			end($sock, 0);
		} elsif ($is_client{$sock} && $limit{$sock} && $count{$sock} >= $limit{$sock}) {
			if ($mode eq 'late' || $mode eq 'half') {
				$late{$sock} = $sock;
				$limit{$sock} = 0;
			} elsif ($mode eq 'cut') {
				end($sock, 1);
			} else {
				$stalled{$sock} = 1;
				print "stalled\n";
			}
		}
	}
}
