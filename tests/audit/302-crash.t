# A writer that dies at any moment leaves a log that verifies, and a log that
# was altered there still does not.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';
use Audit;
use Test::More;

my $bad = '';
for my $cut (0 .. 40, 200, 300, 301, 302, 100_000) {
    writer('die', $secret, $cut, "$dir/log");
    my $said = verify('log');
    $bad .= "cut $cut: $said\n" if $said ne 'intact';
}
is $bad, '', 'a writer dies within a line';

my ($status, $out) = audit('verify', '--secret', $secret, 'log');
like $out, qr/^notes: 1 lines written again after a writer's death/m, 'which is told';

writer('die', $secret, 50, "$dir/log");
my @l = lines_of(slurp('log'));
like $l[2], qr/^.{50}$/, 'the torn line';
like $l[4], qr/"type":"chain_resumed","repeats":3,"torn":0,"lost":0/, 'and the line that says so';

sub broken {
    my ($lines, $expected, $what) = @_;
    spew('log', join '', @$lines);
    like verify('log'), $expected, $what;
}

my @x = @l;
substr($x[2], 20, 1) ^= "\1";
broken(\@x, qr/^log:3: inserted/, 'the torn line altered');
@x = @l;
splice @x, 4, 1;
broken(\@x, qr/^log:\d: (?:dropped|altered)/, 'the line that says so is gone');
@x = @l;
splice @x, 2, 0, "{}\n";
broken(\@x, qr/^log:3: inserted/, 'a line put before the torn one');
@x = @l;
splice @x, 5, 0, $l[2];
broken(\@x, qr/^log:6: inserted/, 'the torn line put elsewhere');
@x = @l;
splice @x, 2, 1;
spew('log', join '', @x);
is verify('log'), 'intact', 'the torn line says nothing that the whole one does not';
broken([@l[0 .. 2]], qr/^log:3: (?:cut off|altered)/, 'nothing came after it');
broken([@l[0 .. 3]], qr/^log:3: cut off: a writer died/, 'nothing says that it was repeated');
broken([@l[0 .. 1], $l[2] =~ s/\n//r], qr/^log:3: cut off: the last line does not end/, 'a torn end');

# over a rotation

spew('log.1', join('', @l[0 .. 1]) . $l[2] =~ s/\n//r);
spew('log', join('', "\n", @l[3 .. $#l]));
is verify('log.1', 'log'), 'intact', 'repeated in the next file';

# killed at any moment

note writer('kill', $secret, "$dir/log", 4);
is verify('log'), 'intact', 'three writers, killed all the time';
($status, $out) = audit('verify', '--secret', $secret, 'log');
note $out;
my $lines = slurp('log');
like $lines, qr/"type":"chain_resumed","repeats":[1-9]/, 'some of them within a write';

# restarts

unlink "$dir/log";
writer('append', $secret, 'gw-1', 3, "$dir/log");
writer('append', $secret, 'gw-1', 3, "$dir/log");
is verify('--whole', 'log'), 'intact', 'the chain goes on after a restart';
my @lines = lines_of(slurp('log'));
is @lines, 8, 'with one line for it';

my $torn = join('', @lines) . substr($lines[3], 0, 120);
for my $end ('', "\n", "\n\n", "\nxyz") {
    spew('log', $torn . $end);
    writer('append', $secret, 'gw-1', 3, "$dir/log");
    is verify('--whole', 'log'), 'intact', 'after one that tore the last line';
}
@l = lines_of(slurp('log'));
like join('', @l), qr/"torn":124,/, 'its bytes are counted';
for my $edit (sub { $_[0] =~ s/xyz/xy/ }, sub { $_[0] =~ s/xyz/xyzz/ }, sub { $_[0] =~ s/xyz\n// }) {
    my $text = join '', @l;
    $edit->($text);
    spew('log', $text);
    like verify('log'), qr/^log:9: (?:inserted|altered)/, 'so that none can be added or taken';
}

done_testing;
