# Several gateways that share a Redis, and what happens when it fails them.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use PaasGuardRedis ();

# what nginx says of a killed worker, and of the lock that it takes back from it
my $killed = qr/exited on signal 9|shared memory zone .* was locked by/;

use IO::Select;
use IO::Socket::UNIX;
use Time::HiRes qw(sleep clock_gettime CLOCK_MONOTONIC);

my $serial = 0;
my $slower = $ENV{TEST_NGINX_SLOWER} // 1;

sub now { clock_gettime(CLOCK_MONOTONIC) }

# Two workers, as there are several of everything in the field.
sub gateway {
    my ($redis, %opt) = @_;
    my $with = $opt{with} // 'timeout=2s';
    my $url  = $opt{url} // $redis->url;
    my $gateway = gateway_start(workers => 2, %opt, http => <<~_EOC_ . ($opt{http} // ''), conf => <<~'_EOC_');
        paas_guard_zone zone=z:16m;
        paas_guard_redis $url $with;
        paas_guard_secret_file @{[ secret_file() ]};
        paas_guard_hammer_rule user  key=\$http_user  window=1h limit=20 block=1h;
        paas_guard_hammer_rule few   key=\$http_few   window=1h limit=3 block=1h;
        paas_guard_hammer_rule brief key=\$http_brief window=1h limit=5 block=2s block_max=2s;
        paas_guard_hammer_rule client key=\$paas_guard_client_id window=1h limit=100000;
        paas_guard_hammer_rule token key=\$paas_guard_credential window=1h limit=100000;
        keepalive_requests 100000;
        _EOC_
        paas_guard zone=z;
        paas_guard_throttle off;
        paas_guard_hammer user few brief client token;
        add_header Store $paas_guard_store always;
        location /        { proxy_pass http://backend; }
        location /strict  { paas_guard_sync strict; proxy_pass http://backend; }
        location /cluster { paas_guard_throttle interval=1s; proxy_pass http://backend; }
        location /metrics { paas_guard off; paas_guard_metrics; }
        _EOC_
    wait_for(sub { $gateway->workers == $gateway->{opt}{workers} });
    return $gateway;
}

sub metric {
    my ($gateway, $series) = @_;
    my ($value) = $gateway->get('/metrics')->{body} =~ /^\Q$series\E (\S+)$/m;
    return $value;
}

sub active { metric($_[0], 'paas_guard_blocks_active{zone="z"}') }

sub send_n {
    my ($gateway, $n, $path, %headers) = @_;
    my %count;
    $count{ $gateway->get($path . ++$serial, %headers)->{status} }++ for 1 .. $n;
    return join ', ', map { "$_ x $count{$_}" } sort keys %count;
}

sub store { $_[0]->get('/strict/' . ++$serial)->{headers}{store} // 'nothing' }

# Each of several workers has a connection of its own.
sub all_say {
    my ($what, @gateways) = @_;
    return wait_for(sub {
        for my $gateway (@gateways) {
            for (1 .. 8) { return 0 if store($gateway) ne $what }
        }
        return 1;
    }, 20);
}

sub everything {
    my $redis = shift;
    my %all;
    for my $key (split /\n/, $redis->cli('--scan')) {
        my $type = $redis->cli('TYPE', $key);
        $all{$key} = $type eq 'hash' ? $redis->cli('HGETALL', $key)
            : $type eq 'zset' ? $redis->cli('ZRANGE', $key, 0, -1, 'WITHSCORES')
            : $redis->cli('GET', $key);
    }
    return \%all;
}

# For each way to reach it.

for my $how ('tcp', 'unix') {
    my $redis = redis_start(unix => $how eq 'unix');
    my ($one, $two) = map { gateway($redis) } 1 .. 2;
    ok all_say('redis', $one, $two), "$how: both are connected";

    # async: the counts add up
    is send_n($one, 15, '/', User => 'sum'), '200 x 15', "$how: async: three quarters here";
    like send_n($two, 15, '/', User => 'sum'), qr/^200 x (?:[5-9]|1\d)/, "$how: async: three quarters there";
    ok wait_for(sub { active($one) == 1 && active($two) == 1 }), "$how: async: are a block for both";
    is send_n($_, 2, '/', User => 'sum'), '429 x 2', "$how: async: that each enforces" for $one, $two;

    # strict: exact; the block itself takes its time to the other one
    my $got = '';
    $got .= $_->get('/strict/' . ++$serial, User => 'exact')->{status} . q{ }
        for ($one, $two) x 10, $one;
    is $got, '200 ' x 20 . '429 ', "$how: strict: is exact over all gateways";
    ok wait_for(sub { active($two) == 2 }), "$how: strict: the other one learns of the block";
    is send_n($_, 2, '/strict/', User => 'exact'), '429 x 2', "$how: strict: each enforces it" for $one, $two;

    $_->stop for $one, $two;
    redis_stop($redis);
}

my $redis = redis_start();
my ($one, $two) = map { gateway($redis) } 1 .. 2;
ok all_say('redis', $one, $two), 'both are connected';

# How soon a block is enforced by the other: asked without being counted.
{
    my @took;
    my $late = PaasGuardRedis::lateness();
    for my $try (1 .. 5) {
        my $before = active($two);
        my $status = send_n($one, 4, '/', Few => "soon$try");
        my $set    = now();
        is $status, '200 x 3, 429 x 1', "a block, $try";
        ok wait_for(sub { active($two) > $before }, 5), "a block, $try: the other knows it";
        push @took, now() - $set;
        is send_n($two, 1, '/', Few => "soon$try"), '429 x 1', "a block, $try: and enforces it";
    }
    my @sorted = sort { $a <=> $b } @took;
    my $held   = 3 * $late->();
    cmp_ok $sorted[2], '<', 0.1 * $slower + $held, 'a block is enforced by others within 100 ms';
    cmp_ok $sorted[4], '<', $slower + $held, 'and never much later';
    is send_n($two, 3, '/', Few => 'other'), '200 x 3', 'nobody else is blocked';
}

# It ends on both.
{
    my $before = active($two);
    my $start  = now();
    is send_n($one, 6, '/', Brief => 'b'), '200 x 5, 429 x 1', 'a brief block';
    my $set = now();
    ok wait_for(sub { active($two) > $before || now() > $set + 1 }), 'a brief block: the other knows it';
    is send_n($two, 1, '/', Brief => 'b'), '429 x 1', 'a brief block: and enforces it'
        if now() < $start + 1.9;
    for my $gateway ($one, $two) {
        ok wait_for(sub { send_n($gateway, 1, '/', Brief => 'b') eq '200 x 1' }),
            'a brief block: ends by itself';
        cmp_ok now() - $start, '>=', 1.95, 'a brief block: not before its time';
    }
}

# The throttle of all gateways: exact, as seen from outside.
{
    my @all;
    my $start = now();
    while (now() - $start < 3.3) {
        for my $gateway ($one, $two, $two) {
            my $sent   = now();
            my $status = $gateway->get('/cluster/same')->{status};
            push @all, [$sent, now(), $status];
        }
        sleep 0.01;
    }
    my @admitted = grep { $_->[2] == 200 } @all;
    my @refused  = grep { $_->[2] == 429 } @all;
    is @admitted + @refused, @all, 'cluster: each is admitted or refused';
    cmp_ok scalar(@admitted), '>=', 3, 'cluster: more than one interval was seen';
    my $early = grep { $admitted[$_][1] - $admitted[$_ - 1][0] < 0.998 } 1 .. $#admitted;
    is $early, 0, 'cluster: one gateway admits it, the other does not';
    my $wrong = 0;
    for my $r (@refused) {
        $wrong++ if !grep { $_->[0] <= $r->[1] && $_->[1] > $r->[0] - 1.01 } @admitted;
    }
    is $wrong, 0, 'cluster: no refusal extends the interval';

    my @pairs = map {
        my $n = $_;
        join q{ }, map { $_->get("/cluster/pair/$n")->{status} } $n % 2 ? ($one, $two) : ($two, $one)
    } 1 .. 20;
    is scalar(grep { $_ ne '200 429' } @pairs), 0, 'cluster: of two at once, one is admitted';
}

# What Redis holds.
{
    my %secret = ('X-API-Key' => 'token-of-someone-0123456789');
    my %aws    = (Authorization => 'AWS4-HMAC-SHA256 Credential=AKIASOMEONE000000001/20250101/r/s/'
        . 'aws4_request, SignedHeaders=host, Signature=' . 'ab' x 32);
    for my $gateway ($one, $two) {
        send_n($gateway, 3, '/strict/', %secret, User => 'name-of-someone');
        send_n($gateway, 3, '/', %aws, Few => 'AKIASOMEONE000000001');
        send_n($gateway, 2, '/cluster/', %aws);
    }
    $one->get('/cluster/last', %secret);

    my $all = everything($redis);
    cmp_ok scalar(keys %$all), '>', 5, 'Redis: holds something';
    is join(q{ }, grep { $redis->cli('PTTL', $_) == -1 } keys %$all), q{}, 'Redis: every key has a TTL';

    # ids of events are random digits and a count, which by chance are those of an address
    my $text = join("\n", %$all) =~ s/\b[0-9a-f]{24}\b/event/gr;
    for my $needle ('127.0.0.1', "\x7f\0\0\1", '7f000001', '\x7f', 'token-of-someone',
        unpack('H*', 'token-of-someone'), 'AKIASOMEONE', unpack('H*', 'AKIASOMEONE'),
        'name-of-someone', unpack('H*', 'name-of-someone'))
    {
        ok index(lc $text, lc $needle) < 0, 'Redis: holds no ' . ($needle =~ /\A[ -~]+\z/ ? $needle : 'packed address');
    }
}

# Metrics.
{
    my $page = $one->get('/metrics')->{body};
    like $page, qr/^paas_guard_redis_up 1$/m, 'metrics: up';
    like $page, qr/^paas_guard_redis_commands_total\{result="ok"\} [1-9]\d*$/m, 'metrics: commands';
    like $page, qr/^paas_guard_redis_duration_seconds_count [1-9]\d*$/m, 'metrics: durations';
    like $page, qr/^paas_guard_degraded_seconds_total \d/m, 'metrics: degraded seconds';
}

# A gateway that comes later.
{
    my $active = active($one);
    my $three  = gateway($redis);
    ok wait_for(sub { active($three) >= 5 }), 'a later gateway learns of blocks';
    is send_n($three, 1, '/', Few => 'soon3'), '429 x 1', 'and enforces them';
    is send_n($three, 1, '/', Few => 'someone new'), '200 x 1', 'but no others';
    $three->stop;
}

# Whatever comes on the channel.
{
    my @workers  = sort $one->workers, $two->workers;
    my @channels = split /\n/, $redis->cli('PUBSUB', 'CHANNELS', '*');
    is scalar(@channels), 1, 'there is a channel';
    my %all = %{ everything($redis) };
    my ($message) = map { (split /\n/, $all{$_})[1] } grep { $_ =~ /data/ } keys %all;
    ok length($message // q{}), 'there is a message to forge';

    my @forged = ('x', ' ', '0', 'x' x 100_000, "\n", '%s%s%n', '{"a":1}', '1 b',
        (map { substr $message, 0, $_ } 1 .. length $message),
        (map { my $m = $message; substr($m, $_, 1) = 'z'; $m } 0 .. length($message) - 1),
        (map { my $m = $message; substr($m, $_, 1) = '9'; $m } 0 .. length($message) - 1));
    my $socket = IO::Socket::UNIX->new(Peer => $redis->socket);
    for (@forged) {
        printf $socket "*3\r\n\$7\r\nPUBLISH\r\n\$%d\r\n%s\r\n\$%d\r\n%s\r\n",
            length $channels[0], $channels[0], length $_, $_;
    }
    my $answers = '';
    1 while ($answers =~ tr/\n//) < @forged && $socket->sysread($answers, 65536, length $answers);
    ok wait_for(sub { $redis->cli('PUBLISH', $channels[0], 'last') == 2 }),
        'forged messages: both gateways listen, or do again';
    is store($_), 'redis', 'forged messages: requests are answered' for $one, $two;
    is join(q{ }, sort $one->workers, $two->workers), "@workers", 'forged messages: the workers are the same';
    is send_n($one, 4, '/', Few => 'after forged'), '200 x 3, 429 x 1', 'forged messages: a block';
    ok wait_for(sub { $two->get('/metrics')->{body} && send_n($two, 1, '/', Few => 'after forged') eq '429 x 1' }),
        'forged messages: is still learned';
}

# The scripts, or all, are gone.
{
    is send_n($one, 10, '/strict/', User => 'script'), '200 x 10', 'SCRIPT FLUSH: before';
    is $redis->cli('SCRIPT', 'FLUSH'), 'OK', 'SCRIPT FLUSH';
    is send_n($two, 10, '/strict/', User => 'script'), '200 x 10', 'SCRIPT FLUSH: after';
    is send_n($one, 1, '/strict/', User => 'script'), '429 x 1', 'SCRIPT FLUSH: no count was lost';

    is $redis->cli('FLUSHALL'), 'OK', 'FLUSHALL';
    is send_n($_, 1, '/strict/', User => 'script'), '429 x 1', 'FLUSHALL: each keeps its blocks' for $one, $two;
    is send_n($one, 10, '/strict/', User => 'flush'), '200 x 10', 'FLUSHALL: counts begin again';
    is send_n($two, 10, '/strict/', User => 'flush'), '200 x 10', 'FLUSHALL: on both';
    is send_n($two, 1, '/strict/', User => 'flush'), '429 x 1', 'FLUSHALL: up to the limit';
}

# Reload, and killed workers.
{
    is send_n($one, 5, '/strict/', User => 'reload'), '200 x 5', 'reload: before';
    ok $one->reload, 'reload';
    ok all_say('redis', $one), 'reload: connected again';
    is send_n($one, 5, '/strict/', User => 'reload'), '200 x 5', 'reload: after';

    my @old = $one->workers;
    kill KILL => @old;
    ok wait_for(sub { my @now = $one->workers; @now == 2 && !grep { my $n = $_; grep { $n == $_ } @old } @now }),
        'killed workers: are replaced';
    ok all_say('redis', $one), 'killed workers: connected again';
    is send_n($one, 5, '/strict/', User => 'reload'), '200 x 5', 'killed workers: after';
    is send_n($two, 5, '/strict/', User => 'reload'), '200 x 5', 'the limit is reached';
    is send_n($two, 1, '/strict/', User => 'reload'), '429 x 1', 'no count was lost';
    ok wait_for(sub { send_n($one, 1, '/', User => 'reload') eq '429 x 1' }),
        'a block is still learned, after all that';
}

# Clients that leave while Redis is asked.
{
    my @workers = sort $one->workers;
    $redis->pause;
    my @sockets = map {
        my $socket = $one->connect;
        print $socket "GET /strict/abort/$_ HTTP/1.1\r\nHost: localhost\r\nUser: abort\r\n\r\n";
        $socket;
    } 1 .. 20;
    sleep 0.1;
    close $_ for @sockets;
    sleep 0.1;
    $redis->resume;
    ok all_say('redis', $one), 'clients that left: the next are answered';
    is join(q{ }, sort $one->workers), "@workers", 'clients that left: the workers are the same';
}
$_->stop(allow => $killed) for $one, $two;

# Redis fails, with a timeout as short as it is by default.
{
    ($one, $two) = map { gateway($redis, with => 'timeout=5ms') } 1 .. 2;
    my $slow = sub {
        my ($name, $n, $path) = @_;
        my ($longest, %status) = (0);
        my $late = PaasGuardRedis::lateness();
        for (1 .. $n) {
            my $start = now();
            $status{ $one->get($path . ++$serial, User => $serial)->{status} }++;
            my $took = now() - $start;
            $longest = $took if $took > $longest;
        }
        is join(q{ }, keys %status), 200, "$name: each is answered";
        cmp_ok $longest, '<', 0.5 * $slower + 3 * $late->(), "$name: in time";
    };
    ok all_say('redis', $one, $two), 'both are connected';

    # one that hangs
    $redis->pause;
    $slow->('a Redis that hangs', 20, '/strict/');
    $slow->('a Redis that hangs, throttle', 20, '/cluster/');
    ok all_say('degraded', $one, $two), 'a Redis that hangs: is found out';
    is metric($one, 'paas_guard_redis_up'), 0, 'a Redis that hangs: is told';
    ok wait_for(sub { metric($one, 'paas_guard_degraded_seconds_total') > 0 }),
        'a Redis that hangs: seconds are counted';
    $redis->resume;
    ok all_say('redis', $one, $two), 'a Redis that goes on: is used again';
    ok wait_for(sub { metric($one, 'paas_guard_redis_up') == 1 }), 'a Redis that goes on: is told';

    # one that dies
    my $load = $one->load(clients => 3, path => sub { "/strict/$_[0]/$_[1]" });
    sleep 0.2;
    $redis->kill;
    sleep 0.5;
    my $count = $load->stop;
    is join(q{ }, keys %$count), 200, 'a Redis that dies: each request has its answer';
    ok all_say('degraded', $one, $two), 'a Redis that dies: is found out';
    $slow->('a Redis that is dead', 20, '/strict/');
    is send_n($one, 25, '/', User => 'local'), '200 x 20, 429 x 5', 'a Redis that is dead: each counts for itself';
    is send_n($two, 15, '/', User => 'local'), '200 x 15', 'a Redis that is dead: and knows no other';

    is send_n($_, 15, '/', User => 'kept'), '200 x 15', 'counted meanwhile' for $one, $two;
    my @before = map { active($_) } $one, $two;
    $redis->start;
    ok all_say('redis', $one, $two), 'a Redis that starts again: is used';

    # for the one the client that both counted, for the other that of the one, too
    ok wait_for(sub { active($one) > $before[0] && active($two) > $before[1] + 1 }, 30), 'a Redis that starts again: is told what was counted';
    is send_n($_, 1, '/', User => 'kept'), '429 x 1', 'a Redis that starts again: which is too many' for $one, $two;
    is send_n($two, 1, '/', User => 'local'), '429 x 1', 'a Redis that starts again: and learns of blocks';
    is send_n($_, 1, '/', User => 'nobody'), '200 x 1', 'a Redis that starts again: nobody else is blocked' for $one, $two;
    $_->stop for $one, $two;

    # one that is not there at first
    $redis->kill;
    $one = gateway($redis, with => 'timeout=5ms');
    $slow->('no Redis at start', 20, '/strict/');
    ok all_say('degraded', $one), 'no Redis at start: is told';
    is send_n($one, 21, '/', User => 'local'), '200 x 20, 429 x 1', 'no Redis at start: local decisions';
    $redis->start;
    ok all_say('redis', $one), 'no Redis at start: but later';
    $one->stop;
    redis_stop($redis);
}

# Passwords.
{
    my $locked = redis_start(args => ['--requirepass', 'right']);
    my $file   = "$ENV{TEST_NGINX_DIR}/password";
    my $write  = sub {
        open my $out, '>', $file or die "$file: $!";
        print $out "$_[0]\n";
        chmod 0600, $file;
    };
    $write->('wrong');
    my $gateway = gateway($locked, with => "timeout=2s password_file=$file", workers => 1);
    ok all_say('degraded', $gateway), 'a wrong password: no Redis';
    is send_n($gateway, 21, '/', User => 'u'), '200 x 20, 429 x 1', 'a wrong password: local decisions';
    sleep 1;
    my @lines = grep { /\[(?:warn|error)\].*WRONGPASS|\[(?:warn|error)\].*(?:password|AUTH)/i }
        grep { /^\d/ } split /\n/, $gateway->error_log;
    is scalar(@lines), 1, 'a wrong password: one line says so' or diag join "\n", @lines;
    unlike $gateway->error_log, qr/\bwrong\b/, 'a wrong password: without the password';

    $write->('right');
    ok $gateway->reload, 'a password is read again at a reload';
    ok all_say('redis', $gateway), 'the right password: is used';
    $gateway->stop;
    redis_stop($locked);
}

done_testing;
