#!/usr/bin/perl
# One seeded crash run: two switches under load, of which processes are killed
# and the power fails (see run.sh). Exit code 0 when all that was
# accepted arrived, whole, and nothing sound was taken for damaged.
#
#	run.pl SEED		BUILD, KEEP, VERBOSE, ISTHMUS_CRASH as in run.sh
#
# CRASH_TALLY: a file that gets what run.sh makes its table of, lines of 'point',
# 'process' or 'run', with figures.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use List::Util qw(max min sum0);
use POSIX qw(:sys_wait_h setsid);
use Time::HiRes qw(time sleep);

my $seed = shift // die "run.pl SEED\n";
my $build = abs_path($ENV{BUILD} || 'build');
my $here = abs_path('tests/crash');
my $room = -w '/dev/shm' ? '/dev/shm' : $ENV{TMPDIR} || '/tmp';
my $world = tempdir('isthmus-crash-XXXXXX', DIR => $room);
my ($load_seconds, $patience) = (1.6, 25);

# A kill between two writes finds a message on its way that is a moment old.
my ($on_its_way, $noted_late) = (1.5, 0.5);

# --- what happens: all of it drawn from the seed, before anything starts ---

srand $seed;
sub one { $_[rand @_] }
sub upto { 1 + int rand $_[0] }

my @writers = qw(smtpd x400p1 mixer report list);
# [process, call, path, when, count up to, what it is]
my @named = (
	(map { [$_, 'fdatasync', 'segments/*.seg', 'before', 40, 'after write, before sync'] } @writers),
	(map { [$_, 'fdatasync', 'segments/*.seg', 'after', 40, 'after sync, before reply'] } @writers),
	(map { [$_, 'write', 'segments/*.seg', 'before', 60, 'before write'] } @writers),
	['*', 'fdatasync', 'contents*', one('before', 'after'), 12, 'large content'],
	['*', 'write', 'contents/*', 'after', 40, 'large content'],
	['qmgr', 'write', 'journal/*.jnl', 'before', 160, 'before journal'],
	['qmgr', 'fdatasync', 'journal/*.jnl', 'before', 60, 'journal written, not synced'],
	['qmgr', 'fdatasync', 'journal/*.jnl', 'after', 60, 'journal synced, not acted upon'],
	(map { [$_, 'sendmsg', 'qmgr', 'before', 60, 'after remote acceptance, before journal'] }
		qw(x400p1 smtp lmtp)),
	(map { [$_, 'sendmsg', 'qmgr', one('before', 'after'), 60, 'before qmgr is told'] } @writers),
	['iaed', 'sendmsg', 'child', one('before', 'after'), 6, 'connection handed over'],
	(map { ['*', @$_, 'segment begun'] } ['open', 'segments/*.seg', 'after', 6],
		['rename', 'segments/*.seg', one('before', 'after'), 4], ['fdatasync', 'segments', 'before', 6]),
	(map { ['*', @$_, 'segment given up or moved'] } ['unlink', 'segments/*.seg', one('before', 'after'), 3],
		['rename', 'segments/recycled/*.seg', one('before', 'after'), 4]),
	(map { ['compactor', @$_, 'during compaction'] } ['open', 'segments/*.seg', one('before', 'after'), 9],
		['write', 'segments/*.seg', one('before', 'after'), 9], ['fdatasync', 'segments*', one('before', 'after'), 6],
		['sendmsg', 'qmgr', one('before', 'after'), 6]),
	['*', 'unlink', 'contents/*', one('before', 'after'), 12, 'content given up'],
	(map { ['qmgr', @$_, 'checkpoint'] } ['write', 'journal/*.tmp', one('before', 'after'), 2],
		['rename', 'journal/*.tmp', one('before', 'after'), 1], ['fdatasync', 'journal/*.tmp', one('before', 'after'), 1], ['rename', 'journal/*.jnl', one('before', 'after'), 1],
		['unlink', 'journal/*.jnl', one('before', 'after'), 1], ['fdatasync', 'journal', one('before', 'after'), 2]),
	['loader', 'open', '*/*', 'before', 4, 'start'],
	['x400p1', 'write', 'transfers/*', one('before', 'after'), 30, 'transfer kept'],
	['x400p1', 'rename', 'transfers/*', one('before', 'after'), 4, 'transfer kept'],
);
my %what; # text of a point => what it is
sub point { # ACTION
	my ($program, $call, $path, $when, $count, $what) = @{one(@named)};
	my $text = join ':', $program, $call, $path, $when, upto($count), $_[0];
	$what{$text} = $what;
	return $text;
}
sub what { # [POINT]
	return defined $_[0] ? $what{$_[0]} // 'a given point' : 'at any time';
}
# What a dead process had not synced is found and acted upon; then the power fails.
sub unsynced {
	my $process = one(@writers, 'compactor');
	my @p = ("$process:fdatasync:segments/*.seg:before:" . upto(12) . ':kill',
		'qmgr:fdatasync:journal/*.jnl:after:' . upto(60) . ':cut');
	$what{$_} = 'acted upon, not synced' for @p;
	return @p;
}
# what a switch gets for one life between two failures of its power
sub points {
	my ($cut) = @_;
	my @p = map { point('kill') } 1 .. int rand 3;
	push @p, point('cut') if $cut;
	push @p, unsynced() if $cut && rand() < 0.3;
	return join ' ', @p;
}

my @sides = qw(alpha bravo);
my @victims = qw(qmgr loader smtpd x400p1 iaed mixer report list smtp lmtp compactor);
my %plan = map { $_ => [] } @sides; # for each life of a switch: its points
my %cuts = map { $_ => [] } @sides; # for each power failure: when at the latest
for my $side (@sides) {
	my $cuts = one(0, 1, 1, 2);
	push @{$plan{$side}}, points($_ < $cuts && rand() < 0.7) for 0 .. $cuts;
	my $at = 0.4;
	push @{$cuts{$side}}, $at += 0.2 + rand 1.2 for 1 .. $cuts;
}
my @kills = sort { $a->[0] <=> $b->[0] } map { [0.2 + rand 1.8, one(@sides), one(@victims)] } 1 .. int rand 4;
my %cut_seed = map { $_ => upto(1_000_000_000) } @sides;
my $segment = one('64KiB', '64KiB', '128KiB', '1MiB');
my $large = one(4096, 16384, 32768);
my $late = one(0, 2.5, 2.5);
my $sync_us = one(1, 200, 1000, 4000);

# --- the world ---

my %port;
sub ports {
	my @names = qw(ALPHA_SMTP ALPHA_P1 BRAVO_SMTP BRAVO_P1 LMTP SINK);
	for (1 .. 100) {
		my $base = 20000 + 10 * int(1200 * ((time * 1000 + $$ * 7919) % 1200) / 1200);
		my @held = map { IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $base + $_, Listen => 1,
			ReuseAddr => 1) } 0 .. $#names;
		@port{@names} = map { $base + $_ } 0 .. $#names;
		my $all = !grep { !defined } @held;
		close $_ for grep { defined } @held;
		return if $all;
		sleep 0.003;
	}
	die "no free ports\n";
}
sub fill_in {
	my ($side) = @_;
	my %value = (%port, WORLD => $world, SEGMENT => $segment, THRESHOLD => $large);
	open my $in, '<', "$here/$side.xml.in" or die;
	my $text = do { local $/; <$in> };
	$text =~ s/\@(\w+)\@/$value{$1}/g;
	open my $out, '>', "$world/$side.xml" or die;
	print $out $text;
}

my %pid;
sub launch { # NAME ENVIRONMENT COMMAND...: a session of its own, of that number
	my ($name, $env, @command) = @_;
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		setsid();
		@ENV{keys %$env} = values %$env;
		open STDOUT, '>>', "$world/$name.log";
		open STDERR, '>&', \*STDOUT;
		exec @command or die;
	}
	return $pid{$name} = $pid;
}
my %life = map { $_ => 0 } @sides;
my (@crashes, @told); # crashes: [when, what it was]
sub say_so {
	my $text = sprintf '%.2f %s', time - $^T, join ' ', @_;
	push @told, $text;
	print "  $text\n" if $ENV{VERBOSE};
}
my @tally; # lines
sub tally { push @tally, join "\t", @_; }
sub start_switch {
	my ($side) = @_;
	system("$build/tests/crash/powercut", 'init', "$world/$side.crash") == 0 or die;
	my $points = $plan{$side}[$life{$side}++] // '';
	# the same ones again and again, but not so that there is no end
	$points = $life{$side} <= 6 ? $ENV{ISTHMUS_CRASH} : '' if defined $ENV{ISTHMUS_CRASH};
	say_so("$side starts", $points);
	launch($side, {
		CRASH_SPOOL => "$world/$side/spool", CRASH_LOG => "$world/$side.crash", CRASH_SYNC_US => $sync_us,
		ISTHMUS_CRASH => $points, LD_PRELOAD => join(' ', $ENV{LD_PRELOAD} // (), "$build/tests/crash/libcrash.so"),
	}, "$build/bin/isthmus", 'run', '-c', "$world/$side.xml");
}
# All of them must be gone before it returns: what still dies might still write.
# The one that starts others goes first.
sub end_session {
	my ($sid) = @_;
	kill 'KILL', $sid;
	waitpid $sid, 0;
	# a dead one without threads may wait for long until somebody hears of it
	while (my @left = grep { !/ Z[^l]*$/m } split /\n/, qx(ps -s $sid -o pid=,stat=)) {
		kill 'KILL', map { (split)[0] } @left;
	}
}
# The cut may have come from a point, or comes now. It is over when all are dead:
# until then they may go on accepting.
sub cut {
	my ($side, $why) = @_;
	end_session(delete $pid{$side});
	my ($point) = $why eq 'at random' ? () : map { (split)[2] } grep { /:cut$/ } reverse strikes($side);
	push @crashes, [time, what($point)];
	tally('point', what(), 0, 1) unless $point;
	my $seed = $cut_seed{$side}++;
	my $said = qx($build/tests/crash/powercut apply $world/$side.crash $world/$side/spool $seed);
	die "powercut failed\n" if $?;
	chomp $said;
	say_so("$side: power failure ($why), $said");
	start_switch($side);
}
sub strikes { return map { lines("$world/$_.crash/strikes") } @_; }
sub processes {
	my ($side, $name) = @_;
	return split ' ', qx(pgrep -s $pid{$side} -x $name);
}
sub fell { # has the power gone by itself?
	my ($side) = @_;
	return waitpid($pid{$side}, WNOHANG) == $pid{$side};
}
sub slay {
	my ($side, $name) = @_;
	my $p = one(processes($side, $name), 0) or return;
	say_so("$side: $name killed");
	kill 'KILL', $p;
	push @crashes, [time, what()];
	tally('point', what(), 1, 0);
	tally('process', $name, 0, 1);
}

# --- what came of it ---

my (%accepted, %delivered, @wrong, $twice, $still_queued);
my (%twice_by, $longest); # crash => deliveries; seconds between first delivery and crash
$longest = 0;
sub lines {
	my ($path) = @_;
	open my $in, '<', $path or return;
	my @l = <$in>;
	chomp @l;
	return @l;
}
sub read_notes {
	(%accepted, %delivered) = ();
	for (map { [split] } lines("$world/accepted")) {
		my ($at, $n, @to) = @$_;
		$accepted{$n} = {at => $at, to => \@to};
	}
	for (map { [split] } lines("$world/delivered")) {
		my ($at, $to, $n, $whole) = @$_;
		push @{$delivered{$n}{$to}}, [$at, $whole];
	}
}
sub missing {
	my @m;
	for my $n (sort { $a <=> $b } keys %accepted) {
		push @m, map { "$n for $_" } grep { !$delivered{$n}{$_} } @{$accepted{$n}{to}};
	}
	return @m;
}
sub queue { return qx($build/bin/isthmus queue -c $world/$_[0].xml 2>&1); }

# A crash that found the message on its way: accepted before it (clients note
# that a little later), first delivered no long time before it, and delivered again
# after it. Of several, the one nearest to the first delivery.
sub explained {
	my ($n, $first, $again) = @_;
	my $at = $accepted{$n} ? $accepted{$n}{at} : 0;
	my @by = grep { $at <= $_->[0] + $noted_late && $first >= $_->[0] - $on_its_way && $again >= $_->[0] } @crashes;
	my ($by) = sort { abs($a->[0] - $first) <=> abs($b->[0] - $first) } @by;
	if ($by) {
		$twice_by{$by->[1]}++;
		$longest = max($longest, $by->[0] - $first);
	}
	return $by;
}
sub judge_deliveries {
	$twice = 0;
	for my $n (keys %delivered) {
		for my $to (keys %{$delivered{$n}}) {
			my ($first, @more) = @{$delivered{$n}{$to}};
			# a report has only part of what it is about
			push @wrong, "message $n came to $to in part"
				if $to ne 'alice@alpha.example' && grep { $_->[1] ne 'whole' } $first, @more;
			$twice += @more;
			push @wrong, map { "message $n came to $to again at $_->[0], without a reason" }
				grep { !explained($n, $first->[0], $_->[0]) } @more;
		}
	}
}
sub judge_sides {
	for my $side (@sides) {
		push @wrong, map { "$side: taken for damaged: $_" } glob "$world/$side/spool/quarantine/*.txt";
		my $queue;
		# a point may strike even now
		wait_until(5, sub { $queue = queue($side); $? == 0 }) or push @wrong, "$side: the queue cannot be read: $queue";
		push @wrong, "$side: the queue is not empty: $queue" if $queue !~ /^The queue is empty/m;
		for (lines("$world/$side.log")) {
			push @wrong, "$side: $_" if / (?:record-missing|version-missing|quarantine\S*) /
				|| /how="(?:signal (?!9 )|exit code [^0])/ || /fatal|Sanitizer|runtime error/;
		}
	}
}
sub judge {
	push @wrong, 'nothing was accepted' unless %accepted;
	my @missing = missing();
	if (@missing) {
		my $queued = join '', map { queue($_) } @sides;
		push @wrong, scalar(@missing) . ' deliveries are missing: ' . join(', ', @missing[0 .. min($#missing, 9)]);
		$still_queued = $queued =~ /[0-9a-f]{16}/;
		push @wrong, "still queued:\n$queued" if $still_queued;
	}
	judge_deliveries();
	judge_sides();
}

# --- the run ---

my @loads;
sub finish {
	end_session($_) for @loads, values %pid;
	remove_tree($world) unless @wrong || $ENV{KEEP};
}
$SIG{INT} = $SIG{TERM} = sub { push @wrong, 'interrupted'; finish(); exit 130 };

sub listens {
	my ($port) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port", Timeout => 1);
	return defined $s;
}
sub wait_until {
	my ($seconds, $true) = @_;
	my $end = time + $seconds;
	until ($true->()) {
		return 0 if time > $end;
		power_lost();
		sleep 0.05;
	}
	return 1;
}
my %cuts_done = map { $_ => 0 } @sides;
sub power_lost {
	for my $side (grep { $pid{$_} && fell($_) } @sides) {
		$cuts_done{$side}++;
		cut($side, 'at a point');
	}
}
sub events {
	my ($now) = @_;
	power_lost();
	for my $side (@sides) {
		my $at = $cuts{$side}[$cuts_done{$side}];
		next unless defined $at && $now >= $at;
		$cuts_done{$side}++;
		cut($side, 'at random');
	}
	slay(@{shift @kills}[1, 2]) while @kills && $now >= $kills[0][0];
	return @kills || grep { $cuts_done{$_} < @{$cuts{$_}} } @sides;
}
sub start_load {
	my $clients = one(1, 4, 8);
	for (1 .. $clients) {
		my $pid = launch('load', {}, 'perl', "$here/load.pl", $port{ALPHA_SMTP}, $load_seconds, $seed * 16 + $_, $_,
			$clients, $large, "$world/accepted");
		push @loads, delete $pid{load};
	}
}
# Or never will be: what is not in a queue for so long does not come any more.
my $empty_since;
sub all_done {
	read_notes();
	my $queued = grep { queue($_) !~ /^The queue is empty/m } @sides;
	$empty_since = $queued ? undef : $empty_since // time;
	return !$queued && (!missing() || time > $empty_since + 3);
}
my @strikes;
sub note_strikes {
	for (@strikes) {
		my ($at, $process, $point) = split;
		my $is_cut = $point =~ /:cut$/ ? 1 : 0;
		push @crashes, [$at, what($point)];
		tally('point', what($point), 1 - $is_cut, $is_cut);
		tally('process', $process, 1, 0) unless $is_cut;
	}
}
sub write_tally {
	my $file = $ENV{CRASH_TALLY} or return;
	tally('twice', $_, $twice_by{$_}) for keys %twice_by;
	my ($lost, $queued) = (scalar(missing()), 0);
	($lost, $queued) = (0, $lost) if $still_queued;
	tally('run', @wrong ? 1 : 0, scalar(keys %accepted), sum0(map { scalar @$_ } map { values %$_ } values %delivered),
		$queued, $twice, $lost, sprintf('%.2f', $longest));
	open my $out, '>>', $file or die "$file: $!";
	syswrite $out, join '', map { "$_\n" } @tally;
}
sub stop_switch {
	my ($side) = @_;
	kill 'TERM', $pid{$side};
	my $end = time + 10;
	until (waitpid($pid{$side}, WNOHANG) == $pid{$side}) {
		return push @wrong, "$side does not stop" if time > $end;
		sleep 0.02;
	}
	my $status = $?;
	# a point may strike even now
	push @wrong, "$side ended with status $status" if $status && strikes(@sides) == @strikes;
	delete $pid{$side};
}

ports();
for my $side (@sides) {
	make_path("$world/$side");
	fill_in($side);
}
my $start = time;
launch('sink', {}, 'perl', "$here/sink.pl", $port{LMTP}, $port{SINK}, "$world/delivered", $late);
start_switch($_) for @sides;
wait_until(10, sub { !grep { !listens($port{$_}) } qw(ALPHA_SMTP ALPHA_P1 BRAVO_SMTP BRAVO_P1 LMTP SINK) })
	or push @wrong, 'the switches do not start';
start_load();
my $begun = time;
my $more = 1;
while ($more || time < $begun + $load_seconds) {
	$more = events(time - $begun);
	sleep 0.02;
}
waitpid $_, 0 for splice @loads;
wait_until($patience, \&all_done);
@strikes = strikes(@sides);
note_strikes();
judge();
stop_switch($_) for grep { $pid{$_} } @sides;
printf "seed %s: %d accepted, %d deliveries, %d killed, %d power failures, %d twice, %.1f s%s\n", $seed,
	scalar keys %accepted, sum0(map { scalar @$_ } map { values %$_ } values %delivered),
	@crashes - sum0(values %cuts_done) - grep({ /:cut$/ } @strikes), sum0(values %cuts_done), $twice, time - $start,
	@wrong ? ': FAILED' : '';
if (@wrong) {
	print map { "  $_\n" } @told unless $ENV{VERBOSE};
	print map { "  struck: $_\n" } @strikes;
	print map { "FAILED: $_\n" } @wrong[0 .. min($#wrong, 19)];
}
write_tally();
print "  kept: $world\n" if @wrong || $ENV{KEEP};
finish();
exit !!@wrong;
