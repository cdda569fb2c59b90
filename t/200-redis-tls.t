# The shared store behind rediss://: whom the guard talks to, and whom not.

use lib 't/lib';
use PaasGuard;
use PaasGuardRedis;

my $tls   = tls_files();
my $redis = tls_redis($tls);
my $port  = $redis->{tls_port};
my $ca    = "tls_ca=$tls->{ca}";

sub admitted_by_two {
    my ($what, $url, $more) = @_;
    (my $path = "/$what") =~ tr{ }{-};
    my @gw = map { guarded($url, throttle => 'interval=5s', more => $more) } 1 .. 2;
    ok wait_store($_, 'redis'), "$what: connected" for @gw;
    my @got = map { $_->get($path, 'X-API-Key' => 'k')->{status} } @gw;
    is "@got", '200 429', "$what: two gateways share the throttle";
    $_->stop for @gw;
}

sub refused {
    my ($what, $url, $more, $log) = @_;
    (my $path = "/$what") =~ tr{ }{-};
    my $gw = guarded($url, throttle => 'interval=5s', more => $more);
    ok wait_store($gw, 'degraded'), "$what: refused";
    my @got = map { $gw->get($path, 'X-API-Key' => 'k')->{status} } 1 .. 2;
    is "@got", '200 429', "$what: decided locally";
    sleep 1.5;      # more attempts, no more lines
    my @lines = grep { /\[warn\].*paas_guard: redis/ } split /\n/, $gw->error_log;
    is scalar @lines, 1, "$what: one line in the log" or diag $gw->error_log;
    like $lines[0], $log, "$what: which says why";
    $gw->stop;
}

admitted_by_two('address', "rediss://127.0.0.1:$port/0", $ca);
admitted_by_two('name', "rediss://127.0.0.1:$port/0", "$ca tls_name=redis.test");
admitted_by_two('unix', 'unix:' . $redis->socket, '');

refused('wrong authority', "rediss://127.0.0.1:$port/0", "tls_ca=$tls->{other_ca}",
    qr/certificate that is not valid \(.*(?:self.signed|issuer)/);
refused('wrong name', "rediss://127.0.0.1:$port/0", "$ca tls_name=other.test",
    qr/certificate that is not for "other\.test"/);
refused('system authorities', "rediss://127.0.0.1:$port/0", '', qr/certificate that is not valid/);

my $expired = tls_redis($tls, cert => 'expired');
refused('expired', "rediss://127.0.0.1:$expired->{tls_port}/0", $ca,
    qr/not valid \(certificate has expired\)/);

my $named = tls_redis($tls, cert => 'named');
refused('no address in it', "rediss://127.0.0.1:$named->{tls_port}/0", $ca,
    qr/certificate that is not for "127\.0\.0\.1"/);

my $old = tls_redis($tls, args => ['--tls-protocols' => 'TLSv1.1']);
refused('TLS 1.1', "rediss://127.0.0.1:$old->{tls_port}/0", $ca, qr/TLS handshake/);

my $new = tls_redis($tls, args => ['--tls-protocols' => 'TLSv1.2']);
admitted_by_two('TLS 1.2', "rediss://127.0.0.1:$new->{tls_port}/0", $ca);

my $plain = redis_start();
refused('no TLS there', 'rediss://127.0.0.1:' . $plain->port . '/0', $ca, qr/TLS handshake/);
refused('TLS there', "redis://127.0.0.1:$port/0", '', qr/redis .* going on without/);

my $asks = tls_redis($tls, auth => 'yes');
my $asks_url = "rediss://127.0.0.1:$asks->{tls_port}/0";
admitted_by_two('client certificate', $asks_url,
    "$ca tls_cert=$tls->{client} tls_key=$tls->{client_key}");
refused('no client certificate', $asks_url, $ca, qr/closed the connection|TLS handshake/);

# A server that dies and comes back, with a certificate that is another one
my $gw = guarded("rediss://127.0.0.1:$port/0", more => $ca);
ok wait_store($gw, 'redis'), 'connected';
my $fds = fds($gw);
for (1 .. 3) {
    $redis->kill;
    ok wait_store($gw, 'degraded'), 'gone';
    $redis->start;
    ok wait_store($gw, 'redis'), 'back';
}
ok PaasGuard::wait_for(sub { fds($gw) <= $fds }), 'no descriptor is lost';
$gw->stop;

# What nginx -t refuses
sub test_conf {
    my $conf = "$ENV{TEST_NGINX_DIR}/test.conf";
    open my $out, '>', $conf or die;
    print $out "load_module $_;\n" for split ' ', $ENV{TEST_NGINX_LOAD_MODULES};
    print $out "pid $ENV{TEST_NGINX_DIR}/test.pid; events {} http { paas_guard_secret_file "
        . secret_file() . '; paas_guard_zone zone=z:1m; paas_guard_redis ' . "@_; }\n";
    close $out;
    return scalar qx($ENV{TEST_NGINX_BINARY} -t -e stderr -c $conf 2>&1);
}
my $url = "rediss://127.0.0.1:$port/0";
like test_conf($url, $ca), qr/test is successful/, 'right';
like test_conf($url, 'tls_ca=/none.pem'), qr/tls_ca=.* must be a readable/, 'no such authority';
like test_conf($url, "tls_cert=$tls->{client}"), qr/"tls_key=.* need each other/, 'no key';
like test_conf($url, "tls_cert=$tls->{client} tls_key=$tls->{cert_key}"),
    qr/must be readable PEM files that belong together/, 'key of another';
like test_conf('redis://127.0.0.1/0', $ca), qr/needs a url that begins with "rediss/, 'no TLS';

done_testing;
