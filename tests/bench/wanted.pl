#!/usr/bin/perl
# All that is wanted of the guard's cost, in one table: tests/bench/wanted.pl [-l]
#
# Runs instructions.pl, memory and bench.pl (-l: as that one's), shows what they
# print, and sets some of their figures beside what is wanted.

use strict;
use warnings;

use FindBin;

my $memory = "$FindBin::Bin/../../build/memory";
my $million = 1_000_000;
my (%figure, %spread);

# What a program prints, shown as it comes.

sub lines {
    my @command = @_;
    my @lines;

    open my $out, '-|', @command or die "$command[0]: $!\n";

    while (my $line = <$out>) {
        print $line;
        push @lines, $line;
    }

    # 1: it measured, and is not content

    close $out or ($? >> 8) == 1 && @lines or die "$command[0] failed\n";
    print "\n";

    return @lines;
}

sub take {
    my ($name, $value, $spread) = @_;
    $figure{$name} = $value;
    $spread{$name} = $spread // '';
}

$| = 1;

/^(\w+) +(\d+)$/ and take("instructions, $1", $2)
    for lines("$FindBin::Bin/instructions.pl");

/^(.*?) +(\d+) (99\.9 %|all) +\S+ +(\S+) / and take("memory, $1, $3", $4)
    for lines($memory, $million);

for (lines("$FindBin::Bin/bench.pl", @ARGV)) {
    if (/^(start|reload) +[\d.]+ +[\d.]+ +([\d.]+) +([\d.]+) (\(.*?\)) +([\d.]+) (\(.*?\))/) {
        take($1, $2);
        take("$1, to nginx", $3, $4);
        take("$1, to 1 MB", $5, $6);

    } elsif (/^(\S.*?)  +[\d.]+ +\d/) {
        my $case = $1;
        my @what = ('CPU', 'throughput', 'p99', 'p50 at half the load', 'p99 at half the load');

        take(shift(@what) . ", $case", $1, $2) while /([\d.]+) (\(.*?\))/g;
    }
}

# The CPU of one worker to that of two, both as ratios to the bare server.

my ($one, $two) = @figure{'CPU, guard, 1 thousand signatures', 'CPU, guard, 2 workers'};
take('two workers', sprintf '%.2f', $one / $two) if $one && $two;

# What, unit, its figure, the most that is wanted (or the least, with >=).

my @wanted = (
    ['passed, added',                       'instructions', 'instructions, passed', 1200],
    ['throttled, over "return 429"',        'instructions', 'instructions, throttled', 1000],
    ['blocked, over "return 429"',          'instructions', 'instructions, blocked', 1000],
    ['passed, 1 thousand signatures',       'CPU',          'CPU, guard, 1 thousand, as nginx', 1.10],
    ['the same, ten variables logged',      'CPU',          'CPU, guard, 1 thousand signatures', 1.10],
    ['passed, 10 million',                  'CPU',          'CPU, guard, 10 million, as nginx', 1.18],
    ['the same, ten variables logged',      'CPU',          'CPU, guard, 10 million', 1.18],
    ['async',                               'CPU',          'CPU, guard, async, as nginx', 1.15],
    ['the same, ten variables logged',      'CPU',          'CPU, guard, async', 1.15],
    ['async, as many as are answered',      'p99',          'p99, guard, async, as nginx', 1.05],
    ['async, half as many',                 'p50',          'p50 at half the load, guard, async, as nginx', 1.05],
    ['async, half as many',                 'p99',          'p99 at half the load, guard, async, as nginx', 1.05],
    ['the same, ten variables logged',      'p99',          'p99 at half the load, guard, async', 1.05],
    ['strict',                              'CPU',          'CPU, guard, strict', 1.7],
    ['one worker to two',                   'CPU',          'two workers', '>= 0.97'],
    ['POST of 1 MB, kept in memory',        'CPU',          'CPU, guard, 1 MB POST', 1.05],
    ['POST of 1 MB, buffer of 16 KB',       'CPU',          'CPU, guard, 1 MB POST, 16k buffer', 1.05],
    ['signature, 99.9 % of a million',      'bytes',        'memory, signature, alone, 99.9 %', 24],
    ['client under a rule, the same',       'bytes',        'memory, client under a rule, 99.9 %', 128],
    ['start with a zone of 1 GB',           'ms',           'start', 100],
    ['reload with it, to nginx',            'time',         'reload, to nginx', 1.10],
    ['reload with it, to a zone of 1 MB',   'time',         'reload, to 1 MB', 1.10],
);

printf "%-34s %-13s %9s  %-16s %9s\n", 'what', 'in', 'measured', 'quartiles', 'wanted';

for (@wanted) {
    my ($what, $unit, $name, $wanted) = @$_;
    my $value = $figure{$name};

    my $holds = defined $value && ($wanted =~ /^>= (.*)/ ? $value >= $1 : $value <= $wanted);

    printf "%-34s %-13s %9s  %-16s %9s  %s\n", $what, $unit, $value // '', $spread{$name} // '', $wanted,
        !defined $value ? 'not measured' : $holds ? 'holds' : 'does not hold';
}
