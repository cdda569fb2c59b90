package PaasGuard;

=head1 NAME

PaasGuard - what the tests in t/ share

=head1 BLOCKS

    use lib 't/lib';
    use PaasGuard;                  # brings Test::Nginx::Socket, port and server root chosen

    redis_start();                  # optional: sets $TEST_NGINX_REDIS_PORT and _URL
    secret_file();                  # optional: sets $TEST_NGINX_SECRET
    plan 'no_plan';
    run_tests();

    __DATA__

    === TEST 1: a duplicate is refused
    --- http_config
        paas_guard_zone zone=z:1m;
    --- config
        location /t {
            paas_guard zone=z;
            proxy_pass http://backend;
        }
    --- request eval
    ["GET /t", "GET /t"]
    --- error_code eval
    [200, 429]

C<http://backend> answers every request with 200 and a line of text (unless
the block defines an upstream of that name).  Note that C<return> answers in
the rewrite phase, before any guard: guarded locations need a content handler.

Each block fails on an [alert], an [emerg] or a sanitizer's report in the error
log, and on those, leaked connections and leaks when nginx ends; a block with a
C<no_error_log> or C<no_shutdown_error_log> of its own is judged by that one,
and C<must_die> expects the [emerg].

=head1 GATEWAYS BY HAND

For what a block cannot express: several gateways, reload, signals, restart.

    use lib 't/lib';
    use PaasGuard;

    my $redis = redis_start();
    my %same = (
        http => 'paas_guard_zone zone=z:1m; paas_guard_redis ' . $redis->url . ' timeout=2s;'
              . 'paas_guard_secret_file ' . secret_file() . ';',
        conf => 'location / { paas_guard zone=z; proxy_pass http://backend; }',
    );
    my $one = gateway_start(%same, workers => 2);
    my $two = gateway_start(%same);

    is $one->get('/a')->{status}, 200, 'admitted';
    is $two->get('/a', 'X-API-Key' => 'k')->{headers}{'retry-after'}, 1, 'refused';
    like $one->http("GET / HTTP/1.0\r\n\r\n"), qr/^HTTP/, 'raw';

    my $load = $one->load(clients => 4, path => '/b');      # in the background
    $one->reload;                   # returns when the new workers have taken over
    my $count = $load->stop;        # { 200 => 3, 429 => 512 }; 'error' for no answer

    kill KILL => ($one->workers)[0];
    $one->stop(allow => qr/exited on signal 9/);    # one test: its error log is clean
    $one->start;                    # the same port, directory and state files
    done_testing;

=over

=item gateway_start(%opt)

C<conf> (inside the server), C<http>, C<main>: text of the configuration, where
C<%DIR%> is the gateway's directory, C<%PORT%> its port; C<workers> (1), C<log_level> (info),
C<listen> (its further parameters, e.g. C<http2>), C<user>, C<allow> (pattern of error log lines to forgive).  Methods: C<port>,
C<pid>, C<dir>, C<log>, C<access_log>, C<error_log> (its text),
C<logged($file, $target, $n)> (a log's lines that begin with a target, once there are so many),
C<workers> (pids), C<connect> (a socket), C<http($raw, $timeout)>, C<get($path, %headers)>,
C<request($method, $path, \%headers, $body)>, C<load> (C<clients>, C<path>: text, or a
sub of client and round, C<headers>), C<configure(%opt)> (new
text, for the next reload), C<reload>, C<stop>, C<kill($signal)>, C<start>.

=item redis_start(%opt)

C<bin> (or the environment's PGUARD_REDIS_SERVER; redis-server), C<unix> (no TCP port), C<args>
(further arguments).  Methods: C<port>, C<socket>, C<url>, C<pid>, C<cli(@command)> (its
output), C<pause>, C<resume>, C<stop>, C<kill>, C<start>.

=item redis_stop($redis), free_port(), wait_for(sub {...}, $seconds)

=item secret_file($text)

A secret of this text; without it, of random bytes.  With a text the places of keys in tables
are the same each time.

=item one_month($since, $until)

Is it one and the same month from so many seconds ago until so many from now, in UTC and in Paris?

=back

What was started is ended, by its pid, when the test ends.

=cut

use strict;
use warnings;

use Cwd            ();
use Fcntl          qw(:flock O_CREAT O_RDWR);
use File::Basename qw(basename dirname);
use File::Path     qw(make_path remove_tree);
use File::Temp     ();
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX       ();
use Time::HiRes qw(sleep time);

my ($root, $dir, @locks, @running);
my $blocks = 0;         # a socket for each, as a crash leaves its own behind

our $clean = qr/\[alert\]|\[emerg\]|AddressSanitizer|runtime error:/;

# an [emerg] is right here: named but never matched, or Test::Nginx warns of it
our $clean_death = qr/\[emerg\](?!)|\[alert\]|AddressSanitizer|runtime error:/;
our $clean_end = qr/$clean|LeakSanitizer|open socket/;

sub import {
    my $caller = caller;
    no strict 'refs';
    *{"${caller}::$_"} = \&$_
        for qw(redis_start redis_stop gateway_start secret_file free_port wait_for one_month);
    eval "package $caller; use Test::Nginx::Socket; 1" or die $@;
    *{"${caller}::$_"} = \&{"Test::More::$_"} for qw(done_testing explain note);
    Test::Nginx::Socket::add_block_preprocessor(\&preprocess);
}

sub preprocess {
    my $block = shift;
    my $text  = join '', map { $_ // '' } $block->config, $block->http_config;

    if ($text =~ m{//backend\b} && $text !~ /upstream\s+backend\b/) {
        $block->set_value(http_config => ($block->http_config // '')
            . backend("$dir/backend" . ++$blocks . '.sock'));
    }

    if (defined $block->must_die) {
        $block->set_value(no_error_log => [$clean_death]) if !defined $block->no_error_log;
        $block->set_value(suppress_stderr => 1) if $ENV{TEST_NGINX_BINARY} !~ /asan/;
        return;
    }

    $block->set_value(no_error_log => [$clean]) if !defined $block->no_error_log;
    $block->set_value(no_shutdown_error_log => [$clean_end])
        if !defined $block->no_shutdown_error_log;
}

sub backend {
    my $socket = shift;
    return <<~_EOC_;

        upstream backend { server unix:$socket; }
        server {
            listen unix:$socket;
            access_log off;
            location / { return 200 "backend\\n"; }
        }
        _EOC_
}

# Below the range that the kernel hands out by itself, and locked, so that two
# tests that run at once do not pick the same.
sub free_port {
    make_path("$root/build/ports");
    for (1 .. 1000) {
        my $port = 12000 + int rand 18000;
        sysopen my $lock, "$root/build/ports/$port", O_CREAT | O_RDWR or die "free_port: $!";
        flock $lock, LOCK_EX | LOCK_NB or next;
        IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port,
            Listen => 1, ReuseAddr => 1) or next;
        push @locks, $lock;
        return $port;
    }
    die "no free port\n";
}

# Before Test::Nginx is loaded, as it reads these once: a port and a root of
# its own for each test file, so that files run side by side.
BEGIN {
    $root = Cwd::realpath(dirname(__FILE__) . '/../..');
    my $test = basename($0, '.t');
    unshift @INC, "$root/.deps/usr/share/perl5";
    $ENV{PATH} = "$ENV{PATH}:/usr/sbin:$root/.deps/usr/bin";

    # in /tmp, as the path of a socket has at most 107 bytes
    $dir = File::Temp->newdir("pguard-$test-XXXXXX", TMPDIR => 1);
    chmod 0755, $dir;

    $ENV{TEST_NGINX_BINARY}       ||= '/usr/sbin/nginx';
    $ENV{TEST_NGINX_LOAD_MODULES} //= "$root/build/ngx_paas_guard_module.so";
    $ENV{TEST_NGINX_SERVROOT}     ||= "$root/build/servroot/$test";
    $ENV{TEST_NGINX_PORT}         ||= free_port();
    $ENV{TEST_NGINX_DIR}            = "$dir";
    for (split ' ', $ENV{TEST_NGINX_LOAD_MODULES}) {
        die "$_ is missing: make build\n" if !-e;
    }
    remove_tree($ENV{TEST_NGINX_SERVROOT});     # what a killed run left
    make_path(dirname($ENV{TEST_NGINX_SERVROOT}));
}

sub wait_for {
    my ($what, $seconds) = @_;
    my $end = time + ($seconds // 10) * ($ENV{TEST_NGINX_SLOWER} // 1);
    until ($what->()) {
        return 0 if time > $end;
        sleep 0.02;
    }
    return 1;
}

sub secret_file {
    my ($text) = @_;
    my $path = "$dir/secret";
    if (!-e $path) {
        my $mask = umask 0077;
        open my $out, '>', $path or die "$path: $!";
        print $out $text // join('', map { sprintf '%02x', rand 256 } 1 .. 32), "\n";
        umask $mask;
    }
    return $ENV{TEST_NGINX_SECRET} = $path;
}

sub one_month {
    my ($since, $until) = @_;
    my $now = time;
    return !grep { (gmtime $now - $since + $_)[4] != (gmtime $now + $until + $_)[4] } 0, 3600, 7200;
}

# For a process of another library: it is ended with the others.
sub started { push @running, $_[0] }

sub redis_start   { return PaasGuard::Redis->new(@_) }
sub redis_stop    { $_[0]->stop }
sub gateway_start { return PaasGuard::Gateway->new(@_) }

# Too late for one more test: a log that is not clean still fails the program.
END {
    my $status = $?;
    $_->end || ($status ||= 1) for reverse grep { $_->{owner} == $$ && $_->{pid} } @running;
    $? = $status;
}


# A program that was started: of it, and of nothing else, we know the pid.

package PaasGuard::Process;

use POSIX ();

sub spawn {
    my ($self, $log, @command) = @_;

    $self->{owner} = $$;
    defined($self->{pid} = fork) or die "fork: $!";
    if ($self->{pid} == 0) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM QUIT HUP PIPE CHLD);
        open STDIN,  '<',  '/dev/null';
        open STDOUT, '>>', $log;
        open STDERR, '>>', $log;
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    push @running, $self if !grep { $_ == $self } @running;
    return $self;
}

sub pid { $_[0]{pid} }

sub dead {
    my $self = shift;
    return 1 if !$self->{pid};
    return 0 if waitpid($self->{pid}, POSIX::WNOHANG()) == 0;
    delete $self->{pid};
    return 1;
}

sub signal {
    my ($self, $signal) = @_;
    CORE::kill $signal => $self->{pid} if $self->{pid};
}

# True if it ended by itself.
sub quit {
    my ($self, $signal, $seconds) = @_;
    $self->signal('CONT');
    $self->signal($signal);
    return 1 if PaasGuard::wait_for(sub { $self->dead }, $seconds // 15);
    $self->signal('KILL');
    PaasGuard::wait_for(sub { $self->dead });
    return 0;
}

sub kill {
    my ($self, $signal) = @_;
    $signal //= 'KILL';
    $self->signal($signal);
    PaasGuard::wait_for(sub { $self->dead }) if $signal eq 'KILL';
}

sub end {
    my $self = shift;
    $self->quit('TERM');
    return 1;
}


package PaasGuard::Redis;

our @ISA = 'PaasGuard::Process';
my $redises = 0;

sub new {
    my ($class, %opt) = @_;
    my $self = bless {
        bin  => $opt{bin} // $ENV{PGUARD_REDIS_SERVER} // 'redis-server',
        args => $opt{args} // [],
        dir  => "$dir/redis" . ++$redises,
        port => $opt{unix} ? 0 : PaasGuard::free_port(),
    }, $class;

    mkdir $self->{dir} or die "$self->{dir}: $!";
    $ENV{TEST_NGINX_REDIS_PORT} //= $self->{port};
    $ENV{TEST_NGINX_REDIS_URL}  //= $self->url;
    return $self->start;
}

sub start {
    my $self = shift;
    $self->spawn("$self->{dir}/log", $self->{bin},
        '--port' => $self->{port}, '--bind' => '127.0.0.1',
        '--unixsocket' => $self->socket, '--unixsocketperm' => 777, '--dir' => $self->{dir},
        '--save' => '', '--appendonly' => 'no', '--daemonize' => 'no', @{ $self->{args} });
    PaasGuard::wait_for(sub { $self->dead || $self->ping }) && $self->{pid}
        or die "$self->{bin} does not start: see " . `tail -n 3 $self->{dir}/log`;
    return $self;
}

# any answer will do: it may want a password, or still load
sub ping {
    my $socket = IO::Socket::UNIX->new(Peer => $_[0]->socket) or return 0;
    $socket->syswrite("PING\r\n");
    return !!$socket->sysread(my $answer, 64);
}

sub port   { $_[0]{port} }
sub socket { "$_[0]{dir}/redis.sock" }
sub url    { $_[0]{port} ? "redis://127.0.0.1:$_[0]{port}/0" : 'unix:' . $_[0]->socket }
sub pause  { $_[0]->signal('STOP') }
sub resume { $_[0]->signal('CONT') }
sub stop   { $_[0]->quit('TERM') }

sub cli {
    my ($self, @command) = @_;
    open my $in, '-|', 'redis-cli', '-s', $self->socket, @command or die "redis-cli: $!";
    local $/;
    my $out = <$in> // q{};
    $out =~ s{\n\z}{};
    return $out;
}


package PaasGuard::Gateway;

use Errno;
use Test::More ();

our @ISA = 'PaasGuard::Process';
my $gateways = 0;

sub new {
    my ($class, %opt) = @_;
    my $self = bless {
        name => 'gateway ' . ++$gateways,
        dir  => "$dir/gateway$gateways",
        port => PaasGuard::free_port(),
    }, $class;

    mkdir $self->{dir} or die "$self->{dir}: $!";
    chmod 0777, $self->{dir};           # workers may have another user
    $self->configure(workers => 1, log_level => 'info', %opt);
    return $self->start;
}

sub configure {
    my ($self, %opt) = @_;
    my $o = $self->{opt} = { %{ $self->{opt} // {} }, %opt };
    my $d = $self->{dir};
    my $user = $o->{user} // ($> == 0 ? 'root' : undef);
    my $load = join "\n", map { "load_module $_;" } split ' ', $ENV{TEST_NGINX_LOAD_MODULES};
    my $temp = join "\n", map { "    ${_}_temp_path $d/$_;" }
        qw(client_body proxy fastcgi uwsgi scgi);

    my $text = join "\n", $load, ($user ? "user $user;" : ''), <<~_EOC_;
        daemon off;
        worker_processes $o->{workers};
        pid $d/pid;
        error_log $d/error.log $o->{log_level};
        env LD_PRELOAD; env FAKETIME; env FAKETIME_SHARED; env FAKETIME_DONT_FAKE_MONOTONIC;
        @{[ $o->{main} // '' ]}
        events { worker_connections 1024; }
        http {
            access_log $d/access.log;
        $temp
            default_type text/plain;
            @{[ $o->{http} // '' ]}
            @{[ ($o->{http} // '') =~ /upstream\s+backend\b/ ? '' : PaasGuard::backend("$d/backend.sock") ]}
            server {
                listen 127.0.0.1:$self->{port} @{[ $o->{listen} // '' ]};
                @{[ $o->{conf} // '' ]}
            }
        }
        _EOC_
    $text =~ s/%DIR%/$d/g;
    $text =~ s/%PORT%/$self->{port}/g;

    open my $out, '>', "$d/nginx.conf" or die "$d/nginx.conf: $!";
    print $out $text;
    return $self;
}

sub start {
    my $self = shift;
    unlink "$self->{dir}/backend.sock";     # is left behind by a killed one
    $self->{checked} = -s $self->log // 0;
    $self->spawn($self->log, $ENV{TEST_NGINX_BINARY}, '-p', $self->{dir},
        '-c', "$self->{dir}/nginx.conf");
    PaasGuard::wait_for(sub { $self->dead || $self->workers && $self->connect })
        && $self->{pid} or die "$self->{name} does not start:\n" . $self->error_log;
    return $self;
}

sub port       { $_[0]{port} }
sub dir        { $_[0]{dir} }
sub log        { "$_[0]{dir}/error.log" }
sub access_log { slurp("$_[0]{dir}/access.log") }
sub error_log  { slurp($_[0]->log) }

# The lines that begin with target in the log called file, in the gateway's directory; waits until there are n.
sub logged {
    my ($self, $file, $target, $n) = @_;
    my @lines;
    PaasGuard::wait_for(sub {
        @lines = slurp("$self->{dir}/$file") =~ /^(\Q$target\E .*)/mg;
        return @lines >= $n;
    });
    return @lines;
}

sub slurp {
    open my $in, '<', $_[0] or return '';
    local $/;
    return <$in> // '';
}

# Those that do not shut down.  Under valgrind no process can name itself.
sub workers {
    my $self = shift;
    my @pids = $self->children;
    return @pids if $ENV{TEST_NGINX_BINARY} =~ /valgrind/;
    return grep { slurp("/proc/$_/cmdline") =~ /^nginx: worker process\0*\s*$/ } @pids;
}

# Stops a worker for a while, once it is at rest (it may hold a lock).  Until it has left epoll_wait(), the kernel would
# tell of a new connection to nobody but it.
sub halt {
    my ($self, $worker) = @_;
    Time::HiRes::sleep(0.2);
    kill STOP => $worker;
    return PaasGuard::wait_for(sub { slurp("/proc/$worker/stat") =~ /\) T / });
}

sub children {
    my $self = shift;
    my $pid  = $self->{pid} or return;
    return split ' ', slurp("/proc/$pid/task/$pid/children");
}

# Returns when workers of the new configuration have replaced the others, which
# may still finish their requests; false if the configuration was refused.
sub reload {
    my ($self, %opt) = @_;
    my %old  = map { $_ => 1 } $self->workers;
    my $from = -s $self->log;
    $self->signal('HUP');

    my $refused;
    PaasGuard::wait_for(sub {
        $refused = substr($self->error_log, $from) =~ /\[emerg\]/;
        my @now = $self->workers;
        return $refused || @now == $self->{opt}{workers} && !grep { $old{$_} } @now;
    }) or die "$self->{name}: reload did not end\n";
    return !$refused;
}

sub stop {
    my ($self, %opt) = @_;
    my @bad = $self->stop_and_check(%opt);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::ok(!@bad, "$self->{name} ends, its error log is clean")
        or Test::More::diag(@bad);
}

# Whoever forgets to stop a gateway still has its log checked.
sub end {
    my $self = shift;
    my @bad  = $self->stop_and_check;
    warn "$self->{name}: @bad" if @bad;
    return !@bad;
}

sub stop_and_check {
    my ($self, %opt) = @_;
    my $ended = $self->quit($opt{signal} // 'QUIT', $opt{timeout});
    my @allow = grep { defined } $self->{opt}{allow}, $opt{allow};
    my @bad   = grep {
        my $line = $_;
        $line =~ $PaasGuard::clean_end && !grep { $line =~ $_ } @allow;
    } split /^/, substr $self->error_log, $self->{checked};
    $self->{checked} = -s $self->log;
    return ($ended ? () : "it had to be killed\n", @bad);
}

sub connect {
    my $self = shift;
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port});
}

# One request on a connection that stays: status, body, and each header by its name in lower case.
sub ask {
    my ($self, $s, $method, $path, %headers) = @_;
    my %answer = (body => '');
    %headers = (Host => 'localhost', %headers);

    print $s join '', "$method $path HTTP/1.1\r\n", (map { "$_: $headers{$_}\r\n" } sort keys %headers), "\r\n";
    ($answer{status}) = (readline($s) // '') =~ /^HTTP\S+ (\d+)/;

    while (defined(my $line = readline $s)) {
        last if $line eq "\r\n";
        $answer{lc $1} = $2 if $line =~ /^(\S+?): *(.*)\r\n/;
    }

    if (($answer{'transfer-encoding'} // '') eq 'chunked') {
        while ((my $n = hex(readline($s) // 0))) {
            read $s, my $part, $n + 2;
            $answer{body} .= substr $part, 0, $n;
        }
        readline $s;
    } else {
        read $s, $answer{body}, $answer{'content-length'} // 0;
    }

    return \%answer;
}

# A connection to each of n workers, by pid: /pid must tell X-Pid.
sub worker_sockets {
    my ($self, $n) = @_;
    my %worker;
    PaasGuard::wait_for(sub {
        my $s = $self->connect or return 0;
        $worker{ $self->ask($s, GET => '/pid')->{'x-pid'} } //= $s;
        return keys %worker == $n;
    });
    return %worker;
}

# Sends the bytes, returns all bytes until the end of the connection.
sub http {
    my ($self, $raw, $timeout) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $socket = $self->connect or return '';
    my $answer = '';
    eval {
        local $SIG{ALRM} = sub { die "timeout\n" };
        alarm($timeout // 10);
        print $socket $raw;
        while (1) {
            my $n = $socket->sysread($answer, 65536, length $answer);
            last if defined $n ? $n == 0 : !$!{EINTR};
        }
    };
    alarm 0;
    return $answer;
}

sub get { my ($self, $path, %headers) = @_; $self->request('GET', $path, \%headers) }

# Status 0 and nothing else for no answer.
sub request {
    my ($self, $method, $path, $headers, $body) = @_;
    my %h = (Host => 'localhost', %{ $headers // {} });
    $h{'Content-Length'} //= length $body if defined $body;
    my $raw = $self->http(join '', "$method $path HTTP/1.1\r\n",
        (map { "$_: $h{$_}\r\n" } sort keys %h), "Connection: close\r\n\r\n", $body // '');

    my ($head, $rest) = split /\r\n\r\n/, $raw, 2;
    my ($first, @lines) = split /\r\n/, $head // '';
    my %answer = (raw => $raw, body => $rest // '', headers => {});
    ($answer{status}) = ($first // '') =~ m{^HTTP/\S+ (\d+)} or $answer{status} = 0;
    for (@lines) {
        my ($name, $value) = split /:\s*/, $_, 2;
        $name = lc $name;
        $answer{headers}{$name} = join ', ', grep { defined } $answer{headers}{$name}, $value;
    }
    return \%answer;
}

sub load {
    my ($self, %opt) = @_;
    return PaasGuard::Load->new($self, clients => 2, path => '/', headers => {}, %opt);
}


# Clients that ask one after the other until they are told to stop.

package PaasGuard::Load;

# TERM stays pending in a client until its request has ended: one that is cut
# short would look like the gateway's fault.
sub new {
    my ($class, $gateway, %opt) = @_;
    my ($term, $before) = (POSIX::SigSet->new(POSIX::SIGTERM()), POSIX::SigSet->new);
    my @clients;

    POSIX::sigprocmask(POSIX::SIG_BLOCK(), $term, $before);
    for my $n (1 .. $opt{clients}) {
        defined(my $pid = open my $out, '-|') or die "fork: $!";
        push @clients, [$pid, $out];
        next if $pid;

        my ($i, %count) = 0;
        my $pending = POSIX::SigSet->new;
        until (POSIX::sigpending($pending) && $pending->ismember(POSIX::SIGTERM())) {
            my $path = ref $opt{path} ? $opt{path}->($n, $i++) : $opt{path};
            my $status = $gateway->get($path, %{ $opt{headers} })->{status};
            $count{ $status || 'error' }++;
        }
        print map { "$_ $count{$_}\n" } keys %count;
        close STDOUT;
        POSIX::_exit(0);
    }
    POSIX::sigprocmask(POSIX::SIG_SETMASK(), $before);
    return bless { clients => \@clients }, $class;
}

sub stop {
    my $self = shift;
    my %count;
    CORE::kill TERM => map { $_->[0] } @{ $self->{clients} };
    for (@{ $self->{clients} }) {
        my $out = $_->[1];
        while (<$out>) {
            my ($status, $n) = split;
            $count{$status} += $n;
        }
        close $out;
    }
    $self->{clients} = [];
    return \%count;
}

sub DESTROY {
    my $self = shift;
    CORE::kill TERM => map { $_->[0] } @{ $self->{clients} };
}

1;
