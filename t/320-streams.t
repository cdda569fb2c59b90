# Streams pass as they come: WebSocket and gRPC, frame by frame, where each side waits for the other.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use PaasGuard::H2;

use Digest::SHA qw(sha1_base64);
use IO::Select;
use IO::Socket::INET;
use MIME::Base64;

my ($ws, $grpc, $h2) = map { free_port() } 1 .. 3;


# Upstreams, each connection in a process of its own.

package Upstream;

our @ISA = 'PaasGuard::Process';

sub start {
    my ($port, $serve) = @_;
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 64, ReuseAddr => 1)
        or die "listen: $!";
    my $self = bless { owner => $$ }, 'Upstream';
    defined($self->{pid} = fork) or die "fork: $!";
    if (!$self->{pid}) {
        $SIG{CHLD} = 'IGNORE';
        $SIG{TERM} = 'DEFAULT';
        while (1) {
            my $socket = $listen->accept or next;
            if (!fork) {
                eval { $serve->($socket) };
                POSIX::_exit(0);
            }
            close $socket;
        }
    }
    PaasGuard::started($self);
    return $self;
}

package main;

sub exactly {
    my ($socket, $n) = @_;
    my ($got, $select) = ('', IO::Select->new($socket));
    while (length $got < $n) {
        $select->can_read(10) or return;
        $socket->sysread($got, $n - length $got, length $got) or return;
    }
    return $got;
}

sub head {
    my ($socket) = @_;
    my $head = '';
    until ($head =~ /\r\n\r\n\z/) {
        my $byte = exactly($socket, 1) // return $head;
        $head .= $byte;
    }
    return $head;
}

# A frame of RFC 6455, of up to 65535 bytes; a client's is masked.
sub ws_frame {
    my ($opcode, $bytes, $mask) = @_;
    my $n = length $bytes;
    my $bit = defined $mask ? 0x80 : 0;
    my $head = pack('C', 0x80 | $opcode) . ($n < 126 ? pack('C', $bit | $n) : pack('Cn', $bit | 126, $n));
    return $head . $bytes if !defined $mask;
    return $head . $mask . ($bytes ^ substr $mask x ($n / 4 + 1), 0, $n);
}

sub ws_read {
    my ($socket) = @_;
    my ($first, $n) = unpack 'CC', exactly($socket, 2) // return;
    my $masked = $n & 0x80;
    $n &= 0x7f;
    $n = unpack 'n', exactly($socket, 2) if $n == 126;
    my $mask = $masked ? exactly($socket, 4) : "\0\0\0\0";
    my $bytes = $n ? exactly($socket, $n) : '';
    return ($first & 15, $bytes ^ substr($mask x ($n / 4 + 1), 0, $n), !!$masked);
}

sub ws_accept { sha1_base64($_[0] . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . '=' }

# Greets at once, then answers each frame with as many bytes, turned round.
Upstream::start($ws, sub {
    my ($socket) = @_;
    $socket->autoflush(1);
    my ($key) = head($socket) =~ /^Sec-WebSocket-Key: (\S+)/mi or return;
    print $socket "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        . "Sec-WebSocket-Accept: " . ws_accept($key) . "\r\n\r\n" . ws_frame(1, 'hello');
    while (my ($opcode, $bytes) = ws_read($socket)) {
        print $socket ws_frame($opcode, scalar reverse $bytes);
        last if $opcode == 8;
    }
});

# A bidirectional call: a message back for each that comes, then the trailers.
Upstream::start($grpc, sub {
    my ($socket) = @_;
    my $c = PaasGuard::H2->new($socket, 1) or return;
    my ($got, $n) = ('', 0);
    while (my $f = $c->next) {
        if ($f->{type} eq 'HEADERS') {
            $c->headers($f->{stream}, 0, ':status' => 200, 'content-type' => 'application/grpc');
        } elsif ($f->{type} eq 'DATA') {
            $got .= $f->{payload};
            while ($got =~ /^\0(.{4})/s && length $got >= 5 + unpack 'N', $1) {
                my $message = substr substr($got, 0, 5 + unpack('N', $1), ''), 5;
                my $back = ++$n . ":$message";
                $c->data($f->{stream}, 0, pack 'CN/a', 0, $back);
            }
        }
        $c->headers($f->{stream}, 1, 'grpc-status' => 0, 'paas-guard' => 'throttled; sla=excluded',
            'grpc-message' => 'done') if $f->{end};
    }
});

my $listen = sub {
    my ($version) = `$ENV{TEST_NGINX_BINARY} -v 2>&1` =~ m{nginx/(\d+\.\d+)};
    return $version < 1.25 ? "listen 127.0.0.1:$h2 http2;" : "listen 127.0.0.1:$h2; http2 on;";
}->();

my $gateway = gateway_start(
    http => <<'_EOC_',
        paas_guard_zone zone=z:1m;
        paas_guard_throttle interval=1h;
        paas_guard_hammer_rule user key=$http_x_user window=1h limit=4 block=1h;
        paas_guard_hammer_rule many key=$http_x_many window=1h limit=100 block=1h;
_EOC_
    conf => $listen . <<"_EOC_",
        paas_guard zone=z;
        paas_guard_hammer user many;
        paas_guard_sync async;
        location /ws {
            proxy_http_version 1.1;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_pass http://127.0.0.1:$ws;
        }
        location / { grpc_hide_header PaaS-Guard; grpc_pass grpc://127.0.0.1:$grpc; }
        location = /metrics { paas_guard off; paas_guard_metrics; }
_EOC_
);

sub unsigned_total {
    my ($why) = @_;
    return ($gateway->get('/metrics')->{body} =~ /^paas_guard_unsigned_total\{zone="z",why="$why"\} (\d+)$/m)[0];
}


# WebSocket

my $key = encode_base64('0123456789abcdef', '');

sub upgrade {
    my ($user) = @_;
    my $socket = $gateway->connect;
    print $socket "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        . "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: $key\r\nX-User: $user\r\n\r\n";
    return ($socket, head($socket));
}

my @open;
for my $n (1 .. 4) {
    my ($socket, $head) = upgrade('ws');
    like $head, qr{^HTTP/1.1 101 .*^Sec-WebSocket-Accept: \Q@{[ ws_accept($key) ]}\E\r$}ms, "WebSocket $n: upgraded";
    is join(',', ws_read($socket)), '1,hello,', "WebSocket $n: the server speaks first";
    push @open, $socket;
}
is unsigned_total('upgrade'), 4, 'WebSocket: identical upgrades are no duplicates, and are counted as such';

my ($refused, $head) = upgrade('ws');
like $head, qr{^HTTP/1.1 429 .*^PaaS-Guard: blocked; reason=hammering_blocked;}ms,
    'WebSocket: but are requests: one too many is refused before it is upgraded';
close $refused;

for my $n (1 .. 50) {
    my $bytes = join '', map { chr int rand 256 } 1 .. 1 + int rand($n % 10 ? 200 : 60_000);
    my $socket = $open[$n % 4];
    print $socket ws_frame(2, $bytes, pack 'N', int rand 2**32);
    my ($opcode, $back, $masked) = ws_read($socket);
    $opcode == 2 && $back eq reverse($bytes) && !$masked or fail("WebSocket: frame $n"), last;
}
pass 'WebSocket: frames pass both ways, also of who is blocked meanwhile';

# split at each byte
my $frame = ws_frame(1, 'abcdef', 'mask');
for (split //, $frame) {
    syswrite $open[0], $_;
    select undef, undef, undef, 0.01;
}
is join(',', ws_read($open[0])), '1,fedcba,', 'WebSocket: a frame byte by byte';

ok $gateway->reload, 'WebSocket: a reload';
my $socket = $open[1];
print $socket ws_frame(9, 'ping', 'mask');
is join(',', ws_read($socket)), '9,gnip,', 'WebSocket: outlives it';
print $_ ws_frame(8, '', 'mask') for @open;
is join(' ', map { (ws_read($_))[0] } @open), '8 8 8 8', 'WebSocket: is closed by its two sides';
close $_ for @open;


# gRPC

sub call {
    my ($c, $stream, %headers) = @_;
    $c->headers($stream, 0, ':method' => 'POST', ':scheme' => 'http', ':path' => '/demo.Vms/Watch',
        ':authority' => 'localhost', 'content-type' => 'application/grpc', te => 'trailers', %headers);
}

# The names of trailers; nginx writes them in Huffman's code (RFC 7541, appendix B), where that is shorter.
my %letter = (a => '00011', d => '100100', e => '00101', g => '100110', h => '100111', m => '101001', n => '101010',
    o => '00111', p => '101011', r => '101100', s => '01000', t => '01001', u => '101101', c => '00100', '-' => '010110');
my %letters = reverse %letter;

sub trailers {
    my ($block) = @_;
    my @names;
    while (length $block) {
        my ($len) = unpack 'xC', $block;
        my $bits = unpack 'B*', substr substr($block, 0, 2 + ($len & 0x7f), ''), 2;
        my $name = '';
        $name .= $letters{$1} while $bits =~ s/^(@{[join '|', values %letter]})//;
        push @names, $name;
        substr $block, 0, 1 + (0x7f & ord $block), '';
    }
    return join ' ', sort @names;
}

sub client { PaasGuard::H2->new(IO::Socket::INET->new(PeerAddr => "127.0.0.1:$h2")) }

# The next message on this connection; what it takes of it in frames comes whole.
my %rest;
sub message {
    my ($c, $wanted) = @_;
    my $got = \($rest{$c}{$wanted} //= '');
    until ($$got =~ /^\0(.{4})/s && length $$got >= 5 + unpack 'N', $1) {
        my $f = $c->next or return 'nothing';
        return "$f->{type} $f->{flags}" if $f->{type} ne 'DATA' && $f->{stream} == $wanted
            && !($f->{type} eq 'HEADERS' && !$f->{end});
        $rest{$c}{ $f->{stream} } .= $f->{payload} if $f->{type} eq 'DATA';
    }
    my $n = unpack 'N', substr $$got, 1, 4;
    return substr substr($$got, 0, 5 + $n, ''), 5;
}

my $c = client();
call($c, 1, 'x-many' => 'g');
for my $n (1 .. 20) {
    my $message = "message $n " . 'x' x ($n * 100);
    $c->data(1, 0, pack 'CN/a', 0, $message);
    my $back = message($c, 1);
    $back eq "$n:$message" or is(substr($back, 0, 80), "$n:$message", "gRPC: message $n"), last;
}
pass 'gRPC: each message is answered before the next is sent';

call($c, 3, 'x-many' => 'g');
$c->data(3, 0, pack 'CN/a', 0, 'a');
is message($c, 3), '1:a', 'gRPC: the same call beside it is no duplicate';
$c->data(1, 0, pack 'CN/a', 0, 'b');
is message($c, 1), '21:b', 'gRPC: and the first goes on';

$c->data($_, 1, '') for 1, 3;
my @ends = grep { $_ } map { $c->next } 1, 2;
is join(', ', sort map { "$_->{stream} $_->{type} " . !!$_->{end} } @ends), '1 HEADERS 1, 3 HEADERS 1',
    'gRPC: trailers end both';
is join(', ', map { trailers($_->{payload}) } @ends), join(', ', ('grpc-message grpc-status') x 2),
    'gRPC: an upstream\'s PaaS-Guard is no trailer, where it is hidden';
cmp_ok unsigned_total('unbuffered'), '>=', 2, 'gRPC: calls are counted as not looked at';

# they count for the rules, and who is blocked gets an answer at once, whatever it still sends
my @answers;
for my $n (0 .. 4) {
    my $stream = 5 + 2 * $n;
    call($c, $stream, 'x-user' => 'grpc');
    my $f = $c->next or last;
    push @answers, $f->{type} eq 'HEADERS' ? $c->status($f) : $f->{type};
    next if $answers[-1] != 200;
    $c->data($stream, 1, pack 'CN/a', 0, 'x');
    1 until !defined($f = $c->next) || $f->{end};
}
is "@answers[0 .. 4]", '200 200 200 200 429', 'gRPC: calls over the limit are refused';

# one that is open, over a reload
$c = client();
call($c, 1, 'x-many' => 'g');
$c->data(1, 0, pack 'CN/a', 0, 'before');
is message($c, 1), '1:before', 'gRPC: a stream';
ok $gateway->reload, 'gRPC: a reload';
$c->data(1, 0, pack 'CN/a', 0, 'after');
like message($c, 1), qr/^2:after$/, 'gRPC: the stream outlives it';
$c->data(1, 1, '');

$gateway->stop;
done_testing;
