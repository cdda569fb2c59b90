package Audit;

# What the tests of paas-guard-audit share.

use strict;
use warnings;

use Cwd            ();
use Exporter       qw(import);
use File::Basename qw(dirname);
use File::Temp     ();
use POSIX          ();
use Test::More;

our @EXPORT = qw($dir $secret $tool audit writer spew slurp gzip lines_of verify);

my $root = Cwd::realpath(dirname(__FILE__) . '/../../..');

our $tool = $ENV{PGUARD_AUDIT} || "$root/build/paas-guard-audit";
our $dir  = File::Temp->newdir('pguard-audit-XXXXXX', TMPDIR => 1);
our $secret = "$dir/secret";

$ENV{UBSAN_OPTIONS} = 'halt_on_error=1:print_stacktrace=1';
$ENV{ASAN_OPTIONS}  = 'exitcode=99';

spew('secret', "a secret of the tests, 32 bytes..\n");

# Exit status, stdout and stderr of a program, whose stdin is given or empty.
sub run {
    my ($in, @command) = @_;
    spew('stdin', $in);
    open my $stdin, '<', "$dir/stdin" or die;
    open my $out, '+>', undef or die;
    open my $err, '+>', undef or die;
    defined(my $pid = fork) or die "fork: $!";
    if ($pid == 0) {
        open STDIN,  '<&', $stdin;
        open STDOUT, '>&', $out;
        open STDERR, '>&', $err;
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    my $status = $? & 127 ? "signal $?" : $? >> 8;
    local $/;
    seek $_, 0, 0 for $out, $err;
    my ($o, $e) = (scalar <$out>, scalar <$err>);
    return ($status, $o // '', $e // '');
}

END { chdir '/' }

sub audit { chdir $dir; return run('', $tool, @_) }

sub writer {
    my ($status, $out, $err) = run('', "$tool-log", @_);
    die "$tool-log @_: $status $err" if $status;
    return $out;
}

sub spew {
    my ($name, $text) = @_;
    open my $out, '>', "$dir/$name" or die "$name: $!";
    print $out $text;
    close $out or die "$name: $!";
    return $name;
}

sub slurp {
    open my $in, '<', "$dir/$_[0]" or die "$_[0]: $!";
    local $/;
    return scalar(<$in>) // '';
}

sub gzip {
    my ($name) = @_;
    system('gzip', '-f', "$dir/$name") == 0 or die "gzip: $?";
    return "$name.gz";
}

sub lines_of { return split /(?<=\n)/, $_[0] }

# Verifies files; what is said of the first line, "intact" if there is none.
sub verify {
    my (@args) = @_;
    my ($status, $out, $err) = audit('verify', '--secret', $secret, @args);
    my ($first) = split /\n/, $out;
    $first //= '';
    return $status == 0 && $first eq 'intact' && $err eq '' ? 'intact'
        : $status == 1 && $out =~ /^broken/m || $err =~ /no line/ ? $first . $err
        : "status $status: $out$err";
}

1;
