# A body that nginx refuses while the guard reads it, where an error_page tells that: answered, and forgotten.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use PaasGuard::H2;

use IO::Select;
use IO::Socket::INET;

plan 'no_plan';

my $h2 = free_port();

my %page = (
    '/uri/'   => 'error_page 400 413 500 /sorry.html;',
    '/named/' => 'error_page 400 413 500 @sorry;',
    '/other/' => 'error_page 400 413 500 =503 /sorry.html;',
    '/none/'  => '',
);

my $gateway = gateway_start(
    http => <<'_EOC_', conf => join("\n", "listen 127.0.0.1:$h2 http2;", <<'_EOC_2_',
    paas_guard_zone zone=z:1m;
    client_max_body_size 100;
    lingering_close off;
    log_format class '$request_uri $status $paas_guard_verdict $paas_guard_sla';
    access_log %DIR%/class.log class;
    upstream backend { server unix:%DIR%/backend.sock; }
    server {
        listen unix:%DIR%/backend.sock;
        access_log off; client_max_body_size 0;
        location / { return 200 "backend\n"; }
    }
_EOC_
    paas_guard zone=z;
    location = /sorry.html { client_max_body_size 1m; proxy_pass http://backend; }
    location @sorry        { proxy_pass http://backend; }
    location /full/        { client_max_body_size 1m; client_body_buffer_size 1k; error_page 500 /sorry.html; proxy_pass http://backend; }
_EOC_2_
        map { "location $_ { $page{$_} proxy_pass http://backend; }" } sort keys %page));

my $cases = 0;

sub sockets {
    my ($worker) = $gateway->workers;
    return scalar grep { (readlink // '') =~ /^socket:/ } glob "/proc/$worker/fd/*";
}

my $before = do { $gateway->get('/none/'); sockets() };

# The status of the answer to these bytes, sent piece by piece; the client stays.
sub status {
    my @pieces = @_;
    my $socket = $gateway->connect;
    my $answer = '';

    for my $i (0 .. $#pieces) {
        syswrite $socket, $pieces[$i];
        select undef, undef, undef, 0.05 if $i < $#pieces;
    }

    my $select = IO::Select->new($socket);
    while ($answer !~ /\r\n\r\n/ && $select->can_read(3)) {
        sysread $socket, $answer, 65536, length $answer or last;
    }

    return $answer =~ m{^HTTP/1\.1 (\d+)} ? $1 : 'none';
}

sub logged { my ($line) = $gateway->logged('class.log', $_[0], 1); return $line =~ s/^\S+ //r }

my %body = (
    'too long'  => [413, 'c8' . "\r\n" . 'x' x 200 . "\r\n0\r\n\r\n"],
    'no chunk'  => [400, "zz\r\nabc"],
);

for my $place (sort keys %page) {
    for my $what (sort keys %body) {
        my ($expected, $bytes) = @{ $body{$what} };
        $expected = 503 if $place eq '/other/';

        for my $late (0, 1) {
            my $target = $place . ++$cases;
            my $head = "POST $target HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
            my @sent = $late ? ($head, $bytes) : $head . $bytes;
            my $name = "$place, $what, " . ($late ? 'after the head' : 'with the head');

            is status(@sent), $expected, $name;
            is logged($target), "$expected - " . ($expected == 503 ? 'failed' : 'ignored'), "$name: its class";
        }
    }
}

for my $place (sort keys %page) {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $h2) or die "connect: $!";
    my $client = PaasGuard::H2->new($socket);

    $client->headers(1, 0, ':method' => 'POST', ':scheme' => 'http', ':path' => $place . ++$cases, ':authority' => 'a');
    $client->data(1, 1, 'x' x 200);

    my $frame;
    do { $frame = $client->next(3) } until !$frame || $frame->{type} eq 'HEADERS';
    ok $frame, "HTTP/2, $place: answered";
}

# A body that can't be stored is no fault of the client

{
    my $dir = $gateway->dir . '/client_body';
    rename $dir, "$dir.away" or die "$dir: $!";
    my $target = '/full/' . ++$cases;
    my $body = 'x' x 20_000;
    is status("POST $target HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n$body"), 500, 'no place for a body';
    is logged($target), '500 - failed', 'no place for a body: its class';
    rename "$dir.away", $dir or die "$dir: $!";
}

ok wait_for(sub { sockets() == $before }), 'no connection is left' or diag sockets() . " sockets, $before before";
is $gateway->get('/none/' . ++$cases)->{status}, 200, 'goes on';
$gateway->stop(allow => qr/client (?:intended|sent)|open\(\) "/);
