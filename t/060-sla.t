# The ledger: each guarded request in one class, for each indicator of its
# location; and this month's figures, as metrics tell them.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use Time::HiRes qw(sleep);

my %http = (http => <<'_EOC_');
    paas_guard_zone zone=z:1m;
    paas_guard_hammer_rule flood key=$http_x_k window=1m limit=2 block=1m;
    paas_guard_hammer_rule login key=$http_x_l window=1m limit=1 count=status:401
                                 reason=lockout block=1m;
    paas_guard_indicator IC-PAAS_SNC-01 target=99.9% slice=1s timezone=Europe/Paris;
    paas_guard_indicator console        target=97% conditional;
    upstream nobody { server unix:%DIR%/nobody.sock; }
_EOC_

my %conf = (%http, workers => 2, conf => <<'_EOC_');
    paas_guard zone=z;
    paas_guard_sla IC-PAAS_SNC-01;
    location /t/       { paas_guard_hammer flood login; proxy_pass http://backend; }
    location /both/    { paas_guard_sla IC-PAAS_SNC-01 console; proxy_pass http://backend; }
    location /none/    { paas_guard_sla off; proxy_pass http://backend; }
    location /exempt/  { paas_guard_sla console; paas_guard_exempt 1; proxy_pass http://backend; }
    location /dry/     { paas_guard_dry_run on; proxy_pass http://backend; }
    location /down/    { proxy_pass http://nobody; }
    location /denied/  { paas_guard_hammer login; proxy_pass http://denied; }
    location /metrics  { paas_guard off; paas_guard_metrics; }
_EOC_
$conf{http} .= <<'_EOC_';
    upstream denied { server unix:%DIR%/denied.sock; }
    server { listen unix:%DIR%/denied.sock; location / { return 401; } }
_EOC_

my $gateway = gateway_start(%conf);

sub classes {
    my ($indicator) = @_;
    my $text = $gateway->get('/metrics')->{body};
    return join q{ }, map {
        $text =~ /^paas_guard_sla_requests_total\{zone="z",indicator="\Q$indicator\E",class="$_"\} (\d+)$/m
            ? $1 : 'none';
    } qw(good failed excluded ignored);
}

sub gauge {
    my ($name, $indicator) = @_;
    my $text = $gateway->get('/metrics')->{body};
    return $text =~ /^\Q$name\E\{zone="z",indicator="\Q$indicator\E"\} (\S+)$/m ? $1 : 'none';
}

sub soon {
    my ($indicator, $expected, $name) = @_;
    wait_for(sub { classes($indicator) eq $expected });
    is classes($indicator), $expected, $name;
}

my $paas = 'IC-PAAS_SNC-01';

is classes($paas), '0 0 0 0', 'every class is there from the start';
is classes('console'), '0 0 0 0', 'for every indicator';
is gauge('paas_guard_sla_availability_ratio', $paas), '1.000000000', 'nothing was down';
is gauge('paas_guard_sla_downtime_seconds', $paas), '0', 'for no second';
is gauge('paas_guard_sla_target_ratio', $paas), '0.999000', 'the target, as a ratio';
is gauge('paas_guard_sla_target_ratio', 'console'), '0.970000', 'of each indicator';

$gateway->get("/t/$_") for 1 .. 3;
soon($paas, '3 0 0 0', 'good');
$gateway->get('/t/same') for 1, 2;
soon($paas, '4 0 1 0', 'a duplicate is excluded');
$gateway->get("/t/k$_", 'X-K' => 'k') for 1 .. 4;
soon($paas, '6 0 3 0', 'a block by hammering is excluded');
$gateway->get("/denied/$_", 'X-L' => 'l') for 1 .. 4;
soon($paas, '10 0 3 0', 'a lockout is good, as the 401 before it');
$gateway->get('/dry/same') for 1, 2;
soon($paas, '12 0 3 0', 'a dry run is classed by its answer');
$gateway->get("/none/$_") for 1 .. 3;
$gateway->get('/both/1');
soon($paas, '13 0 3 0', 'only where the indicator is');
is classes('console'), '1 0 0 0', 'and each for itself';
$gateway->get('/exempt/same') for 1, 2;
soon('console', '3 0 0 0', 'who is exempt counts, too');

# in a slot of their own
sleep 1.1;
my $before = time;
$gateway->get("/down/$_") for 1 .. 3;
soon($paas, '13 3 3 0', 'a failure counts');
ok wait_for(sub { gauge('paas_guard_sla_downtime_seconds', $paas) >= 1 }), 'a slot of failures is down';
sleep 1.1;                      # they may have been in two
my $down = gauge('paas_guard_sla_downtime_seconds', $paas);
cmp_ok $down, '<=', time - $before + 1, 'no longer than it was';
cmp_ok gauge('paas_guard_sla_availability_ratio', $paas), '<', 1, 'and is missing in the availability';
is gauge('paas_guard_sla_downtime_seconds', 'console'), '0', 'of that indicator alone';

$gateway->reload;
is classes($paas), '13 3 3 0', 'kept over a reload';
is gauge('paas_guard_sla_downtime_seconds', $paas), $down, 'the outage, too';
kill KILL => ($gateway->workers)[0];
ok wait_for(sub { $gateway->workers == 2 }), 'another worker';
is classes($paas), '13 3 3 0', 'kept when a worker dies';

my $load = $gateway->load(clients => 3, path => sub { "/t/load$_[0]-$_[1]" });
$gateway->reload for 1 .. 3;
my $count = $load->stop;
my $sum = 0;
$sum += $_ for values %$count;
soon($paas, join(q{ }, 13 + $sum, 3, 3, 0), 'classes add up to the requests, over reloads');
$gateway->stop(allow => qr/exited on signal 9|connect\(\) to unix|no live upstreams/);


# What nginx has refused itself is not guarded when its error page is found

my $end = "Host: a\r\nConnection: close\r\n\r\n";
my @malformed = ("GET / HTTP/1.1\r\n\r\n", "NONSENSE\r\n\r\n", "GET / HTTP/9.9\r\n$end",
    "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n$end", "GET /../../x HTTP/1.1\r\n$end");

for my $where ('root %DIR%;', 'proxy_pass http://backend;', 'return 200;') {
    $gateway = gateway_start(http => 'paas_guard_zone zone=z:1m; paas_guard_indicator paas target=99.9%;',
        conf => <<"_EOC_");
        paas_guard zone=z;
        paas_guard_sla paas;
        error_page 400 501 503 505 /sorry/page;
        location /sorry/  { $where }
        location /closed  { return 503; }
        location /        { proxy_pass http://backend; }
        location /metrics { paas_guard off; paas_guard_metrics; }
_EOC_
    mkdir $gateway->dir . '/sorry';
    open my $page, '>', $gateway->dir . '/sorry/page' or die $!;
    close $page;
    $gateway->http($_) for @malformed;
    soon('paas', '0 0 0 5', "malformed, with an error page: $where");
    is_deeply [ map { $gateway->get('/closed')->{status} } 1 .. 3 ], [ 503, 503, 503 ], "closed: $where";
    soon('paas', '0 3 0 5', "what says 503 is down, and hides nothing as a duplicate: $where");
    $gateway->get('/t') for 1, 2;
    soon('paas', '1 3 1 5', "a duplicate still is one: $where");
    $gateway->stop;
}


# Who asks for "100 Continue" and is gone before it comes makes no failure, whatever would have answered

$gateway = gateway_start(
    http => <<'_EOC_', conf => <<'_EOC_2_');
    paas_guard_zone zone=z:1m;
    paas_guard_hammer_rule flood key=$http_x_k window=1m limit=1 block=1m;
    paas_guard_indicator paas target=99.9%;
    log_format class '$request_uri $status $paas_guard_verdict $paas_guard_sla';
    access_log %DIR%/class.log class;
    upstream nobody { server unix:%DIR%/nobody.sock; }
_EOC_
    paas_guard zone=z;
    paas_guard_sla paas;
    paas_guard_hammer flood;
    location /t/      { proxy_pass http://backend; }
    location /down/   { proxy_pass http://nobody; }
    location /page/   { error_page 500 /sorry; proxy_pass http://backend; }
    location = /sorry { return 200; }
    location /metrics { paas_guard off; paas_guard_metrics; access_log off; }
_EOC_2_

my @leave = (['GET /t/get', '', '500 passed ignored'], ['POST /t/post', "Content-Length: 1\r\n", '500 - ignored'],
    ['GET /down/get', '', '500 passed ignored'], ['GET /page/get', '', '500 passed ignored'],
    ['POST /t/blocked', "X-K: k\r\nContent-Length: 1\r\n", '429 blocked excluded']);

$gateway->get("/t/$_", 'X-K' => 'k') for 1, 2;

for (@leave) {
    my ($line, $lines, $expected) = @$_;
    my ($worker) = $gateway->workers;
    my $socket = $gateway->connect;
    ok $gateway->halt($worker), 'a worker stands still';
    print $socket "$line HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n$lines\r\n";
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    close $socket;
    kill CONT => $worker;
    my ($target) = $line =~ / (.*)/;
    is +($gateway->logged('class.log', $target, 1))[0], "$target $expected", "gone: $line";
}

soon('paas', '1 0 2 4', 'gone: counted so');
$gateway->stop;


# What is wrong

sub refused {
    my ($directive, $said) = @_;
    my $dir = $ENV{TEST_NGINX_DIR};
    open my $out, '>', "$dir/wrong.conf" or die $!;
    print $out map({ "load_module $_;\n" } split ' ', $ENV{TEST_NGINX_LOAD_MODULES}),
        "pid $dir/wrong.pid;\nerror_log stderr;\nevents {}\n",
        "http { paas_guard_zone zone=z:1m; $directive }\n";
    close $out;
    my $text = `$ENV{TEST_NGINX_BINARY} -t -c $dir/wrong.conf 2>&1`;
    like $text, qr/\[emerg\].*\Q$said\E/, "refused: $directive";
}

refused('paas_guard_indicator a;', 'invalid number of arguments');
refused('paas_guard_indicator a slice=1m;', 'indicator "a" must have a target=');
refused("paas_guard_indicator a target=$_;", qq{invalid parameter "target=$_": expected a percentage like 99.9%})
    for '99.9', '0%', '100.1%', '99.99999%', '%';
refused("paas_guard_indicator a target=99% slice=$_;", qq{invalid parameter "slice=$_": expected a time from 1s to 1h})
    for '0', '2h', 'x';
refused('paas_guard_indicator a target=99% min_requests=0;', 'expected a number from 1');
refused('paas_guard_indicator a target=99% down_ratio=0%;', 'expected a percentage like 50%');
refused("paas_guard_indicator a target=99% timezone=$_;", qq{invalid parameter "timezone=$_": expected UTC, or a name})
    for 'Nowhere/Town', '/etc/passwd', '../../etc/passwd', 'tzdata.zi';
refused('paas_guard_indicator a target=99% target=98%;', 'parameter "target" is given twice');
refused('paas_guard_indicator a target=99% burst=1;', 'unknown parameter "burst=1": expected target=, slice=, min_requests=, down_ratio=, timezone= or conditional');
refused('paas_guard_indicator a target=99%; paas_guard_indicator a target=98%;', 'indicator "a" is already defined');
refused('server { paas_guard zone=z; paas_guard_sla b; }', 'indicator "b" is not defined by "paas_guard_indicator"');
refused('paas_guard_sla a a;', 'indicator "a" is named twice');

done_testing;
