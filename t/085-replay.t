# The shipped log_format, and the second reckoning: what paas-guard-audit makes
# of the access log is what the module has counted.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use JSON::PP;
use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(sleep);

my $tool = $ENV{PGUARD_AUDIT} // 'build/paas-guard-audit';

sub read_file { open my $in, '<', $_[0] or die "$_[0]: $!"; local $/; return <$in> }

# The format is one text in three places.

sub format_of {
    my ($format) = read_file($_[0]) =~ /^ *log_format paas_guard (.*?;)$/ms or return '';
    return $format =~ s/^ +//gmr;
}

my $format = format_of('docs/log-format.md');
like $format, qr/"msec":"\$msec"/, 'the format of the documentation';
is format_of($_), $format, "$_ has the same" for 'demo/nginx.conf.in', 'docker/nginx.conf.in';

my $gateway = gateway_start(workers => 2, http => <<"_EOC_", conf => <<'_EOC_');
    log_format paas_guard $format
    access_log %DIR%/guard.log paas_guard;
    paas_guard_zone zone=z:1m;
    paas_guard_hammer_rule flood key=\$http_x_k window=1m limit=2 block=1m;
    paas_guard_hammer_rule login key=\$http_x_l window=1m limit=1 count=status:401 reason=lockout block=1m;
    paas_guard_indicator IC-PAAS_SNC-01 target=99.9%;
    paas_guard_indicator console target=97%;
    upstream up { server unix:%DIR%/up.sock; }
    server {
        listen unix:%DIR%/up.sock;
        location /500 { return 500; }
        location /401 { return 401; }
        location /slow { limit_rate 10; root %DIR%; try_files /slow.txt =404; }
        location / { return 200 "up\\n"; }
    }
_EOC_
    paas_guard zone=z;
    paas_guard_sla IC-PAAS_SNC-01;
    location /         { paas_guard_hammer flood login; proxy_pass http://up; }
    location /console/ { paas_guard_sla IC-PAAS_SNC-01 console; proxy_pass http://up; }
    location /none/    { paas_guard_sla off; proxy_pass http://up; }
    location /auth/    { auth_request /sub; mirror /sub; proxy_pass http://up; }
    location = /sub    { internal; proxy_pass http://up; }
    log_subrequest on;
    location /dry      { paas_guard_dry_run on; proxy_pass http://up; }
    location /returned { return 503; }
    location /metrics  { paas_guard off; access_log off; paas_guard_metrics; }
_EOC_

open my $slow, '>', $gateway->dir . '/slow.txt' or die $!;
print $slow 'x' x 1000;
close $slow;

sub counted {
    my ($indicator) = @_;
    my $text = $gateway->get('/metrics')->{body};
    return { map {
        $_ => $text =~ /^paas_guard_sla_requests_total\{zone="z",indicator="\Q$indicator\E",class="$_"\} (\d+)$/m ? $1 + 0 : -1
    } qw(good failed excluded ignored) };
}

sub replayed {
    my ($indicator) = @_;
    my $month = strftime('%Y-%m', gmtime);
    my $out = `$tool replay --strict --month $month --indicator $indicator --target 99.9 @{[$gateway->dir]}/guard.log`;
    is $?, 0, "$indicator: replayed, and no class is another" or diag $out;
    return decode_json($out);
}

my $end = "Host: a\r\nConnection: close\r\n\r\n";

# by hand:                                               good failed excluded ignored
$gateway->get("/$_") for 1 .. 10;                       # 10
$gateway->get('/same') for 1 .. 4;                      #  1            3
$gateway->get("/500/$_") for 1 .. 3;                    #       3
$gateway->get("/k$_", 'X-K' => 'k') for 1 .. 6;         #  2            4
$gateway->get("/401/$_", 'X-L' => 'l') for 1 .. 5;      #  5, of which 3 are a lockout
$gateway->get('/dry') for 1 .. 2;                       #  2
$gateway->get("/none/$_") for 1 .. 2;
$gateway->get("/console/$_") for 1 .. 2;                #  2
$gateway->get("/auth/$_") for 1 .. 2;                   #  2, not their subrequests
$gateway->get("/returned/$_") for 1 .. 2;               #       2
$gateway->http("GET / HTTP/1.1\r\n\r\n");               #                      1   400: no Host
$gateway->http("NONSENSE\r\n\r\n");                     #                      1
$gateway->http("GET / HTTP/9.9\r\n$end");               #                      1   505
$gateway->http("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n$end");   #      1   501
for (1 .. 2) {                                          #                      2   499
    my $socket = $gateway->connect;
    print $socket "GET /slow?$_ HTTP/1.1\r\n$end";
    sleep 0.3;
    close $socket;
}

my %want = ('IC-PAAS_SNC-01' => { good => 24, failed => 5, excluded => 7, ignored => 6 },
    console => { good => 2, failed => 0, excluded => 0, ignored => 0 });

for my $indicator (sort keys %want) {
    my $want = $want{$indicator};
    my $all = 0;
    $all += $_ for values %$want;
    wait_for(sub { my $got = counted($indicator); my $n = 0; $n += $_ for values %$got; $n >= $all });
    is_deeply counted($indicator), $want, "$indicator: counted as it is known by hand";
    my $r = replayed($indicator);
    is_deeply $r->{requests}, { %$want, total => $all }, "$indicator: and so by the log";
}

my $r = replayed('IC-PAAS_SNC-01');
is_deeply $r->{excluded}, { duplicate_throttled => 3, hammering_blocked => 4 }, 'what was excluded, and why';
is $r->{lines}{unreadable}, 0, 'every line can be read';

my @log = map { decode_json($_) } split /\n/, read_file($gateway->dir . '/guard.log');
is_deeply [sort map { $_->{status} } grep { $_->{sla} eq 'ignored' } @log], [qw(400 400 499 499 501 505)], 'what is ignored';
my %indicators = map { $_->{indicators} => 1 } @log;
is_deeply [sort keys %indicators], ['', 'IC-PAAS_SNC-01', 'IC-PAAS_SNC-01,console'], 'indicators of a location';
is_deeply [map { $_->{block} ? 1 : 0 } grep { $_->{reason} } @log], [(0) x 3, (1) x 4, (1) x 3, 0], 'a block has an id, a duplicate none';

$gateway->stop;
done_testing;
