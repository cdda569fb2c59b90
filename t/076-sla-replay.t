# The ledger against a second implementation: the report of a gateway, and
# paas-guard-audit replay of its access log.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use Test::More;
use JSON::PP;
use POSIX qw(strftime);
use Time::HiRes qw(sleep time);

my $audit = $ENV{PGUARD_AUDIT} // 'build/paas-guard-audit';
plan skip_all => "$audit is not built: make audit" if !-x $audit;

plan skip_all => 'a month has just begun, or is about to end' if !one_month(300, 120);

my $secret  = secret_file();
my $gateway = gateway_start(workers => 2, allow => 'connect\(\) to unix|no live upstreams',
    http => "paas_guard_secret_file $secret;\n" . <<'_EOC_', conf => <<'_EOC2_');
    log_format paas_guard escape=json
        '{"msec":"$msec",'
        '"status":"$status",'
        '"request_time":"$request_time",'
        '"service":"$paas_guard_service",'
        '"verdict":"$paas_guard_verdict",'
        '"reason":"$paas_guard_reason",'
        '"rule":"$paas_guard_rule",'
        '"sla":"$paas_guard_sla",'
        '"indicators":"$paas_guard_indicators",'
        '"client":"$paas_guard_client_id",'
        '"event":"$paas_guard_event_id",'
        '"store":"$paas_guard_store"}';
    access_log %DIR%/paas_guard.log paas_guard;
    paas_guard_zone zone=z:1m;
    paas_guard_audit %DIR%/audit.log;
    paas_guard_hammer_rule flood key=$http_x_k window=1m limit=3 block=10s;
    paas_guard_hammer_rule login key=$http_x_l window=1m limit=1 count=status:401 reason=lockout block=10s;
    paas_guard_indicator paas    target=99.9% slice=1s timezone=Europe/Paris min_requests=2 down_ratio=50%;
    paas_guard_indicator console target=97% slice=1m;
    upstream nobody { server unix:%DIR%/nobody.sock; }
    upstream denied { server unix:%DIR%/denied.sock; }
    server { listen unix:%DIR%/denied.sock; location / { return 401; } }
_EOC_
    paas_guard zone=z;
    paas_guard_sla paas;
    location /t/      { paas_guard_hammer flood; proxy_pass http://backend; }
    location /both/   { paas_guard_sla paas console; proxy_pass http://backend; }
    location /denied/ { paas_guard_hammer login; proxy_pass http://denied; }
    location /down/   { proxy_pass http://nobody; }
    location /api/    { access_log off; paas_guard off; paas_guard_status write=on; }
_EOC2_

my $json = JSON::PP->new->utf8;
sub report { $json->decode($gateway->get("/api/api/1/sla/$_[0]")->{body}) }
sub at { strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

# A day of a console, in seconds: good ones, duplicates, a client that hammers
# and is blocked while the service is down, logins that fail

my $n = 0;
for my $round (1 .. 3) {
    $gateway->get('/t/' . ++$n) for 1 .. 6;
    $gateway->get("/t/same$round") for 1 .. 3;
    $gateway->get('/both/' . ++$n) for 1 .. 2;
    $gateway->get("/t/$round-$_", 'X-K' => "k$round") for 1 .. 6;
    $gateway->get("/denied/$round-$_", 'X-L' => "l$round") for 1 .. 3;
    sleep 1.1;
    for (1 .. 3) {                                  # down, and a blocked client goes on
        $gateway->get('/down/' . ++$n);
        $gateway->get('/t/' . ++$n, 'X-K' => "k$round");
    }
    sleep 1.1;
}
$gateway->get('/both/' . ++$n);
$gateway->http("GET / x\r\n\r\n");                  # malformed

my $expected = 3 * (6 + 3 + 2 + 6 + 3 + 6) + 1 + 1;
ok wait_for(sub { report('paas')->{requests}{total} >= $expected }), 'all is counted';

# and an outage that a client notified
my $from = int(time) - 200;
$gateway->request('POST', '/api/api/1/sla/paas/outages', { 'Content-Type' => 'application/json' },
    $json->encode({ who => 'alice', why => 'call 17', notified_at => at($from), restored_at => at($from + 100), confirmed_by => 'user' }));
sleep 1.1;

for my $of ([ 'paas', '--slice', 1, '--min-requests', 2, '--timezone', 'Europe/Paris', '--target', 99.9,
        '--outage', at($from) . '/' . at($from + 100) ], [ 'console', '--slice', 60, '--target', 97 ]) {
    my ($indicator, @options) = @$of;
    my $r = report($indicator);
    my $as_of = $r->{as_of} =~ s/\.\d+Z/Z/r;
    my $text = join '', map { /[^\w.:+\/-]/ ? die $_ : "$_ " } '--month', $r->{month}, '--indicator', $indicator, @options,
        '--as-of', $as_of;
    my $replay = $json->decode(scalar `$audit replay --strict $text @{[ $gateway->dir ]}/paas_guard.log`);
    is $? >> 8, 0, "$indicator: each line is read, and has the class that replay finds";
    is_deeply { map { $_ => $replay->{requests}{$_} } qw(total good failed excluded ignored) },
        { map { $_ => $r->{requests}{$_} } qw(total good failed excluded ignored) }, "$indicator: requests by class";
    is_deeply $replay->{excluded}, { map { $_->{class} eq 'excluded' ? ($_->{reason} => $_->{requests}) : () }
        @{ $r->{requests}{refusals} } }, "$indicator: what was excluded, and why";
    is $replay->{contractual}{by_time}{down_seconds}, $r->{time}{downtime_seconds}, "$indicator: seconds down";
    is $replay->{contractual}{by_time}{availability}, $r->{time}{availability}, "$indicator: availability by time";
    is $replay->{contractual}{by_requests}{availability}, $r->{requests}{availability}, "$indicator: by requests";
    is $replay->{raw}{by_requests}{availability}, $r->{requests}{raw_availability}, "$indicator: raw, as well";
    note $json->pretty->encode($replay);
}

my $r = report('paas');
is $r->{requests}{total}, $expected, 'each request once';
is $r->{requests}{ignored}, 1, 'the malformed one is in no figure';
is $r->{requests}{failed}, 9, 'what failed while a client was blocked is not hidden';
is $r->{requests}{excluded}, 3 * (2 + 3 + 3), 'nor is what was refused counted as failed';
cmp_ok $r->{time}{downtime_seconds}, '>=', 103, 'each outage counts, block or not';

# The audit log has the declaration, and who made it

my $log = PaasGuard::Gateway::slurp($gateway->dir . '/audit.log');
my @lines = map { $json->decode($_) } split /\n/, $log;
my ($declared) = grep { ($_->{type} // '') eq 'outage_declared' } @lines;
is_deeply [ @{ $declared // {} }{qw(indicator who)} ], [ 'paas', 'alice' ], 'the audit log has the outage';
my ($confirmed) = grep { ($_->{type} // '') eq 'outage_confirmed' } @lines;
is $confirmed->{confirmed_by}, 'user', 'who confirmed its end';
my ($action) = grep { ($_->{type} // '') eq 'operator_action' } @lines;
is_deeply [ @{ $action // {} }{qw(who what target why)} ], [ 'alice', 'declare_outage', $declared->{outage}, 'call 17' ], 'and why';
$gateway->stop;
done_testing;
