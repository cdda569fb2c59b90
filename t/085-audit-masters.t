# Two masters write to one audit log, as while the binary is replaced: it stays one chain.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;

my $log = "$ENV{TEST_NGINX_DIR}/audit.log";
my ($tool) = grep { -x } 'build/paas-guard-audit';
plan skip_all => 'no build/paas-guard-audit: make build' if !$tool;

my %same = (
    http => "paas_guard_zone zone=z:1m; paas_guard_audit $log; paas_guard_secret_file " . secret_file() . ';'
        . 'paas_guard_hammer_rule user key=$arg_user window=1h limit=1 block=1h;',
    conf => 'location / { paas_guard zone=z; paas_guard_hammer user; proxy_pass http://backend; }',
    workers => 2,
);
my $one = gateway_start(%same);
my $two = gateway_start(%same);

sub verified {
    my $out = `$tool verify --whole --secret $ENV{TEST_NGINX_SECRET} $log 2>&1`;
    return $? ? $out : '';
}

sub begun { scalar(() = PaasGuard::Gateway::slurp($log) =~ /"type":"block_begun"/g) }

# one after the other
for my $n (1 .. 10) {
    my $gateway = $n % 2 ? $one : $two;
    is join(' ', map { $gateway->get("/$n/$_?user=$n")->{status} } 1, 2), '200 429', "block $n";
}
ok wait_for(sub { begun() == 10 }), 'each is in the log';
is verified(), '', 'in turn: one chain';

# both at once, while workers of both are killed
my @load = map {
    my $g = $_;
    $g->load(clients => 2, path => sub { my ($n, $i) = @_; "/load/$i?user=$n." . $g->port . '.' . int($i / 2) });
} $one, $two;
for my $round (1 .. 6) {
    my $gateway = $round % 2 ? $one : $two;
    my ($worker) = $gateway->workers;
    kill KILL => $worker;
    ok wait_for(sub { my @now = $gateway->workers; @now == 2 && !grep { $_ == $worker } @now }),
        "a worker is killed, $round";
}
ok $one->reload, 'a reload';
wait_for(sub { begun() > 50 }, 60);
$_->stop for @load;
cmp_ok begun(), '>', 50, 'at once: many are in the log';
is verified(), '', 'at once: one chain';

$_->stop(allow => qr/exited on signal 9|shared memory zone .* was locked by/) for $one, $two;
is verified(), '', 'at the end: one chain';
done_testing;
