#!/usr/bin/perl
# What the guard adds to a request, in user instructions, exactly:
# tests/bench/instructions.pl [-v | -w]
#
# nginx runs below callgrind, once for N requests and once for 2 N: the
# difference, divided by N, is the cost of one, without start and end.  The
# same without the guard is taken off, function by function.  Fails if a figure
# is more than 5 % over the committed one; -v shows all tables, -w commits.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Bench;

my $N = 1000;
my $file = "$FindBin::Bin/instructions.txt";
my $tolerance = 1.05;

# Nginx looks at its clock, and its timers run, by real time: how often they do
# in a run hangs on the machine.  These functions are left out, and all that is
# called by the first two is taken off.

my $timed = qr/^(?:ngx_event_expire_timers|ngx_time_update)$/;
my $noise = qr/^(ngx_time_update|ngx_event_expire_timers|ngx_epoll_\w+
                |ngx_process_events_and_timers|epoll_wait|ngx_event_cancel_timers|ngx_rwlock\w*
                |ngx_worker_process_cycle|ngx_single_process_cycle)$/x;

# Self cost of each function, from callgrind's file: lines of cost below a
# "fn=", where the line after a "calls=" is the callee's.

sub costs {
    my ($path) = @_;
    my ($fn, $object, $callee, %cost);

    open my $f, '<', $path or die "$path: $!";

    while (my $line = <$f>) {
        if ($line =~ /^fn=(.*)/) {
            $fn = $1 =~ s/'\d+$//r;
            $fn .= " of $object" if $fn =~ /^0x/;
        } elsif ($line =~ /^ob=.*?([^\/\n]*)$/) {
            $object = $1;
        } elsif ($line =~ /^calls=/) {
            $callee = 1;
        } elsif ($line =~ /^[\d+*-]\S* (\d+)/ && defined $fn) {
            my $n = $1;

            if (!$callee) {
                $cost{$fn} += $n;
            } elsif ($fn =~ $timed) {
                $cost{'(less what timers and the clock did)'} -= $n;
            }

            $callee = 0;
        }
    }

    return \%cost;
}

sub measure {
    my ($name, $requests, $load, %conf) = @_;
    my $dir = run_dir() . "/$name";
    my $port = free_port();

    mkdir $dir;
    unlink "$dir/access.log";
    open my $f, '>', "$dir/nginx.conf" or die $!;
    print $f nginx_conf($port, %conf, main => 'daemon off; master_process off;');
    close $f;

    my $pid = start($name, $port, qw(valgrind --tool=callgrind --compress-strings=no
        --compress-pos=no), "--callgrind-out-file=$dir/callgrind.out",
        'nginx', '-p', $dir, '-c', "$dir/nginx.conf");
    my $got = load([], $port, request(%{ $load->{request} // {} }), '-n', $requests, @{ $load->{args} // [] });
    stop($pid);

    ($got->{ $load->{status} // 200 } // 0) >= $requests - 1
        or die "$name: $requests requests, but " . join(' ', map { "$_=$got->{$_}" } sort keys %$got) . "\n";

    return costs("$dir/callgrind.out");
}

# Instructions of one request, by function.

sub slope {
    my @run = map { measure($_[0], $_ * $N, @_[1 .. $#_]) } 1, 2;
    my %slope = map { $_ => ($run[1]{$_} - ($run[0]{$_} // 0)) / $N } keys %{ $run[1] };

    delete @slope{ grep { /$noise/ } keys %slope };
    return \%slope;
}

sub sum {
    my $sum = 0;
    $sum += $_ for @_;
    return $sum;
}

# Functions with what they cost more in $with than in $without.

sub added {
    my ($with, $without) = @_;
    my %all = (%$with, %$without);

    return { map { $_ => ($with->{$_} // 0) - ($without->{$_} // 0) } keys %all };
}

sub table {
    my ($title, $added) = @_;

    printf "%s\n", $title;

    for (sort { $added->{$b} <=> $added->{$a} || $a cmp $b } keys %$added) {
        printf "%9.1f  %s\n", $added->{$_}, $_ if abs $added->{$_} >= 0.5;
    }

    printf "%9.1f  in all\n\n", sum(values %$added);
}

# The figures that were committed, for this release and machine.

sub committed {
    my ($here) = @_;
    my %was;

    open my $f, '<', $file or return {};

    while (my $line = <$f>) {
        $was{$2} = $3 if $line =~ /^(\S+ \S+) +(\w+) +(\d+)/ && $1 eq $here;
    }

    return \%was;
}

sub commit {
    my ($here, $figure) = @_;
    my @lines;

    if (open my $f, '<', $file) {
        @lines = grep { !/^\Q$here\E / } <$f>;
    }

    push @lines, map { sprintf "%s %-10s %6.0f\n", $here, $_, $figure->{$_} } sort keys %$figure;

    open my $f, '>', $file or die "$file: $!";
    print $f @lines;
    close $f or die "$file: $!";
}

# 1 if nothing has grown by more than is tolerated.

sub judge {
    my ($here, $figure) = @_;
    my $was = committed($here);
    my $good = 1;

    for (sort keys %$figure) {
        my $limit = ($was->{$_} // next) * $tolerance;
        next if $figure->{$_} <= $limit;

        printf "instructions: %s grew from %d to %.0f, by more than 5 %%\n", $_, $was->{$_}, $figure->{$_};
        $good = 0;
    }

    print "instructions: no figures for $here: write them with $0 -w\n" unless %$was;

    return $good;
}

my $mode = $ARGV[0] // '';
my $here = `. /etc/os-release; echo "\$ID-\$VERSION_ID \$(dpkg --print-architecture)"`;
chomp $here;

build();

# Bodies are sent on, or nobody would read them.

my $mb = 1_048_576;
mkdir run_dir() . '/sink';
my $sink = free_port();
open my $conf, '>', run_dir() . '/sink/nginx.conf' or die $!;
print $conf nginx_conf($sink, main => 'daemon off;', server => 'location = /api/v1/vms { return 200; }');
close $conf;
start('sink', $sink, 'nginx', '-p', run_dir() . '/sink', '-c', run_dir() . '/sink/nginx.conf');

# A connection that brings another client with each request, as one of a proxy
# may: nothing that is remembered of the last one holds.

my %other = (request => { token => 'eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.' . 'aB3dE5fG7h' x 11 . '@' x 4 }, args => [ -u => 2 ]);

my %same = (request => { target => '/api/v1/vms' }, status => 429);
my %unlogged = (guard => 1, location => "access_log access.log bare;\n");

my %post = (request => { method => 'POST', body => $mb }, args => [ -b => $mb ]);
my $pass = "proxy_pass http://127.0.0.1:$sink;\n";

my $bare   = slope('bare', {});
my $return = slope('return', \%same, location => "return 429;\n");

my %added = (
    passed    => added(slope('passed', {}, %unlogged), $bare),
    changed   => added(slope('changed', \%other, %unlogged), $bare),
    logged    => added(slope('logged', {}, guard => 1), $bare),
    posted    => added(slope('posted', \%post, guard => 1, location => $unlogged{location} . $pass),
                       slope('post', \%post, location => $pass)),
    throttled => added(slope('throttled', \%same, %unlogged,
                             location => "$unlogged{location} paas_guard_throttle interval=1h;\n"), $return),
    blocked   => added(slope('blocked', \%same, %unlogged, hammer => 'one',
                             http => "paas_guard_hammer_rule one key=\$binary_remote_addr window=1h limit=1 block=1h;\n"),
                       $return),
);

# What a hash takes depends on the processor that valgrind finds: all but it.

delete @{ $added{posted} }{ grep { /^XXH3_128bits_update/ } keys %{ $added{posted} } };

my %figure = map { $_ => sum(values %{ $added{$_} }) } keys %added;

table('added to a passed request, whose log line is the bare one', $added{passed});
table('added to a passed request of another client than the last', $added{changed}) if $mode eq '-v';
table('added to a passed request, with all variables in the log', $added{logged}) if $mode eq '-v';
table('added to a POST of 1 MB, but for its hash', $added{posted}) if $mode eq '-v';
table('added by a throttled request to "return 429"', $added{throttled}) if $mode eq '-v';
table('added by a blocked request to "return 429"', $added{blocked}) if $mode eq '-v';

printf "%-10s %6.0f\n", $_, $figure{$_} for sort keys %figure;
printf "(a bare request %6.0f, a \"return 429\" %6.0f)\n", sum(values %$bare), sum(values %$return);

# The kernel decides in how many pieces a body comes: told, but not judged.

delete $figure{posted};

commit($here, \%figure) if $mode eq '-w';
exit(judge($here, \%figure) ? 0 : 1);
