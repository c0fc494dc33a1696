#!/usr/bin/perl
# One SMTP dialogue: esmtp.pl [tls] PORT STEP... A step is sent with its CR LF,
# and a reply is waited for and shown; but "raw:TEXT" is sent as it is, "get"
# waits for one more reply, "sleep:N" waits, "fill:N" sends so many octets. In each \r \n \0 \xHH are octets.
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::SSL;

my $tls = $ARGV[0] eq "tls" ? shift : "";
my $port = shift;
my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $port) or die $!;
$s->autoflush(1);
$SIG{PIPE} = "IGNORE";
$SIG{ALRM} = sub { print "no reply\n"; exit 1 };
alarm 20;

sub octets {
	my $t = shift;
	$t =~ s/\\(r|n|0|x(..))/$1 eq "r" ? "\r" : $1 eq "n" ? "\n" : $1 eq "0" ? "\0" : chr hex $2/ge;
	return $t;
}
sub reply {
	while (defined(my $line = <$s>)) {
		$line =~ s/\r?\n//;
		print "$line\n";
		return if $line =~ /^... /;
	}
	print "closed\n";
}
my $greeted = 0;
for (@ARGV) {
	if (/^front:(.*)/s) { print $s octets($1); next }
	if (!$greeted) {
		$greeted = 1;
		IO::Socket::SSL->start_SSL($s, SSL_verify_mode => 0) or print "no TLS\n" if $tls;
		reply();
	}
	if (/^raw:(.*)/s) { print $s octets($1) }
	elsif (/^fill:(\d+)/) { print $s "x" x $1 }
	elsif (/^sleep:(\d+)/) { sleep $1 }
	elsif ($_ eq "get") { reply() }
	else { print $s octets($_) . "\r\n"; reply() }
}
