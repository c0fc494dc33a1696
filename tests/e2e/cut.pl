#!/usr/bin/perl
# A TCP relay that breaks connections: when so many octets came from the client,
# the first one is reset (cut), or gets nothing through any more (stall); the
# next ones pass. Prints, for each connection that ended, how many octets of the
# client were passed on; and "stalled" when that happens.
#
#	cut.pl LISTEN-PORT TO-PORT cut|stall OCTETS
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
my (%other, %count, %is_client, %limit, %stalled);
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

while (1) {
	for my $sock ($select->can_read) {
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
		if ($failed) {
			end($sock, 0);
		} elsif ($is_client{$sock} && $limit{$sock} && $count{$sock} >= $limit{$sock}) {
			if ($mode eq 'cut') {
				end($sock, 1);
			} else {
				$stalled{$sock} = 1;
				print "stalled\n";
			}
		}
	}
}
