#!/usr/bin/perl
# The guard beside others, in front of the same answer:
# tests/bench/bench.pl [-l] [case...]
#
# All servers run at once, and are asked in turn; the time that each worker had
# a CPU is taken from the kernel (schedstat), so that what else the machine
# does weighs little.  Each figure is a ratio to the bare server, which is asked
# right before, for some 30 ms: median (quartiles) of many such pairs.  On a
# virtual machine the hypervisor may take the CPU away, which the kernel tells
# in ticks of 10 ms, and counts as the worker's time: pairs without such a tick
# are taken if there are enough, and "quiet" says how many there were.  -l: more
# pairs.

use strict;
use warnings;

use FindBin;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);
use lib $FindBin::Bin;
use Bench;

my $long = @ARGV && $ARGV[0] eq '-l' ? shift : 0;
my $rounds = $long ? 200 : 60;
my $requests = 2_000;
my $quiet = 8;                  # pairs that are enough
my $million = 1_000_000;
my $modules = '/usr/lib/nginx/modules';
my %port;

sub lua { "load_module $modules/ndk_http_module.so; load_module $modules/ngx_http_lua_module.so;" }

my $lua_shared = <<'END';
            access_by_lua_block {
                local key = ngx.md5_bin(ngx.var.http_authorization .. ngx.var.request_method
                                        .. ngx.var.host .. ngx.var.request_uri)
                if not ngx.shared.seen:add(key, true, 1) then return ngx.exit(429) end
            }
END

# One sliding window in Redis, asked for each request, without a library.

my $lua_redis = <<'END';
            access_by_lua_block {
                local script = "local n = redis.call('INCR', KEYS[1]) "
                    .. "if n == 1 then redis.call('PEXPIRE', KEYS[1], 1000) end return n"
                local key = ngx.md5(ngx.var.http_authorization .. ngx.var.request_method
                                    .. ngx.var.host .. ngx.var.request_uri)
                local s = ngx.socket.tcp()
                if not s:connect("127.0.0.1", %REDIS%) then return end
                s:send("*4\r\n$4\r\nEVAL\r\n$" .. #script .. "\r\n" .. script
                       .. "\r\n$1\r\n1\r\n$" .. #key .. "\r\n" .. key .. "\r\n")
                local line = s:receive()
                s:setkeepalive(10000, 100)
                if line and tonumber(line:sub(2)) > 1 then return ngx.exit(429) end
            }
END

my $long_key = 'limit_req_zone $request_method$host$request_uri$http_authorization '
             . "zone=long:%s rate=100r/s;\n";
my $redis_conf = 'paas_guard_redis redis://127.0.0.1:%REDIS%/0; paas_guard_secret_file %DIR%/secret;' . "\n";
my $refuse = { target => '/api/v1/vms' };

my $bare_log = 'access_log access.log bare;';

# "as nginx": with the bare nginx's log line.  The others log ten variables more.
#
# What is compared: base, the case that a ratio is to; fill, requests before;
# request, status: of those that are measured; paced: also with half as many as
# the base answers, each at its time.

my %case = (
    'nginx'                          => { base => 'nginx' },
    'limit_req, by address'          => { http => "limit_req_zone \$binary_remote_addr zone=a:10m rate=1000000r/s;\n",
                                          location => "limit_req zone=a burst=1000000 nodelay;\n" },
    'limit_req, by the long key'     => { http => sprintf($long_key, '64m'), distinct => 1000,
                                          location => "limit_req zone=long burst=1000000 nodelay;\n" },
    'limit_req, long key, 1 million' => { http => sprintf($long_key, '700m'), fill => $million,
                                          location => "limit_req zone=long burst=1000000 nodelay;\n" },
    'Lua, ngx.shared'                => { main => lua(), http => "lua_shared_dict seen 64m;\n", location => $lua_shared },
    'Lua, Redis'                     => { main => lua(), location => $lua_redis },
    'guard, 1 thousand signatures'   => { guard => 1, paced => 1, distinct => 1000, location => "paas_guard_throttle interval=5ms;\n" },
    'guard, 1 thousand, as nginx'    => { guard => 1, paced => 1, distinct => 1000,
                                          location => "$bare_log paas_guard_throttle interval=5ms;\n" },
    'guard, each another'            => { guard => 1, location => "paas_guard_throttle interval=30ms;\n" },
    'guard, 1 million'               => { guard => 1, size => '128m', fill => $million,
                                          location => "paas_guard_throttle interval=1h;\n" },
    'guard, 10 million'              => { guard => 1, size => '1280m', fill => 10 * $million,
                                          location => "paas_guard_throttle interval=1h;\n" },
    'guard, 10 million, as nginx'    => { guard => 1, size => '1280m', fill => 10 * $million,
                                          location => "$bare_log paas_guard_throttle interval=1h;\n" },
    'guard, async'                   => { guard => 1, paced => 1, http => $redis_conf, location => "paas_guard_throttle interval=1s scope=node;\n" },
    'guard, async, as nginx'         => { guard => 1, paced => 1, http => $redis_conf,
                                          location => "$bare_log paas_guard_throttle interval=1s scope=node;\n" },
    'guard, strict'                  => { guard => 1, http => $redis_conf, location => "paas_guard_sync strict;\n" },
    'nginx, 2 workers'               => { workers => 2 },
    'guard, 2 workers'               => { guard => 1, workers => 2, base => 'nginx, 2 workers' },
    'return 429'                     => { location => "return 429;\n", request => $refuse, base => 'return 429' },
    'limit_req, refusing'            => { http => sprintf($long_key, '64m') =~ s/100r/1r/r, request => $refuse,
                                          location => "limit_req zone=long; limit_req_status 429; limit_req_log_level info;\n", base => 'return 429' },
    'guard, throttled'               => { guard => 1, request => $refuse, location => "paas_guard_throttle interval=1h;\n", base => 'return 429' },
    'guard, blocked'                 => { guard => 1, request => $refuse, hammer => 'one', base => 'return 429',
                                          http => "paas_guard_hammer_rule one key=\$binary_remote_addr window=1h limit=1 block=1h;\n" },
    'nginx, 1 MB POST'               => { base => 'nginx, 1 MB POST', body => 1_048_576, location => "proxy_pass http://127.0.0.1:%SINK%;\n" },
    'guard, 1 MB POST'               => { guard => 1, body => 1_048_576, base => 'nginx, 1 MB POST',
                                          location => "proxy_pass http://127.0.0.1:%SINK%;\n" },
    'nginx, 1 MB POST, 16k buffer'   => { base => 'nginx, 1 MB POST, 16k buffer', body => 1_048_576,
                                          location => "client_body_buffer_size 16k; proxy_pass http://127.0.0.1:%SINK%;\n" },
    'guard, 1 MB POST, 16k buffer'   => { guard => 1, body => 1_048_576, base => 'nginx, 1 MB POST, 16k buffer',
                                          location => "client_body_buffer_size 16k; proxy_pass http://127.0.0.1:%SINK%;\n" },
    'HAProxy'                        => { base => 'HAProxy', haproxy => '' },
    'HAProxy, stick table'           => { base => 'HAProxy', haproxy => <<'END' },
    stick-table type binary len 16 size 1m expire 10s store http_req_rate(1s)
    http-request set-var(txn.who) req.hdr(authorization)
    http-request set-var(txn.url) url
    http-request track-sc0 method,concat(,txn.who),concat(,txn.url),digest(md5)
    http-request deny deny_status 429 if { sc0_http_req_rate gt 1000000 }
END
);

my @order = ('nginx', 'limit_req, by address', 'limit_req, by the long key',
    'limit_req, long key, 1 million', 'Lua, ngx.shared', 'Lua, Redis', 'guard, 1 thousand signatures',
    'guard, 1 thousand, as nginx', 'guard, each another', 'guard, 1 million', 'guard, 10 million', 'guard, 10 million, as nginx',
    'guard, async', 'guard, async, as nginx', 'guard, strict',
    'nginx, 2 workers', 'guard, 2 workers', 'HAProxy', 'HAProxy, stick table',
    'return 429', 'limit_req, refusing', 'guard, throttled', 'guard, blocked',
    'nginx, 1 MB POST', 'guard, 1 MB POST', 'nginx, 1 MB POST, 16k buffer', 'guard, 1 MB POST, 16k buffer');

sub haproxy_conf {
    my ($port, $rules) = @_;
    return <<"END";
global
    nbthread 1
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 5s
    timeout http-keep-alive 60s
frontend f
    bind 127.0.0.1:$port
$rules    http-request return status 200 content-type application/json string '{"vms": []}'
END
}

# Two workers and the load share what processors there are.

sub place {
    my ($c, @command) = @_;
    return $c->{beside} ? beside() : ($c->{workers} // 1) > 1 ? () : @command;
}

sub start_case {
    my ($name, $c) = @_;
    my $label = $name =~ s/\W+/-/gr;
    my $dir = run_dir() . "/$label";

    mkdir $dir;
    $c->{port} = free_port();
    open my $f, '>', "$dir/conf" or die $!;

    if (exists $c->{haproxy}) {
        print $f haproxy_conf($c->{port}, $c->{haproxy});
        close $f;
        $c->{pid} = start($label, $c->{port}, alone(), 'haproxy', '-db', '-f', "$dir/conf");
        return;
    }

    my $text = nginx_conf($c->{port}, %$c, main => ($c->{main} // '') . ' daemon off;');
    $text =~ s/%(\w+)%/$port{$1} \/\/ run_dir()/ge;
    $c->{log} = "$dir/access.log";
    print $f $text;
    close $f;
    $c->{pid} = start($label, $c->{port}, place($c, alone()), 'nginx', '-p', $dir, '-c', "$dir/conf");
}

# Nanoseconds of CPU that the workers had (of HAProxy, the process).

sub cpu {
    my ($pid) = @_;
    my @children = split ' ', slurp("/proc/$pid/task/$pid/children");
    my $ns = 0;

    for my $p (@children ? @children : $pid) {
        $ns += (split ' ', slurp("/proc/$p/schedstat"))[0];
    }

    return $ns;
}

sub slurp {
    my ($path) = @_;
    open my $f, '<', $path or return '';
    local $/;
    return <$f> // '';
}

sub run {
    my ($c, $n, @args) = @_;
    my $request = request(%{ $c->{request} // {} }, $c->{body} ? (method => 'POST', body => $c->{body}) : ());

    $c->{next} //= 1;
    push @args, -b => $c->{body} if $c->{body};
    push @args, -k => $c->{distinct} if $c->{distinct};
    my $got = load([place($c, beside())], $c->{port}, $request, -n => $n, -s => $c->{distinct} ? 1 : $c->{next}, @args);
    $c->{next} += $n;
    truncate $c->{log}, 0 if $c->{log};         # else they come to gigabytes

    return $got;
}

sub fill {
    my ($c) = @_;

    for (my $left = $c->{fill} // 0; $left > 0; $left -= $million) {
        run($c, $left < $million ? $left : $million, -c => 8, -p => 32);
    }
}

sub ask {
    my ($c) = @_;
    my $n = $c->{body} ? int($requests / 20) : $requests;
    my $before = cpu($c->{pid});
    my $got = run($c, $n, -c => 16);
    my $cpu = (cpu($c->{pid}) - $before) / $n;

    push @{ $c->{cpu} }, $cpu;
    told($c, $got);

    return { cpu => $cpu, rate => $got->{requests} / $got->{seconds}, p99 => $got->{p99} };
}

sub told {
    my ($c, $got) = @_;
    $c->{status}{$_} += $got->{$_} for grep { /^\d/ } keys %$got;
}

# Ratios of p50 and p99 at one pace: of medians of ten runs of each, by turns, so short that few of them are held up.

sub paced {
    my ($rate, @both) = @_;
    my %us;

    for my $turn (1 .. 10) {
        for my $i ($turn % 2 ? (0, 1) : (1, 0)) {
            my $got = run($both[$i], 1000, -c => 16, -r => $rate);
            push @{ $us{$_}[$i] }, $got->{$_} for qw(p50 p99);
            told($both[$i], $got);
        }
    }

    return map { ("paced_$_" => median(@{ $us{$_}[1] }) / (median(@{ $us{$_}[0] }) || 1)) } qw(p50 p99);
}

# Ticks that the hypervisor took, of all processors.

sub stolen { (split ' ', slurp('/proc/stat'))[8] }

sub base_name { $_[0]{base} // 'nginx' }

sub base { $case{ base_name($_[0]) } }

# One pair: what $c is compared with, and $c; each is first in turn.

my $turn = 0;

sub pair {
    my ($c) = @_;
    my $stolen = stolen();
    my @both = (base($c), $c);
    @both = reverse @both if $turn++ % 2;
    my %got = map { $_ => ask($_) } @both;
    my ($base, $got) = @got{base($c), $c};
    my %ratio = map { $_ => $got->{$_} / ($base->{$_} || 1) } qw(cpu rate p99);

    %ratio = (%ratio, paced(int($base->{rate} / 2), base($c), $c)) if $c->{paced};
    push @{ $c->{pairs} }, { %ratio, stolen => stolen() - $stolen };
}

sub spread {
    my @r = sort { $a <=> $b } grep { defined } @_ or return '';
    return sprintf '%5.2f (%.2f - %.2f)', median(@r), @r[$#r / 4, $#r * 3 / 4];
}

sub report {
    printf "%-31s %9s  %-21s %-21s %-21s %7s  %-21s %-21s %s\n", '', 'CPU, us', 'CPU', 'throughput', 'p99', 'quiet',
        'p50, half the load', 'p99, half the load', 'answers';

    for my $name (@_) {
        my $c = $case{$name};
        my @pairs = @{ $c->{pairs} // [] };
        my @still = grep { !$_->{stolen} } @pairs;
        my @taken = @still < $quiet ? @pairs : @still;

        my %spread = map { my $what = $_; $what => spread(map { $_->{$what} } @taken) }
            qw(cpu rate p99 paced_p50 paced_p99);

        printf "%-31s %9.2f  %-21s %-21s %-21s %7s  %-21s %-21s %s\n", $name, median(@{ $c->{cpu} }) / 1000,
            @spread{qw(cpu rate p99)}, @pairs ? @still . '/' . @pairs : '', @spread{qw(paced_p50 paced_p99)},
            join(' ', map { "$_: $c->{status}{$_}" } sort keys %{ $c->{status} });
    }
}

# ms until a connection is accepted, and until a reload has another worker (the median of some).

my %living = ('nginx' => {}, 'zone of 1 MB' => { guard => 1, size => '1m' }, 'zone of 1 GB' => { guard => 1, size => '1024m' });
my @living = ('nginx', 'zone of 1 MB', 'zone of 1 GB');

sub life {
    my ($name) = @_;
    my $c = { %{ $living{$name} } };
    my $start = time;
    start_case("start $name", $c);
    my %ms = (start => 1000 * (time - $start));
    $ms{reload} = median(map { reload($c) } 1 .. 5);
    stop($c->{pid});

    return \%ms;
}

sub reload {
    my ($c) = @_;
    my $children = "/proc/$c->{pid}/task/$c->{pid}/children";
    sleep 0.3;                          # the worker before has ended
    my $was = slurp($children);
    my $start = time;
    kill HUP => $c->{pid};
    1 until slurp($children) ne $was || time - $start > 10;

    return 1000 * (time - $start);
}

sub lives {
    my %ms;

    for (1 .. 9) {
        for my $name (@living) {
            my $ms = life($name);
            push @{ $ms{$_}{$name} }, $ms->{$_} for keys %$ms;
        }
    }

    printf "\n%-31s %12s %12s %12s  %-21s %s\n", 'ms', @living, 'of 1 GB, to nginx', 'to a zone of 1 MB';

    for my $kind (qw(start reload)) {
        my ($bare, $small, $large) = @{ $ms{$kind} }{@living};

        printf "%-31s %12.1f %12.1f %12.1f  %-21s %s\n", $kind, (map { median(@$_) } $bare, $small, $large),
            map { my $to = $_; spread(map { $large->[$_] / $to->[$_] } 0 .. $#$large) } $bare, $small;
    }
}

build();

my %known = map { $_ => 1 } @order;
$known{$_} or die "no case \"$_\"; there are: ", join('; ', @order), "\n" for @ARGV;

my %chosen = map { $_ => 1, base_name($case{$_}) => 1 } @ARGV ? @ARGV : @order;
my @cases = grep { $chosen{$_} } @order;

$port{REDIS} = free_port();
my $redis = do {
    mkdir run_dir() . '/redis';
    start('redis', $port{REDIS}, beside(), 'redis-server', '--port', $port{REDIS}, '--bind', '127.0.0.1',
          '--save', '', '--dir', run_dir() . '/redis');
};

open my $secret, '>', run_dir() . '/secret' or die $!;
print $secret 'b' x 64;
close $secret;
chmod 0600, run_dir() . '/secret';

my $sink = { beside => 1, server => 'location = /api/v1/vms { client_max_body_size 8m; return 200; }' };
start_case('sink', $sink);
$port{SINK} = $sink->{port};

for my $name (@cases) {
    start_case($name, $case{$name});
    fill($case{$name});
    run($case{$name}, $case{$name}{body} ? 20 : 1000, -c => 16);
}

for (1 .. $rounds) {
    pair($_) for grep { base($_) != $_ } @case{@cases};
}

report(@cases);
stop($case{$_}{pid}, exists $case{$_}{haproxy} ? 'TERM' : 'QUIT') for @cases;
stop($sink->{pid});
stop($redis, 'TERM');
lives() unless @ARGV;
