# The relay of logs, as it is shipped: nginx -> rsyslog -> TLS -> rsyslog.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use Test::More;
use JSON::PP;
use IO::Socket::INET;

my $root = Cwd::getcwd();
my ($rsyslogd) = grep { -x } "$root/.deps/usr/sbin/rsyslogd", '/usr/sbin/rsyslogd';
my ($modules)  = grep { -e "$_/lmnsd_gtls.so" } glob("$root/.deps/usr/lib/*/rsyslog /usr/lib/*/rsyslog");
plan skip_all => 'no rsyslog with gnutls: tools/setup.sh test' if !$rsyslogd || !$modules;

# what was unpacked beside it
$ENV{LD_LIBRARY_PATH} = join ':', (glob("$root/.deps/usr/lib/*-linux-gnu*"), $ENV{LD_LIBRARY_PATH} // ());

my $dir = File::Temp->newdir('pguard-syslog-XXXXXX', TMPDIR => 1);
chmod 0755, $dir;
mkdir "$dir/$_" or die $! for qw(spool server stranger impostor);

sub sh { system("cd $dir && { @_; } >>openssl.log 2>&1") == 0 or die "@_: " . `tail -n 3 $dir/openssl.log` }

sh('openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem');
for (qw(gw1.example.com logs.example.com stranger.example.com)) {
    sh("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$_ -keyout $_.key -out $_.csr",
       "&& printf 'subjectAltName=DNS:$_' > $_.ext",
       "&& openssl x509 -req -in $_.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $_.ext -out $_.pem");
}

# A shipped file, with places of this test; each of them must be in it.
sub configured {
    my ($file, $to, %place) = @_;
    open my $in, '<', "monitoring/rsyslog/$file" or die $!;
    my $text = do { local $/; <$in> };
    for (sort { length $b <=> length $a } keys %place) {
        $text =~ s/\Q$_\E/$place{$_}/g or die "no $_ in $file";
    }
    open my $out, '>', "$dir/$to" or die $!;
    print $out $text;
    close $out or die $!;
}

my $run = 0;

sub rsyslog {
    my ($conf) = @_;
    return bless({}, 'PaasGuard::Process')->spawn("$dir/$conf.log", $rsyslogd, '-n', '-f', "$dir/$conf",
        '-i', "$dir/pid" . ++$run, '-M', $modules);
}

# Waits, as certificates and sockets come late, until the port is there.
sub listens {
    my ($port) = @_;
    return wait_for(sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) }, 30);
}

sub slurp {
    my ($path) = @_;
    open my $in, '<', $path or return '';
    local $/;
    return <$in> // '';
}

sub server {
    my ($name, $port, $to, %more) = @_;
    configured('server.conf', "$to.conf", '/etc/paas_guard/logs-ca.pem' => "$dir/ca.pem",
        '/etc/paas_guard/server.pem' => "$dir/$name.pem", '/etc/paas_guard/server.key' => "$dir/$name.key",
        '6514' => $port, '/var/log/paas_guard/' => "$dir/$to/", %more);
    my $server = rsyslog("$to.conf");
    ok listens($port), "server, $to: listens" or diag slurp("$dir/$to.conf.log");
    return $server;
}

my $audit = "$dir/paas_guard.audit";
my $line  = '{"time":"2026-11-22T02:04:13.127Z","seq":17,"gateway":"gw-1","type":"block_begun","x":"'
    . 'é' x 3000 . '","prev":"00","mac":"00"}';
open my $out, '>', $audit or die $!;
print $out "$line\n";
close $out or die $!;

sub gateway_log {
    my ($name, $port) = @_;
    configured('gateway.conf', "$name.conf", '/etc/paas_guard/logs-ca.pem' => "$dir/ca.pem",
        '/etc/paas_guard/gateway.pem' => "$dir/$name.pem", '/etc/paas_guard/gateway.key' => "$dir/$name.key",
        '/var/spool/rsyslog' => "$dir/spool", '/run/paas_guard/log.sock' => "$dir/log.sock",
        '/var/log/nginx/paas_guard/audit.log' => $audit, '6514' => $port,
        'target="logs.example.com"' => 'target="127.0.0.1"', 'resumeInterval="10"' => 'resumeInterval="1"');
    my $relay = rsyslog("$name.conf");
    ok wait_for(sub { -S "$dir/log.sock" }, 30), "relay of $name: takes lines" or diag slurp("$dir/$name.conf.log");
    chmod 0777, "$dir/log.sock";
    return $relay;
}

my $port   = free_port();
my $server = server('logs.example.com', $port, 'server');
my $relay  = gateway_log('gw1.example.com', $port);

my ($format) = slurp('docs/log-format.md') =~ /^(log_format .*?;)$/ms;
$format =~ s/\$paas_guard_indicators//;      # of a location with paas_guard_sla
my $gateway = gateway_start(http => "paas_guard_zone zone=z:1m; $format", conf => <<"_EOC_");
    access_log syslog:server=unix:$dir/log.sock,nohostname,tag=paas_guard paas_guard;
    location / { paas_guard zone=z; proxy_pass http://backend; }
_EOC_

$gateway->get('/a"\\b%20c');
my $event = ($gateway->get('/a"\\b%20c')->{headers}{'paas-guard'} // '') =~ /event="(\w+)"/ ? $1 : 'none';

sub received { join '', map { slurp($_) } glob "$dir/$_[0]/*/$_[1].log" }

ok wait_for(sub { received('server', 'paas_guard') =~ /$event/ }, 30), 'access log: arrives'
    or diag slurp("$dir/gw1.example.com.conf.log"), slurp("$dir/server.conf.log");
my @lines = map { eval { decode_json($_) } } split /\n/, received('server', 'paas_guard');
is scalar(@lines), 2, 'access log: each line is JSON';
is_deeply [map { $_->{verdict} } @lines], [qw(passed throttled)], 'access log: in order';
is $lines[1]{event}, $event, 'access log: the event of the answer';

ok wait_for(sub { received('server', 'paas_guard_audit') ne '' }, 30), 'audit log: arrives';
is received('server', 'paas_guard_audit'), "$line\n", 'audit log: byte for byte';

# while the server is away, lines wait
$server->quit('TERM');
$gateway->get('/while-away');
$server = server('logs.example.com', $port, 'server');
ok wait_for(sub { $gateway->get('/wake'); received('server', 'paas_guard') =~ /passed.*passed/s
        && (() = received('server', 'paas_guard') =~ /"verdict"/g) > 3 }, 60), 'a server that comes back: gets them';
$relay->quit('TERM');
$server->quit('TERM');

# a gateway whose certificate has another name, and a server that has

sub refused {
    my ($what, $to, $from, $who) = @_;
    my $port   = free_port();
    my $server = server($to, $port, $what);
    my $relay  = gateway_log($from, $port);
    $gateway->reload;           # nginx 1.22 does not connect again to a socket made anew
    $gateway->get("/$what");
    ok wait_for(sub { slurp("$dir/$who.conf.log") =~ /not permitted|not authorized/ }, 30),
        "$what: refused" or diag slurp("$dir/$who.conf.log");
    is received($what, '*'), '', "$what: nothing is written";
    $relay->quit('TERM');
    $server->quit('TERM');
}

unlike slurp("$dir/server.conf.log"), qr/not permitted|not authorized/, 'nobody was refused before';
refused('stranger', 'logs.example.com', 'stranger.example.com', 'stranger');
refused('impostor', 'stranger.example.com', 'gw1.example.com', 'gw1.example.com');

$gateway->stop;
done_testing;
