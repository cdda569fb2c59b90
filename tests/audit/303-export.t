# Exports hold what concerns one client and nothing of others; certificates
# are printed from a verified log only, in both languages.

use strict;
use warnings;
use utf8;

use Digest::SHA qw(sha256_hex);
use Encode qw(decode);
use File::Basename qw(dirname);
use JSON::PP;
use POSIX ();
use lib dirname(__FILE__) . '/lib';
use Audit;
use Test::More;

my ($a, $b) = ('aa' x 16, 'bb' x 16);
my @l = lines_of(writer('write', $secret, 'gw-1', 200));
spew('log.1', join '', @l[0 .. 99]);
gzip('log.1');
spew('log', join '', @l[100 .. 199]);

my @logs = ('log.1.gz', 'log');
my @args = ('--from', '2026-11-22T02:04:13Z', '--to', '2026-11-23');

my ($status, $out, $err) = audit('export', '--client', $a, @args, '--secret', $secret, @logs);
is $status, 0, 'export';
is $err, '', 'with nothing to say';

my @got = lines_of($out);
my $manifest = decode_json(pop @got)->{manifest};
my @expected = grep { /"(?:client|key)":"$a"/ } @l;
is_deeply \@got, \@expected, 'all that concerns the client, as it is in the log';
is scalar(grep { /$b/ } @got), 0, 'and nothing of the other one';
is $manifest->{events}, @expected, 'the manifest: their number';
is $manifest->{sha256}, sha256_hex(join '', @got), 'their SHA-256';
is $manifest->{client}, $a, 'the client';
is $manifest->{chain}, 'intact', 'the chain';
is $manifest->{lines_read}, 200, 'the lines read';
my $sum = 0;
$sum += $_ for values %{ $manifest->{types} };
is $sum, @expected, 'the types';

($status, $out) = audit('export', '--client', $a, '--from', '2026-11-22T02:05:13.127Z',
    '--to', '2026-11-22T02:05:33.127Z', @logs);
@got = lines_of($out);
like pop @got, qr/"chain":"not verified"/, 'without the secret';
is_deeply [map { /"seq":(\d+)/ } @got], [grep { $_ % 2 == 0 && $l[$_ - 1] =~ /$a/ } 61 .. 80],
    'a period: from is within, to is not';

my ($n) = grep { $l[$_] =~ /block_begun/ && $l[$_] =~ /"client":"$b","key":"$b"/ } 0 .. $#l;
my $mixed = $l[$n] =~ s/"key":"$b"/"key":"$a"/r;
spew('mixed', $mixed);
(undef, $out) = audit('export', '--client', $a, @args, 'mixed');
is scalar(lines_of($out)), 1, "a block on its key that names another client is not the client's";
spew('mixed', $mixed =~ s/"client":"$b"/"client":""/r);
(undef, $out) = audit('export', '--client', $a, @args, 'mixed');
is scalar(lines_of($out)), 2, 'one that names none is';

spew('why', join '', map { s/"why":"[^"]*"/"why":"$a"/r } @l[0 .. 20]);
(undef, $out) = audit('export', '--client', $b, @args, 'why');
is scalar(grep { /"client":"$a"/ } lines_of($out)), 0, 'a text is no client';

spew('newer', join '', map { s/"type":"block_ended"/"type":"new"/r } @l[0 .. 20]);
(undef, $out) = audit('export', '--client', $a, @args, 'newer');
is_deeply { map { $_ => $manifest->{types}{$_} ? 1 : 0 } qw(other new) }, { other => 0, new => 0 }, 'no other types';
cmp_ok decode_json((lines_of($out))[-1])->{manifest}{types}{other}, '>', 1, 'which a newer gateway may have';

writer('die', $secret, 100000, "$dir/died");
(undef, $out) = audit('export', '--client', $b, @args, 'died');
my %seen;
is scalar(grep { /"seq"/ && $seen{$_}++ } lines_of($out)), 0, 'no line twice';

@l[5, 6] = @l[6, 5];
spew('bad', join '', @l);
($status, $out, $err) = audit('export', '--client', $a, @args, '--secret', $secret, 'bad');
is $status, 1, 'a broken log';
is $out =~ /"type"/ ? 1 : 0, 0, 'exports nothing';
like $err, qr/broken: nothing is exported/, 'and says so';

# what is exported is what was verified: here the file changes in between

@l[5, 6] = @l[6, 5];
POSIX::mkfifo("$dir/fifo", 0600) or die "mkfifo: $!";
my $pid = fork // die "fork: $!";
if ($pid == 0) {
    open STDOUT, '>', "$dir/out" or die;
    open STDERR, '>', "$dir/err" or die;
    exec $tool, 'export', '--client', $a, @args, '--secret', $secret, "$dir/fifo" or die;
}
local $SIG{ALRM} = sub { kill 'KILL', $pid; die 'export did not read the log twice' };
sub reads_fifo { return scalar grep { (readlink // '') =~ m{/fifo$} } glob "/proc/$pid/fd/*" }
alarm 60;
local $SIG{PIPE} = 'IGNORE';            # it reads no more of it than it must
my $whole = join '', @l;
open my $fifo, '>', "$dir/fifo" or die;
print {$fifo} $whole;
select undef, undef, undef, 0.01 until reads_fifo();
close $fifo;
select undef, undef, undef, 0.01 while reads_fifo();
open $fifo, '>', "$dir/fifo" or die;
print {$fifo} $whole =~ s/a text/another/gr;
close $fifo;
waitpid $pid, 0;
alarm 0;
is $? >> 8, 1, 'a log that was changed after it was verified';
unlike slurp('out'), qr/another, |manifest/, 'is not exported as intact';
like slurp('err'), qr/changed/, 'which is said';

for my $case (
    [['--client', 'xyz', @args, 'log'], '32 hex digits'],
    [['--client', uc $a, @args, 'log'], 'lower case'],
    [['--client', $a, '--from', 'yesterday', '--to', '2026-11-23', 'log'], '--from takes'],
    [['--client', $a, '--from', '2026-11-23', '--to', '2026-11-23', 'log'], 'must be before'],
    [['--client', $a, @args], '--client, --from, --to and logs'],
    [['--client', $a, '--event', 'f' x 24, @args, 'log'], 'or --event and logs'],
    [['--event', 'F' x 24, 'log'], '--event takes an id, 24 hex digits'],
    [['--client', $a, @args, '--secret', $secret, '-'], 'not "-"'],
) {
    ($status, $out, $err) = audit('export', @{ $case->[0] });
    is $status, 2, "export @{ $case->[0] }";
    like $err, qr/\Q$case->[1]\E/, 'and why';
}

($status, $out, $err) = audit('export', '--event', 'f' x 24, 'log');
is $status, 0, 'an id that no line has';
like $out, qr/"events":0/, 'is none';
like $err, qr/access log/, 'and where else to look is said';

# certificates

my $client = '0123456789abcdef' x 2;
spew('log', writer('forget', $secret, $client, 'erased'));
my @cert = ('--client', $client, '--secret', $secret, 'log');

($status, $out, $err) = audit('certificate', '--lang', 'en', @cert);
is $status, 0, 'a certificate';
$out = decode('UTF-8', $out);
like $out, $_, "says $_" for
    qr/^CERTIFICATE OF ERASURE$/m, qr/^Client \(keyed digest\): +$client$/m,
    qr/^Gateway: +gw-1$/m, qr/^Erased on \(UTC\): +2026-11-22T02:04:13\.127Z$/m,
    qr/^Zone: +guard$/m, qr/^Ordered by: +opérateur\?\[31m 7$/m,
    qr/^Reason: +end of the contract$/m, qr/^Counts erased: +4$/m, qr/^Blocks erased: +1$/m,
    qr/^State file: +none in use$/m, qr/^Shared store \(Redis\): +erased$/m,
    qr{^Audit record: +gw-1/3, log:3$}m, qr/^Seal \(HMAC-SHA-256\): +[0-9a-f]{64}$/m,
    qr/chain is intact/;
my $english = $out;

($status, $out) = audit('certificate', '--lang', 'fr', @cert);
is $status, 0, 'in French';
$out = decode('UTF-8', $out);
like $out, $_, "says $_" for
    qr/^CERTIFICAT D’EFFACEMENT$/m, qr/^Client \(empreinte à clé\)\x{a0}: +$client$/m,
    qr/^Passerelle\x{a0}: +gw-1$/m, qr/^Effacé le \(UTC\)\x{a0}: +2026-11-22T02:04:13\.127Z$/m,
    qr/^Ordonné par\x{a0}: +opérateur\?/m, qr/^Fichier d’état\x{a0}: +aucun usage$/m,
    qr/^Mémoire commune \(Redis\)\x{a0}: +contenu effacé$/m, qr/chaîne est intacte/;
is scalar(grep { /'| :|[^\x{a0}]:(?!\d)/ } split /\n/, $out), 0, 'with its own marks';
is scalar(split /^/, $out) - scalar(split /^/, $english), 1, 'the same things';
is scalar(grep { /^(\S.*?: {2,})/ && length $1 != 31 } split /\n/, $english), 0, 'in a column';
is scalar(grep { length > 100 } split /\n/, $out . $english), 0, 'that fits a page';

# each zone has its own, and what came after it

spew('zones', writer('forget', $secret, $client, 'erased', qw(a +a b +b +b +)));
($status, $out) = audit('certificate', '--lang', 'en', '--client', $client, '--secret', $secret, 'zones');
like $out, qr/in\s+the\s+zones\s+listed/, 'what is certified is told for the zones';
is_deeply [$out =~ /^(?:Zone|Records of it since then): +(\S+)$/mg], ['a', 2, 'b', 3],
    'records after it are of its zone, or of none';
spew('zones', writer('forget', $secret, $client, 'erased', qw(a b +a a +c)));
($status, $out) = audit('certificate', '--lang', 'en', '--client', $client, '--secret', $secret, 'zones');
is_deeply [$out =~ /^(?:Zone|Records of it since then): +(\S+)$/mg], ['a', 0, 'b', 0], 'forgotten once more';
spew('zones', writer('forget', $secret, $client, 'erased', qw(+a a -a)));
($status, $out) = audit('certificate', '--lang', 'en', '--client', $client, '--secret', $secret, 'zones');
like $out, qr/^Records of it since then: +0$/m, 'the end of a block that was forgotten is no new record';

spew('zones', writer('forget', $secret, $client, 'erased', qw(!a a +a =a !a)));
($status, $out) = audit('certificate', '--lang', 'en', '--client', $client, '--secret', $secret, 'zones');
like $out, qr/^Records of it since then: +2$/m, 'what an operator did is, but the order to forget it';

($status, $out) = audit('certificate', '--lang', 'en', '--client', $a, '--secret', $secret, 'log');
is $status, 1, 'a client that was not forgotten';
like $out, qr/does not say that the client/, 'has none';

my $text = slurp('log');
spew('log', $text =~ s/"blocks":1/"blocks":2/r);
($status, $out) = audit('certificate', '--lang', 'en', @cert);
is $status, 1, 'an altered log';
like $out, qr/^log:3: altered/, 'has none';
unlike $out, qr/CERTIFICATE/, 'indeed';

spew('log', writer('forget', $secret, $client, 'pending'));
($status, $out) = audit('certificate', '--lang', 'en', @cert);
is $status, 1, 'an erasure that waits for the store';
like $out, qr/^log:3: the erasure is not complete: redis is "pending"$/m, 'has none';

($status, $out, $err) = audit('certificate', '--lang', 'de', @cert);
is $status, 2, 'another language';
like $err, qr/en or fr/, 'is refused';

done_testing;
