# What must not hurt: killed workers, reloads, upgrades, and whatever a client
# may send.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;

# what nginx says of a killed worker, and of the lock that it takes back from it
my $killed = qr/exited on signal 9|shared memory zone .* was locked by/;

use IO::Select;
use IO::Socket::UNIX;
use Time::HiRes qw(sleep clock_gettime CLOCK_MONOTONIC);

# nginx replaces its binary only where it is nobody's child.
package Daemon;

our @ISA = 'PaasGuard::Gateway';

sub configure {
    my $self = shift;
    $self->SUPER::configure(@_);
    my $path = $self->dir . '/nginx.conf';
    my $text = PaasGuard::Gateway::slurp($path) =~ s/daemon off/daemon on/r;
    open my $out, '>', $path or die "$path: $!";
    print $out $text;
    return $self;
}

sub start {
    my $self = shift;
    $self->{checked} = 0;
    system($ENV{TEST_NGINX_BINARY}, '-p', $self->dir, '-c', $self->dir . '/nginx.conf') == 0
        or die 'the daemon does not start';
    PaasGuard::wait_for(sub { $self->master && $self->workers })
        or die "the daemon does not start:\n" . $self->error_log;
    return $self;
}

# the one that wrote its pid last
sub master {
    my $self = shift;
    ($self->{pid}) = PaasGuard::Gateway::slurp($self->dir . '/pid') =~ /(\d+)/;
    return $self->{pid};
}

sub dead { !$_[0]{pid} || !kill 0 => $_[0]{pid} }

package main;

my $http = <<'_EOC_';
    upstream backend { server unix:%DIR%/backend.sock; }
    large_client_header_buffers 4 2m;
    client_max_body_size 4m;
    keepalive_requests 100000;
    server {
        listen unix:%DIR%/backend.sock;
        access_log off;
        location / { return 200 "backend\n"; }
    }
    paas_guard_hammer_rule user key=$arg_user window=1h limit=3 block=1h;
    paas_guard_hammer_rule brief key=$arg_brief window=1h limit=1 block=1s block_max=1s;
_EOC_

my $conf = <<'_EOC_';
    paas_guard zone=z;
    paas_guard_hammer user brief;
    location / { proxy_pass http://backend; }
_EOC_

sub gateway {
    my (%opt) = @_;
    my $zone = 'paas_guard_zone zone=z:64m' . ($opt{state} ? ' state=%DIR%/state;' : ';');
    my $gateway = gateway_start(http => $http . $zone, conf => $conf, workers => 2, %opt);
    wait_for(sub { $gateway->workers == $gateway->{opt}{workers} });
    return $gateway;
}

sub now { clock_gettime(CLOCK_MONOTONIC) }

my $serial = 0;

# The answers to n different requests of a user.
sub user {
    my ($gateway, $user, $n) = @_;
    return join q{ }, map { $gateway->get('/' . ++$serial . "?user=$user")->{status} } 1 .. $n;
}

# Nearly all requests of this load set a block, or are one too many.
sub load {
    my ($gateway, %opt) = @_;
    return $gateway->load(clients => 3, %opt,
        path => sub { my ($n, $i) = @_; "/load/$n/$i?brief=$$." . int($i / 2) });
}

# How many were, up to now.
sub answered { scalar(() = $_[0]->access_log =~ /" 200 /g) }

# Without an answer to what it has sent, what comes first is returned.
sub partial {
    my ($gateway, @pieces) = @_;
    my $socket = $gateway->connect;
    for (@pieces) {
        print $socket $_;
        sleep 0.02 if @pieces > 1;
    }
    return $socket;
}

sub answer {
    my ($socket, $end) = @_;
    my ($answer, $select) = ('', IO::Select->new($socket));
    until ($answer =~ $end) {
        $select->can_read(10) or last;
        $socket->sysread($answer, 65536, length $answer) or last;
    }
    return $answer;
}

# Workers are killed while they set blocks.  The upstream is a process of its
# own: a 502 would be the guard's doing.
{
    my $upstream = gateway_start(conf => 'location / { return 200 "backend\n"; }');
    my $gateway  = gateway(http => $http =~ s/server unix:\S+/'server 127.0.0.1:' . $upstream->port . ';'/er
        . 'paas_guard_zone zone=z:64m;');
    is user($gateway, 'before', 4), '200 200 200 429', 'killed workers: a block before';
    is user($gateway, 'counted', 2), '200 200', 'killed workers: a count before';

    my $load = load($gateway);
    for my $round (1 .. 8) {
        sleep 0.15;
        my %old = map { $_ => 1 } my @old = $gateway->workers;
        kill KILL => $round % 4 ? $old[0] : @old;
        ok wait_for(sub {
            my @now = $gateway->workers;
            @now == 2 && !$old{ $now[0] } || @now == 2 && !$old{ $now[1] };
        }), "killed workers: another, $round";
    }
    sleep 0.3;
    wait_for(sub { answered($gateway) > 150 }, 60);
    my $count = $load->stop;
    my @other = grep { !/^(?:200|429|error)$/ } keys %$count;
    is "@other", q{}, 'killed workers: no answer but those that were right';
    cmp_ok $count->{200} // 0, '>', 100, 'killed workers: requests were answered';

    is user($gateway, 'before', 2), '429 429', 'killed workers: the block holds';
    is user($gateway, 'counted', 2), '200 429', 'killed workers: the count holds';
    is user($gateway, "after$_", 4), '200 200 200 429', "killed workers: a block after, $_"
        for 1 .. 8;
    is join(q{ }, map { $gateway->get('/same')->{status} } 1 .. 2), '200 429',
        'killed workers: the throttle works';
    $_->stop(allow => $killed) for $gateway, $upstream;
}

# Reloads.
{
    my $gateway = gateway();
    is user($gateway, 'before', 4), '200 200 200 429', 'reloads: a block before';
    my $load = load($gateway);
    for my $round (1 .. 6) {
        sleep 0.1;
        ok $gateway->reload, "reloads: $round";
    }
    wait_for(sub { answered($gateway) > 150 }, 60);
    my $count = $load->stop;
    is join(q{ }, sort keys %$count), '200 429', 'reloads: each request has its answer';
    cmp_ok $count->{200}, '>', 100, 'reloads: there were many';
    is user($gateway, 'before', 1), '429', 'reloads: the block holds';
    is user($gateway, 'after', 4), '200 200 200 429', 'reloads: a block after';
    $gateway->stop;
}

# The binary is replaced: the new one takes the blocks from the state file.
my $daemon;
END { $daemon->quit('TERM') if $daemon && !$daemon->dead }
{
    my $gateway = $daemon = Daemon->new(conf => $conf, workers => 2,
        http => $http . 'paas_guard_zone zone=z:64m state=%DIR%/state;');
    my $state = $gateway->dir . '/state';
    my $old   = $gateway->pid;
    is user($gateway, 'before', 4), '200 200 200 429', 'upgrade: a block before';
    ok wait_for(sub { -s $state }), 'upgrade: is saved';

    my $load = load($gateway);
    $gateway->signal('USR2');
    ok wait_for(sub { my $pid = $gateway->master; $pid && $pid != $old && $gateway->workers == 2 }),
        'upgrade: the new one has started';
    kill QUIT => $old;
    ok wait_for(sub { !kill 0 => $old }, 15), 'upgrade: the old one ends';

    is user($gateway, 'before', 1), '429', 'upgrade: the block holds';
    is user($gateway, 'after', 4), '200 200 200 429', 'upgrade: a block after';
    my $count = $load->stop;
    is join(q{ }, sort keys %$count), '200 429', 'upgrade: each request has its answer';
    $gateway->stop;
}

# The old one has a request to answer yet, and so writes its ledger over the new one's.
{
    my $gateway = $daemon = Daemon->new(workers => 1,
        http => "${http}paas_guard_zone zone=z:1m state=%DIR%/state; paas_guard_indicator paas target=99.9%;",
        conf => "$conf paas_guard_sla paas;
            location /slow    { proxy_pass http://unix:%DIR%/slow.sock; }
            location /metrics { paas_guard off; paas_guard_metrics; }");
    my $file = $gateway->dir . '/state.sla.paas';
    my $old  = $gateway->pid;
    my $slow = IO::Socket::UNIX->new(Listen => 1, Local => $gateway->dir . '/slow.sock') or die "slow.sock: $!";
    chmod 0777, $gateway->dir . '/slow.sock';
    my $good = sub {
        my $text = $gateway->get('/metrics')->{body};
        return $text =~ /^paas_guard_sla_requests_total\{zone="z",indicator="paas",class="good"\} (\d+)/m ? $1 : 'none';
    };

    my $client = $gateway->connect;
    print $client "GET /slow HTTP/1.0\r\nHost: localhost\r\n\r\n";
    my $server = $slow->accept;
    $gateway->signal('USR2');
    ok wait_for(sub { my $pid = $gateway->master; $pid && $pid != $old && $gateway->workers == 1 }),
        'upgrade: the new one counts';
    kill QUIT => $old;
    ok wait_for(sub { $gateway->error_log =~ /gracefully shutting down/ }), 'upgrade: the old one takes no more';

    # neither has counted a request yet: a file that grows is the new one's
    ok wait_for(sub { -s $file }, 40), 'upgrade: a ledger is saved';
    my $size = -s $file;
    $gateway->get("/counted/$_") for 1 .. 5;
    ok wait_for(sub { $good->() == 5 }), 'upgrade: five requests';
    ok wait_for(sub { -s $file > $size }, 40), 'upgrade: are saved';

    print $server "HTTP/1.0 200 OK\r\n\r\nlate\n";
    close $server;
    ok wait_for(sub { !kill 0 => $old }, 15), 'upgrade: the old one ends late';

    $gateway->stop;
    $gateway->start;
    is $good->(), 5, 'upgrade: are there after a restart';
    $gateway->stop;
}

# So does it with its blocks.
{
    my $gateway = $daemon = Daemon->new(workers => 1,
        http => "${http}paas_guard_zone zone=z:1m state=%DIR%/state;
            paas_guard_hammer_rule late key=\$arg_late window=1h limit=1 count=status:418;",
        conf => "$conf location /slow { paas_guard_hammer late; proxy_pass http://unix:%DIR%/slow.sock; }");
    my $state = $gateway->dir . '/state';
    my $old   = $gateway->pid;
    my $slow  = IO::Socket::UNIX->new(Listen => 2, Local => $gateway->dir . '/slow.sock') or die "slow.sock: $!";
    chmod 0777, $gateway->dir . '/slow.sock';
    my $server;
    my $ask = sub {
        my $client = $gateway->connect;
        print $client "GET /slow/$_[0]?late=x HTTP/1.0\r\nHost: localhost\r\n\r\n";
        $server = $slow->accept;
        $server->sysread(my $request, 65536);
        return $client;
    };
    my $say = sub {
        print $server "HTTP/1.0 418 No\r\n\r\n";
        close $server;
    };

    my $client = $ask->(1);
    $say->();
    like answer($client, qr/\r\n\r\n/), qr/ 418 /, 'upgrade, blocks: an answer is counted';
    $client = $ask->(2);
    $gateway->signal('USR2');
    ok wait_for(sub { my $pid = $gateway->master; $pid && $pid != $old && $gateway->workers == 1 }),
        'upgrade, blocks: the new one has started';
    kill QUIT => $old;
    ok wait_for(sub { $gateway->error_log =~ /gracefully shutting down/ }), 'upgrade, blocks: the old one takes no more';
    is user($gateway, 'new', 4), '200 200 200 429', 'upgrade, blocks: the new one sets one';
    ok wait_for(sub { -s "$state~" }), 'upgrade, blocks: it is saved';
    sleep 1.5;
    my $saved = (stat $state)[1];

    $say->();
    ok wait_for(sub { !kill 0 => $old }, 15), 'upgrade, blocks: the old one ends late, with one of its own';
    ok wait_for(sub { (stat $state)[1] != $saved }), 'upgrade, blocks: which it saves';
    sleep 2.5;
    $gateway->stop;
    $gateway->start;
    is user($gateway, 'new', 1), '429', 'upgrade, blocks: that of the new one is there after a restart';
    $gateway->stop;
}

# A file that somebody else has written is not mistaken for its own, though the
# filesystem gave it the same number.
{
    my $gateway = $daemon = Daemon->new(workers => 1,
        http => "${http}paas_guard_zone zone=z:1m state=%DIR%/state;", conf => $conf);
    my $state = $gateway->dir . '/state';
    is user($gateway, 'kept', 4), '200 200 200 429', 'another writer: a block';
    my $saved = sub { open my $file, '<:raw', $state or return ''; local $/; return scalar <$file> };
    ok wait_for(sub { length $saved->() > 100 }), 'another writer: it is saved';
    sleep 1.5;
    open my $file, '+<:raw', $state or die "$state: $!";
    print $file "\0" x -s $file;
    close $file;
    ok wait_for(sub { $saved->() =~ /^[^\0]/ }), 'another writer: it is saved again';
    $gateway->stop;
    $gateway->start;
    is user($gateway, 'kept', 1), '429', 'another writer: the block is there after a restart';
    $gateway->stop;
}

# Anything that may come.
{
    my $gateway = gateway(conf => <<~'_EOC_');
        paas_guard zone=z;
        paas_guard_hammer user brief;
        paas_guard_service api;
        paas_guard_signature_headers Accept Content-Type X-Big Host;
        paas_guard_signature_rewrite "([?&])nonce=[^&]*" "$1";
        paas_guard_ratelimit_headers on;
        lingering_timeout 100ms;
        client_header_timeout 2s;
        client_body_timeout 2s;
        location / { proxy_pass http://backend; }
        _EOC_
    my @workers = sort $gateway->workers;
    my $close   = "Host: localhost\r\nConnection: close\r\n\r\n";
    my $big     = 'x' x 65000;
    my $many    = join '&', map { "p$_=$_" } 1 .. 100_000;
    my $end     = "Connection: close\r\n\r\n";
    my @bytes   = grep { !/[\r\n]/ } map { chr } 0 .. 255;

    my %odd = (
        'a header of 64 KB'      => "GET /1 HTTP/1.1\r\nX-Big: $big\r\n$close",
        '64 KB of credentials'   => "GET /2 HTTP/1.1\r\nAuthorization: Bearer $big\r\n$close",
        '64 KB of AWS4'          => "GET /3 HTTP/1.1\r\nAuthorization: AWS4-HMAC-SHA256 Credential=$big\r\n$close",
        '64 KB of API key'       => "GET /4 HTTP/1.1\r\nX-API-Key: $big\r\n$close",
        '64 KB of Accept'        => "GET /5 HTTP/1.1\r\nAccept: " . 'a/b;q=0.1,' x 6500 . "\r\n$close",
        '64 KB of path'          => "GET /$big HTTP/1.1\r\n$close",
        '1000 headers'           => "GET /6 HTTP/1.1\r\n" . join('', map { "X-$_: $_\r\n" } 1 .. 1000) . $close,
        '1000 of one header'     => "GET /7 HTTP/1.1\r\n" . "X-Big: y\r\n" x 1000 . $close,
        '1000 Authorization'     => "GET /8 HTTP/1.1\r\n" . "X-API-Key: y\r\n" x 1000 . $close,
        '100,000 parameters'     => "GET /9?$many HTTP/1.1\r\n$close",
        '100,000 nonces'         => 'GET /10?' . 'nonce=1&' x 100_000 . " HTTP/1.1\r\n$close",
        'a body full of NULs'    => "POST /11 HTTP/1.1\r\nContent-Length: 70000\r\n$close" . "\0" x 70_000,
        'a NUL in the path'      => "GET /1\0002 HTTP/1.1\r\n$close",
        'a %00 in the path'      => "GET /1%002 HTTP/1.1\r\n$close",
        'a %00 in the query'     => "GET /13?user=%00&a=\%00 HTTP/1.1\r\n$close",
        'a NUL in a header'      => "GET /14 HTTP/1.1\r\nX-Big: a\0b\r\n$close",
        'a NUL in the method'    => "G\0T /15 HTTP/1.1\r\n$close",
        'all bytes in a header'  => "GET /16 HTTP/1.1\r\nX-API-Key: " . join('', @bytes[1 .. $#bytes]) . "\r\n$close",
        'no Host'                => "GET /17 HTTP/1.0\r\n\r\n",
        'no Host, HTTP/1.1'      => "GET /18 HTTP/1.1\r\n$end",
        'an empty Host'          => "GET /19 HTTP/1.1\r\nHost:\r\n$end",
        'an empty Host, 1.0'     => "GET /20 HTTP/1.0\r\nHost:\r\n\r\n",
        'two Hosts'              => "GET /21 HTTP/1.1\r\nHost: a\r\n$close",
        'a wrong Host'           => "GET /22 HTTP/1.1\r\nHost: a/b\0\r\n$end",
        'a long Host'            => 'GET /23 HTTP/1.1' . "\r\nHost: " . 'a' x 60_000 . "\r\n$end",
        'an absolute URI'        => "GET http://other.example/24?a=b HTTP/1.1\r\n$close",
        'an absolute URI, bare'  => "GET http://other.example HTTP/1.1\r\n$close",
        'an absolute URI, query' => "GET http://other.example?a=b HTTP/1.1\r\n$close",
        'an asterisk'            => "OPTIONS * HTTP/1.1\r\n$close",
        'HTTP/0.9'               => "GET /25\r\n",
        'HTTP/2.0'               => "GET /26 HTTP/2.0\r\n$close",
        'HTTP/9.9'               => "GET /27 HTTP/9.9\r\n$close",
        'an unknown method'      => "FROBNICATE /28 HTTP/1.1\r\n$close",
        'a long method'          => 'M' x 1000 . " /29 HTTP/1.1\r\n$close",
        'a small method'         => "get /30 HTTP/1.1\r\n$close",
        'CONNECT'                => "CONNECT a:443 HTTP/1.1\r\n$close",
        'TRACE'                  => "TRACE /31 HTTP/1.1\r\n$close",
        'HEAD'                   => "HEAD /32 HTTP/1.1\r\n$close",
        'TLS'                    => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        'nothing but an end'     => "\r\n\r\n\r\n\r\n\r\n\r\n",
        'a length of nonsense'   => "POST /33 HTTP/1.1\r\nContent-Length: -1\r\n$close",
        'a length of 20 digits'  => "POST /34 HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n$close",
        'a body over the limit'  => "POST /35 HTTP/1.1\r\nContent-Length: 99999999\r\n$close",
        'two lengths'            => "POST /36 HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n${close}ab",
        'length and chunks'      => "POST /37 HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n${close}0\r\n\r\n",
        'chunks'                 => "POST /38 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${close}3\r\nabc\r\n0\r\n\r\n",
        'wrong chunks'           => "POST /39 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${close}zz\r\nabc\r\n",
        'a huge chunk'           => "POST /40 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${close}ffffffffffffffff\r\nabc\r\n",
        'an unknown encoding'    => "POST /41 HTTP/1.1\r\nTransfer-Encoding: gzip\r\n$close",
        'a header with no colon' => "GET /42 HTTP/1.1\r\nnonsense\r\n$close",
        'a folded header'        => "GET /43 HTTP/1.1\r\nX-Big: a\r\n b\r\n$close",
        'a header with no name'  => "GET /44 HTTP/1.1\r\n: a\r\n$close",
        'Upgrade'                => "GET /45 HTTP/1.1\r\nUpgrade: websocket\r\nHost: a\r\nConnection: upgrade, close\r\n\r\n",
        'a Range of nonsense'    => "GET /46 HTTP/1.1\r\nRange: bytes=9-1,-,1-2,\r\n$close",
        'a path out of the root' => "GET /../../47 HTTP/1.1\r\n$close",
        'a fragment'             => "GET /48#a?b HTTP/1.1\r\n$close",
        'bytes that are no UTF8' => "GET /\xff\xfe?user=\xff\xc0 HTTP/1.1\r\nAccept-Language: \xff,\xfe;q=\xfd\r\n$close",
    );
    my $log = length $gateway->error_log;

    # 501 and 505 are nginx's own for what HTTP/1.1 does not know;
    # twice, as the second is one that is refused; then for one who is blocked
    for my $what (sort keys %odd) {
        my @answers = map { $gateway->http($odd{$what}) } 1 .. 2;
        my $right = $what =~ m{^HTTP/\d|unknown encoding} ? qr/200|4\d\d|501|505/ : qr/200|4\d\d/;
        my @wrong = grep { $_ !~ m{^(?:HTTP/1\.[01] (?:$right) |backend\n|<html>|\{|$)} } @answers;
        is scalar(@wrong), 0, "$what: an answer, or nginx's own refusal"
            or diag substr $wrong[0], 0, 200;
    }
    is join(q{ }, sort $gateway->workers), "@workers", 'anything: the workers are the same';

    # what nginx alone answers with 200 is let through, once
    my ($missing) = grep { $gateway->http($odd{$_} =~ s{ /(?=\d)}{ /again/}r) !~ m{^HTTP/1.1 200} }
        'a header of 64 KB', '64 KB of credentials', '64 KB of API key', '100,000 parameters',
        'chunks', 'an unknown method', 'HEAD';
    is $missing, undef, 'anything: what is unusual but right, passes';

    # pipelined: answers in order, duplicates among them refused
    my $pipelined = $gateway->http(join '', (map { "GET /pipe/$_ HTTP/1.1\r\nHost: localhost\r\n\r\n" }
        1 .. 50, 1 .. 49), "GET /pipe/50 HTTP/1.1\r\n$close");
    is join(q{ }, $pipelined =~ /^HTTP\/1\.1 (\d+)/mg), join(q{ }, (200) x 50, (429) x 50),
        'pipelined: each has its answer';
    is join(q{ }, sort $gateway->workers), "@workers", 'anything: the workers still are the same';
    unlike substr($gateway->error_log, $log), qr/\[crit\]|exited on signal/, 'anything: nor does the log tell of worse';
    $gateway->stop;
}

# Bodies.
{
    my $gateway = gateway();
    my @workers = sort $gateway->workers;
    my $post = sub {
        my ($path, $length, @more) = @_;
        return "POST $path HTTP/1.1\r\nHost: localhost\r\n"
            . (defined $length ? "Content-Length: $length\r\n" : "Transfer-Encoding: chunked\r\n")
            . join('', map { "$_\r\n" } @more) . "\r\n";
    };
    my $done = qr/\r\n\r\n.*(?:backend\n|\})/s;

    # clients that leave: with nothing of it, some, or all but a byte
    for my $n (1 .. 60) {
        close partial($gateway, $post->("/abort/$n", 100_000), 'x' x (0, 10, 40_000, 99_999)[$n % 4]);
        close partial($gateway, $post->("/abort/chunk/$n"), "5\r\nab" x ($n % 2));
    }
    is $gateway->get('/after')->{status}, 200, 'aborted: the next is answered';

    # an aborted one was not admitted: the same request, whole, is
    my @aborted = map { $post->("/whole/$_", 20) } 1 .. 5;
    close partial($gateway, $_, 'x' x 10) for @aborted;
    my @status = map { answer(partial($gateway, $_ . 'x' x 20), $done) =~ m{^HTTP/1.1 (\d+)} } @aborted;
    is "@status", '200 200 200 200 200', 'aborted: was not admitted, so the whole one is';

    # slow ones
    my @slow = ($post->('/slow', 50), map { 'abcdefghij' } 1 .. 5);
    like answer(partial($gateway, @slow), $done), qr{^HTTP/1.1 200}, 'slow: passes';
    my $start = now();
    my @chunks = ($post->('/chunks'), map({ ("5\r\nab", "cde\r\n") } 1 .. 5), "0\r\n", "\r\n");
    like answer(partial($gateway, @chunks), $done), qr{^HTTP/1.1 200}, 'slow chunks: pass';
    like answer(partial($gateway, join '', @chunks), $done), qr{^HTTP/1.1 429},
        'slow chunks: the same at once is a duplicate' if now() - $start < 0.9;

    # large ones go to a file
    my $large = $post->('/large', 600_000) . join '', map { sprintf '%06d', $_ } 1 .. 100_000;
    like answer(partial($gateway, $large), $done), qr{^HTTP/1.1 200}, 'large: passes';

    # Expect
    my $socket = partial($gateway, $post->('/expect', 5, 'Expect: 100-continue'));
    like answer($socket, qr/\r\n\r\n/), qr{\AHTTP/1.1 100 Continue\r\n\r\n\z}, 'Expect: may go on';
    print $socket 'abcde';
    like answer($socket, $done), qr{\AHTTP/1.1 200}, 'Expect: passes';

    is user($gateway, 'u', 4), '200 200 200 429', 'Expect: someone is blocked';
    $socket = partial($gateway, $post->('/expect?user=u', 5, 'Expect: 100-continue'));
    like answer($socket, $done), qr{^HTTP/1.1 429}m, 'Expect: is refused before the body is sent';

    is join(q{ }, sort $gateway->workers), "@workers", 'bodies: the workers are the same';
    $gateway->stop;
}

# worker_shutdown_timeout ends what still waits.
{
    my $gateway = gateway(main => 'worker_shutdown_timeout 1s;', workers => 1);
    is user($gateway, 'before', 4), '200 200 200 429', 'shutdown timeout: a block before';
    my ($old) = $gateway->workers;
    my @waits = map {
        partial($gateway, "POST /wait/$_ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc")
    } 1 .. 5;
    ok $gateway->reload, 'shutdown timeout: reload';
    is user($gateway, 'before', 1), '429', 'shutdown timeout: the block holds';
    ok wait_for(sub { !kill 0 => $old }), 'shutdown timeout: the old worker ends';
    is join('', map { answer($_, qr/(?!)/) } @waits), '', 'shutdown timeout: who waited is cut off';
    $gateway->stop;
}

# One process alone.
{
    my $gateway = bless {
        name => 'the single process', dir => "$ENV{TEST_NGINX_DIR}/single",
        port => free_port(), checked => 0,
    }, 'PaasGuard::Gateway';
    mkdir $gateway->dir;
    $gateway->configure(main => 'master_process off;', workers => 1, log_level => 'info',
        http => $http . 'paas_guard_zone zone=z:1m state=%DIR%/state;',
        conf => $conf . 'location /metrics { paas_guard off; paas_guard_metrics; }');
    my $start = sub {
        unlink $gateway->dir . '/backend.sock';
        $gateway->spawn($gateway->log, $ENV{TEST_NGINX_BINARY}, '-p', $gateway->dir,
            '-c', $gateway->dir . '/nginx.conf');
        return wait_for(sub { $gateway->dead || $gateway->connect }) && $gateway->pid;
    };

    ok $start->(), 'single process: starts';
    is user($gateway, 'u', 4), '200 200 200 429', 'single process: a block';
    is join(q{ }, map { $gateway->get('/same')->{status} } 1 .. 2), '200 429', 'single process: a duplicate';
    like $gateway->get('/metrics')->{body}, qr/^paas_guard_blocks_active\{zone="z"\} 1$/m,
        'single process: metrics';
    ok wait_for(sub { -s $gateway->dir . '/state' }), 'single process: saves its state';
    ok $gateway->quit('QUIT'), 'single process: ends';
    ok $start->(), 'single process: starts again';
    is user($gateway, 'u', 1), '429', 'single process: the block holds';

    $gateway->stop;
}

# Huge pages, where the kernel gives them: asked for in the zone of each worker, before and after a reload.
{
    my $gateway = gateway_start(http => $http . 'paas_guard_zone zone=z:8m;', conf => $conf);
    my $asked = sub {
        my $maps = PaasGuard::Gateway::slurp('/proc/' . ($gateway->workers)[0] . '/smaps');
        return scalar grep { /^Size: +8\d{3} kB/m && /^VmFlags:.*\bsh\b.*\bhg\b/m }
            split /^(?=[0-9a-f]+-[0-9a-f]+ )/m, $maps;
    };

    SKIP: {
        skip 'this kernel has no huge pages', 2 if !-e '/sys/kernel/mm/transparent_hugepage/shmem_enabled';
        is $asked->(), 1, 'huge pages are asked for';
        $gateway->reload;
        is $asked->(), 1, 'and after a reload';
    }

    $gateway->stop;
}

done_testing;
