# A real Prometheus scrapes a gateway that has traffic, refusals, blocks and
# failures: every query of the dashboards and every rule gets data; what is
# excluded raises no alert of the service level, and what fails does.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use Test::More;
use HTTP::Tiny;
use JSON::PP;
use Time::HiRes qw(sleep time);

my $redis   = redis_start();
my $gateway = gateway_start(workers => 2, http => <<"_EOC_", conf => <<'_EOC_');
    paas_guard_zone zone=z:1m;
    paas_guard_secret_file @{[ secret_file() ]};
    paas_guard_redis @{[ $redis->url ]} timeout=1s;
    paas_guard_hammer_rule flood key=\$http_x_k window=10s limit=5 block=1m;
    paas_guard_indicator IC-PAAS_SNC-01 target=99.9% slice=1s;
    upstream nobody { server unix:%DIR%/nobody.sock; }
_EOC_
    paas_guard zone=z;
    paas_guard_service api;
    paas_guard_sla IC-PAAS_SNC-01;
    location /api/    { paas_guard_hammer flood; proxy_pass http://backend; }
    location /down/   { proxy_pass http://nobody; }
    location /metrics { paas_guard off; paas_guard_metrics; }
_EOC_

my $dir  = File::Temp->newdir('pguard-prometheus-XXXXXX', TMPDIR => 1);
my $port = free_port();
my $base = "http://127.0.0.1:$port";
my $root = Cwd::getcwd();

open my $out, '>', "$dir/prometheus.yml" or die $!;
print $out <<"_EOC_";
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: ['$root/monitoring/prometheus/paas_guard.rules.yml']
scrape_configs:
  - job_name: paas_guard
    static_configs: [{targets: ['127.0.0.1:@{[ $gateway->port ]}']}]
_EOC_
close $out or die $!;

my $prometheus = bless({}, 'PaasGuard::Process')->spawn("$dir/log", 'prometheus',
    "--config.file=$dir/prometheus.yml", "--storage.tsdb.path=$dir/data",
    "--web.listen-address=127.0.0.1:$port", '--log.level=warn');

my $http = HTTP::Tiny->new(timeout => 30);

sub api {
    my ($call, %form) = @_;
    my $r = %form ? $http->post_form("$base/api/v1/$call", \%form) : $http->get("$base/api/v1/$call");
    return eval { decode_json($r->{content}) } // { status => 'none', error => $r->{content} };
}

sub query {
    my ($expr) = @_;
    my $r = api('query', query => $expr);
    diag "$expr: $r->{error}" if $r->{status} ne 'success';
    return $r->{data}{result} // [];
}

# Has it data that is a number?
sub data { return scalar grep { $_->{value}[1] ne 'NaN' } @{ query($_[0]) } }

my $n = 0;

# New requests, duplicates, one client that hammers: no failure.
sub traffic {
    for (1 .. 5) {
        $gateway->get('/api/' . ++$n);
        $gateway->get("/api/$n");
    }
    $gateway->get('/api/' . ++$n, 'X-K' => 'hammers');
}

sub failures { $gateway->get('/down/' . ++$n) for 1 .. 5 }

# Traffic that goes on until what is wanted is there.
sub until_seen {
    my ($what, @traffic) = @_;
    return wait_for(sub { $_->() for @traffic; sleep 0.2; $what->() }, 60);
}

sub firing {
    my ($more) = @_;
    return query(qq{ALERTS{alertstate="firing",$more}});
}

my $up = wait_for(sub {
    die "prometheus does not start: " . `tail -n 3 $dir/log` if $prometheus->dead;
    $http->get("$base/-/ready")->{status} == 200;
}, 60);
ok $up, 'Prometheus is ready';

# before any traffic: what grew before the first scrape does not seem to grow
ok until_seen(sub { data('count_over_time(up{job="paas_guard"}[1m]) > 1') }), 'it scrapes the gateway';


# Only what is good and what is excluded

ok until_seen(sub { data('sum(rate(paas_guard_sla_requests_total{class="excluded"}[1m])) > 0')
        && data('paas_guard:sla_errors:ratio_rate5m') && @{ firing('alertname="PaasGuardClientBlocked"') } },
    \&traffic), 'refusals: seen, and the block is told';
is_deeply [map { $_->{metric}{alertname} } @{ firing('alertname!="PaasGuardClientBlocked"') }], [],
    'refusals: raise no other alert';
is_deeply [map { $_->{value}[1] } @{ query('paas_guard:sla_errors:ratio_rate5m') }], ['0'],
    'refusals: no share of failures';


# Failures, too

ok until_seen(sub { @{ firing('alertname="PaasGuardSlaBurn"') } == 4 }, \&traffic, \&failures),
    'failures: raise the alert, at each pace';
is_deeply [sort map { $_->{metric}{burn} } @{ firing('alertname="PaasGuardSlaBurn"') }],
    [sort qw(14.4 6 3 1)], 'failures: the paces';

# the histogram, a slot that is down, and the next evaluation of all rules
ok until_seen(sub { data('rate(paas_guard_redis_duration_seconds_count[1m]) > 0')
        && data('paas_guard_sla_downtime_seconds > 0')
        && data('paas_guard:sla_budget_burned:ratio > 0') }, \&traffic, \&failures), 'figures: Redis, outages';


# Every rule

my @groups = @{ api('rules')->{data}{groups} };
cmp_ok scalar(@groups), '>=', 4, 'rules: loaded';
for my $rule (map { @{ $_->{rules} } } @groups) {
    my $query = $rule->{query};
    my $name = $rule->{name} . ($rule->{labels}{burn} // '');
    is $rule->{health}, 'ok', "rule $name: healthy";

    # whether it fires or not: what is compared must be there
    $query =~ s/ (>|<|==) / $1 bool /g;
    $query =~ s/\babsent\(/count(/g;
    ok data($query), "rule $name: has data" or diag $query;
    ok data($name), "record $name: is there" if $rule->{type} eq 'recording';
}


# Every query of the dashboard

my %value = (job => '.*', instance => '.*', zone => '.*', service => '.*', indicator => '.*',
    __rate_interval => '1m', __range => '6h');

{
    open my $in, '<', 'monitoring/grafana/paas_guard.en.json' or die $!;
    my $dashboard = decode_json(do { local $/; <$in> });

    for my $panel (@{ $dashboard->{panels} }) {
        for my $target (@{ $panel->{targets} // [] }) {
            my $expr = $target->{expr} =~ s/\$(\w+)/$value{$1} \/\/ die "\$$1"/ger;
            ok data($expr), "panel $panel->{title}, $target->{refId}: has data" or diag $expr;
        }
    }

    for (@{ $dashboard->{templating}{list} }) {
        next if $_->{type} ne 'query';
        my ($series, $label) = $_->{definition} =~ /^label_values\((.*), (\w+)\)\z/;
        my $expr = $series =~ s/\$(\w+)/$value{$1} \/\/ die "\$$1"/ger;
        ok scalar(grep { $_->{metric}{$label} } @{ query($expr) }), "variable $_->{name}: has values";
    }
}


# Every query of the OpenSLO document

{
    open my $in, '<', 'monitoring/openslo/IC-PAAS_SNC-01.yml' or die $!;
    my @queries = do { local $/; <$in> } =~ /^ +query: (.*)$/mg;
    cmp_ok scalar(@queries), '>=', 2, 'OpenSLO: has queries';
    ok data($_), "OpenSLO: has data" or diag $_ for @queries;
}


# The gateway ends

$gateway->stop(allow => qr/nobody\.sock|paas_guard/);
ok wait_for(sub { data('up{job="paas_guard"} == 0') }, 60), 'a gateway that is gone: seen';
ok wait_for(sub { @{ query('ALERTS{alertname="PaasGuardScrapeFails"}') } }, 60), 'and told';

$prometheus->quit('TERM');
open my $log, '<', "$dir/log" or die $!;
is join('', grep { /level=(?:error|warn)/ && !/SIGTERM|OS signal/ } <$log>), '', 'Prometheus: nothing to say';

done_testing;
