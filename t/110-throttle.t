# One identical request per interval, for any number of workers.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;

use POSIX       ();
use Time::HiRes qw(sleep clock_gettime CLOCK_MONOTONIC);

# The arrivals upstream have a log of their own.
my $upstream = <<'_EOC_';
    log_format arrivals '$request_uri';
    upstream backend { server unix:%DIR%/backend.sock; }
    server {
        listen unix:%DIR%/backend.sock;
        access_log %DIR%/arrivals.log arrivals;
        location / { return 200 "backend\n"; }
    }
    keepalive_requests 100000;
_EOC_

sub gateway {
    my ($conf, %opt) = @_;
    return gateway_start(
        http => $upstream . 'paas_guard_zone zone=z:' . ($opt{size} // '1m') . ';',
        conf => "add_header Worker \$pid always; $conf",
        %opt
    );
}

sub now { clock_gettime(CLOCK_MONOTONIC) }

# One request on an open connection: when it was sent, when its answer was
# there, status, worker, Retry-After.
sub ask {
    my ($socket, $path) = @_;
    my $sent = now();
    print $socket "GET $path HTTP/1.1\r\nHost: localhost\r\n\r\n";
    my $answer = '';
    while ($answer !~ /\r\n\r\n/) {
        $socket->sysread($answer, 65536, length $answer) or return;
    }
    my ($length) = $answer =~ /^Content-Length: (\d+)/mi;
    while (length($answer) < index($answer, "\r\n\r\n") + 4 + $length) {
        $socket->sysread($answer, 65536, length $answer) or return;
    }
    my $got = now();
    my ($status) = $answer =~ m{^HTTP/1.1 (\d+)};
    my ($worker) = $answer =~ /^Worker: (\d+)/m;
    my ($retry)  = $answer =~ /^Retry-After: (\d+)/m;
    return [$sent, $got, $status, $worker, $retry // 0];
}

# Clients that run beside each other; each returns a list of answers.
sub clients {
    my ($n, $what) = @_;
    my @out;
    for my $i (1 .. $n) {
        defined(my $pid = open my $out, '-|') or die "fork: $!";
        if (!$pid) {
            print join(q{ }, @$_), "\n" for $what->($i);
            close STDOUT;
            POSIX::_exit(0);
        }
        push @out, $out;
    }
    return map { [split] } map { my $out = $_; <$out> } @out;
}

# What was admitted was so somewhere between sent and got.  No two admissions
# are less than the interval apart, and none was refused without one in the
# interval before: exact, however slow the machine is.
sub exact {
    my ($name, $interval, @all) = @_;
    my @admitted = sort { $a->[0] <=> $b->[0] } grep { $_->[2] == 200 } @all;
    my @refused  = grep { $_->[2] == 429 } @all;

    is @admitted + @refused, @all, "$name: each is admitted or refused";

    my $early = grep { $admitted[$_][1] - $admitted[$_ - 1][0] < $interval } 1 .. $#admitted;
    is $early, 0, "$name: none is admitted within the interval";

    my $wrong = 0;
    for my $r (@refused) {
        $wrong++ if !grep { $_->[0] <= $r->[1] && $_->[1] > $r->[0] - $interval } @admitted;
    }
    is $wrong, 0, "$name: none is refused without one admitted in the interval before";
    return scalar @admitted;
}

sub arrivals {
    my $gateway = shift;
    open my $in, '<', $gateway->dir . '/arrivals.log' or return 0;
    my @lines = <$in>;
    return scalar @lines;
}

sub metric {
    my ($gateway, $series) = @_;
    my ($value) = $gateway->get('/metrics')->{body} =~ /^\Q$series\E (\S+)$/m;
    return $value;
}

# Identical requests, concurrently.

for my $workers (1, 2, 4) {
    my $gateway = gateway('location / { paas_guard zone=z;
        paas_guard_throttle interval=300ms; proxy_pass http://backend; }',
        workers => $workers, listen => 'reuseport');

    # new connections all the time, as each stays with one worker
    my $end = now() + 2.5;
    my @all = clients(8, sub {
        my @answers;
        while (now() < $end) {
            my $socket = $gateway->connect;
            push @answers, map { ask($socket, '/same') // () } 1 .. 4;
        }
        return @answers;
    });

    my $admitted = exact("$workers workers", 0.3, @all);
    cmp_ok $admitted, '>=', 2, "$workers workers: more than one interval was seen";

    my %seen = map { $_->[3] => 1 } @all;
    is keys %seen, $workers, "$workers workers: all took part";
    ok wait_for(sub { arrivals($gateway) >= $admitted }), "$workers workers: the admitted arrive";
    is arrivals($gateway), $admitted, "$workers workers: and no other";
    $gateway->stop;
}

# Two identical requests at the very same time, again and again: all connections
# are open, and all requests are written before an answer is read.
{
    my $gateway = gateway('location / { paas_guard zone=z;
        paas_guard_throttle interval=60s; proxy_pass http://backend; }',
        workers => 4, listen => 'reuseport');
    my @sockets = map { $gateway->connect } 1 .. 16;
    my %count;
    for my $round (1 .. 100) {
        print $_ "GET /round/$round HTTP/1.1\r\nHost: localhost\r\n\r\n" for @sockets;
        for my $socket (@sockets) {
            my $answer = '';
            do { $socket->sysread($answer, 65536, length $answer) or die 'no answer' }
                until $answer =~ /\r\n\r\n/
                    && $answer =~ /^Content-Length: (\d+)/mi
                    && length($answer) >= index($answer, "\r\n\r\n") + 4 + $1;
            my ($status) = $answer =~ m{^HTTP/1.1 (\d+)};
            $count{$round}{$status}++;
        }
    }
    my @wrong = grep { $count{$_}{200} != 1 || $count{$_}{429} != 15 } keys %count;
    is "@wrong", q{}, 'of 16 at once, one is admitted, 100 times';
    $gateway->stop;
}

# Different requests.
{
    my $gateway = gateway('location / { paas_guard zone=z; proxy_pass http://backend; }',
        workers => 2, listen => 'reuseport');
    my @all = clients(4, sub {
        my $client = shift;
        my $socket = $gateway->connect;
        return map { ask($socket, "/client/$client/request/$_") } 1 .. 500;
    });
    is grep({ $_->[2] == 200 } @all), 2000, '2000 different requests pass';

    is $gateway->get('/image?a=1')->{status},  200, 'one more';
    is $gateway->get('/image?a=12')->{status}, 200, 'a byte more passes';
    is $gateway->get('/image/?a=1')->{status}, 200, 'a slash more passes';
    $gateway->stop;
}

# Who waits for as long as Retry-After says.
{
    my $gateway = gateway('location / { paas_guard zone=z;
            paas_guard_throttle interval=1s; proxy_pass http://backend; }
        location /long/ { paas_guard zone=z;
            paas_guard_throttle interval=2300ms; proxy_pass http://backend; }',
        workers => 2, listen => 'reuseport');

    my @obedient = clients(8, sub {
        my $client = shift;
        my @answers;
        my $socket = $gateway->connect;
        for my $round (1 .. 2) {
            push @answers, ask($socket, "/$client/$round");
            sleep 0.11 * $client;

            my $answer = ask($socket, "/$client/$round");
            next if $answer->[2] == 200;        # it took a second until here
            sleep $answer->[4];
            push @answers, ask($socket, "/$client/$round");
        }
        return @answers;
    });
    is grep({ $_->[2] != 200 } @obedient), 0, 'who obeys Retry-After is admitted';

    # and it is not longer than it must be, to a second
    my ($wrong, $seen) = (0, 0);
    for my $pause (0, 0.5, 1.4) {
        my $socket = $gateway->connect;
        my $first  = ask($socket, "/long/$pause");
        is $first->[2], 200, "admitted, then a pause of $pause s";
        sleep $pause;
        my $then = ask($socket, "/long/$pause");
        next if $then->[2] != 429 && $then->[1] - $first->[0] >= 2.3;
        my $least = POSIX::ceil(2.3 - ($then->[1] - $first->[0]));
        my $most  = POSIX::ceil(2.3 - ($then->[0] - $first->[1]));
        $seen++;
        $wrong++ if $then->[4] < $least || $then->[4] > $most;
    }
    is $wrong, 0, 'Retry-After is what is left of the interval, rounded up';
    cmp_ok $seen, '>', 0, 'a refusal was seen';
    $gateway->stop;
}

# Refused requests do not extend the interval: one is sent in its every moment.
{
    my $gateway = gateway('location / { paas_guard zone=z; proxy_pass http://backend; }');
    my $socket  = $gateway->connect;
    my @all     = ask($socket, '/');
    until (grep({ $_->[2] == 200 } @all) > 2 || $all[-1][1] - $all[0][0] > 20) {
        push @all, ask($socket, '/');
    }
    is exact('without a pause', 1, @all), 3, 'without a pause: two more were admitted';
    cmp_ok scalar(@all), '>', 5, 'without a pause: others were refused';
    $gateway->stop;
}

# Each location has its own interval.
{
    my $gateway = gateway('paas_guard zone=z; paas_guard_throttle interval=60s;
        location /short { paas_guard_throttle interval=20ms; proxy_pass http://backend; }
        location /long  { proxy_pass http://backend; }
        location /off   { paas_guard_throttle off; proxy_pass http://backend; }
        location /metrics { paas_guard off; paas_guard_metrics; }');

    is $gateway->get('/long')->{status}, 200, 'interval of the server: admitted';
    is $gateway->get('/long')->{status}, 429, 'interval of the server: refused';
    like $gateway->get('/long')->{headers}{'retry-after'}, qr/^(?:60|5\d)$/, 'for a minute';

    is $gateway->get('/short')->{status}, 200, 'a short interval: admitted';
    sleep 0.02;
    my $again = $gateway->get('/short');
    is $again->{status}, 200, 'a short interval: admitted again';
    is $gateway->get('/long')->{status}, 429, 'interval of the server: still refused';

    is join(q{ }, map { $gateway->get('/off')->{status} } 1 .. 5), '200 200 200 200 200',
        'no throttle: identical requests pass';
    my @unsigned = $gateway->get('/metrics')->{body} =~ /^paas_guard_unsigned_total\{\S+ (\d+)$/mg;
    ok @unsigned && !grep({ $_ } @unsigned), 'no throttle: that is not counted as unsigned';
    $gateway->stop;
}

# A table that is full.
{
    my $gateway = gateway('location / { paas_guard zone=z; paas_guard_throttle interval=10m;
            proxy_pass http://backend; }
        location /metrics { paas_guard_metrics; }', size => '128k');
    my $socket = $gateway->connect;
    my ($total, $batch) = (20000, 100);
    my ($passed, $other) = (0, 0);

    for (my $n = 0; $n < $total; $n += $batch) {
        print $socket join q{}, map { "GET /flood/$_ HTTP/1.1\r\nHost: localhost\r\n\r\n" }
            $n + 1 .. $n + $batch;
        my $answers = '';
        my $seen;
        do {
            $socket->sysread($answers, 65536, length $answers) or die 'no answer';
            $seen = () = $answers =~ /^HTTP\/1.1 \d+ .*?\r\n\r\n(?:backend\n|\{.*?\})/msg;
        } until $seen == $batch;
        my @status = $answers =~ /^HTTP\/1.1 (\d+)/mg;
        $passed += grep { $_ == 200 } @status;
        $other  += grep { $_ != 200 } @status;
    }
    is $passed, $total, "a full table: $total first requests pass";
    is $other, 0, 'a full table: none is refused';

    my $evicted = metric($gateway, 'paas_guard_zone_evictions_total{zone="z",kind="signature"}');
    my $entries = metric($gateway, 'paas_guard_zone_entries{zone="z",kind="signature"}');
    cmp_ok $evicted, '>', 0, 'a full table: evictions are counted';
    cmp_ok $entries, '>', 0, 'a full table: it is not empty';
    is $evicted + $entries, $total, 'a full table: each was kept or counted as evicted';
    is $gateway->get("/flood/$total")->{status}, 429, 'a full table: the last is still known';
    is $gateway->get('/flood/1')->{status}, 200, 'a full table: the first had to go';
    $gateway->stop;
}

done_testing;
