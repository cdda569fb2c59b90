# The chain of the audit log: intact over files, and each kind of tampering
# found at the line where it was done.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';
use Audit;
use Test::More;

my @l = lines_of(writer('write', $secret, 'gw-1', 30));
is @l, 30, 'a log of 30 lines';

sub broken {
    my ($lines, $expected, $what) = @_;
    spew('log', join '', @$lines);
    like verify('log'), $expected, $what;
}

spew('log', join '', @l);
is verify('log'), 'intact', 'a log as it was written';
is verify('--whole', 'log'), 'intact', 'from its beginning';

# over files

spew('log.2', join '', @l[0 .. 9]);
spew('log.1', join '', @l[10 .. 19]);
spew('log',   join '', @l[20 .. 29]);
is verify('log.2', 'log.1', 'log'), 'intact', 'rotated';
gzip('log.2');
is verify('log.2.gz', 'log.1', 'log'), 'intact', 'rotated, gzip';
is verify('log.1', 'log'), 'intact', 'the oldest file is gone';
like verify('--whole', 'log.1', 'log'), qr/^log\.1:1: dropped: .*seq 1 to 10$/, 'which --whole refuses';
like verify('log.2.gz', 'log'), qr/^log:1: dropped: .*seq 11 to 20 \(is a file missing/, 'a middle file is missing';
like verify('log', 'log.1', 'log.2.gz'), qr/^log\.1:1: reordered: .*order/, 'newest first';
like verify('log.2.gz', 'log', 'log.1'), qr/^log:1: reordered: seq 11 .*later.*order/, 'two files the wrong way round';
like verify('log.2.gz', 'log.2.gz', 'log.1'), qr/^log\.2\.gz:1: inserted: /, 'a file twice';

spew('empty', '');
is verify('log.2.gz', 'empty', 'log.1', 'empty', 'log'), 'intact', 'empty files in between';
like verify('empty'), qr/no line/, 'an empty log shows nothing';
like +(audit('verify', '--secret', $secret, 'empty'))[1], qr/^broken: no line was found intact$/m, 'and no seq';

# one line at a time

for my $i (0, 1, 14, 28, 29) {
    my @x = @l;
    $x[$i] =~ s/"gateway":"gw-1"/"gateway":"gw-2"/;
    broken(\@x, qr/^log:@{[$i + 1]}: altered: /, "line @{[$i + 1]}: a member");

    @x = @l;
    $x[$i] =~ s/(.)("\}\n)$/($1 eq '0' ? '1' : '0') . $2/e;
    broken(\@x, qr/^log:@{[$i + 1]}: altered: /, "line @{[$i + 1]}: the mac's last digit");

    @x = @l;
    $x[$i] =~ s/"mac":"(\w+)"/"mac":"\U$1"/;
    broken(\@x, qr/^log:@{[$i + 1]}: altered: /, "line @{[$i + 1]}: the case of the mac");

    @x = @l;
    $x[$i] = "$x[$i]$x[$i]";
    broken(\@x, qr/^log:@{[$i + 2]}: inserted: /, "line @{[$i + 1]} twice");

    @x = @l;
    splice @x, $i, 0, "\n";
    broken(\@x, $i < 29 ? qr/^log:@{[$i + 1]}: inserted: / : qr/^log:30: cut off: a writer/,
        "an empty line before line @{[$i + 1]}");

    if ($i) {
        @x = @l;
        splice @x, $i, 0, "{\"time\":\"forged\"}\n";
        broken(\@x, qr/^log:@{[$i + 1]}: inserted: /, "a forged line before line @{[$i + 1]}");

        @x = @l;
        splice @x, $i, 0, $l[0];
        broken(\@x, $i == 1 ? qr/^log:2: inserted/ : qr/^log:@{[$i + 1]}: restarted|inserted/,
            "the first line again before line @{[$i + 1]}");
    }

    if ($i > 0 && $i < 29) {
        @x = @l;
        splice @x, $i, 1;
        broken(\@x, qr/^log:@{[$i + 1]}: dropped: .*seq @{[$i + 1]} to @{[$i + 1]}$/,
            "line @{[$i + 1]} is gone");

        @x = @l;
        @x[$i, $i + 1] = @x[$i + 1, $i];
        broken(\@x, qr/^log:@{[$i + 1]}: reordered: /, "lines @{[$i + 1]} and @{[$i + 2]} swapped");
    }
}

my @x = @l;
push @x, splice @x, 4, 1;
broken(\@x, qr/^log:5: reordered: seq 5 /, 'a line moved to the end');

@x = @l;
splice @x, 5, 10;
broken(\@x, qr/^log:6: dropped: .*seq 6 to 15/, 'ten lines gone');

# every byte of one line

my ($missed, @where) = (0);
for my $at (0 .. length($l[7]) - 1) {
    next if $at % 3;                    # a third of them, each time another way
    @x = @l[5 .. 9];
    substr($x[2], $at, 1) ^= chr(1 << $at % 7);
    spew('log', join '', @x);
    my $said = verify('log');
    next if $said =~ /^log:3: (?:altered|inserted|cut off): /;
    push @where, "$at: $said";
}
is "@where", '', 'each byte of a line, its line feed too';

# the end

my $whole = join '', @l;
for my $cut (1, 2, 10, 74, 75, 200) {
    spew('log', substr $whole, 0, length($whole) - $cut);
    like verify('log'), qr/^log:30: cut off: /, "$cut bytes cut off the end";
}
spew('log.1', substr(join('', @l[0 .. 9]), 0, -1));
spew('log', join '', @l[10 .. 29]);
like verify('log.1', 'log'), qr/^log\.1:10: cut off: /, 'a line feed cut off within';
spew('log.1', substr(join('', @l[0 .. 9]), 0, -30));
like verify('log.1', 'log'), qr/^log\.1:10: altered: /, 'a line cut off within';

my ($status, $out) = audit('verify', '--secret', $secret, spew('log', $whole));
my ($head) = $out =~ /^head: (30:\w{64})$/m;
ok $head, 'the head is told';
is verify('--head', $head, 'log'), 'intact', 'and found';
spew('log', join '', @l[0 .. 28]);
is verify('log'), 'intact', 'whole lines cut off the end leave a chain';
like verify('--head', $head, 'log'), qr/^log: dropped: the line seq 30 /, 'which --head shows';

# others

my @other = lines_of(writer('write', $secret, 'gw-2', 30));
broken([@l[0 .. 9], @other[10 .. 19]], qr/^log:11: inserted: it is of another gateway/, 'lines of another gateway');
my @fork = lines_of(writer('write', $secret, 'gw-1', 5));
s/\Q2026-11-22T/2026-11-23T/ for @fork;
broken([@l[0 .. 4], @fork], qr/^log:6: altered|inserted/, 'lines with another date');

spew('other', "another secret of the tests\n");
($status, $out) = audit('verify', '--secret', "$dir/other", spew('log', $whole));
is $status, 1, 'another secret';
like $out, qr/^log:1: altered: .*secret is another/, 'is said';

broken([@l, @l], qr/^log:31: inserted: seq 1 was there before/, 'the chain once more');
spew('log', $whole . $whole);
like verify('--restarts', 'log'), qr/^log:31: inserted: /, 'is never accepted';

my $again = do { local $ENV{AUDIT_NOW} = 1795400000000; writer('write', $secret, 'gw-1', 5) };
broken([@l, $again], qr/^log:31: restarted: /, 'a new chain');
spew('log', $whole . $again);
is verify('--restarts', 'log'), 'intact', 'is accepted if so asked';

# hostile

broken([@l[0 .. 3], "\0" x 100 . "\n", @l[4 .. 9]], qr/^log:5: inserted/, 'NULs');
broken([@l[0 .. 3], '[' x 100000, "\n", @l[4 .. 9]], qr/^log:5: inserted/, 'deep nesting');
broken([@l[0 .. 3], 'x' x 3_000_000, "\n", @l[4 .. 9]], qr/^log:5: inserted/, 'a huge line');
broken([@l[0 .. 3], "\xff\xfe\n" x 5000, @l[4 .. 9]], qr/^log:5: altered/, 'thousands of bad lines');
broken(["\n" x 5000], qr/^log:1: inserted/, 'nothing but empty lines');
broken(['x' x 1_000_000], qr/^log:1: (?:altered|cut off)/, 'one huge line without an end');

spew('bad', join '', @l);
gzip('bad');
my $gz = slurp('bad.gz');
spew('bad.gz', substr $gz, 0, length($gz) / 2);
like verify('bad.gz'), qr/cut off: .*gzip/, 'gzip data that end too early';
substr($gz, length($gz) / 2, 4) ^= "\xff\xff\xff\xff";
spew('bad.gz', $gz);
like verify('bad.gz'), qr/^bad\.gz:\d+: (?:cut off|altered|inserted)/, 'damaged gzip data';

# what comes after gzip data is a part of the log, too

my @gz = map { spew('part', join '', @$_); gzip('part'); slurp('part.gz') } [@l[0 .. 9]], [], [@l[10 .. 19]];
spew('parts.gz', join '', @gz);
is verify('parts.gz'), 'intact', 'gzip data of several parts, one of them empty';
($status, $out) = audit('verify', '--secret', $secret, 'parts.gz');
like $out, qr/^lines: 20,/m, 'all of them read';
for my $after (join('', @l[10 .. 19]), "\n", "\0" x 512, substr($gz[2], 0, 5)) {
    spew('parts.gz', $gz[0] . $after);
    like verify('parts.gz'), qr/^parts\.gz:11: cut off: the gzip data /, 'and what is none is not passed over';
}
spew('parts.gz', join('', @l[0 .. 9]) . $gz[2]);
like verify('parts.gz'), qr/^parts\.gz:11: /, 'nor are gzip data after plain lines';

# a long one

spew('log', writer('write', $secret, 'gw-1', 100_000));
is verify('log'), 'intact', '100000 lines';
my $long = slurp('log');
my @many = lines_of($long);
splice @many, 77_777, 1;
broken(\@many, qr/^log:77778: dropped: /, 'one of them gone');

# usage

for my $case (
    [[], 'usage'], [['nonsense'], 'no command "nonsense"'], [['verify'], '--secret FILE'],
    [['verify', '--secret', $secret], 'logs'], [['verify', '--nonsense', 'x'], 'no option'],
    [['verify', '-x'], 'no option'], [['verify', '--secret'], 'takes a value'],
    [['verify', '--whole=1', '--secret', $secret, 'log'], 'takes no value'],
    [['verify', '--secret', "$dir/absent", 'log'], 'No such file'],
    [['verify', '--secret', $secret, 'absent'], 'absent: No such file'],
    [['verify', '--secret', $secret, '.'], 'Is a directory'],
    [['verify', '--secret', spew('short', "short\n"), 'log'], '16 to 4096 bytes'],
    [['verify', '--secret', $secret, '--head', '1:xy', 'log'], '--head takes SEQ:MAC'],
) {
    my ($status, $out, $err) = audit(@{ $case->[0] });
    is $status, 2, "status 2: @{ $case->[0] }";
    like $err, qr/\Q$case->[1]\E/, 'and why';
}

for my $command (qw(verify export certificate replay)) {
    my ($status, $out, $err) = audit($command, '--help');
    is $status, 0, "$command --help";
    like $out, qr/^usage: paas-guard-audit $command /, 'tells its usage';
    is scalar(grep { length > 80 } split /\n/, $out), 0, 'in 80 columns';
}
like +(audit('--version'))[1], qr/^paas-guard-audit \d/, 'version';

done_testing;
