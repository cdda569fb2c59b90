package Bench;

# What the programs here share: one request, configurations to compare, nginx
# below build/bench, and processes that end when the program does.

use strict;
use warnings;

use Cwd ();
use Exporter 'import';
use File::Path qw(make_path);
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(sleep time);

our @EXPORT = qw(alone beside build load median nginx_conf request run_dir spawn start stop free_port);

my $root = Cwd::abs_path((__FILE__ =~ s{[^/]+$}{}r) . '../..');
my $dir = "$root/build/bench";
my %running;

$ENV{PATH} .= ':/usr/sbin';

# All keep their heap.  Else it hangs on what lies where, which is chance, whether a buffer of 1 MB is given back to the
# kernel and taken again page by page: 3 us each, 7 to 50 of them in a POST.

@ENV{qw(MALLOC_TRIM_THRESHOLD_ MALLOC_MMAP_THRESHOLD_)} = (1 << 30) x 2;

$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);

# 206 bytes of method, host, target and Authorization; ten headers.

my $token = substr('eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.' . 'aB3dE5fG7h' x 20, 0, 151);

sub request {
    my (%opt) = @_;
    my $target = $opt{target} // '/api/v1/vms?n=################';
    my $method = $opt{method} // 'GET';
    my $body = $opt{body} ? "Content-Length: $opt{body}\n" : '';

    return <<"END";
$method $target HTTP/1.1
Host: api.example.com
User-Agent: curl/7.88.1
Accept: application/json
Accept-Encoding: gzip
Accept-Language: fr
Authorization: Bearer @{[ $opt{token} // $token ]}
Content-Type: application/json
X-Request-Id: 7b0c2f9e-3c51-4d4e-9a53-5d0d6a1f0c11
Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
Connection: keep-alive
$body
END
}

# The module as it is, and the load generator.

sub build {
    make_path("$dir/html/api/v1");
    system("$root/tools/build.sh", 'build') == 0 or exit 1;
    system('gcc', qw(-std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -o), "$dir/load",
           "$root/tests/bench/load.c") == 0 or exit 1;

    open my $f, '>', "$dir/html/api/v1/vms" or die $!;
    print $f '{"vms": []}', "\n";
    close $f;

    return $dir;
}

sub run_dir { return $dir }

# The access log of the README, with and without what the guard tells.

my $bare_log = <<'END';
    log_format bare escape=json '{"time":"$time_iso8601","remote_addr":"$remote_addr",'
        '"request":"$request","status":$status,"request_time":$request_time}';
END

my $guard_log = <<'END';
    log_format guard escape=json '{"time":"$time_iso8601","remote_addr":"$remote_addr",'
        '"request":"$request","status":$status,"request_time":$request_time,'
        '"service":"$paas_guard_service","verdict":"$paas_guard_verdict",'
        '"reason":"$paas_guard_reason","rule":"$paas_guard_rule",'
        '"sla":"$paas_guard_sla","indicators":"$paas_guard_indicators",'
        '"client":"$paas_guard_client_id","event":"$paas_guard_event_id",'
        '"block":"$paas_guard_block","store":"$paas_guard_store"}';
END

# The whole job: signature, throttle, two rules, an indicator, metrics (they
# are always on), variables.

my $guard_http = <<'END';
    paas_guard_zone zone=paas:%SIZE%;
    paas_guard_hammer_rule client  key=$paas_guard_client_id window=10s limit=1000000;
    paas_guard_hammer_rule address key=$binary_remote_addr window=10s limit=1000000 scope=zone;
    paas_guard_indicator IC-PAAS_SNC-01 target=99.9%;
END

my $guard_location = <<'END';
            paas_guard zone=paas;
            paas_guard_service compute;
            paas_guard_hammer %HAMMER%;
            paas_guard_sla IC-PAAS_SNC-01;
END

sub nginx_conf {
    my ($port, %opt) = @_;
    my $guard = $opt{guard};
    my $format = $guard ? 'guard' : 'bare';
    my $size = $opt{size} // '64m';
    my $workers = $opt{workers} // 1;
    my $user = $> == 0 ? "user @{[ scalar getpwuid((stat $root)[4]) ]};" : '';
    my $module = $guard ? "load_module $root/build/ngx_paas_guard_module.so;" : '';
    my $formats = $bare_log . ($guard ? $guard_log : '');
    my $http = ($guard ? $guard_http =~ s/%SIZE%/$size/r : '') . ($opt{http} // '');
    my $hammer = $opt{hammer} // 'client address';
    my $location = ($guard ? $guard_location =~ s/%HAMMER%/$hammer/r : '') . ($opt{location} // '');

    return <<"END";
$module
@{[ $opt{main} // '' ]}
$user
worker_processes $workers;
error_log error.log warn;
pid nginx.pid;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    client_body_buffer_size 2m;
    client_max_body_size 8m;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
$formats
$http
    server {
        listen 127.0.0.1:$port reuseport;
        access_log access.log $format buffer=64k flush=1s;
        @{[ $opt{server} // '' ]}

        location / {
            root $dir/html;
            open_file_cache max=16;
$location
        }
    }
}
END
}

sub free_port {
    my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die $!;
    return $s->sockport;
}

sub spawn {
    my ($out, @command) = @_;
    my $pid = fork // die $!;

    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', $out;
        open STDERR, '>&', \*STDOUT;
        exec @command or die "$command[0]: $!";
    }

    $running{$pid} = 1;
    return $pid;
}

# Starts a command that listens on port, and waits until it does.

sub start {
    my ($name, $port, @command) = @_;
    my $pid = spawn("$dir/$name/out", @command);

    for (1 .. 30_000) {
        return $pid if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
        die "$command[0] ended: see $dir/$name\n" if waitpid($pid, POSIX::WNOHANG()) == $pid;
        sleep 0.002;
    }

    die "$command[0] does not listen\n";
}

sub stop {
    my ($pid, $signal) = @_;
    kill $signal // 'QUIT', $pid;
    waitpid $pid, 0;
    delete $running{$pid};
}

END {
    my $status = $?;

    for (keys %running) {
        kill 'TERM', $_;
        waitpid $_, 0;
    }

    $? = $status;
}

# What is measured has a processor alone, all else is beside it: where it runs, and what on, is chance else, and weighs
# more than what is to be told.

my $cpus = qx(nproc);

sub alone { $cpus > 1 ? qw(taskset -c 0) : () }
sub beside { $cpus > 1 ? ('taskset', '-c', '1-' . ($cpus - 1)) : () }

# One run of the load generator, by a command that begins with @$by: what it prints, as a hash.

sub load {
    my ($by, $port, $request, @args) = @_;

    open my $f, '>', "$dir/request.$$" or die $!;
    print $f $request;
    close $f;

    my $line = `@$by $dir/load @args $port < $dir/request.$$`;
    unlink "$dir/request.$$";
    $line =~ /^requests/ or die "load: no result\n";

    return { map { split /=/ } split ' ', $line };
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return @sorted % 2 ? $sorted[$#sorted / 2] : ($sorted[@sorted / 2 - 1] + $sorted[@sorted / 2]) / 2;
}

1;
