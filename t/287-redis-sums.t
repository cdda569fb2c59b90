# async: sums of what was counted wait in a worker, and are found again by what
# this gateway counts under.

use lib 't/lib';
use PaasGuard;
use PaasGuardRedis;
use Time::HiRes qw(sleep);

my $redis = redis_start();
my $gw = gateway_start(workers => 2, http => <<~_EOC_, conf => <<~'_EOC_');
    paas_guard_zone zone=z:4m;
    paas_guard_zone zone=y:4m;
    paas_guard_redis @{[ $redis->url ]} timeout=5s flush=1s;
    paas_guard_secret_file @{[ secret_file() ]};
    paas_guard_client \$http_x_client;
    paas_guard_throttle off;
    paas_guard_hammer_rule client key=\$paas_guard_client_id window=1h limit=100000;
    paas_guard_hammer_rule hour   key=\$paas_guard_client_id window=2h limit=100000;
    paas_guard_hammer_rule user   key=\$http_x_user window=1h limit=100000 scope=zone;
    paas_guard_hammer_rule ok     key=\$http_x_user window=1h limit=100000 count=status:200;
    paas_guard_hammer_rule short  key=\$http_x_user window=5s limit=100000;
    paas_guard_hammer client hour user ok;
    keepalive_requests 100000;
    _EOC_
    location /z/a { paas_guard zone=z; paas_guard_service a; proxy_pass http://backend; }
    location /z/b { paas_guard zone=z; paas_guard_service b; proxy_pass http://backend; }
    location /y/a { paas_guard zone=y; paas_guard_service a; proxy_pass http://backend; }
    location /id  { paas_guard zone=z; paas_guard_service a; add_header X-Id $paas_guard_client_id; proxy_pass http://backend; }
    location /short { paas_guard zone=z; paas_guard_hammer short; proxy_pass http://backend; }
    location /store   { paas_guard zone=z; paas_guard_hammer off; add_header X-Store $paas_guard_store; proxy_pass http://backend; }
    location /status/ { paas_guard off; paas_guard_status write=on; }
    location = /pid   { add_header X-Pid $pid; return 204; }
    _EOC_

sub ask { my ($s, $path, %headers) = @_; return $gw->ask($s, GET => $path, %headers) }

# A connection to each worker.

my %worker = $gw->worker_sockets(2);
is keys %worker, 2, 'two workers';
my @worker = values %worker;

for my $s (@worker) {
    ok wait_for(sub { ask($s, '/store')->{'x-store'} eq 'redis' }), 'connected';
}

# What Redis has counted: of each key but for its id, by their order of size.
sub counted {
    my %sums;

    for my $key (split /\n/, $redis->cli('keys', '*:w:*')) {
        my ($zone, $rule) = $key =~ /^\w+:(\w+):\{\w+\}:w:(\S+)/ or next;
        my %slot = split /\n/, $redis->cli('hgetall', $key);
        my $sum = 0;
        $sum += $_ for values %slot;
        push @{ $sums{"$zone:$rule"} }, $sum;
    }

    return { map { $_ => join ' ', sort { $a <=> $b } @{ $sums{$_} } } keys %sums };
}

# Each kind as often as no other is.
my %times = ('/z/a' => 5, '/z/b' => 20, '/y/a' => 45);
my %total;

for my $path (sort keys %times) {
    for my $n (1 .. $times{$path}) {
        for my $s (@worker) {
            ask($s, $path, 'X-Client' => 'one', 'X-User' => 'mary');
            ask($s, $path, 'X-Client' => $_, 'X-User' => 'paul') for 'one', 'other';
        }
    }
}

my ($h1, $h2) = (3600000, 7200000);
my $expected = {
    "z:client:$h1:a" => '10 20', "z:hour:$h2:a" => '10 20', "z:ok:$h1:a" => '10 20',
    "z:client:$h1:b" => '40 80', "z:hour:$h2:b" => '40 80', "z:ok:$h1:b" => '40 80',
    "y:client:$h1:a" => '90 180', "y:hour:$h2:a" => '90 180', "y:ok:$h1:a" => '90 180',
    "z:user:$h1" => '50 100', "y:user:$h1" => '90 180',
};
ok wait_for(sub { my $c = counted(); !grep { ($c->{$_} // '') ne $expected->{$_} } keys %$expected }),
    'all were told, each for its own zone, rule, service and key';
is_deeply counted(), $expected, 'and nothing else';

# What is counted half a second later is of another slot of the window.
ask($worker[0], '/short', 'X-User' => 'mary');
sleep 0.6;
ask($worker[0], '/short', 'X-User' => 'mary');
my @short;
ok wait_for(sub {
    my ($key) = split /\n/, $redis->cli('keys', '*:w:short:*') or return 0;
    my %slot = split /\n/, $redis->cli('hgetall', $key);
    @short = values %slot;
    return "@short" =~ /2|1 1/;
}), 'a short window';
is "@short", '1 1', 'in its slots';

# A client that is forgotten by another worker, while its sum waits in this one,
# is found again from its next request on.
{
    my ($here, $there) = @worker;
    my $id = ask($here, '/id', 'X-Client' => 'ann')->{'x-id'};
    like $id, qr/^[0-9a-f]{32}$/, 'a client';
    is ask($there, "/status/api/1/clients/$id")->{status}, 200, 'is known';

    print $there "DELETE /status/api/1/clients/$id HTTP/1.1\r\nHost: localhost\r\n"
        . "Content-Type: application/json\r\nConnection: close\r\n\r\n";
    like readline($there), qr/ 200 /, 'is forgotten';

    is ask($here, "/status/api/1/clients/$id")->{status}, 404, 'is not known';
    is ask($here, '/z/a', 'X-Client' => 'ann')->{status}, 200, 'comes back';
    my $answer = ask($here, "/status/api/1/clients/$id");
    is $answer->{status}, 200, 'is known again';
    like $answer->{body}, qr/"rule": *"client"[^}]*"count": *1\b/, 'with what it did since';
}

$gw->stop;
redis_stop($redis);

# What is counted before there is a connection waits for it.
{
    my $sums = "$ENV{TEST_NGINX_DIR}/sums";
    my $fake = fake_start(sub {
        my ($command) = @_;
        my $word = lc $command->[0];
        return "*3\r\n\$9\r\nsubscribe\r\n\$1\r\nx\r\n:1\r\n" if $word eq 'subscribe';
        return "*2\r\n\$4\r\npong\r\n\$0\r\n\r\n" if $word eq 'ping';
        return "+OK\r\n" if $word ne 'evalsha';
        return "*2\r\n:0\r\n:0\r\n" if $command->[2] == 2;
        if ($command->[3] =~ /probe/) {
            sleep 1.5;
        } else {
            open my $out, '>>', $sums;
            print $out "$command->[6]\n";
        }
        return "*4\r\n:-1\r\n:0\r\n:" . int(Time::HiRes::time() * 1e6) . "\r\n:1\r\n";
    });
    my $early = guarded($fake->url, rule => 'window=1h limit=100000', timeout => '50ms', more => 'connect_timeout=10s');
    $early->get("/e$_?k=early") for 1 .. 30;
    my $sum = sub {
        my $n = 0;
        open my $in, '<', $sums or return 0;
        $n += $_ while <$in>;
        return $n;
    };
    ok !$sum->(), 'not connected yet';
    ok wait_for(sub { $sum->() >= 30 }), 'what was counted before is told then: ' . $sum->();
    is $sum->(), 30, 'once';
    $early->stop;
}

done_testing;
