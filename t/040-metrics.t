# The page of paas_guard_metrics.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;

use IPC::Open3;

plan 'no_plan';

my $http = <<'_EOC_';
    paas_guard_zone zone=z:2m;
    paas_guard_zone zone=tiny:128k;
    keepalive_requests 10000;
    paas_guard_throttle interval=1h;
    paas_guard_hammer_rule flood key=$http_x_k window=60s limit=2 block=60s;
    paas_guard_hammer_rule login key=$http_x_k window=60s limit=1 count=status:401 reason=lockout block=60s;
    paas_guard_hammer_rule short key=$http_x_k window=1s limit=1 block=1s;
    upstream backend { server unix:%DIR%/backend.sock; }
    server {
        listen unix:%DIR%/backend.sock;
        access_log off;
        location / { return 200 "backend\n"; }
        location /401 { return 401; }
    }
_EOC_

my $conf = <<'_EOC_';
    location = /metrics { paas_guard_metrics; }
    location = /limited { paas_guard_metrics; limit_except POST { allow 127.0.0.1; deny all; } }
    location /t/     { paas_guard zone=z; paas_guard_exempt $http_x_exempt; proxy_pass http://backend; }
    location /vm/    { paas_guard zone=z; paas_guard_service vm-api; paas_guard_hammer flood; proxy_pass http://backend; }
    location /login/ { paas_guard zone=z; paas_guard_service login; paas_guard_hammer login; proxy_pass http://backend/401; }
    location /dry/   { paas_guard zone=z; paas_guard_dry_run on; paas_guard_hammer flood; proxy_pass http://backend; }
    location /short/ { paas_guard zone=z; paas_guard_hammer short; proxy_pass http://backend; }
    location /off/   { paas_guard zone=z; paas_guard_signature_body off; proxy_pass http://backend; }
    location /tiny/  { paas_guard zone=tiny; paas_guard_throttle interval=1h; proxy_pass http://backend; }
    location /tiny-window/ { paas_guard zone=tiny; paas_guard_throttle off; paas_guard_hammer flood; proxy_pass http://backend; }
    location /ssi/   { ssi on; ssi_types *; root %DIR%; }
    location /bare/  { proxy_pass http://backend; }
_EOC_

my $gateway = gateway_start(http => $http, conf => $conf);
my $cases   = 0;
my $start;

sub fresh { return shift() . ++$cases }

sub samples {
    my ($page) = @_;
    return { $page =~ /^(paas_guard_\w+(?:\{.*\})?) (\S+)$/mg };
}

sub page { $gateway->get('/metrics', @_) }

# What the code adds to counters and changes of gauges.
sub added {
    my ($code) = @_;
    my $before = samples(page()->{body});
    $code->();
    my $after = samples(page()->{body});
    return { map { $after->{$_} != $before->{$_} ? ($_ => $after->{$_} - $before->{$_}) : () }
        keys %$after };
}

# Ends with the status of promtool and what it says.
sub promtool {
    my ($page) = @_;
    my $pid = open3(my $in, my $out, undef, qw(promtool check metrics));
    print $in $page;
    close $in;
    local $/;
    my $text = <$out> // '';
    waitpid $pid, 0;
    return ($? >> 8, $text);
}


sub capacity {
    my ($zone, $kind) = @_;
    return $start->{qq{paas_guard_zone_capacity{zone="$zone",kind="$kind"}}};
}


# From the start

my $first = page();
is $first->{status}, 200, 'status';
is $first->{headers}{'content-type'}, 'text/plain; version=0.0.4; charset=utf-8', 'Content-Type';
is $first->{headers}{vary}, 'Accept', 'Vary';
is $first->{headers}{'content-length'}, length $first->{body}, 'Content-Length';

is $gateway->get('/limited')->{status}, 200, 'beside limit_except';

$start = samples($first->{body});

{
    my %want;
    for my $zone (qw(z tiny)) {
        # "other": those for whose name there is no place
        my @services = $zone eq 'z' ? qw(other default vm-api login) : qw(other default);
        for my $service (@services) {
            my $labels = qq{zone="$zone",service="$service"};
            $want{qq{paas_guard_requests_total{$labels,verdict="$_"}}} = 0
                for qw(passed throttled blocked exempt throttled_dry_run blocked_dry_run);
            $want{qq{paas_guard_refusals_total{$labels,reason="$_"}}} = 0
                for qw(duplicate_throttled hammering_blocked auth_lockout operator_blocked);
        }
        $want{qq{paas_guard_blocks_active{zone="$zone"}}} = 0;
        $want{qq{paas_guard_blocks_total{zone="$zone",rule="$_"}}} = 0 for qw(flood login short), '';
        $want{qq{paas_guard_zone_bytes{zone="$zone"}}} = $zone eq 'z' ? 2 * 1024 * 1024 : 128 * 1024;
        $want{qq{paas_guard_zone_entries{zone="$zone",kind="$_"}}} = 0 for qw(signature window block);
        $want{qq{paas_guard_zone_evictions_total{zone="$zone",kind="$_"}}} = 0
            for qw(signature window block);
        $want{qq{paas_guard_exhausted_total{zone="$zone"}}} = 0;
        $want{qq{paas_guard_unsigned_total{zone="$zone",why="$_"}}} = 0
            for qw(upgrade unbuffered too_large body_off error);
    }
    $want{paas_guard_redis_up} = 0;
    $want{paas_guard_audit_failing} = $want{paas_guard_audit_lost_total} = 0;
    $want{paas_guard_redis_overshoot} = 0;
    $want{qq{paas_guard_redis_commands_total{result="$_"}}} = 0 for qw(ok error timeout dropped);
    $want{paas_guard_redis_duration_seconds_sum} = '0.000000';
    $want{paas_guard_redis_duration_seconds_count} = 0;
    $want{paas_guard_degraded_seconds_total} = '0.000';

    my %got = %$start;
    my ($info) = grep { /^paas_guard_build_info/ } keys %got;
    my @buckets = grep { /^paas_guard_redis_duration_seconds_bucket/ } keys %got;

    like $info, qr/^paas_guard_build_info\{version="\d+\.\d+\.\d+",nginx="\d+\.\d+\.\d+",hiredis="\d+\.\d+\.\d+",xxhash="\d+\.\d+\.\d+",pcre2="\d+\.\d+"\}\z/,
        'build_info: labels';
    is $got{$info}, 1, 'build_info: 1';
    my ($nginx) = `$ENV{TEST_NGINX_BINARY} -v 2>&1` =~ m{nginx/(\S+)};
    like $info, qr/nginx="\Q$nginx\E"/, 'build_info: nginx';

    is_deeply [grep { $got{$_} != 0 } @buckets], [], 'buckets of the histogram: at 0';
    cmp_ok scalar(@buckets), '>=', 5, 'buckets of the histogram: enough of them';
    ok exists $got{'paas_guard_redis_duration_seconds_bucket{le="+Inf"}'}, 'buckets of the histogram: +Inf';

    delete @got{$info, @buckets};

    for my $kind (qw(signature window block)) {
        my @capacity = map { delete $got{qq{paas_guard_zone_capacity{zone="$_",kind="$kind"}}} // 0 }
            qw(tiny z);
        cmp_ok $capacity[0], '>', 10, "$kind: a zone of 128k has place for some";
        cmp_ok $capacity[1], '>', 10 * $capacity[0], "$kind: one of 2m for more";
    }

    is_deeply \%got, \%want, 'every series is there from the start, at 0, and no other';
}

{
    my @names = $first->{body} =~ /^(\w+)[{ ]/mg;
    my %helped = $first->{body} =~ /^# HELP (\w+) (\S.*)$/mg;
    my %typed  = $first->{body} =~ /^# TYPE (\w+) (\S+)$/mg;
    is_deeply [sort keys %helped], [sort keys %typed], 'each family has HELP and TYPE';
    my %family = map { (my $n = $_) =~ s/_(?:bucket|sum|count)\z//; $n => 1 } @names;
    is_deeply [sort keys %family], [sort keys %typed], 'each sample has a family';
    unlike $first->{body}, qr/# EOF/, 'text: no EOF';
}


# promtool

{
    my ($status, $text) = promtool($first->{body});
    is $status, 0, 'promtool: accepts the page';
    is $text, '', 'promtool: has nothing to say';

    ($status, $text) = promtool($first->{body} . "paas_guard_requests_total 1\nnonsense\n");
    isnt $status, 0, 'promtool: would refuse nonsense';
}


# Negotiation

for (
    ['application/openmetrics-text; version=1.0.0; charset=utf-8', 1],
    ['application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1', 1],
    ['application/openmetrics-text', 1],
    ['text/plain;version=0.0.4', 0], ['*/*', 0], ['', 0], ['text/html', 0],
    ['application/openmetrics-text;q=0.1,text/plain', 0],
) {
    my ($accept, $open) = @$_;
    my $r = page(Accept => $accept);
    is $r->{headers}{'content-type'}, $open ? 'application/openmetrics-text; version=1.0.0; charset=utf-8'
        : 'text/plain; version=0.0.4; charset=utf-8', "Accept: $accept, type";
    is !!($r->{body} =~ /\n# EOF\n\z/), !!$open, "Accept: $accept, # EOF at the end";
}

{
    my $open = page(Accept => 'application/openmetrics-text; version=1.0.0')->{body};
    is_deeply samples($open), samples(page()->{body}), 'OpenMetrics: the same samples';
    my %typed = $open =~ /^# TYPE (\w+) (\S+)$/mg;
    is $typed{paas_guard_requests}, 'counter', 'OpenMetrics: a counter\'s family has no _total';
    is $typed{paas_guard_build}, 'info', 'OpenMetrics: info';
    is_deeply [grep { /_total\z/ } keys %typed], [], 'OpenMetrics: no family has';
    my %unit = $open =~ /^# UNIT (\w+) (\S+)$/mg;
    is_deeply \%unit, { paas_guard_zone_bytes => 'bytes',
        paas_guard_redis_duration_seconds => 'seconds', paas_guard_degraded_seconds => 'seconds' },
        'OpenMetrics: units';
    is scalar(() = $open =~ /# EOF/g), 1, 'OpenMetrics: one EOF';
}

{
    my $r = $gateway->request('HEAD', '/metrics', {});
    is $r->{status}, 200, 'HEAD: status';
    is $r->{body}, '', 'HEAD: no body';
    is $gateway->request('POST', '/metrics', {}, 'x')->{status}, 405, 'POST: not allowed';
}

{
    my $dir = $gateway->dir . '/ssi';
    mkdir $dir or die "$dir: $!";
    open my $out, '>', "$dir/page" or die "$dir/page: $!";
    print $out 'before <!--# include virtual="/metrics" --> after';
    close $out or die "$dir/page: $!";
    my $body = $gateway->get('/ssi/page')->{body};
    like $body, qr/before .*^paas_guard_build_info\{.* after/ms, 'a part of another page';
    unlike $body, qr/^0\r\n.* after/ms, 'which does not end with it';
}


# Exact counts

sub get { my ($n, $place, @headers) = @_; my $t = fresh($place); $gateway->get($t, @headers) for 1 .. $n }

is_deeply added(sub { }), {}, 'the page itself counts nothing';
is_deeply added(sub { get(3, '/bare/') }), {}, 'an unguarded place counts nothing';

is_deeply added(sub { get(5, '/t/') }), {
    'paas_guard_requests_total{zone="z",service="default",verdict="passed"}'    => 1,
    'paas_guard_requests_total{zone="z",service="default",verdict="throttled"}' => 4,
    'paas_guard_refusals_total{zone="z",service="default",reason="duplicate_throttled"}' => 4,
    'paas_guard_zone_entries{zone="z",kind="signature"}' => 1,
}, 'duplicates';

is_deeply added(sub { get(3, '/t/', 'X-Exempt' => 1) }), {
    'paas_guard_requests_total{zone="z",service="default",verdict="exempt"}' => 3,
}, 'exempt';

is_deeply added(sub { get(1, '/vm/', 'X-K' => 'a') for 1 .. 5 }), {
    'paas_guard_requests_total{zone="z",service="vm-api",verdict="passed"}'  => 2,
    'paas_guard_requests_total{zone="z",service="vm-api",verdict="blocked"}' => 3,
    'paas_guard_refusals_total{zone="z",service="vm-api",reason="hammering_blocked"}' => 3,
    'paas_guard_blocks_total{zone="z",rule="flood"}'     => 1,
    'paas_guard_blocks_active{zone="z"}'                 => 1,
    'paas_guard_zone_entries{zone="z",kind="block"}'     => 1,
    # the one that was too many was signed; its key keeps a place for a while
    'paas_guard_zone_entries{zone="z",kind="signature"}' => 3,
    'paas_guard_zone_entries{zone="z",kind="window"}'    => 1,
}, 'a block';

is_deeply added(sub { get(1, '/login/', 'X-K' => 'b') for 1 .. 4 }), {
    'paas_guard_requests_total{zone="z",service="login",verdict="passed"}'  => 2,
    'paas_guard_requests_total{zone="z",service="login",verdict="blocked"}' => 2,
    'paas_guard_refusals_total{zone="z",service="login",reason="auth_lockout"}' => 2,
    'paas_guard_blocks_total{zone="z",rule="login"}'     => 1,
    'paas_guard_blocks_active{zone="z"}'                 => 1,
    'paas_guard_zone_entries{zone="z",kind="block"}'     => 1,
    'paas_guard_zone_entries{zone="z",kind="signature"}' => 2,
    'paas_guard_zone_entries{zone="z",kind="window"}'    => 1,
}, 'a lockout';

is_deeply added(sub { get(1, '/vm/', 'X-K' => 'c') for 1, 2 }), {
    'paas_guard_requests_total{zone="z",service="vm-api",verdict="passed"}' => 2,
    'paas_guard_zone_entries{zone="z",kind="window"}'    => 1,
    'paas_guard_zone_entries{zone="z",kind="signature"}' => 2,
}, 'counted, not too many';

is_deeply added(sub { get(3, '/dry/') }), {
    'paas_guard_requests_total{zone="z",service="default",verdict="passed"}'            => 1,
    'paas_guard_requests_total{zone="z",service="default",verdict="throttled_dry_run"}' => 2,
    'paas_guard_zone_entries{zone="z",kind="signature"}' => 1,
}, 'dry run: no refusals';

is_deeply added(sub { get(1, '/dry/', 'X-K' => 'd') for 1 .. 4 }), {
    'paas_guard_requests_total{zone="z",service="default",verdict="passed"}'          => 2,
    'paas_guard_requests_total{zone="z",service="default",verdict="blocked_dry_run"}' => 2,
    'paas_guard_blocks_total{zone="z",rule="flood"}'     => 1,
    'paas_guard_blocks_active{zone="z"}'                 => 1,
    'paas_guard_zone_entries{zone="z",kind="block"}'     => 1,
    'paas_guard_zone_entries{zone="z",kind="signature"}' => 3,
    'paas_guard_zone_entries{zone="z",kind="window"}'    => 1,
}, 'dry run: a block, no refusals';

is_deeply added(sub { $gateway->request('POST', fresh('/off/'), {}, 'x') for 1 .. 3 }), {
    'paas_guard_requests_total{zone="z",service="default",verdict="passed"}' => 3,
    'paas_guard_unsigned_total{zone="z",why="body_off"}' => 3,
}, 'unsigned';

is_deeply added(sub { get(2, '/t/', Upgrade => 'websocket', Connection => 'Upgrade') }), {
    'paas_guard_requests_total{zone="z",service="default",verdict="passed"}' => 2,
    'paas_guard_unsigned_total{zone="z",why="upgrade"}' => 2,
}, 'unsigned, upgrade';

{
    my ($active, $windows) = ('paas_guard_blocks_active{zone="z"}', 'paas_guard_zone_entries{zone="z",kind="window"}');
    my ($before, $counted) = @{ samples(page()->{body}) }{$active, $windows};
    get(1, '/short/', 'X-K' => 'e') for 1 .. 20;
    my $blocks = samples(page()->{body})->{'paas_guard_blocks_total{zone="z",rule="short"}'};
    cmp_ok $blocks, '>=', 1, 'a block of a second: set';
    ok wait_for(sub { samples(page()->{body})->{$active} == $before }), 'a block of a second: ends';
    is samples(page()->{body})->{'paas_guard_blocks_total{zone="z",rule="short"}'}, $blocks,
        'a block that ends stays counted';
    ok wait_for(sub { samples(page()->{body})->{$windows} == $counted }), 'a window of a second: its key is gone soon';
}

is_deeply [promtool(page()->{body})], [0, ''], 'promtool: accepts a page with counts';


# A zone that is too small evicts, and refuses nobody

{
    my $entries = 'paas_guard_zone_entries{zone="tiny",kind="signature"}';
    my $evicted = 'paas_guard_zone_evictions_total{zone="tiny",kind="signature"}';
    my $n = 6000;
    my $raw = join '', map { "GET /tiny/$_ HTTP/1.1\r\nHost: localhost\r\n"
        . ($_ == $n ? "Connection: close\r\n" : '') . "\r\n" } 1 .. $n;
    my %got;
    my $added = added(sub {
        my $answers = $gateway->http($raw, 60);
        $got{$_}++ for $answers =~ m{^HTTP/1\.1 (\d+)}mg;
    });
    is_deeply \%got, { 200 => $n }, 'tiny zone: all pass';
    cmp_ok $added->{$entries}, '>', 100, 'tiny zone: has place for some';
    is $added->{$entries} + $added->{$evicted}, $n, 'tiny zone: what is not there was evicted';
    my $full = $added->{$entries} / capacity(qw(tiny signature));
    ok $full > 0.9 && $full <= 1, 'tiny zone: all that it has place for' or diag $full;
    is $added->{'paas_guard_requests_total{zone="tiny",service="default",verdict="passed"}'}, $n,
        'tiny zone: counted';
    is $added->{'paas_guard_exhausted_total{zone="tiny"}'}, undef, 'tiny zone: never exhausted by signatures';

    is $gateway->get("/tiny/$n")->{status}, 429, 'tiny zone: the last is still known';
}

{
    my $entries = 'paas_guard_zone_entries{zone="tiny",kind="window"}';
    my $evicted = 'paas_guard_zone_evictions_total{zone="tiny",kind="window"}';
    my $n = 3000;
    my $raw = join '', map { "GET /tiny-window/ HTTP/1.1\r\nHost: localhost\r\nX-K: w$_\r\n"
        . ($_ == $n ? "Connection: close\r\n" : '') . "\r\n" } 1 .. $n;
    my %got;
    my $added = added(sub {
        my $answers = $gateway->http($raw, 60);
        $got{$_}++ for $answers =~ m{^HTTP/1\.1 (\d+)}mg;
    });
    is_deeply \%got, { 200 => $n }, 'tiny zone, windows: all pass';
    cmp_ok $added->{$entries}, '>', 10, 'tiny zone, windows: has place for some';
    is $added->{$entries} + $added->{$evicted}, $n, 'tiny zone, windows: what is not there was evicted';
}


# Kept over a reload

{
    my %before = %{ samples(page()->{body}) };
    ok $gateway->reload, 'reload';
    my %after = %{ samples(page()->{body}) };
    is_deeply \%after, \%before, 'reload: all counters and entries are kept';
}

{
    my $two = gateway_start(http => $http, conf => $conf, workers => 2);
    for (1 .. 40) { $two->get("/t/$_"); $two->get("/t/$_") }
    my $s = samples($two->get('/metrics')->{body});
    is $s->{'paas_guard_requests_total{zone="z",service="default",verdict="passed"}'}, 40,
        'two workers: passed';
    is $s->{'paas_guard_requests_total{zone="z",service="default",verdict="throttled"}'}, 40,
        'two workers: throttled';
    $two->stop;
}

{
    my $none = gateway_start(conf => 'location = /metrics { paas_guard_metrics; }');
    my $r = $none->get('/metrics');
    is $r->{status}, 200, 'no zone: status';
    is_deeply [promtool($r->{body})], [0, ''], 'no zone: promtool accepts the page';
    like $r->{body}, qr/^paas_guard_build_info\{/m, 'no zone: build_info';
    $none->stop;
}

$gateway->stop;
