#!/usr/bin/perl
# How long a scrape takes: a gateway with SERVICES services (100) that CLIENTS
# clients (100000) have used, each with a count and a signature of its own, an
# indicator and some blocks.  Times are of whole requests over loopback, seen by
# the one who scrapes, and of a request for a guarded location meanwhile; on a
# busy machine, what the workers themselves ran for tells more.
#
#   make build && tests/bench/scrape.pl [scrapes]

use strict;
use warnings;

use Cwd        ();
use File::Temp ();
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC sleep);

my $services = $ENV{SERVICES} // 100;
my $clients  = $ENV{CLIENTS} // 100_000;
my $scrapes  = shift // 300;

my $module = Cwd::abs_path('build/ngx_paas_guard_module.so') // die "make build\n";
my $dir    = File::Temp->newdir('pguard-bench-XXXXXX', TMPDIR => 1);
chmod 0755, $dir;

my $port = do {
    my $free = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die $!;
    $free->sockport;
};

my $places = join '', map {
    "location /s$_/ { paas_guard zone=z; paas_guard_service service-$_; paas_guard_hammer flood; "
        . "paas_guard_sla I; proxy_pass http://backend; }\n"
} 1 .. $services;

open my $out, '>', "$dir/nginx.conf" or die $!;
print $out <<"_EOC_";
load_module $module;
daemon off; master_process on; worker_processes 2; pid $dir/nginx.pid;
@{[ $> == 0 ? 'user root;' : '' ]}
error_log $dir/error.log alert;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path $dir/1; proxy_temp_path $dir/2; fastcgi_temp_path $dir/3;
    uwsgi_temp_path $dir/4; scgi_temp_path $dir/5;
    keepalive_requests 10000000;
    paas_guard_zone zone=z:64m;
    paas_guard_client \$http_x_k;
    paas_guard_hammer_rule flood key=\$http_x_k window=1h limit=20 block=1h;
    paas_guard_indicator I target=99.9%;
    paas_guard_throttle interval=1h;
    upstream backend { server unix:$dir/b.sock; keepalive 16; }
    server {
        listen 127.0.0.1:$port;
        $places
        location = /metrics { paas_guard_metrics; }
    }
    server { listen unix:$dir/b.sock; location / { return 200 "x\\n"; } }
}
_EOC_
close $out or die $!;

defined(my $pid = fork) or die $!;
if ($pid == 0) {
    exec 'nginx', '-p', "$dir", '-e', "$dir/error.log", '-c', "$dir/nginx.conf" or POSIX::_exit(127);
}
END { if ($pid) { kill QUIT => $pid; waitpid $pid, 0 } }

sub dial {
    for (1 .. 200) {
        my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
        return $s if $s;
        sleep 0.05;
    }
    die "nginx does not start: " . `cat $dir/error.log`;
}

sub now { clock_gettime(CLOCK_MONOTONIC) }

# Sends n requests a batch ahead, and counts the answers.
sub pipeline {
    my ($n, $request) = @_;
    my ($socket, $buffer, $sent, $seen) = (dial(), '', 0, 0);
    while ($seen < $n) {
        if ($sent < $n && $sent - $seen < 200) {
            my $text = '';
            $text .= $request->($sent++) for 1 .. ($n - $sent < 200 ? $n - $sent : 200);
            print $socket $text;
            $socket->flush;
        }
        sysread $socket, $buffer, 65536, length $buffer or die "closed";
        $seen++ while $buffer =~ s/\A.*?HTTP\/1\.1 \d+//s;
    }
}

# Milliseconds of one request on a connection that stays open.
sub ask {
    my ($socket, $path, $key) = @_;
    my ($began, $buffer) = (now(), '');
    syswrite $socket, "GET $path HTTP/1.1\r\nHost: b\r\nX-K: $key\r\n\r\n";
    until ($buffer =~ /\r\n\r\n/) { sysread $socket, $buffer, 262144, length $buffer or die "closed" }
    my ($length) = $buffer =~ /^Content-Length: (\d+)/mi;
    my $whole = index($buffer, "\r\n\r\n") + 4 + ($length // 0);
    while (length $buffer < $whole) { sysread $socket, $buffer, 262144, length $buffer or die "closed" }
    return ((now() - $began) * 1000, $buffer);
}

# Milliseconds that the workers have run: what a busy machine does not change.
sub cpu {
    my $ns = 0;
    open my $in, '<', "/proc/$pid/task/$pid/children" or die $!;
    for (split ' ', <$in>) {
        open my $stat, '<', "/proc/$_/schedstat" or die $!;
        $ns += (split ' ', <$stat>)[0];
    }
    return $ns / 1e6;
}

sub told {
    my ($what, @ms) = @_;
    @ms = sort { $a <=> $b } @ms;
    printf "%-34s median %6.3f ms, 99 %% %6.3f ms, most %6.3f ms\n", $what, @ms[@ms / 2, @ms * 0.99, -1];
}

pipeline($clients, sub { my $s = 1 + $_[0] % $services; "GET /s$s/$_[0] HTTP/1.1\r\nHost: b\r\nX-K: c$_[0]\r\n\r\n" });
pipeline(25 * 200, sub { my $c = $_[0] % 200; "GET /s1/x$_[0] HTTP/1.1\r\nHost: b\r\nX-K: b$c\r\n\r\n" });

my ($scraper, $client) = (dial(), dial());
my (undef, $page) = ask($scraper, '/metrics', '');
printf "%d services, %d clients: %d bytes, %d series, %s windows, %s signatures, %s blocks\n", $services, $clients,
    length $page, scalar(() = $page =~ /^paas_guard/mg),
    map { $page =~ /paas_guard_zone_entries\{zone="z",kind="$_"\} (\d+)/ } qw(window signature block);

my $before = cpu();
told('a scrape', map { (ask($scraper, '/metrics', ''))[0] } 1 .. $scrapes);
printf "%-34s %6.3f ms of CPU\n", '', (cpu() - $before) / $scrapes;
my $n = 0;
told('a guarded request', map { (ask($client, '/s1/alone' . $n++, "k$n"))[0] } 1 .. $scrapes);

# one process scrapes without a pause, another asks
defined(my $busy = fork) or die $!;
if ($busy == 0) {
    $pid = 0;
    my $s = dial();
    ask($s, '/metrics', '') while 1;
}
sleep 0.2;
told('a guarded request, amid scrapes', map { (ask($client, '/s1/amid' . $n++, "k$n"))[0] } 1 .. $scrapes);
kill KILL => $busy;
waitpid $busy, 0;
