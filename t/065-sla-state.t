# The ledger in the state file: over restart and SIGKILL, torn and foreign
# files, another slice, another time zone.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use JSON::PP qw(decode_json);
use Test::More;
use Time::HiRes qw(sleep time);

my $indicator = 'paas_guard_indicator paas target=99.9% slice=1s timezone=Europe/Paris;';
my $rest = <<'_EOC_';
    paas_guard_zone zone=z:1m state=%DIR%/state;
    paas_guard_indicator con/sole target=97%;
    upstream nobody { server unix:%DIR%/nobody.sock; }
_EOC_
my $two = <<'_EOC_';
    paas_guard zone=z;
    paas_guard_sla paas;
    location /t/       { proxy_pass http://backend; }
    location /both/    { paas_guard_sla paas con/sole; proxy_pass http://backend; }
    location /down/    { proxy_pass http://nobody; }
    location /metrics  { paas_guard off; paas_guard_metrics; }
    location /guard/   { paas_guard off; paas_guard_status; }
_EOC_
my $one = $two =~ s{.*/both/.*\n}{}r;

my $gateway = gateway_start(
    http => $indicator . $rest, conf => $two, workers => 2,
    user => $> == 0 ? 'nobody nogroup' : undef,
    allow => 'connect\(\) to unix|no live upstreams',
);
my $dir  = $gateway->dir;
my $file = "$dir/state.sla.paas";
my $n    = 0;

sub metric {
    my ($name, $which) = @_;
    my $text = $gateway->get('/metrics')->{body};
    return $text =~ /^\Q$name\E\{zone="z",indicator="\Q$which\E"(?:,class="good")?\} (\S+)$/m ? $1 : 'none';
}

# This month, and since the counter began.
sub good {
    my $name = ($_[0] // 'paas') =~ s{/}{%2F}r;
    return $gateway->get("/guard/api/1/sla/$name")->{body} =~ /"good":(\d+)/ ? $1 : 'none';
}

sub counter { metric('paas_guard_sla_requests_total', 'paas') }
sub down { metric('paas_guard_sla_downtime_seconds', 'paas') }

sub count {
    my ($requests, $where) = @_;
    my $before = good();
    $gateway->get("/$where/" . ++$n) for 1 .. $requests;
    wait_for(sub { good() == $before + $requests });
}

sub put {
    my ($path, $bytes) = @_;
    open my $out, '>:raw', $path or die "$path: $!";
    print $out $bytes;
    close $out or die "$path: $!";
}

# Of master and workers at once.
sub kill_all {
    my @pids = $gateway->children;
    $gateway->kill;
    kill KILL => @pids;
    wait_for(sub { !grep { kill 0 => $_ } @pids }) or die 'still there';
}

# Since it was of that inode, if that is known.
sub saved {
    my ($inode) = (@_, (stat $file)[1]);
    return wait_for(sub { my @now = stat $file; @now && (!$inode || $now[1] != $inode) }, 12);
}

sub said { my ($from) = @_; return substr $gateway->error_log, $from }


# Over a restart

count(3, 't');
count(2, 'both');
sleep 1.1;                  # in a slot of their own
$gateway->get("/down/$_") for 1 .. 3;
ok wait_for(sub { down() >= 1 }), 'an outage';
sleep 1.1;                  # they may have been in two
my $down = down();
$gateway->stop;

is sprintf('%o', (stat "$dir/$_")[2] & 07777), 600, "$_ is for its owner only" for qw(state.sla.paas state.sla.con+sole);
SKIP: {
    skip 'not root', 1 if $> != 0;
    is +(stat $file)[4], scalar getpwnam('nobody'), 'and was written by a worker of another user';
}

sleep 1.5;
$gateway->start;
is good(), 5, 'requests outlive a restart';
is counter(), 5, 'so does their counter';
is good('con/sole'), 2, 'of each indicator';
is down(), $down, 'and so does the outage';

# Another time

my ($faketime) = grep { -e } glob '/usr/lib/*/faketime/libfaketimeMT.so.1';

sub run_at {
    my ($days, $code) = @_;
    local $ENV{LD_PRELOAD} = $faketime;
    local $ENV{FAKETIME_DONT_FAKE_MONOTONIC} = 1;
    local $ENV{FAKETIME} = sprintf '%+d', $days * 86400;
    $gateway->start;
    $code->();
    $gateway->stop;
}

sub report_of {
    my $month = @_ ? "?month=$_[0]" : '';
    return decode_json($gateway->get("/guard/api/1/sla/paas$month")->{body});
}

SKIP: {
    skip 'no faketime, or a sanitizer, which does not go with it', 9
        if !$faketime || $ENV{LD_PRELOAD} || $ENV{TEST_NGINX_BINARY} =~ /asan/;

    # A machine that starts with a clock of months ago, and is told the right time later

    $gateway->stop;
    run_at(-100, sub { ok saved(), 'a clock of months ago: it is saved' });
    $gateway->start;
    is down(), $down, 'and has taken no outage away';

    # A target that is agreed anew is not that of a month that is over

    my $month = report_of()->{month};
    $gateway->stop;
    my $bytes = PaasGuard::Gateway::slurp($file);
    run_at(40, sub { is report_of($month)->{target}, 0.999, 'a month that is over' });
    $gateway->configure(http => $indicator =~ s/99.9%/97%/r . $rest);
    run_at(40, sub { is report_of($month)->{target}, 0.999, 'keeps its target' });
    $gateway->configure(http => $indicator . $rest);
    put($file, $bytes);
    $gateway->start;
}

# Nothing to say farewell with: what was counted 10 s before is there

count(10, 't');
my $counted = time;
my $inode = (stat $file)[1];
count(1, 't');              # it may have been saved before we looked, and not be again
ok saved($inode), 'counts are saved while it runs';
cmp_ok time - $counted, '<=', 10, 'within 10 s';
count(4, 't');
my $seen = counter();
is $seen, 20, 'a counter since the beginning';
kill_all();
$gateway->start;
is counter(), 0, 'SIGKILL of all: it begins anew, for it must not go back a little';
cmp_ok good(), '>=', 15, 'SIGKILL of all: what was saved is there';
cmp_ok good(), '<=', 20, 'SIGKILL of all: and nothing else';

# Two generations, then a torn one

my $first = good();
my $bytes = PaasGuard::Gateway::slurp($file);
count(1, 't');
saved();
count(1, 't');
saved();
is good(), $first + 2, 'two more, each in a generation of its own';
kill_all();
my ($newer, $older) = map { PaasGuard::Gateway::slurp($_) } $file, "$file~";

my %torn = (
    'cut'     => substr($newer, 0, -7),
    'empty'   => '',
    'changed' => do { my $t = $newer; substr($t, length($t) / 2, 1) ^= "\1"; $t },
    'foreign' => "root:x:0:0:root:/root:/bin/bash\n" x 20,
);

for my $how (sort keys %torn) {
    put($file, $torn{$how});
    put("$file~", $older);
    my $from = length $gateway->error_log;
    $gateway->start;
    is good(), $first + 1, "$how: the generation before it is used";
    like said($from), qr/\[error\].*paas_guard_sla "paas" of zone "z": its state "\Q$file\E" is [^:]+: starting without it/,
        "$how: the log says so";
    like said($from), qr/took the generation before, "\Q$file\E~"/, "$how: and what is used";
    count(1, 't');
    $gateway->stop(allow => 'starting without it');
    is PaasGuard::Gateway::slurp("$file~bad"), $torn{$how}, "$how: what was refused is kept";
    is PaasGuard::Gateway::slurp("$file~"), $older, "$how: and the good one is not given up for it";
    unlink "$file~bad";
}

put($_, 'x') for $file, "$file~";
$gateway->start;
is good(), 0, 'nothing of use: the ledger begins anew';
is good('con/sole'), 2, 'the other one does not';
$gateway->stop(allow => 'starting without it');

# What is no file

rename $file, "$file.away" or die $!;
unlink "$file~";
mkdir $file or die $!;
$gateway->start;
like $gateway->error_log, qr/could not read its state "\Q$file\E" \(21: Is a directory\)/, 'a directory is told as such';
$gateway->stop(allow => 'could not read its state');
rmdir $_ for $file, "$file~";
rename "$file.away", $file or die $!;

# A disk that cannot be written to is told once, and tried again

put($file, $newer);
$gateway->start;
mkdir "$file~new" or die $!;
mkdir "$file~new/x" or die $!;
count(1, 't');
ok wait_for(sub { $gateway->error_log =~ /could not write its state to "\Q$file\E"/ }, 20), 'a write that fails is told';
rmdir $_ for "$file~new/x", "$file~new";
ok saved(), 'and tried again';
$gateway->stop(allow => 'could not write');

# Without an indicator, its file stays

$gateway->configure(conf => $one);
$gateway->start;
is good('con/sole'), 'none', 'an indicator that is not configured any more';
count(1, 't');
$gateway->stop;
$gateway->configure(conf => $two);
$gateway->start;
is good('con/sole'), 2, 'and is again: its ledger was kept';

# Another slice, another time zone

$down = down();
my $total = good();
cmp_ok $down, '>=', 1, 'an outage';

for my $other (
    $indicator =~ s/slice=1s/slice=1m/r,
    $indicator =~ s/Paris/London/r,
) {
    $gateway->configure(http => $other . $rest);
    my $from = length $gateway->error_log;
    ok !$gateway->reload, 'a reload with another slice or time zone is refused';
    like said($from), qr/"paas" has another slice or time zone now: restart nginx/, 'and told';
    is good(), $total, 'and takes nothing away';
}

for my $other (
    $indicator =~ s/slice=1s/slice=1m/r,
    $indicator =~ s/Paris/London/r,
) {
    $gateway->stop(allow => 'another slice|connect\(\) to unix|no live');
    $gateway->configure(http => $other . $rest);
    my $from = length $gateway->error_log;
    $gateway->start;
    is good(), $total, 'a restart converts: requests';
    is down(), $down, 'a restart converts: downtime';
    like said($from), qr/its state had a slice of .* is kept as outages/, 'a restart converts: and says so';
}

# One process, and reloads under load: nothing is lost, and one writes at a time

$gateway->configure(http => $indicator . $rest);
my $load = $gateway->load(clients => 3, path => sub { "/t/load$_[0]-$_[1]" });
sleep 6;
my $sum = 0;
$sum += $_ for values %{ $load->stop };
ok wait_for(sub { good() == $total + $sum }), 'all of the load is counted';
$gateway->stop;
$gateway->start;
is good(), $total + $sum, 'and saved at the end';
$gateway->stop;
ok !-e "$file~new", 'nothing is left behind';

done_testing;
