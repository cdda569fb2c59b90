# strict, where there is one server: a request is one call of it, whatever its
# rules are keyed by, and requests that are on their way share writes.

use lib 't/lib';
use PaasGuard;
use PaasGuardRedis;

my $redis = redis_start();

sub gateway {
    return gateway_start(workers => 1, http => <<~_EOC_, conf => <<~'_EOC_');
        paas_guard_zone zone=z:16m;
        paas_guard_redis @{[ $redis->url ]} timeout=5s;
        paas_guard_secret_file @{[ secret_file() ]};
        paas_guard_hammer_rule client   key=\$paas_guard_client_id window=1h limit=100000;
        paas_guard_hammer_rule user     key=\$http_user            window=1h limit=100000;
        paas_guard_hammer_rule admitted key=\$http_admitted        window=1h limit=100000 count=admitted;
        paas_guard_hammer_rule refused  key=\$http_refused         window=1h limit=100000 count=throttled;
        keepalive_requests 100000;
        _EOC_
        paas_guard zone=z;
        paas_guard_sync strict;
        paas_guard_throttle interval=1h;
        paas_guard_hammer client user admitted refused;
        location /       { proxy_pass http://backend; add_header Store $paas_guard_store always; }
        location /exempt { paas_guard off; return 204; }
        _EOC_
}

my @gw = map { gateway() } 1, 2;
my %keys = (User => 'u', Admitted => 'a', Refused => 'r');

for my $gw (@gw) {
    my $n = 0;
    ok wait_for(sub { $gw->get("/connect/$gw->{port}/" . $n++)->{headers}{store} eq 'redis' }), 'connected';
}

# Until a worker is connected what it counts waits, and goes then.
sleep 1;

sub calls { commandstats($redis)->{evalsha} // 0 }

sub statuses { return join ' ', map { $_->{status} } @_ }

# What Redis has counted under a rule, over all keys and slots.
sub counted {
    my ($rule) = @_;
    my $sum = 0;

    for my $key (grep { /:w:$rule:/ } split /\n/, $redis->cli('keys', '*')) {
        my %slot = split /\n/, $redis->cli('hgetall', $key);
        $sum += $_ for values %slot;
    }

    return $sum;
}

my $before = calls();
is statuses(map { $gw[0]->get("/each/$_", %keys) } 1 .. 20), join(' ', (200) x 20), '20 requests of one gateway';
is calls() - $before, 20, 'four keys, and the throttle: one call each';

$before = calls();
is statuses(map { $gw[1]->get("/each/$_", %keys) } 1 .. 5), join(' ', (429) x 5), '5 of them again, by the other one';
is calls() - $before, 5, 'duplicates that Redis knows: one call each';

$before = calls();
is statuses(map { $gw[1]->get("/each/$_", %keys) } 1 .. 3), join(' ', (429) x 3), '3 of them once more';
is calls() - $before, 3, 'duplicates that the gateway knows: one call each';

is counted('user'), 28, 'counted for the user: all';
is counted('admitted'), 20, 'counted if admitted: those';
is counted('refused'), 8, 'counted if throttled: those';

# Many at once: pipelined by 16 connections, which the worker finds together
# once it goes on.
{
    my ($reads) = $redis->cli('info', 'stats') =~ /^total_reads_processed:(\d+)/m;

    if (defined $reads) {
        my @s = map { $gw[0]->connect } 1 .. 16;
        my ($worker) = $gw[0]->workers;
        my $n = 0;

        # each is accepted, which takes a turn of its own
        for my $s (@s) {
            print $s "GET /exempt HTTP/1.1\r\nHost: localhost\r\n\r\n";
            while (defined(my $line = readline $s)) { last if $line eq "\r\n" }
        }

        $gw[0]->halt($worker);
        print { $_ } "GET /many/" . ++$n . " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" for @s;
        kill 'CONT', $worker;

        my @lines = map { scalar readline $_ } @s;
        is scalar(grep { /^HTTP\/1.1 200/ } @lines), 16, '16 requests at once';

        my ($now) = $redis->cli('info', 'stats') =~ /^total_reads_processed:(\d+)/m;
        cmp_ok $now - $reads, '<', 14, 'their calls share writes: ' . ($now - $reads) . ' reads, those of the test among them';
    } else {
        note 'this server does not count its reads';
    }
}

$_->stop for @gw;
redis_stop($redis);

done_testing;
