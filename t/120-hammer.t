# Hammering: who sends more than a rule allows is blocked for a while, and
# nobody else is.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;

# what nginx says of a killed worker, and of the lock that it takes back from it
my $killed = qr/exited on signal 9|shared memory zone .* was locked by/;

use IO::Socket::INET;
use Time::HiRes qw(sleep clock_gettime CLOCK_MONOTONIC);

my $upstream = <<'_EOC_';
    upstream backend { server unix:%DIR%/backend.sock; }
    server {
        listen unix:%DIR%/backend.sock;
        access_log off;
        location / { return 200 "backend\n"; }
        # not where requests come to that are numbered
        location /answer/401 { return 401; }
        location /answer/403 { return 403; }
        location /answer/500 { return 500; }
    }
    keepalive_requests 100000;
_EOC_

# Answers to what the guard lets through, the guard's own: all carry the log's
# view of the request.
my $view = <<'_EOC_';
    log_format view '$request_uri $status $paas_guard_verdict $paas_guard_reason '
                    '$paas_guard_sla $paas_guard_rule';
    access_log %DIR%/view.log view;
_EOC_

sub gateway {
    my ($http, $conf, %opt) = @_;
    my $state = $opt{state} ? ' state=%DIR%/state' : '';
    my $size  = $opt{size} // '1m';
    return gateway_start(
        %opt,
        http => "$upstream $view paas_guard_zone zone=z:$size$state; $http",
        conf => "paas_guard_throttle off; $conf
            location /metrics { paas_guard off; paas_guard_metrics; }",
    );
}

# A gateway with one location, all in it guarded by the rules named.
sub simple {
    my ($rules, %opt) = @_;
    my @names = $rules =~ /paas_guard_hammer_rule (\S+)/g;
    return gateway($rules, "paas_guard zone=z; paas_guard_hammer @names;
        location / { proxy_pass http://backend; }", %opt);
}

sub now { clock_gettime(CLOCK_MONOTONIC) }

# From an address of this machine's own.
sub from {
    my ($gateway, $address, $path, %headers) = @_;
    no warnings 'redefine';
    local *PaasGuard::Gateway::connect = sub {
        IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $_[0]{port},
            LocalAddr => $address);
    };
    return $gateway->get($path, %headers);
}

# n requests, one after the other: "200 x 5, 429 x 1".
sub runs {
    my @all = @_;
    my @out;
    for (@all) {
        if (@out && $out[-1][0] eq $_) { $out[-1][1]++ }
        else                           { push @out, [$_, 1] }
    }
    return join ', ', map { "$_->[0] x $_->[1]" } @out;
}

my $serial = 0;

sub send_n {
    my ($gateway, $n, $path, %headers) = @_;
    return runs(map { $gateway->get($path . ++$serial, %headers)->{status} } 1 .. $n);
}

sub metric {
    my ($gateway, $series) = @_;
    my ($value) = $gateway->get('/metrics')->{body} =~ /^\Q$series\E (\S+)$/m;
    return $value;
}

sub view {
    my ($gateway, $pattern) = @_;
    return map { (split ' ', $_, 2)[1] =~ s/\s+\z//r }
        grep { $_ =~ $pattern } split /\n/, PaasGuard::Gateway::slurp($gateway->dir . '/view.log');
}

# What blocks were set, as the log tells: [length in ms, offence], ...
sub sentences {
    my ($gateway, $rule) = @_;
    my $log = $gateway->error_log;
    my @all;
    while ($log =~ /blocked key \S+ for (\d+)ms:.*rule "\Q$rule\E".*offence (\d+)/g) {
        push @all, [$1, $2];
    }
    return @all;
}

# The limit is honoured exactly.

for my $limit (1, 5, 100) {
    my $gateway = simple("paas_guard_hammer_rule flood key=\$remote_addr window=1h
        limit=$limit block=1m;", workers => 2);

    is send_n($gateway, $limit + 3, '/all/'), "200 x $limit, 429 x 3", "limit $limit: exact";

    my $answer = $gateway->get('/all/more');
    like $answer->{headers}{'paas-guard'},
        qr/^blocked; reason=hammering_blocked; (?=.*sla=excluded)(?=.*rule="flood")/,
        "limit $limit: the refusal says what it is";
    like $answer->{headers}{'retry-after'}, qr/^(?:60|[1-5]?\d)$/, "limit $limit: and until when";
    is metric($gateway, 'paas_guard_blocks_total{zone="z",rule="flood"}'), 1,
        "limit $limit: one block is counted";
    is metric($gateway, 'paas_guard_blocks_active{zone="z"}'), 1, "limit $limit: and active";
    is metric($gateway,
        'paas_guard_refusals_total{zone="z",service="default",reason="hammering_blocked"}'), 4,
        "limit $limit: the refusals are counted";
    $gateway->stop;
}

{
    my $gateway = gateway('paas_guard_hammer_rule flood key=$remote_addr window=1h
        limit=3 count=admitted;', 'paas_guard zone=z; paas_guard_hammer flood;
        location / { paas_guard_throttle interval=10m; proxy_pass http://backend; }');
    is runs(map { $gateway->get('/same')->{status} } 1 .. 8), '200 x 1, 429 x 7', 'admitted: duplicates';
    is send_n($gateway, 4, '/other/'), '200 x 2, 429 x 2', 'admitted: are not counted';
    is runs(view($gateway, qr{^/same })),
        '200 passed - good - x 1, 429 throttled duplicate_throttled excluded - x 7',
        'admitted: duplicates are tagged as such';
    is runs(view($gateway, qr{^/other/})),
        '200 passed - good - x 2, 429 blocked hammering_blocked excluded flood x 2',
        'admitted: hammering is tagged as such';
    $gateway->stop;
}

{
    my $gateway = gateway('paas_guard_hammer_rule dup key=$remote_addr window=1h
        limit=3 count=throttled;', 'paas_guard zone=z; paas_guard_hammer dup;
        location / { paas_guard_throttle interval=10m; proxy_pass http://backend; }');
    is send_n($gateway, 20, '/other/'), '200 x 20', 'throttled: the admitted are not counted';
    is runs(map { $gateway->get('/same')->{status} } 1 .. 6), '200 x 1, 429 x 5', 'throttled: duplicates';
    is runs(view($gateway, qr{^/same })),
        '200 passed - good - x 1, 429 throttled duplicate_throttled excluded - x 3, '
        . '429 blocked hammering_blocked excluded dup x 2',
        'throttled: are, and more than the limit block';
    is send_n($gateway, 1, '/other/'), '429 x 1', 'throttled: all requests';
    $gateway->stop;
}

# Answers are counted in the log phase: the one that is too many still goes
# out, those after it are refused.
{
    my $gateway = simple('paas_guard_hammer_rule login key=$http_user window=1h limit=3
        count=status:401,403 reason=lockout block=1m;');
    my %user = (User => 'u');

    is send_n($gateway, 10, '/ok/', %user), '200 x 10', 'answers: others are not counted';
    is runs(map { $gateway->get($_, %user)->{status} } map { "/answer/$_" } 401, 403, 401),
        '401 x 1, 403 x 1, 401 x 1', 'answers: the limit';
    is send_n($gateway, 1, '/ok/', %user), '200 x 1', 'answers: is not too many';
    is $gateway->get('/answer/403', %user)->{status}, 403, 'answers: one more';
    ok wait_for(sub { $gateway->get('/ok', %user)->{status} == 429 }), 'answers: blocks';
    is $gateway->get('/answer/401', %user)->{status}, 429, 'answers: whatever is asked';
    like $gateway->get('/ok', %user)->{headers}{'paas-guard'},
        qr/^blocked; reason=auth_lockout; (?=.*sla=good)(?=.*rule="login")/, 'answers: a lockout is told as one';
    like((view($gateway, qr{^/answer/401 }))[-1], qr/^429 blocked auth_lockout good login$/,
        'answers: and logged as one');
    is $gateway->get('/ok', User => 'v')->{status}, 200, 'answers: another user is not blocked';
    is metric($gateway,
        'paas_guard_refusals_total{zone="z",service="default",reason="hammering_blocked"}'), 0,
        'answers: it is not counted as hammering';
    $gateway->stop;
}

# The window slides: two bursts, each within the limit, that are less than a
# window apart.  Wherever windows of a fixed grid began, some of these would
# have their bursts on two sides of a border.
{
    my $gateway = simple('paas_guard_hammer_rule flood key=$http_user window=2s limit=10 block=1m;');
    my ($seen, $wrong) = (0, 0);
    for my $try (1 .. 8) {
        my %user  = (User => "u$try");
        my $start = now();
        my $first = send_n($gateway, 6, '/', %user);
        sleep 0.2;
        my $second = send_n($gateway, 6, '/', %user);
        next if now() - $start >= 2;
        $seen++;
        $wrong++ if "$first, $second" ne '200 x 6, 200 x 4, 429 x 2';
    }
    cmp_ok $seen, '>', 0, 'sliding: bursts on two sides of a border';
    is $wrong, 0, 'sliding: are added up, and none within the limit is refused';
    $gateway->stop;
}

# Who is within the limit in each window is never blocked, however close to it.
for my $limit (10, 50) {
    my $gateway = simple("paas_guard_hammer_rule flood key=\$remote_addr window=1s
        limit=$limit block=1m;", workers => 2);
    my (@got, %status);
    my $end = now() + 2.5;
    while (now() < $end) {
        if (@got >= $limit) {
            # one ms is what the clocks' resolution may take
            my $left = $got[-$limit] + 1.001 - now();
            sleep $left if $left > 0;
        }
        my $status = $gateway->get('/' . @got)->{status};
        push @got, now();
        $status{$status}++;
    }
    is join(q{ }, keys %status), 200, "sliding: $limit in each window are never too many";
    cmp_ok scalar(@got), '>', $limit, "sliding: $limit, over more than one window";
    is metric($gateway, 'paas_guard_blocks_total{zone="z",rule="flood"}'), 0,
        "sliding: $limit, no block was set";
    $gateway->stop;
}

# ... and who always sends a quarter more is, within two windows.
{
    my $gateway = simple('paas_guard_hammer_rule flood key=$http_user window=2s limit=40 block=1m;');
    my ($status, $n, $start) = (200, 0, now());
    while ($status == 200 && now() - $start < 60) {
        my $late = $start + ++$n * 2 / 51 - now();
        sleep $late if $late > 0;
        $status = $gateway->get("/$n", User => 'u')->{status};
    }
    is $status, 429, 'sliding: a quarter more than the limit blocks';
    cmp_ok $n, '<=', 2 * 51, 'sliding: within as many requests as two windows hold'
        if now() - $start < 4.5;
    cmp_ok $n, '>', 40, 'sliding: not within the limit';
    $gateway->stop;
}

# Scope.
{
    my $gateway = gateway('
        paas_guard_hammer_rule own key=$http_user window=1h limit=5;
        paas_guard_hammer_rule all key=$http_user window=1h limit=5 scope=zone;', '
        paas_guard zone=z;
        location /own/a { paas_guard_service a; paas_guard_hammer own; proxy_pass http://backend; }
        location /own/b { paas_guard_service b; paas_guard_hammer own; proxy_pass http://backend; }
        location /all/a { paas_guard_service a; paas_guard_hammer all; proxy_pass http://backend; }
        location /all/b { paas_guard_service b; paas_guard_hammer all; proxy_pass http://backend; }
        location /none  { paas_guard_service c; proxy_pass http://backend; }
        location /free  { paas_guard off; proxy_pass http://backend; }');
    my %user = (User => 'own');
    is send_n($gateway, 5, '/own/a/', %user), '200 x 5', 'scope=service: the limit in one';
    is send_n($gateway, 5, '/own/b/', %user), '200 x 5', 'scope=service: the limit in another';
    is send_n($gateway, 2, '/own/a/', %user), '429 x 2', 'scope=service: one more in one';
    is send_n($gateway, 1, '/none/', %user), '200 x 1', 'scope=service: blocks there only';
    is send_n($gateway, 2, '/own/b/', %user), '429 x 2', 'scope=service: the other counts for itself';

    %user = (User => 'all');
    is send_n($gateway, 3, '/all/a/', %user), '200 x 3', 'scope=zone: some in one';
    is send_n($gateway, 3, '/all/b/', %user), '200 x 2, 429 x 1', 'scope=zone: all services are added';
    is send_n($gateway, 1, '/all/a/', %user), '429 x 1', 'scope=zone: blocked in one';
    is send_n($gateway, 1, '/own/a/', %user), '429 x 1', 'scope=zone: where another rule counts';
    is send_n($gateway, 1, '/none/', %user), '429 x 1', 'scope=zone: where no rule counts';
    is send_n($gateway, 1, '/free/', %user), '200 x 1', 'scope=zone: not where there is no guard';
    is send_n($gateway, 1, '/none/', User => 'other'), '200 x 1', 'scope=zone: nor another user';
    $gateway->stop;
}

# A block ends by itself, and what it refuses does not lengthen it.
{
    my $gateway = simple('paas_guard_hammer_rule flood key=$remote_addr window=1s limit=2
        block=1s block_max=1s;', workers => 2);
    my ($early, $late, $ended) = (0, 0, 0);
    for my $round (1 .. 2) {
        my ($sent, $got, $status);
        my $ask = sub {
            $sent   = now();
            $status = $gateway->get('/' . ++$serial)->{status};
            $got    = now();
        };
        my $give_up = now() + 20;
        do { $ask->() } until $status == 429 || now() > $give_up;
        my ($from, $set) = ($sent, $got);

        while ($status == 429 && now() < $give_up) {
            $ask->();
            $early++ if $status == 200 && $got  < $from + 0.999;
            $late++  if $status == 429 && $sent > $set + 1;
        }
        $ended++ if $status == 200;
    }
    is $ended, 2, 'a block ends by itself';
    is $early, 0, 'a block: not before its time';
    is $late, 0, 'a block: not after it, however many requests were refused';
    $gateway->stop;
}

# Retry-After of a block: not more than its length, and who obeys is admitted.
{
    my $gateway = simple('paas_guard_hammer_rule flood key=$http_user window=1h limit=1 block=2s;');
    my (@told, $last);
    for my $n (1 .. 20) {
        $gateway->get("/$n", User => $n);
        my $answer = $gateway->get("/$n/", User => $n);
        $last = now();
        push @told, $answer->{headers}{'retry-after'} // 'nothing';
    }
    is runs(@told), '2 x 20', 'Retry-After of a new block is its length';
    my $longest = (sort { $b <=> $a } grep { /^\d+$/ } @told)[0];
    sleep $longest if $longest;
    is runs(map { $gateway->get("/$_/after", User => $_)->{status} } 1 .. 20), '200 x 20',
        'Retry-After of a block: who obeys is admitted';
    $gateway->stop;
}

# Each offence doubles it, up to block_max; the window is long, so that no clean
# time is long enough to forget.
{
    my $gateway = simple('paas_guard_hammer_rule long key=$http_user window=1h limit=2
            block=1s block_max=3s;
        paas_guard_hammer_rule short key=$http_other window=2s limit=2 block=1s block_max=8s;',
        workers => 2);

    # the offence of a user, after the end of a block that there may be
    my $offend = sub {
        my ($header, $user) = @_;
        my ($passed, $give_up) = (0, now() + 30);
        my $status;
        do {
            sleep 0.01 if $status && $status == 429;
            $status = $gateway->get('/' . ++$serial, $header => $user)->{status};
            $passed++ if $status == 200;
        } until $passed && $status == 429 || now() > $give_up;
        return now();
    };

    $offend->(User => 'u') for 1 .. 4;
    is join(q{ }, map { "$_->[0]/$_->[1]" } sentences($gateway, 'long')),
        '1000/1 2000/2 3000/3 3000/4', 'escalation: doubles up to block_max';

    # A clean time as long as the last block, and at least the window: 2 s here
    # for the first two offences.  If this machine was too slow to offend within
    # it, again, with another user.
    my @set;
    for my $try (1 .. 4) {
        my $before = () = sentences($gateway, 'short');
        my $first  = $offend->(Other => "u$try");
        my $second = $offend->(Other => "u$try");
        next if $second - $first >= 2.9;
        my $end = $second + 2;
        sleep 0.05 while now() < $end + 2.05;   # the block, then the clean time
        my $third = $offend->(Other => "u$try");
        next if $third - $second >= 5.9;
        @set = sentences($gateway, 'short');
        splice @set, 0, $before;
        last;
    }
    is join(q{ }, map { "$_->[0]/$_->[1]" } @set), '1000/1 2000/2 2000/2',
        'escalation: a clean time forgets one step';
    $gateway->stop;
}

# Several rules.
{
    my $gateway = simple('paas_guard_hammer_rule user key=$http_user window=1h limit=3;
        paas_guard_hammer_rule address key=$remote_addr window=1h limit=5;');
    is send_n($gateway, 4, '/', User => 'u'), '200 x 3, 429 x 1', 'rules: the first';
    like $gateway->get('/x', User => 'u')->{headers}{'paas-guard'}, qr/rule="user"/, 'rules: its name';
    is send_n($gateway, 2, '/', User => 'v'), '200 x 1, 429 x 1', 'rules: the second counts them, too';
    like $gateway->get('/x', User => 'w')->{headers}{'paas-guard'}, qr/rule="address"/,
        'rules: its name';
    is from($gateway, '127.0.0.2', '/x', User => 'w')->{status}, 200, 'rules: neither';
    is from($gateway, '127.0.0.2', '/x', User => 'u')->{status}, 429, 'rules: the first only';
    is metric($gateway, 'paas_guard_blocks_total{zone="z",rule="user"}'), 1, 'rules: blocks of one';
    is metric($gateway, 'paas_guard_blocks_total{zone="z",rule="address"}'), 1, 'rules: of the other';
    $gateway->stop;
}

# Keys.
{
    my $gateway = gateway('
        paas_guard_hammer_rule address key=$binary_remote_addr window=1h limit=2;
        paas_guard_hammer_rule client key=$paas_guard_client_id window=1h limit=2;
        paas_guard_hammer_rule credential key=$paas_guard_credential window=1h limit=2;
        paas_guard_hammer_rule tenant key=$http_tenant window=1h limit=2;', '
        paas_guard zone=z;
        location /address/    { paas_guard_hammer address; proxy_pass http://backend; }
        location /client/     { paas_guard_hammer client; proxy_pass http://backend; }
        location /credential/ { paas_guard_hammer credential; proxy_pass http://backend; }
        location /tenant/     { paas_guard_hammer tenant; proxy_pass http://backend; }');
    my ($one, $two) = qw(127.0.0.1 127.0.0.2);
    my $ask = sub {
        my ($path, @list) = @_;
        return runs(map {
            my ($address, $key) = @$_;
            from($gateway, $address, $path . ++$serial, $key ? ('X-API-Key' => $key) : ())->{status}
        } @list);
    };

    is $ask->('/address/', [$two, 'a'], [$two, 'b'], [$two, 'c']), '200 x 2, 429 x 1',
        'key of the address: credentials are no matter';
    is $ask->('/address/', [$one, 'c']), '200 x 1', 'key of the address: another';

    is $ask->('/client/', [$two, 'a'], [$two, 'a'], [$two, 'a']), '200 x 2, 429 x 1',
        'key of the client: one';
    is $ask->('/client/', [$two, 'b'], [$one, 'a'], [$two]), '200 x 3',
        'key of the client: another has another credential or address';

    is $ask->('/credential/', [$one, 'a'], [$two, 'a'], [$one, 'a'], [$two, 'a']),
        '200 x 2, 429 x 2', 'key of the credential: addresses are no matter';
    is $ask->('/credential/', [$one, 'b'], [$two, 'c']), '200 x 2', 'key of the credential: others';
    is $ask->('/credential/', ([$one]) x 9), '200 x 9', 'key of the credential: none is not counted';

    is send_n($gateway, 9, '/tenant/'), '200 x 9', 'an empty key is not counted';
    is send_n($gateway, 9, '/tenant/', Tenant => ''), '200 x 9', 'an empty header is not, either';
    is send_n($gateway, 3, '/tenant/', Tenant => 't'), '200 x 2, 429 x 1', 'one that is not empty is';
    $gateway->stop;
}

# A claimed identity is no weapon.
{
    my $gateway = gateway('paas_guard_hammer_rule flood key=$paas_guard_client_id
            window=1h limit=600;', 'paas_guard zone=z; paas_guard_hammer flood;
        location / { proxy_pass http://backend; }', workers => 2);
    my %victim = (Authorization => 'AWS4-HMAC-SHA256 Credential='
        . 'AKIAVICTIM0000000001/20250101/eu-west-2/api/aws4_request, '
        . 'SignedHeaders=host;x-amz-date, Signature=' . 'ab' x 32);

    is send_n($gateway, 10, '/', %victim), '200 x 10', 'forged: the victim works';
    is runs(map { from($gateway, '127.0.0.2', "/forged/$_", %victim)->{status} } 1 .. 1000),
        '200 x 600, 429 x 400', 'forged: a thousand requests get the forger blocked';
    is send_n($gateway, 10, '/', %victim), '200 x 10', 'forged: and not the victim';
    is from($gateway, '127.0.0.3', '/', %victim)->{status}, 200, 'forged: from nowhere else';
    is metric($gateway, 'paas_guard_blocks_active{zone="z"}'), 1, 'forged: there is one block';
    $gateway->stop;
}

# Reload.
{
    my $rule = 'paas_guard_hammer_rule flood key=$http_user window=1h limit=5 block=1h;';
    my $gateway = simple($rule, workers => 2);
    my $http    = $gateway->{opt}{http};

    is send_n($gateway, 6, '/', User => 'blocked'), '200 x 5, 429 x 1', 'reload: a block';
    is send_n($gateway, 3, '/', User => 'counted'), '200 x 3', 'reload: a count';
    ok $gateway->reload, 'reload: the same configuration';
    is send_n($gateway, 1, '/', User => 'blocked'), '429 x 1', 'reload: keeps the block';
    is send_n($gateway, 3, '/', User => 'counted'), '200 x 2, 429 x 1', 'reload: keeps the counts';

    for my $size ('2m', '512k', '1m') {
        $gateway->configure(http => $http =~ s/zone=z:\w+/zone=z:$size/r);
        ok $gateway->reload, "reload: a zone of $size";
        is send_n($gateway, 1, '/', User => 'blocked'), '429 x 1', "reload: $size keeps one block";
        is send_n($gateway, 1, '/', User => 'counted'), '429 x 1', "reload: $size keeps another";
        is send_n($gateway, 1, '/', User => "new$size"), '200 x 1', "reload: $size blocks nobody else";
    }

    # names that come and go change the order of all rules, not their blocks
    $gateway->configure(http => $http =~ s/(paas_guard_hammer_rule)/
        $1 earlier key=\$http_x window=1m limit=100; $1/r);
    ok $gateway->reload, 'reload: with a rule before it';
    like $gateway->get('/', User => 'blocked')->{headers}{'paas-guard'}, qr/rule="flood"/,
        'reload: the block is still of its rule';

    my $conf = $gateway->{opt}{conf};
    $gateway->configure(http => $http =~ s/paas_guard_hammer_rule \K\w+/other/r,
        conf => $conf =~ s/paas_guard_hammer \K\w+/other/r);
    ok $gateway->reload, 'reload: without the rule';
    is send_n($gateway, 1, '/', User => 'blocked'), '200 x 1', 'reload: its blocks are void';
    cmp_ok metric($gateway, 'paas_guard_blocks_active{zone="z"}'), '>=', 1, 'reload: but still counted';
    $gateway->configure(http => $http, conf => $conf);
    ok $gateway->reload, 'reload: with the rule again';
    is send_n($gateway, 1, '/', User => 'blocked'), '429 x 1', 'reload: and so are its blocks';
    $gateway->stop;
}

# Restart.
{
    my $gateway = simple('paas_guard_hammer_rule flood key=$http_user window=1h limit=2 block=10m;',
        workers => 2, state => 1);
    my $state   = $gateway->dir . '/state';
    my $blocked = sub { $gateway->get('/' . ++$serial, User => 'u') };

    is send_n($gateway, 3, '/', User => 'u'), '200 x 2, 429 x 1', 'restart: a block';
    my $answer = $blocked->();
    my $event  = $answer->{headers}{'retry-after'};
    my $from   = now();
    $gateway->stop;
    is sprintf('%o', (stat $state)[2] & 07777), 600, 'restart: the state is for its owner only';

    sleep 1.5;
    $gateway->start;
    my $again   = $blocked->();
    my $elapsed = now() - $from;
    is $again->{status}, 429, 'restart: after a graceful stop the block holds';
    like $again->{headers}{'paas-guard'}, qr/reason=hammering_blocked; .*rule="flood"/,
        'restart: and is the same';
    cmp_ok $again->{headers}{'retry-after'}, '<', $answer->{headers}{'retry-after'},
        'restart: what remains of it shrinks';
    cmp_ok $again->{headers}{'retry-after'}, '>=', $answer->{headers}{'retry-after'} - $elapsed - 2,
        'restart: by the time that has passed';
    is send_n($gateway, 1, '/', User => 'v'), '200 x 1', 'restart: nobody else is blocked';

    # again, with another block, and no time to say farewell
    my $before = (stat $state)[9];
    my $inode  = (stat _)[1];
    is send_n($gateway, 3, '/', User => 'w'), '200 x 2, 429 x 1', 'killed: a block';
    ok wait_for(sub { my @now = stat $state; @now && $now[1] != $inode }), 'killed: is saved soon';
    my @pids = $gateway->children;
    $gateway->kill;
    kill KILL => @pids;
    ok wait_for(sub { !grep { kill 0 => $_ } @pids }), 'killed: all of it';
    $gateway->start;
    is send_n($gateway, 1, '/', User => 'w'), '429 x 1', 'killed: the block holds';
    is send_n($gateway, 1, '/', User => 'u'), '429 x 1', 'killed: so does the other';
    is send_n($gateway, 1, '/', User => 'x'), '200 x 1', 'killed: nobody else is blocked';
    $gateway->stop;

    # a file that cannot be used
    my $good = PaasGuard::Gateway::slurp($state);
    my $flip = $good;
    substr($flip, length($flip) / 2, 1) ^= "\1";
    my %bad = (
        'empty'          => q{},
        'damaged'        => $flip,
        'cut in half'    => substr($good, 0, length($good) / 2),
        'cut by a byte'  => substr($good, 0, -1),
        'of a few bytes' => substr($good, 0, 10),
        'with a tail'    => "$good\n",
        'foreign'        => "#!/bin/sh\nexit 1\n",
    );
    for my $what (sort keys %bad) {
        open my $out, '>:raw', $state or die "$state: $!";
        print $out $bad{$what};
        close $out;
        unlink "$state~";
        my $from = length $gateway->error_log;
        $gateway->start;
        is send_n($gateway, 1, '/', User => 'u'), '200 x 1', "a state file, $what: starts without it";
        my @lines = grep { /^\d.*\[error\]/ } split /\n/, substr $gateway->error_log, $from;
        is scalar(@lines), 1, "a state file, $what: one line says so";
        like $lines[0] // '', qr/zone "z": its state "\Q$state\E" is .+: starting without it/,
            "a state file, $what: clearly";
        $gateway->stop;
    }

    open my $out, '>:raw', "$state~" or die "$state~: $!";
    print $out $good;
    close $out;
    $from = length $gateway->error_log;
    $gateway->start;
    is send_n($gateway, 1, '/', User => 'u'), '429 x 1', 'the generation before a bad one: is used';
    like substr($gateway->error_log, $from), qr/zone "z": took the generation before, "\Q$state\E~"/,
        'the generation before a bad one: the log says so';
    is send_n($gateway, 3, '/', User => 'y'), '200 x 2, 429 x 1', 'the generation before a bad one: a block';
    $gateway->stop;
    is PaasGuard::Gateway::slurp("$state~bad"), $bad{'with a tail'}, 'what was refused is kept';
    $gateway->start;
    is send_n($gateway, 1, '/', User => $_), '429 x 1', "a state file, whole again: is used for $_" for qw(u y);
    $gateway->stop;
}

# A worker that is killed takes no block with it that was not saved yet.
{
    my $gateway = simple('paas_guard_hammer_rule flood key=$http_user window=1h limit=2 block=10m;',
        state => 1);
    is send_n($gateway, 3, '/', User => 'u'), '200 x 2, 429 x 1', 'killed worker: a block';
    my ($worker) = $gateway->workers;
    kill KILL => $worker;
    ok wait_for(sub { my ($new) = $gateway->workers; $new && $new != $worker }),
        'killed worker: is replaced';
    ok wait_for(sub { -s $gateway->dir . '/state' }, 5), 'killed worker: the next one saves its block';
    is send_n($gateway, 1, '/', User => 'u'), '429 x 1', 'killed worker: the block holds';
    $gateway->stop(allow => $killed);
}

# Who keeps requests back, to send their bodies once he is blocked, is blocked with these, too.
{
    my @rules = map { "paas_guard_hammer_rule $_ window=1h limit=2 block=1h;" } 'here key=$http_user', 'zone key=$http_zone scope=zone';
    my $gateway = gateway("@rules", 'paas_guard zone=z;
        location /      { paas_guard_hammer here; proxy_pass http://backend; }
        location /held/ { paas_guard_hammer here; paas_guard_throttle interval=1s; proxy_pass http://backend; }
        location /zone/ { paas_guard_hammer zone; proxy_pass http://backend; }');

    my $held = 0;
    my $hold = sub {
        my ($line) = @_;
        my $socket = $gateway->connect;
        syswrite $socket, 'POST /held/' . ++$held . " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n$line\r\n"
            . "Content-Length: 2\r\n\r\n1";
        return $socket;
    };
    my $end = sub {
        my ($socket) = @_;
        syswrite $socket, '2';
        local $/;
        return (<$socket> // '') =~ m{^HTTP/\S+ (\d+)} ? $1 : 'none';
    };

    # first nobody is blocked when they come, then somebody is

    for my $who ('a', 'b') {
        my @held = map { $hold->($_) } "User: $who", "Zone: $who", 'User: free';
        sleep 0.1;
        send_n($gateway, 3, '/', User => $who);
        send_n($gateway, 3, '/zone/', Zone => $who);
        is join(' ', map { $end->($_) } @held), '429 429 200', "held back by $who: refused, if of who is blocked";
    }

    $gateway->stop;
}


# HTTP/2.
{
    my $gateway = simple('paas_guard_hammer_rule flood key=$remote_addr window=1h limit=5;',
        listen => 'http2');
    my @answers = map {
        open my $in, '-|', 'curl', '-s', '-o', '/dev/null', '--http2-prior-knowledge',
            '-w', '%{http_code}/%{http_version}', 'http://127.0.0.1:' . $gateway->port . "/$_"
            or die "curl: $!";
        <$in>;
    } 1 .. 8;
    is runs(@answers), '200/2 x 5, 429/2 x 3', 'HTTP/2: the limit is exact';
    $gateway->stop;
}

done_testing;
