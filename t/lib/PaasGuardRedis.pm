package PaasGuardRedis;

=head1 NAME

PaasGuardRedis - stores of every shape for the tests in t/2xx-redis-*.t

=head1 SYNOPSIS

    use PaasGuard;
    use PaasGuardRedis;

    my $tls = tls_files();                  # ca, cert, key, expired_cert, other_ca, ...
    my $redis = tls_redis($tls);            # its ->tls_url

    my $replica  = redis_start(args => [replicaof($redis)]);
    my $sentinel = sentinel_start($redis, 'mymaster');  # ->port
    my $cluster  = cluster_start(3, 3);     # masters, replicas: ->url, ->nodes, ->owner($key)

    my $fake = fake_start(sub { my ($command, $n) = @_; ... });     # a server that lies
    my $gw = guarded($redis->url, throttle => 'interval=1s', more => 'timeout=100ms');

    is store_of($gw), 'redis';              # what $paas_guard_store says
    wait_store($gw, 'degraded');

    my ($far, $why) = netns_start();        # in a network of its own: ->url, ->cut, ->mend
    outage($gw, 'SIGKILL', sub { $redis->kill }, sub { $redis->start });

    my $late = lateness();                  # the machine's own, from here on
    my $held = $late->();                   # to here, in seconds: none of the guard's doing

C<outage> breaks and mends the store under load, and tests what must hold in
any outage: every request is answered, in time, by local counts, and the store
is used again afterwards; returns how long each took to be noticed.

C<guarded> starts a gateway whose answers tell C<$paas_guard_store> and
C<$paas_guard_verdict> in X-Store and X-Verdict; its client is the X-API-Key
header with the argument k.

=cut

use strict;
use warnings;

use IO::Socket::INET;
use IO::Select;
use PaasGuard ();
use POSIX ();
use Time::HiRes qw(sleep time);

our @EXPORT = qw(tls_files tls_redis replicaof sentinel_start cluster_start
    fake_start guarded store_of wait_store fds rss commandstats sh metric netns_start outage lateness);

sub import {
    my $caller = caller;
    no strict 'refs';
    *{"${caller}::$_"} = \&$_ for @EXPORT;
}

sub dir { $ENV{TEST_NGINX_DIR} }

sub sh {
    my $out = qx(@_ 2>&1);
    die "@_: $out" if $?;
    return $out;
}


# A gateway

sub guarded {
    my ($url, %opt) = @_;
    my $secret = PaasGuard::secret_file();
    my %o = (
        timeout => '200ms', more => '', zone => '4m', throttle => 'off', rule => '',
        use => '', sync => 'async', workers => 1, main => '', http => '', conf => '', %opt);
    my $throttle = $o{throttle} eq 'off' ? 'off' : $o{throttle};
    my $rule = $o{rule} ? "paas_guard_hammer_rule flood key=\$http_x_api_key\$arg_k $o{rule};" : '';
    my $hammer = $o{rule} ? 'paas_guard_hammer flood;' : '';

    # HTTP/1.0 to the backend: nginx 1.30 would keep connections to it, which are
    # none of the store's, and tests count descriptors
    return PaasGuard::gateway_start(
        workers => $o{workers}, main => $o{main}, log_level => $o{log_level} // 'info',
        allow => $o{allow},
        http => <<~_EOC_,
            $o{http}
            keepalive_requests 1000000;
            proxy_http_version 1.0;
            log_format pg '\$msec \$status \$paas_guard_store \$paas_guard_verdict "\$http_x_api_key\$arg_k" \$request_time';
            access_log %DIR%/guard.log pg;
            paas_guard_zone zone=z:$o{zone};
            paas_guard_secret_file $secret;
            paas_guard_redis $url timeout=$o{timeout} $o{more};
            paas_guard_client \$http_x_api_key\$arg_k;
            $rule
            _EOC_
        conf => <<~_EOC_,
            add_header X-Store \$paas_guard_store always;
            add_header X-Verdict \$paas_guard_verdict always;
            location / {
                paas_guard zone=z;
                paas_guard_throttle $throttle;
                paas_guard_sync $o{sync};
                $hammer
                proxy_pass http://backend;
            }
            location = /metrics { access_log off; paas_guard_metrics; }
            $o{conf}
            _EOC_
    );
}

# Each is another client, so that each asks
sub store_of { $_[0]->get('/free?k=probe' . int rand 1e9)->{headers}{'x-store'} // '' }

# Each worker has a view of its own: back is what all say that answer.
sub wait_store {
    my ($gw, $state, $seconds) = @_;
    my $times = $state eq 'redis' ? 40 : 1;
    return PaasGuard::wait_for(sub {
        for (1 .. $times) { store_of($gw) eq $state or return 0 }
        return 1;
    }, $seconds // 60);
}

sub metric {
    my ($gw, $name) = @_;
    my ($value) = $gw->get('/metrics')->{body} =~ /^\Q$name\E (\S+)/m;
    return $value;
}

# Descriptors of all workers
sub fds {
    my $n = 0;
    for my $pid ($_[0]->workers) {
        opendir my $d, "/proc/$pid/fd" or next;
        $n += grep { !/^\./ } readdir $d;
    }
    return $n;
}

sub rss {
    my $kb = 0;
    for my $pid ($_[0]->workers) {
        open my $in, '<', "/proc/$pid/status" or next;
        /^VmRSS:\s+(\d+)/ and $kb += $1 while <$in>;
    }
    return $kb;
}

# Calls of each command since the start: { evalsha => 12, ... }
sub commandstats {
    my $redis = shift;
    return { $redis->cli('info', 'commandstats') =~ /^cmdstat_(\S+?):calls=(\d+)/mg };
}


# TLS: an authority, and certificates of it, right and wrong

sub tls_files {
    my $d = dir() . '/tls';
    return { map { $_ => "$d/$_.pem" } names() } if -d $d;
    mkdir $d;
    for my $ca (qw(ca other_ca)) {
        sh(qq(openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=$ca" )
            . qq(-keyout $d/$ca.key -out $d/$ca.pem));
    }
    # openssl x509 makes no certificate that has expired
    open my $conf, '>', "$d/ca.conf" or die $!;
    print $conf map { "$_\n" } '[ca]', 'default_ca=it', '[it]', "database=$d/index",
        "new_certs_dir=$d", 'rand_serial=yes', 'default_md=sha256', 'policy=any',
        '[any]', 'commonName=supplied';
    close $conf;
    open my $index, '>', "$d/index" or die $!;
    close $index;
    my @certs = (
        [cert     => 'ca', 'DNS:redis.test,IP:127.0.0.1'],
        [named    => 'ca', 'DNS:redis.test'],
        [expired  => 'ca', 'DNS:redis.test,IP:127.0.0.1', '-enddate 20200102000000Z'],
        [foreign  => 'other_ca', 'DNS:redis.test,IP:127.0.0.1'],
        [client   => 'ca', 'DNS:gateway.test'],
    );
    for (@certs) {
        my ($name, $ca, $san, $end) = @$_;
        sh(qq(openssl req -new -newkey rsa:2048 -nodes -subj "/CN=$name" )
            . qq(-keyout $d/${name}_key.pem -out $d/$name.csr));
        open my $ext, '>', "$d/$name.ext" or die $!;
        print $ext "subjectAltName=$san\n";
        close $ext;
        sh("openssl ca -batch -config $d/ca.conf -in $d/$name.csr -cert $d/$ca.pem -keyfile $d/$ca.key "
            . "-startdate 20200101000000Z @{[ $end // '-days 30' ]} -extfile $d/$name.ext -out $d/$name.pem");
    }
    return tls_files();
}

sub names { map { ($_, "${_}_key") } qw(ca other_ca cert named expired foreign client) }

# A server that speaks TLS at its port, and plain text at its socket only
sub tls_redis {
    my ($tls, %opt) = @_;
    my $port = PaasGuard::free_port();
    my $name = $opt{cert} // 'cert';
    my $redis = PaasGuard::redis_start(unix => 1, args => [
        '--tls-port' => $port, '--tls-cert-file' => $tls->{$name},
        '--tls-key-file' => $tls->{"${name}_key"}, '--tls-ca-cert-file' => $tls->{ca},
        '--tls-auth-clients' => $opt{auth} // 'no', @{ $opt{args} // [] } ]);
    $redis->{tls_port} = $port;
    return $redis;
}


# Replication and sentinels

sub replicaof { ('--replicaof' => '127.0.0.1 ' . $_[0]->port, '--repl-diskless-sync-delay' => 0) }

sub sentinel_start {
    my ($redis, $name, %opt) = @_;
    my $port = PaasGuard::free_port();
    my $d = dir() . "/sentinel$port";
    mkdir $d;
    open my $out, '>', "$d/conf" or die $!;
    my $quorum = $opt{quorum} // 1;
    print $out <<~_EOC_;
        port $port
        bind 127.0.0.1
        dir $d
        sentinel monitor $name 127.0.0.1 @{[ $redis->port ]} $quorum
        sentinel down-after-milliseconds $name 1000
        sentinel failover-timeout $name 5000
        _EOC_
    print $out "sentinel auth-pass $name $opt{password}\n" if $opt{password};
    close $out;
    my $self = bless { port => $port, dir => $d }, 'PaasGuardRedis::Server';
    return $self->begin("$d/log", 'redis-server', "$d/conf", '--sentinel');
}


# A cluster

sub cluster_start {
    my ($masters, $replicas, @args) = @_;
    my @nodes;
    for my $i (1 .. $masters + ($replicas // 0)) {
        my $port;
        do { $port = PaasGuard::free_port() } while $port > 55000;
        my $d = dir() . "/node$port";
        mkdir $d;
        my $self = bless { port => $port, dir => $d }, 'PaasGuardRedis::Server';
        $self->begin("$d/log", 'redis-server', '--port' => $port, '--bind' => '127.0.0.1',
            '--dir' => $d, '--cluster-enabled' => 'yes', '--cluster-node-timeout' => 1000,
            '--cluster-port' => PaasGuard::free_port(), '--save' => '',
            '--repl-diskless-sync-delay' => 0, '--cluster-replica-validity-factor' => 0, @args);
        push @nodes, $self;
    }
    my @ports = map { $_->port } @nodes;
    my $per = $replicas ? int($replicas / $masters) : 0;
    sh('redis-cli', '--cluster', 'create', (map { "127.0.0.1:$_" } @ports),
        "--cluster-replicas $per --cluster-yes");
    PaasGuard::wait_for(sub {
        !grep { $_->cli('cluster', 'info') !~ /cluster_state:ok/ } @nodes
    }) or die "the cluster does not come up\n";
    return bless { nodes => \@nodes }, 'PaasGuardRedis::Cluster';
}


# A server in a network namespace; where there can be none, undef and why.

sub netns_start {
    my $n = $$ % 20000;
    my ($ns, $here, $there) = ("pg$n", "pgh$n", "pgt$n");
    my ($a, $b) = map { '10.213.' . ($n % 250) . ".$_" } 1, 2;
    return (undef, 'no ip: apt-get install iproute2')
        if !grep { -x "$_/ip" } split /:/, $ENV{PATH};
    chomp(my $why = qx(ip netns add $ns 2>&1));
    return (undef, "no network namespace: $why") if $?;
    my $port = PaasGuard::free_port();
    my $self = bless { port => $port, address => $b, ns => $ns, here => $here, there => $there,
        owner => $$, dir => dir() . "/$ns" }, 'PaasGuardRedis::Far';
    mkdir $self->{dir};
    chomp($why = qx((ip link add $here type veth peer name $there netns $ns &&
        ip addr add $a/30 dev $here && ip link set $here up &&
        ip netns exec $ns ip addr add $b/30 dev $there &&
        ip netns exec $ns ip link set $there up) 2>&1));
    if ($?) { $self->remove; return (undef, "no network of two: $why") }
    return $self->begin("$self->{dir}/log", qw(ip netns exec), $ns, 'redis-server',
        '--port' => $port, '--bind' => $b, '--protected-mode' => 'no', '--save' => '',
        '--dir' => $self->{dir});
}


# What must hold in any outage

sub outage {
    my ($gw, $what, $break, $mend, %opt) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $log = $gw->dir . '/guard.log';
    my $from = -s $log;
    my $load = $gw->load(clients => 2, path => sub { "/o?k=$$.$_[0].$_[1]" });
    my $late = lateness();
    sleep 0.2;

    my $since = time;
    $break->();
    my $noticed = $opt{harmless} ? 1 : wait_store($gw, 'degraded', $opt{seconds} // 10);
    my $after = time - $since;
    Test::More::ok($noticed, "$what: noticed") if !$opt{harmless};
    if (!$opt{harmless}) {
        my $k = 'local' . int rand 1e9;
        my @got = map { $gw->get("/same?k=$k")->{status} } 1 .. 2;
        Test::More::is("@got", '200 429', "$what: decided locally");
    }
    sleep($opt{hold} // 0.5);

    $since = time;
    $mend->() if $mend;
    Test::More::ok(wait_store($gw, 'redis', $opt{seconds} // 15), "$what: the store is back");
    my $back = time - $since;
    my $count = $load->stop;
    my @bad = grep { !/^(?:200|429)$/ } keys %$count;
    Test::More::is("@bad", '', "$what: every request is answered")
        or Test::More::diag(Test::More::explain($count));

    # as the gateway measures it: no client's own delays are in there
    open my $in, '<', $log or die;
    seek $in, $from, 0;
    my $held = $late->();
    my $limit = ($opt{limit} // 0.4) + 3 * $held;
    my (@times, $n) = ();
    while (<$in>) { push @times, (split)[-1] }
    @times = sort { $a <=> $b } @times;
    Test::More::cmp_ok($times[-1], '<', $limit, "$what: in time");
    Test::More::note(sprintf '%s: noticed after %.2f s, back after %.2f s; %d requests, '
        . 'median %.3f s, slowest %.3f s; the machine itself was late by %.3f s', $what, $after,
        $back, scalar @times, $times[@times / 2], $times[-1], $held);
    return ($after, $back);
}

# How late this machine wakes who sleeps, at worst, until the sub is called: a
# request waits for its turn in worker, backend and worker.
sub lateness {
    my $parent = $$;
    defined(my $pid = open my $in, '-|') or die "fork: $!";
    if (!$pid) {
        my ($worst, $stop) = (0);
        local $SIG{TERM} = sub { $stop = 1 };
        until ($stop || getppid != $parent) {
            my $since = time;
            sleep 0.005;
            my $late = time - $since - 0.005;
            $worst = $late if $late > $worst;
        }
        print "$worst\n";
        close STDOUT;
        POSIX::_exit(0);
    }
    return sub {
        kill TERM => $pid;
        my $worst = <$in> // 0;
        close $in;
        return $worst;
    };
}


# A server that lies: code is given each command (an array of words) and the
# number of its connection, and returns the bytes to answer; undef closes.

sub fake_start {
    my ($code) = @_;
    my $port = PaasGuard::free_port();
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port,
        Listen => 128, ReuseAddr => 1) or die "fake: $!";
    my $self = bless { port => $port }, 'PaasGuardRedis::Server';
    $self->{owner} = $$;
    defined($self->{pid} = fork) or die "fork: $!";
    if ($self->{pid} == 0) {
        $SIG{TERM} = sub { POSIX::_exit(0) };
        $SIG{PIPE} = 'IGNORE';
        eval { fake_loop($listen, $code) };
        warn $@ if $@;
        POSIX::_exit(1);
    }
    close $listen;
    return PaasGuardRedis::Server::adopt($self);
}

sub fake_loop {
    my ($listen, $code) = @_;
    my $select = IO::Select->new($listen);
    my (%buffer, %number);
    my $n = 0;
    while (1) {
        for my $s ($select->can_read) {
            if ($s == $listen) {
                my $c = $listen->accept or next;
                $select->add($c);
                $buffer{$c} = '';
                $number{$c} = ++$n;
                next;
            }
            my $got = $s->sysread($buffer{$s}, 65536, length $buffer{$s});
            my $open = $got;
            while ($open and my $command = fake_command(\$buffer{$s})) {
                my $answer = $code->($command, $number{$s}, $s);
                if (!defined $answer) { $open = 0; last }
                $s->syswrite($answer) if length $answer;
            }
            next if $open;
            $select->remove($s);
            delete $buffer{$s};
            close $s;
        }
    }
}

sub fake_command {
    my $buffer = shift;
    $$buffer =~ /\A\*(\d+)\r\n/ or return;
    my ($left, $pos, @words) = ($1, $+[0]);
    while ($left--) {
        substr($$buffer, $pos) =~ /\A\$(\d+)\r\n/ or return;
        my ($len, $head) = ($1, $+[0]);
        return if length($$buffer) < $pos + $head + $len + 2;
        push @words, substr $$buffer, $pos + $head, $len;
        $pos += $head + $len + 2;
    }
    substr($$buffer, 0, $pos) = '';
    return \@words;
}


package PaasGuardRedis::Server;

our @ISA = 'PaasGuard::Redis';

sub begin {
    my ($self, @command) = @_;
    $self->{command} = \@command;
    return $self->start;
}

sub start {
    my $self = shift;
    $self->spawn(@{ $self->{command} });
    PaasGuard::wait_for(sub { $self->dead || $self->ping }) && $self->{pid}
        or die "$self->{command}[1] does not start: see " . `tail -n 3 $self->{dir}/log`;
    return $self;
}

# Known to those that end what was started
sub adopt {
    my $self = shift;
    PaasGuard::started($self);
    return $self;
}

sub ping {
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $_[0]{port}) or return 0;
    $s->syswrite("PING\r\n");
    return !!$s->sysread(my $answer, 64);
}

sub url { "redis://127.0.0.1:$_[0]{port}/0" }

sub cli {
    my ($self, @command) = @_;
    open my $in, '-|', 'redis-cli', '-p', $self->{port}, @command or die "redis-cli: $!";
    local $/;
    my $out = <$in> // q{};
    $out =~ s{\n\z}{};
    return $out;
}


package PaasGuardRedis::Far;

our @ISA = 'PaasGuardRedis::Server';

sub url  { "redis://$_[0]{address}:$_[0]{port}/0" }
sub cut  { PaasGuardRedis::sh("ip netns exec $_[0]{ns} ip link set $_[0]{there} down") }
sub mend { PaasGuardRedis::sh("ip netns exec $_[0]{ns} ip link set $_[0]{there} up") }

sub ping {
    my $s = IO::Socket::INET->new(PeerAddr => $_[0]{address}, PeerPort => $_[0]{port}, Timeout => 1)
        or return 0;
    $s->syswrite("PING\r\n");
    return !!$s->sysread(my $answer, 64);
}

sub remove {
    my $self = shift;
    system("ip link del $self->{here} 2>/dev/null; ip netns del $self->{ns} 2>/dev/null");
}

sub end {
    my $self = shift;
    $self->quit('TERM');
    $self->remove;
    return 1;
}


package PaasGuardRedis::Cluster;

sub nodes { @{ $_[0]{nodes} } }
sub url   { 'redis+cluster://' . join ',', map { '127.0.0.1:' . $_->port } ($_[0]->nodes)[0, 1] }

# As the first node that answers sees it: [id, port, flags, master id, slots]
sub table {
    my $self = shift;
    for my $node ($self->nodes) {
        next if !$node->pid;
        my $text = $node->cli('cluster', 'nodes');
        my @rows = map {
            my @f = split ' ';
            my ($port) = $f[1] =~ /:(\d+)@/;
            [$f[0], $port, $f[2], $f[3], join ' ', @f[8 .. $#f]];
        } split /\n/, $text;
        return @rows if @rows;
    }
    return;
}

sub masters {
    my $self = shift;
    my %port = map { $_->[1] => 1 } grep { $_->[2] =~ /master/ && $_->[2] !~ /fail/ && $_->[4] } $self->table;
    return grep { $port{ $_->port } && $_->pid } $self->nodes;
}

sub id_of {
    my ($self, $node) = @_;
    return (map { $_->[0] } grep { $_->[1] == $node->port } $self->table)[0];
}

sub replica_of {
    my ($self, $master) = @_;
    my $id = $self->id_of($master);
    my ($port) = map { $_->[1] } grep { $_->[3] eq $id } $self->table;
    return (grep { $port && $_->port == $port } $self->nodes)[0];
}

1;
