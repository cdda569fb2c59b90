# One month of several gateways: each keeps its own figures in Redis, and any
# of them reports for all.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use Test::More;
use JSON::PP;
use POSIX qw(strftime);
use Time::HiRes qw(sleep time);

plan skip_all => 'a month has just begun, or is about to end' if !one_month(700, 600);

my $json  = JSON::PP->new->utf8;
my $redis = redis_start(args => ['--user', 'guard', 'on', 'nopass', '~g:*', '&g:*', '-@all', '+evalsha', '+script|load',
    '+subscribe', '+ping', '+del', '+time', '+get', '+set', '+hgetall', '+hincrby', '+hdel', '+hset', '+hget',
    '+pexpire', '+pexpireat', '+publish', '+zadd', '+zrem', '+zscore', '+zrange', '+zrangebyscore', '+select',
    '+append', '+rename', '+getrange']);
my $none = "$ENV{TEST_NGINX_DIR}/password";
open my $out, '>', $none or die $!;
print $out "x\n";
close $out;

my %same = (workers => 2,
    allow => 'connect\(\) to unix|no live upstreams|redis|exited on signal 9|could not',
    http => "paas_guard_secret_file @{[ secret_file() ]};"
          . "paas_guard_redis @{[ $redis->url ]} prefix=g username=guard password_file=$none timeout=500ms;"
          . <<'_EOC_', conf => <<'_EOC2_');
    paas_guard_zone zone=z:1m state=%DIR%/state;
    paas_guard_indicator paas target=99.9% slice=1s min_requests=3;
    upstream nobody { server unix:%DIR%/nobody.sock; }
_EOC_
    paas_guard zone=z;
    paas_guard_throttle off;
    paas_guard_sla paas;
    location /t/       { proxy_pass http://backend; }
    location /down/    { proxy_pass http://nobody; }
    location /api/     { paas_guard off; paas_guard_status write=on; }
_EOC2_

my @gw  = map { gateway_start(%same) } 1 .. 2;
my $sla = '/api/api/1/sla/paas';

sub report {
    my ($i, $query) = @_;
    my $answer = $gw[$i]->get("$sla?" . ($query // ''));
    return eval { $json->decode($answer->{body}) } // { status => $answer->{status}, body => $answer->{body} };
}

sub write_to {
    my ($i, $method, $path, $body) = @_;
    my $answer = $gw[$i]->request($method, $path, { 'Content-Type' => 'application/json' }, $json->encode($body));
    return { status => $answer->{status}, %{; eval { $json->decode($answer->{body}) } // {} } };
}

sub at { strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }
sub requests { my $r = report(@_); join ' ', map { $_ // 'none' } @{ $r->{requests} }{qw(total good failed)}, $r->{gateways} }

# All of what gateways have counted is in the store.
sub both_say {
    my ($expected, $name, $query) = @_;
    for my $i (0, 1) {
        my $said;
        wait_for(sub { ($said = requests($i, $query)) eq $expected }, 60);
        is $said, $expected, "$name: gateway $i";
    }
}

# A report of all, if there is one: on a machine that is held up, the store may be late for one.
sub whole {
    my ($i, $query) = @_;
    my $r;
    wait_for(sub { $r = report($i, $query); !$r->{partial} }, 10);
    return $r;
}

# Added up

both_say('0 0 0 2', 'two gateways, though nothing was counted');
$gw[0]->get("/t/$_") for 1 .. 5;
$gw[1]->get("/t/$_") for 1 .. 3;
both_say('8 8 0 2', 'added up');
ok !whole(0)->{partial}, 'and whole';

sleep 11;
both_say('8 8 0 2', 'what is sent again does not count again');
my ($parts, $records) = ([], []);
push @{ /\}:\w+:\d+$/ ? $parts : $records }, $_ for split /\n/, $redis->cli('keys', '*{sla:*}:*');
is scalar @$records, 2, 'two records';
ok !(grep { $redis->cli('ttl', $_) > 600 } @$parts), 'one that was not finished goes by itself';
my ($index) = grep { /\}$/ } split /\n/, $redis->cli('keys', '*{sla:*');
like $index, qr/^g:z:\{sla:paas:\d{4}-\d\d\}$/, 'a key of its zone, indicator and month';
is $redis->cli('zcard', $index), 2, 'that lists two gateways';
cmp_ok $redis->cli('ttl', $index), '>', 400 * 86400, 'for 14 months';
cmp_ok $redis->cli('ttl', $_), '>', 400 * 86400, 'as its records are' for @$records;

# Slots are judged when they are added up: two failures at each are no outage
# of either, for of three requests there is no talk; together they are

$gw[0]->get("/t/first");
my $slot = int(time) + 2;
sleep $slot + 0.05 - time;
my $late = 0;
for (1, 2) { $_->get("/down/x") for @gw }
$late = 1 if int(time) != $slot;
SKIP: {
    skip 'too slow: not in one second', 2 if $late;
    my @down;
    for my $i (0, 1) {
        push @down, 0;
        wait_for(sub { ($down[-1] = report($i)->{time}{downtime_seconds}) == 1 }, 60);
    }
    is "@down", '1 1', 'a slot that is down only in the sum';
    is whole(0)->{measured}[0]{start}, at($slot) =~ s/Z/.000Z/r, 'the one that was';
}
both_say('13 9 4 2', 'failures, too');
my $down = whole(0)->{time}{downtime_seconds};

# An outage that one gateway has declared, and another one restores

my $base = int(time) - 600;
my $first = write_to(0, POST => "$sla/outages", { who => 'alice', notified_at => at($base) });
is $first->{status}, 201, 'declared at one';
my $id = $first->{outage}{id};
ok wait_for(sub { @{ report(1)->{declared} // [] } == 1 }, 60), 'known at the other';
my $restored = write_to(1, PATCH => "$sla/outages/$id", { who => 'bob', restored_at => at($base + 300), confirmed_by => 'user' });
is $restored->{status}, 200, 'restored there';
is $restored->{outage}{id}, $id, 'under its id';
is whole(1)->{time}{downtime_seconds}, 300 + $down, 'at once there';
ok wait_for(sub { report(0)->{time}{downtime_seconds} == 300 + $down }, 60), 'and soon where it was declared';
is write_to(0, PATCH => "$sla/outages/$id", { who => 'alice', restored_at => at($base + 200) })->{status}, 200, 'corrected at the first';
ok wait_for(sub { report($_)->{time}{downtime_seconds} == 200 + $down }, 60), "known at $_" for 0, 1;
my $second = write_to(1, POST => "$sla/outages", { who => 'bob', detected_at => at($base + 100), restored_at => at($base + 250),
    confirmed_by => 'monitoring' });
isnt $second->{outage}{id}, $id, 'another one, at the other gateway, has another id';
ok wait_for(sub { report($_)->{time}{downtime_seconds} == 250 + $down }, 60), "overlapping: each second once, at $_" for 0, 1;
is write_to(0, PATCH => "$sla/outages/0123456789abcdef-1", { who => 'x' })->{code}, 'unknown_outage', 'one that nobody has declared';

# Without the store

$redis->kill('KILL');
wait_for(sub { report(0)->{partial} }, 10);
my $alone = report(0);
ok $alone->{partial}, 'without the store the report says that it is not whole';
is $alone->{gateways}, 1, 'and of one gateway';
is $alone->{requests}{total}, 8, 'that has counted this';
is write_to(1, PATCH => "$sla/outages/$id", { who => 'x', cause => 'x' })->{code}, 'outage_elsewhere',
    'what another has declared cannot be changed now';
is write_to(1, PATCH => "$sla/outages/$second->{outage}{id}", { who => 'bob', cause => 'a cable' })->{status}, 200, 'what is its own, can';
$gw[$_]->get("/t/away$_") for 0, 1, 1;
$redis->start;
both_say('16 12 4 2', 'and what was counted meanwhile is sent later, though that store has lost all');
ok wait_for(sub { report(0)->{time}{downtime_seconds} == 250 + $down }, 60), 'outages, too';

# A gateway that is killed and starts again is the same one

my @pids = $gw[1]->children;
ok wait_for(sub { my @s = stat $gw[1]->dir . '/state.sla.paas'; @s && time - $s[9] > 6 }, 60), 'all is saved';
$gw[1]->kill;
kill KILL => @pids;
wait_for(sub { !grep { kill 0 => $_ } @pids });
$gw[1]->start;
both_say('16 12 4 2', 'killed and started: no request twice, and no third gateway');

# One that begins anew is another one, and what it had sent stands

$gw[1]->stop;
unlink glob($gw[1]->dir . '/state*');
$gw[1]->start;
$gw[1]->get('/t/anew');
both_say('17 13 4 3', 'begun anew: what it had counted before stands');

# A store that is slow

$redis->pause;
my $from = time;
report(0);
cmp_ok time - $from, '<', 5, 'a store that does not answer: the report is there all the same';
$redis->resume;
both_say('17 13 4 3', 'and whole again');
$_->stop for @gw;


# Over the end of a month, with the store away

SKIP: {
    my ($lib) = grep { -e } glob '/usr/lib/*/faketime/libfaketimeMT.so.1';
    skip 'no faketime, or a sanitizer, which does not go with it', 27
        if !$lib || $ENV{LD_PRELOAD} || $ENV{TEST_NGINX_BINARY} =~ /asan/;
    local $ENV{TZ} = 'UTC';
    POSIX::tzset();
    my ($y, $m) = (gmtime)[5, 4];
    my $left = 12;
    my $end  = POSIX::mktime(0, 0, 0, 1, $m + 1, $y);
    my $old = strftime('%Y-%m', gmtime($end - 1));
    my $new = strftime('%Y-%m', gmtime $end);

    $redis->cli('flushall');
    $redis->kill('KILL');
    my $as_if = sub {
        my ($then, $what) = @_;
        local $ENV{LD_PRELOAD} = $lib;
        local $ENV{FAKETIME_DONT_FAKE_MONOTONIC} = 1;
        local $ENV{FAKETIME} = sprintf '+%d', $then - time;
        $what->();
    };
    my $began = time;
    $as_if->($end - $left, sub { @gw = map { gateway_start(%same) } 1 .. 2 });

    $gw[0]->get("/t/$_") for 1 .. 4;
    $gw[1]->get("/t/$_") for 1 .. 2;
    ok wait_for(sub { requests(0) eq '4 4 0 1' }), 'counted before the month ends';
    is report(0)->{month}, $old, 'in that month';
    sleep $left + 2 - (time - $began) if time - $began < $left + 2;
    is report(0)->{month}, $new, 'it has ended';
    is requests(0), '0 0 0 1', 'nothing was counted since';
    $gw[0]->get("/t/new");
    $redis->start;
    both_say('6 6 0 2', 'sent later: all of the month before', "month=$old");
    both_say('1 1 0 2', 'sent later: and of this one');
    is $_->{elapsed_seconds}, $_->{length_seconds}, 'it is over' for report(1, "month=$old")->{time};
    my $late = write_to(0, POST => "$sla/outages", { who => 'x', notified_at => at($end - 40), restored_at => at($end - 20),
        confirmed_by => 'user' });
    is $late->{status}, 201, 'an outage of the month before';
    ok wait_for(sub { report(1, "month=$old")->{time}{downtime_seconds} == 20 }, 60), 'is in its report, at the other gateway';
    $_->stop for @gw;

    # Two months later: slots of it are in the store alone

    $as_if->($end + 40 * 86400, sub { $_->start for @gw });

    both_say('6 6 0 2', 'two months later', "month=$old");
    ok !whole($_, "month=$old")->{partial}, "whole: gateway $_" for 0, 1;
    my $of = "g:z:{sla:paas:$old}";
    my @id = split /\n/, $redis->cli('zrange', $of, 0, -1);
    is scalar @id, 2, 'two records of it';
    $redis->cli('zrem', $of, $id[0]);
    $redis->cli('del', "$of:$id[0]");
    is join(' ', sort map { whole($_, "month=$old")->{partial} ? 'partial' : 'whole' } 0, 1), 'partial whole',
        'who misses its own record says so';
    $redis->cli('flushall');
    ok report($_, "month=$old")->{partial}, "nothing is left of it in the store: gateway $_" for 0, 1;
    $_->stop for @gw;

    # Who has counted nothing in the month before tells the outages of it all the same

    $as_if->($end + 100, sub { @gw = map { gateway_start(%same) } 1 .. 2 });
    is write_to(1, POST => "$sla/outages", { who => 'x', notified_at => at($end - 40), restored_at => at($end - 20),
        confirmed_by => 'user' })->{status}, 201, 'an outage of a month in which nothing was counted';
    ok wait_for(sub { report(0, "month=$old")->{time}{downtime_seconds} == 20 }, 60), 'is in the report of another gateway';
    $_->stop for @gw;
}

done_testing;
