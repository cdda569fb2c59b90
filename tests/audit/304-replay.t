# The month from access logs, against figures known by hand.

use strict;
use warnings;

use File::Basename qw(dirname);
use FindBin;
use JSON::PP;
use POSIX qw(mktime tzset);
use Time::Local qw(timegm);
use lib dirname(__FILE__) . '/lib';
use Audit;
use Test::More;

my %default = (status => 200, verdict => 'passed', reason => '', sla => 'good', indicators => 'A,B');

sub line {
    my ($time, %field) = @_;
    my %f = (%default, %field);
    return '{"msec":"' . sprintf('%.3f', $time) . '",'
        . join(',', map {qq("$_":"$f{$_}")} sort keys %f) . "}\n";
}

sub good     { line($_[0]) }
sub failed   { line($_[0], status => 502, sla => 'failed') }
sub excluded { line($_[0], status => 429, verdict => 'throttled', reason => 'duplicate_throttled', sla => 'excluded') }

sub replay {
    my ($status, $out, $err) = audit('replay', @_);
    is $err, '', 'nothing on stderr';
    my $got = eval { decode_json($out) } || { failed => "$status $out $err" };
    $got->{status} = $status;
    return $got;
}

my $start = timegm(0, 0, 0, 1, 10, 126);        # 2026-11-01

# A month of 30 days: 43200 slots of a minute.  One minute of failures, one
# with half of them, one with less than half, one of refusals only.

spew('log', join '',
    good($start - 0.001), good($start), good($start + 0.001),
    (map { failed($start + 600 + $_) } 0 .. 9),
    (map { good($start + 660 + $_) . failed($start + 665 + $_) } 0 .. 4),
    (map { good($start + 720 + $_) } 0 .. 5), (map { failed($start + 730 + $_) } 0 .. 4),
    (map { excluded($start + 3600 + $_) } 0 .. 19),
    line($start + 3700, status => 499, sla => 'ignored'),
    line($start + 3701, status => 400, verdict => '', sla => 'ignored'),
    line($start + 3702, status => 429, verdict => 'blocked', reason => 'hammering_blocked', sla => 'excluded'),
    line($start + 3703, status => 429, verdict => 'blocked', reason => 'auth_lockout', sla => 'good'),
    line($start + 3704, status => 429, verdict => 'blocked', reason => 'operator_blocked', sla => 'failed'),
    line($start + 3705, status => 200, verdict => 'throttled_dry_run', reason => 'duplicate_throttled', sla => 'good'),
    line($start + 3706, status => 503, verdict => 'exempt', sla => 'failed'),
    line($start + 3701, status => 501, verdict => '', sla => 'ignored'),
    line($start + 3701, status => 505, verdict => '', sla => 'ignored'),
    line($start + 3707, status => '000', verdict => '', sla => ''),
    failed($start + 30 * 86400 - 0.001), good($start + 30 * 86400));

my $r = replay('--month', '2026-11', 'log');
is $r->{status}, 0, 'replayed';
is $r->{seconds}, 30 * 86400, 'the month';
is_deeply $r->{requests}, { total => 63, good => 2 + 5 + 6 + 2, failed => 10 + 5 + 5 + 1 + 1 + 1,
    excluded => 21, ignored => 4 }, 'classes';
is_deeply $r->{excluded}, { duplicate_throttled => 20, hammering_blocked => 1 }, 'reasons';
is_deeply [@{ $r->{lines} }{qw(read unreadable unguarded other_month class_differs)}], [66, 0, 1, 2, 0], 'lines';

# down: minutes 10 and 11 (one outage of two), 61 (3700 to 3706: 2 of 4 counted
# failed) and the last one
is $r->{contractual}{by_time}{down_seconds}, 4 * 60, 'down by time';
is sprintf('%.9f', $r->{contractual}{by_time}{availability}), '0.999907407', 'availability by time';
ok $r->{contractual}{by_time}{target_met}, 'within the target';
is_deeply [map { [@$_{qw(start end seconds)}] } @{ $r->{contractual}{outages} }], [
    ['2026-11-01T00:10:00Z', '2026-11-01T00:12:00Z', 120],
    ['2026-11-01T01:01:00Z', '2026-11-01T01:02:00Z', 60],
    ['2026-11-30T23:59:00Z', '2026-12-01T00:00:00Z', 60],
], 'outages';
is $r->{contractual}{by_requests}{counted}, 38, 'by requests: counted';
is sprintf('%.9f', $r->{contractual}{by_requests}{availability}), sprintf('%.9f', int(15 / 38 * 1e9) / 1e9), 'availability';
ok !$r->{contractual}{by_requests}{target_met}, 'misses the target';
is $r->{raw}{by_requests}{counted}, 59, 'raw: counted';
is $r->{raw}{by_time}{down_seconds}, 5 * 60, 'raw: a minute of refusals is down';

# the same, compressed, in two files, and from standard input
my $whole = slurp('log');
my @l = lines_of($whole);
spew('log.1', join '', @l[0 .. 19]);
gzip('log.1');
spew('log.0', join '', @l[20 .. $#l]);
my $again = replay('--month', '2026-11', 'log.1.gz', 'log.0');
is_deeply $again, $r, 'gzip, and several files';
$again = replay('--month=2026-11', '--config', 'slice=60', '--config=down-ratio=50', '--', 'log');
is_deeply $again, $r, 'settings by --config';

# settings
is replay('--month', '2026-11', '--min-requests', 11, 'log')->{contractual}{by_time}{down_seconds}, 0, 'min-requests';
is replay('--month', '2026-11', '--down-ratio', 50.0001, 'log')->{contractual}{by_time}{down_seconds}, 120, 'down-ratio';
is replay('--month', '2026-11', '--slice', 3600, 'log')->{contractual}{by_time}{down_seconds}, 3 * 3600, 'slice';
is replay('--month', '2026-11', '--slice', 7, 'log')->{seconds}, 30 * 86400, 'a slice that does not divide the month';
my $o = replay('--month', '2026-11', '--outage', '2026-11-01T00:11:30Z/2026-11-01T00:13:00Z',
    '--outage', '2026-10-31T00:00:00Z/2026-11-01T00:00:10Z', 'log');
is $o->{contractual}{by_time}{down_seconds}, 4 * 60 + 60 + 10, 'declared outages: each second once';
is scalar @{ $o->{contractual}{outages} }, 4, 'those that touch are one';
$o = replay('--month', '2026-11', '--as-of', '2026-11-01T00:11:30Z', 'log');
is $o->{contractual}{by_time}{down_seconds}, 60, 'as of: a slot that is not over is not judged';
is sprintf('%.6f', $o->{contractual}{by_time}{availability}), sprintf('%.6f', int(630 / 690 * 1e6) / 1e6), 'of what has elapsed';
$o = replay('--month', '2026-12', 'log');
is $o->{requests}{total}, 1, 'the next month';
is $o->{contractual}{by_requests}{availability}, 1, 'which is whole';
$o = replay('--month', '2026-10', '--target', 100, 'log');
ok $o->{contractual}{by_time}{target_met}, '100 % is met by 100 %';
$o = replay('--month', '2020-02', 'log');
is $o->{contractual}{by_requests}{availability}, undef, 'no request: no figure by requests';
is $o->{seconds}, 29 * 86400, 'a leap year';
is replay('--month', '2026-02', 'log')->{seconds}, 28 * 86400, 'another year';

# indicators
spew('two', line($start, indicators => 'A') . line($start, indicators => 'AB,B') . line($start, indicators => ''));
is replay('--month', '2026-11', '--indicator', $_->[0], 'two')->{requests}{total}, $_->[1], "indicator $_->[0]"
    for ['A', 1], ['B', 1], ['AB', 1], ['C', 0];
is replay('--month', '2026-11', 'two')->{requests}{total}, 3, 'all of them';

# clocks that change
for my $case (
    ['Europe/Paris', '2026-03', 743], ['Europe/Paris', '2026-10', 745], ['America/New_York', '2026-03', 743],
    ['America/New_York', '2026-11', 721], ['Australia/Lord_Howe', '2026-10', 743.5],
    ['Asia/Amman', '2016-04', 719], ['Asia/Kolkata', '2026-03', 744], ['Pacific/Apia', '2011-12', 30 * 24],
    ['UTC', '2026-03', 744],
) {
    my ($zone, $month, $hours) = @$case;
    my $got = replay('--month', $month, '--timezone', $zone, 'two');
    is $got->{seconds}, $hours * 3600, "$zone $month has $hours hours";
}
my $paris = timegm(0, 0, 22, 30, 8, 126);       # 2026-10-01 in Paris
spew('paris', good($paris - 0.001) . failed($paris) . failed($paris + 745 * 3600 - 0.001) . good($paris + 745 * 3600));
$o = replay('--month', '2026-10', '--timezone', 'Europe/Paris', 'paris');
is_deeply [$o->{requests}{failed}, $o->{requests}{good}], [2, 0], 'the month of Paris';
is $o->{contractual}{by_time}{down_seconds}, 120, 'its first and its last minute';

# a zone that counts leap seconds is behind all the others
SKIP: {
    skip 'no zones with leap seconds here', 2 if !-e '/usr/share/zoneinfo/right/Europe/Paris';
    my ($status, $out, $err) = audit('replay', '--month', '2026-10', '--timezone', 'right/Europe/Paris', 'paris');
    is $status, 2, 'leap seconds';
    like $err, qr/leap seconds/, 'and why';
}

# other forms of lines
my $iso = '{"time":"2026-11-05T01:00:00+01:00","status":200,"verdict":"passed","reason":"","sla":"good",'
    . '"deep":{"a":[{},[]]},"request":"GET /' . "\xff\xfe" . ' HTTP/1.1"}' . "\n";
spew('iso', $iso);
$o = replay('--month', '2026-11', '--strict', 'iso');
is $o->{requests}{good}, 1, 'time as ISO 8601, numbers, other fields, bytes of any kind';

my $local = $iso =~ s/"time":"[^"]*"/"msec":"1793836800.000","time":"05\/Nov\/2026:01:00:00 +0100"/r;
spew('local', $local . $local =~ s/("msec":"[\d.]+"),("time":"[^"]*")/$2,$1/r);
$o = replay('--month', '2026-11', '--strict', 'local');
is $o->{requests}{good}, 2, 'a time of another form beside msec';

my @bad = ('', 'x', '{}', '[]', $iso =~ s/"status":200,//r, $iso =~ s/200/20/r, $iso =~ s/01:00:00\+/01:00+/r,
    $iso =~ s/"reason":""/"reason":"nonsense"/r, $iso =~ s/}$//r, "\0" x 50, '[' x 5000, 'x' x 1_000_000,
    $iso =~ s/"sla":"good"/"sla":"good","sla":"good"/r, $iso =~ s/2026-11-05/2026-11/r,
    $local =~ s/"msec":/"ms":/r, $local =~ s/1793836800/x/r,
    (map { $iso =~ s/2026-11-05/$_/r } '2026-11-31', '2026-11- 5', '2026-11-00', '+026-11-05', '1969-12-31', '1026-11-05'),
    (map { $iso =~ s/T01:00:00\+01:00/T$_/r } '24:00:00Z', '01:60:00Z', '01:00:60Z', '01:00:-1Z', '01:00:00.Z',
        '01:00:00+24:00', '01:00:00+01:60', '01:00:00+-1:00'));
spew('bad', join '', map { s/\n*$/\n/r } @bad, $iso);
$o = replay('--month', '2026-11', 'bad');
is $o->{lines}{unreadable}, scalar @bad, 'lines that cannot be read';
is $o->{lines}{first_unreadable}, 'bad:1', 'the first is named';
is $o->{requests}{total}, 1, 'the others are';
is replay('--month', '2026-11', '--strict', 'bad')->{status}, 1, 'strict';

spew('wrong', good($start) . line($start, status => 503, sla => 'excluded'));
$o = replay('--month', '2026-11', '--strict', 'wrong');
is $o->{requests}{failed}, 1, 'an error without a reason is never excluded, whatever the log says';
is $o->{lines}{first_class_differs}, 'wrong:2', 'and is told';
is $o->{status}, 1, 'strict';

# usage
for my $case (
    [['log'], '--month YYYY-MM'], [['--month', '2026-13', 'log'], '--month takes'],
    [['--month', '2026-1', 'log'], '--month takes'], [['--month', '2026-11'], 'access logs'],
    [['--month', '2026-11', '--timezone', 'Mars/Base', 'log'], 'Mars/Base'],
    [['--month', '2026-11', '--timezone', '../etc/passwd', 'log'], '--timezone takes'],
    [['--month', '2026-11', '--timezone', 'Europe', 'log'], '--timezone takes'],
    [['--month', '2026-11', '--timezone', 'zone.tab', 'log'], '--timezone takes'],
    [['--month', '2026-11', '--slice', '0', 'log'], '--slice'],
    [['--month', '2026-11', '--target', '101', 'log'], '--target'],
    [['--month', '2026-11', '--down-ratio', '5%', 'log'], '--down-ratio'],
    [['--month', '2026-11', '--outage', 'x/y', 'log'], '--outage takes'],
    [['--month', '2026-11', '--outage', '2026-11-03T24:00:00Z/2026-11-04T10:00:00Z', 'log'], '--outage takes'],
    [['--month', '2026-11', '--outage', '2026-11-30T10:00:00Z/2026-11-31T10:00:00Z', 'log'], '--outage takes'],
    [['--month', '2026-02', '--as-of', '2026-02-29T00:00:00Z', 'log'], '--as-of takes'],
    [['--month', '2026-11', '--config', 'colour=red', 'log'], 'no option'],
    [['--month', '2026-11', '--config', 'slice', 'log'], 'NAME=VALUE'],
    [['--month', '2026-11', 'absent'], 'No such file'],
    [['--month', '2026-11', '.'], '.: Is a directory'],
    [['--month', '2026-11', '--indicator', '', 'log'], '--indicator takes a name'],
    [['--month', '2026-11', '--indicator', 'A,B', 'log'], '--indicator takes a name'],
) {
    my ($status, $out, $err) = audit('replay', @{ $case->[0] });
    is $status, 2, "replay @{ $case->[0] }";
    like $err, qr/\Q$case->[1]\E/, 'and why';
}

# What the fuzz target begins with is read, and not refused at once
my @seeds = glob "$FindBin::Bin/../fuzz/corpus/fuzz_replay/*";
cmp_ok scalar @seeds, '>', 0, 'seeds of fuzz_replay';
spew('seeds', join '', map { open my $in, '<', $_ or die; local $/; <$in> . "\n" } @seeds);
is replay('--month', '2026-11', 'seeds')->{lines}{unreadable}, 0, 'are lines of the format';

# a terminal sees the progress
SKIP: {
    skip 'no pseudo-terminal, or no script: apt-get install bsdutils', 2
        if system('script -qec true /dev/null </dev/null >/dev/null 2>&1');
    spew('long', $whole x 2000);
    my $text = `cd $dir && script -qec "$tool replay --month 2026-11 long" /dev/null </dev/null`;
    like $text, qr/\[#+ *\] +\d+\.\d %/, 'a bar';
    like $text, qr/"total":126000/, 'and the figures';
}

done_testing;
