#!/usr/bin/perl
# Holds idle SMTP connections: idle.pl [tls] PORT N. Each has read its greeting
# and said EHLO; says "N held" then, and lets go when its input ends.
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::SSL;

my $tls = $ARGV[0] eq "tls" ? shift : "";
my ($port, $n) = @ARGV;
my @held;
my $context = $tls ? IO::Socket::SSL::SSL_Context->new(SSL_verify_mode => 0) : undef;
for (1 .. $n) {
	my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $port) or last;
	if ($tls) {
		IO::Socket::SSL->start_SSL($s, SSL_reuse_ctx => $context, SSL_verify_mode => 0) or last;
	}
	my $octets = "";
	sysread($s, $octets, 4096) or last;
	syswrite($s, "EHLO c\r\n");
	sysread($s, $octets, 4096) or last;
	push @held, $s;
}
$| = 1;
print scalar(@held), " held\n";
<STDIN>;
