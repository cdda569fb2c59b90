# Blocks on their way between gateways: what is lifted is lifted at all of them,
# with its counts, whatever is still under way; what could not be told is told.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use PaasGuardRedis;
use JSON::PP;
use Test::More;
use Time::Local qw(timegm);
use Time::HiRes qw(sleep time);

my $serial = 0;

sub gateway {
    my ($redis, %opt) = @_;
    return gateway_start(workers => $opt{workers} // 1, http => <<~_EOC_, conf => <<~'_EOC_');
        paas_guard_zone zone=z:4m;
        paas_guard_redis @{[ $redis->url ]} timeout=@{[ $opt{timeout} // '2s' ]};
        paas_guard_secret_file @{[ secret_file() ]};
        paas_guard_throttle off;
        paas_guard_hammer_rule user key=\$http_x_user window=10m limit=20 block=10m;
        paas_guard_hammer user;
        keepalive_requests 100000;
        _EOC_
        paas_guard zone=z;
        add_header X-Store $paas_guard_store always;
        location /async/  { proxy_pass http://backend; }
        location /strict/ { paas_guard_sync strict; proxy_pass http://backend; }
        location /throttle/ { paas_guard_throttle interval=1s; paas_guard_hammer off; proxy_pass http://backend; }
        location /dry/    { paas_guard_dry_run on; proxy_pass http://backend; }
        location /status/ { paas_guard off; paas_guard_status write=on; }
        location = /pid   { paas_guard off; add_header X-Pid $pid; return 204; }
        _EOC_
}

sub send_n {
    my ($gateway, $n, $place, $user) = @_;
    my %count;
    $count{ $gateway->get("/$place/" . ++$serial, 'X-User' => $user)->{status} }++ for 1 .. $n;
    return join ', ', map { "$_ x $count{$_}" } sort keys %count;
}

sub active { return @{ decode_json($_[0]->get('/status/api/1/blocks')->{body})->{blocks} } }

sub until_of {
    my ($year, $month, $day, $hour, $min, $sec) = $_[0]{until} =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)/;
    return timegm($sec, $min, $hour, $day, $month - 1, $year);
}

sub lift { return $_[0]->request('DELETE', "/status/api/1/blocks/$_[1]", { 'Content-Type' => 'application/json' })->{status} }

sub connected {
    my $gateway = shift;
    return wait_for(sub {
        my $answer = $gateway->get('/strict/' . ++$serial, 'X-User' => "probe$serial");
        return ($answer->{headers}{'x-store'} // '') eq 'redis';
    });
}

my $redis = redis_start();
my ($one, $two) = map { gateway($redis, timeout => '5s') } 1 .. 2;
ok connected($_), 'connected' for $one, $two;
ok wait_for(sub { $redis->cli('pubsub', 'numsub', 'paas_guard:blocks') =~ /\b2$/ }), 'and listen';

# A lift forgets the counts of all gateways, also of those that have refused nothing yet.

for my $at ($one, $two) {
    my $where = $at == $one ? 'here' : 'there';
    my $user = "lifted $where";
    is send_n($two, 8, 'strict', $user), '200 x 8', "lifted $where: counted there";
    is send_n($one, 13, 'strict', $user), '200 x 12, 429 x 1', 'and blocked here';
    ok wait_for(sub { active($two) == 1 }), 'of which the other one learns';
    is lift($at, (active($at))[0]{id}), 200, "lifted $where";
    ok wait_for(sub { !active($one) && !active($two) }), 'at both';
    is send_n($two, 18, 'strict', $user), '200 x 18', 'and nothing is left of what was counted there';
    is send_n($one, 2, 'strict', $user), '200 x 2', 'nor here';
}

# Counts that are under way to Redis while a block is lifted do not set it again.
{
    my $sum = sub {
        my $n = 0;
        for my $key (grep { /:w:user/ } split /\n/, $redis->cli('keys', '*')) {
            my %slot = split /\n/, $redis->cli('hgetall', $key);
            $n += $_ for values %slot;
        }
        return $n;
    };
    $redis->cli('flushall');
    is send_n($two, 8, 'strict', 'late'), '200 x 8', 'under way: counted there';
    is send_n($one, 10, 'async', 'late'), '200 x 10', 'and here';
    ok wait_for(sub { $sum->() == 18 }), 'Redis knows';
    $redis->pause;
    is send_n($one, 9, 'async', 'late'), '200 x 9', 'and here, which Redis does not know yet';
    sleep 0.7;                  # all of it is on its way
    is send_n($one, 2, 'async', 'late'), '200 x 1, 429 x 1', 'blocked';
    is lift($one, (active($one))[0]{id}), 200, 'and lifted';
    $redis->resume;
    ok connected($one), 'Redis goes on';
    sleep 0.3;
    is scalar(active($_)), 0, 'its answer, which is of before, sets no block' for $one, $two;
    is send_n($one, 3, 'async', 'late'), '200 x 3', 'begins anew';
}

# Nor do those that Redis has, though it was away when the block was lifted.
{
    my $lone = gateway($redis, timeout => '200ms');
    ok connected($lone), 'without Redis: connected';
    is send_n($two, 10, 'strict', 'alone'), '200 x 10', 'without Redis: counted there';
    is send_n($lone, 8, 'strict', 'alone'), '200 x 8', 'and here';
    $redis->pause;
    ok wait_for(sub { $lone->get('/strict/' . ++$serial, 'X-User' => "away$serial")->{headers}{'x-store'} eq 'degraded' }), 'Redis goes';
    is send_n($lone, 13, 'strict', 'alone'), '200 x 12, 429 x 1', 'blocked by what was counted here';
    is lift($lone, (active($lone))[0]{id}), 200, 'and lifted';
    $redis->resume;
    ok connected($lone), 'Redis is back';
    sleep 0.3;
    is send_n($lone, 10, 'strict', 'alone'), '200 x 10', 'begins anew, there too';
    $lone->stop;
}

# A dry run's block says so, also where it is Redis that has counted too many.
{
    is send_n($two, 15, 'strict', 'dry'), '200 x 15', 'dry run: counted there';
    is send_n($one, 10, 'dry', 'dry'), '200 x 10', 'and here';
    ok wait_for(sub { active($one) == 1 }), 'a block by what both have counted';
    my ($was) = active($one);
    ok $was->{dry_run}, 'which says that it is one of a dry run';
    is send_n($one, 2, 'dry', 'dry'), '200 x 2', 'refuses nobody here';
    is +(active($one))[0]{refused} - $was->{refused}, 2, 'and would have';
    is lift($one, (active($one))[0]{id}), 200, 'lifted';
}

# What is lifted while Redis is away is not learned again when it is back, whichever worker is first.
{
    my $many = gateway($redis, workers => 2, timeout => '200ms');
    my %worker = $many->worker_sockets(2);
    is keys %worker, 2, 'two workers';
    my $store = sub { $many->ask($_[0], GET => '/strict/' . ++$serial, 'X-User' => "probe$serial")->{'x-store'} };
    my $is = sub { my ($s, $state) = @_; return wait_for(sub { $store->($s) eq $state }, 20) };

    for my $pid (sort keys %worker) {
        my $s = $worker{$pid};
        my ($other) = grep { $_ != $s } values %worker;
        my $there = sub { @{ decode_json($many->ask($other, GET => '/status/api/1/blocks')->{body})->{blocks} } };

        ok $is->($_, 'redis'), 'away: connected' for $s, $other;
        ok connected($two), 'the other gateway, too';
        is send_n($two, 21, 'strict', "away $pid"), '200 x 20, 429 x 1', 'a block';
        ok wait_for(sub { $there->() == 1 }), 'is known here';
        my ($block) = $there->();

        $redis->pause;
        ok $is->($_, 'degraded'), 'Redis is away' for $s, $other;
        is $many->ask($s, DELETE => "/status/api/1/blocks/$block->{id}", 'Content-Type' => 'application/json')->{status}, 200, 'lifted by a worker';
        ok $many->halt($pid), 'which stands still';
        $redis->resume;
        ok $is->($other, 'redis'), 'that is not the first to find Redis again';
        sleep 0.5;
        kill CONT => $pid;
        ok $is->($s, 'redis'), 'but finds it';
        ok wait_for(sub { !active($two) }, 20), 'the other gateway hears of it';
        is scalar($there->()), 0, 'and this one has not forgotten it';
    }
    $many->stop;
}

# A server whose clock was put back, or another one, whose clock is behind: what is there is of later than now.
{
    my $at = sub { my ($s, $us) = split /\n/, $redis->cli('time'); return $s * 1000 + int($us / 1000) };
    my $same = sub { $two->get('/throttle/same', 'X-User' => 'same')->{status} };
    is $same->(), 200, 'clock: a request';
    my ($key) = grep { /:t:/ } split /\n/, $redis->cli('keys', '*');
    $redis->cli('set', $key, ($at->() + 100_000) * 1000, 'px', 100_000);
    is $same->(), 429, 'clock: the same';
    sleep 1.1;
    is $same->(), 200, 'clock: and once its interval is over';

    is send_n($two, 21, 'strict', 'clock'), '200 x 20, 429 x 1', 'clock: a block';
    my ($ends) = grep { /:\{blocks\}:ends/ } split /\n/, $redis->cli('keys', '*');
    ok wait_for(sub { $redis->cli('zcard', $ends) }), 'clock: is told';
    $redis->cli('zincrby', $ends, 3_600_000, $_) for split /\n/, $redis->cli('zrange', $ends, 0, -1);
    my $late = gateway($redis);
    ok wait_for(sub { active($late) == active($two) }), 'clock: a gateway that starts learns of it';
    cmp_ok abs(until_of(active($late)) - until_of(active($two))), '<', 5, 'clock: and ends it when the other one does';
    $late->stop;
}
$_->stop for $one, $two;

# A server that answers no more when it is told of a block: the next connection is told.
{
    my $told = "$ENV{TEST_NGINX_DIR}/told";
    my %silent;
    my $fake = fake_start(sub {
        my ($command, $n) = @_;
        my $word = lc $command->[0];
        return '' if $silent{$n};
        return "*3\r\n\$9\r\nsubscribe\r\n\$1\r\nx\r\n:1\r\n" if $word eq 'subscribe';
        return "*2\r\n\$4\r\npong\r\n\$0\r\n\r\n" if $word eq 'ping';
        return "+OK\r\n" if $word ne 'evalsha';
        if (($command->[6] // '') =~ /^1 b /) {
            if (!%silent) { $silent{$n} = 1; return '' }
            open my $out, '>>', $told;
            print $out "told\n";
            return ":1\r\n";
        }
        return "*2\r\n:0\r\n:0\r\n" if $command->[2] == 2;
        return "*4\r\n:-1\r\n:0\r\n:" . int(time * 1e6) . "\r\n:1\r\n";
    });
    my $gw = gateway($fake, timeout => '50ms');
    ok connected($gw), 'silent: connected';
    is $gw->request('POST', '/status/api/1/blocks', { 'Content-Type' => 'application/json' },
        encode_json({ zone => 'z', client => 'a' x 32, seconds => 600 }))->{status}, 201, 'a block';
    ok wait_for(sub { -s $told }), 'is told as soon as somebody listens';
    $gw->stop;
}

done_testing;
