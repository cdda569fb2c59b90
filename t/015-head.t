# What a connection remembers of its last request changes nothing: each request
# is taken for the same as if it had come on a connection of its own.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use PaasGuard::H2;

use IO::Select;
use IO::Socket::INET;
use JSON::PP qw(decode_json encode_json);

plan 'no_plan';

my ($gateway, $h2);

# Somebody else may be blocked: then who sends a request is looked at first, and the rest later.

sub start {
    my ($blocks) = @_;
    $h2 = free_port();
    $gateway = gateway_start(
        http => <<'_EOC_',
            # room for the ids of all clients: a small zone forgets some
            paas_guard_zone zone=z:32m;
            paas_guard_throttle interval=1h;
            paas_guard_session_cookie sid;
            paas_guard_hammer_rule address key=$binary_remote_addr window=1h limit=1000000 scope=zone;
            paas_guard_hammer_rule client key=$paas_guard_client_id window=1h limit=1000000;
            paas_guard_hammer_rule tenant key=$http_x_tenant window=1h limit=1000000;
            paas_guard_hammer_rule arg key=$arg_a window=1h limit=1000000;
            paas_guard_hammer_rule other key=$paas_guard_client_id window=1h limit=1000000 scope=zone;
            paas_guard_hammer_rule more key=$paas_guard_client_id window=1h limit=1000000;
            set_real_ip_from 127.0.0.1;
            real_ip_header X-Real-IP;
            log_format head '$http_x_n $paas_guard_signature $paas_guard_client_id';
_EOC_
        conf => <<"_EOC_");
            listen 127.0.0.1:$h2 http2;
            server_name localhost other;
            keepalive_requests 1000000;
            access_log %DIR%/head.log head;
            paas_guard zone=z;
            paas_guard_dry_run on;
            paas_guard_hammer address client;
            location / { return 200; }
            location /plain/ { try_files /none =404; }
            location /client/ { paas_guard_client \$http_x_client; try_files /none =404; }
            location /tenant/ { paas_guard_hammer tenant client; paas_guard_signature_headers X-Tenant; try_files /none =404; }
            location /rewrite/ { paas_guard_signature_rewrite "[?]a=.*" "?a"; try_files /none =404; }
            location /more/ { paas_guard_hammer client address other more; try_files /none =404; }
            location /arg/ { paas_guard_hammer arg client; try_files /none =404; }
            location /off/ { paas_guard_throttle off; try_files /none =404; }
            location /status/ { paas_guard off; paas_guard_status write=on; access_log off; }
_EOC_
    return if !$blocks;
    my $answer = $gateway->request('POST', '/status/api/1/blocks', { 'Content-Type' => 'application/json' },
        encode_json({ zone => 'z', seconds => 3600, client => 'f' x 32 }));
    is $answer->{status}, 201, 'somebody is blocked';
}

# Lines of a request: one of each.  Those of names that nginx hashes as it does
# Accept, Host and Authorization are none of these.

my @lines = (
    [('') x 2, 'Accept: text/html', 'Accept: text/plain', 'accept: text/html', 'Accept:text/html', 'Accept:    text/html',
        "Accept: text/html\nAccept: text/plain", "Accept: text/plain\nAccept: text/html", 'Accept: ', 'Accer6: text/html'],
    [('') x 2, 'Authorization: Bearer one', 'Authorization: Bearer two', 'Authorization: Basic b25lOnR3bw==',
        'Authorization: Other one', 'Authorization: Other two', 'Authorizatiq0: Bearer one',
        'Authorization: Bearer ' . 'x' x 1000,
        'Authorization: Bearer ' . 'x' x 3000],
    [('') x 4, 'X-API-Key: one', 'X-API-Key: two'],
    [('') x 4, 'Cookie: sid=one', 'Cookie: sid=two; a=b', 'Cookie: a=b'],
    [('') x 4, 'Content-Type: text/html', 'Content-Type: text/plain'],
    [('') x 200, map { "X-Tenant: $_" } 1 .. 400],
    ['', map { "X-Client: $_" } 1 .. 3],
    ['', 'X-Real-IP: 192.0.2.1', 'X-Real-IP: 192.0.2.2', 'X-Real-IP: 2001:db8::1', 'X-Real-IP: 2001:db8::2'],
    [('') x 8, 'Hou6: other', 'User-Agent: ' . 'x' x 100, join "\n", map { "X-$_: $_" } 1 .. 30],
);

my @targets = (('/plain/') x 4, '/plain/?a=b', ('/client/') x 3, ('/tenant/') x 3, '/more/', '/off/',
    '/rewrite/', '/rewrite/?a=1', '/rewrite/?a=2',
    ('/arg/') x 6);
my @hosts = (('localhost') x 4, 'localhose', 'other');
my $n = 0;

sub one { $_[rand @_] }

# Mostly as the one before, but for a line or two.

sub vary {
    my ($r) = @_;
    my %r = (%$r, lines => [@{ $r->{lines} }], n => ++$n);
    for (1 .. one(0, 0, 1, 1, 2, 8)) {
        my $i = int rand @lines;
        $r{lines}[$i] = one(@{ $lines[$i] });
    }
    $r{target} = one(@targets) if rand() < 0.2;

    # keys that the lines which count do not tell

    $r{target} = one('/arg/', '/arg/?a=' . int rand 1000) if $r{target} =~ m{^/arg/};
    $r{lines}[6] = 'X-Client: ' . int rand 1000 if $r{target} eq '/client/';
    $r{host} = one(@hosts) if rand() < 0.2;
    $r{method} = one('GET', 'HEAD') if rand() < 0.2;
    $r{absolute} = rand() < 0.1;
    $r{reverse} = rand() < 0.1;
    $r{late} = rand() < 0.1;
    $r{old} = rand() < 0.05;
    $r{body} = one('one', 'two', 'x' x 5000) if rand() < 0.1;
    delete $r{body} if rand() < 0.3;
    return \%r;
}

sub lines_of {
    my ($r) = @_;
    my @all = map { split /\n/ } grep { $_ ne '' } @{ $r->{lines} };
    return $r->{reverse} ? reverse @all : @all;
}

# What comes with Host, or before it: some have none, some a body behind the head.

sub http1 {
    my ($r, @more) = @_;
    my $target = $r->{absolute} ? "http://second.example$r->{target}" : $r->{target};
    my @host = $r->{old} ? 'Connection: keep-alive' : "Host: $r->{host}";
    my $body = $r->{body} // '';
    push @more, 'Content-Length: ' . length $body if $body;
    return join "\r\n", ($body ? 'POST' : $r->{method}) . " $target HTTP/1." . ($r->{old} ? 0 : 1),
        $r->{late} ? () : @host, "X-N: $r->{n}", lines_of($r), $r->{late} ? @host : (), @more, '', $body;
}

sub told {
    my ($count) = @_;
    my %told;
    wait_for(sub {
        %told = map { /^(\d+) (.*)/ ? ($1 => $2) : () } split /\n/, PaasGuard::Gateway::slurp($gateway->dir . '/head.log');
        keys %told == $count;
    }, 30) or diag keys(%told) . " of $count lines";
    return \%told;
}

srand 20261122;

my $first = { target => '/plain/', host => 'localhost', method => 'GET', lines => [('') x @lines] };
my @requests = ($first = vary($first));

# Now and then some in a row with one head, as most are.

while (@requests < 2000) {
    push @requests, $first = vary($first);
    push @requests, $first = { %$first, n => ++$n, body => $first->{body} && one('one', 'two') }
        for 1 .. one(0, 0, 0, 8);
}

sub wrong {
    my ($together, $apart, @requests) = @_;
    return grep { ($together->{ $_->{n} } // '') ne ($apart->{ $_->{n} } // 'none') } @requests;
}

# Requests of each client by rule, and keys that are counted.

sub counted {
    my (@clients) = @_;
    my %counts;
    for my $id (@clients) {
        my $known = decode_json($gateway->get("/status/api/1/clients/$id")->{body});
        $counts{"$id $_->{rule}"} = $_->{count} for @{ $known->{zones}[0]{counts} };
    }
    my ($zone) = @{ decode_json($gateway->get('/status/api/1/zones')->{body})->{zones} };
    return (\%counts, $zone->{entries}{window}{used});
}

sub compare {
    my ($what) = @_;

    # HTTP/1.1: all on one connection, some at once, then each on its own

    my $socket = $gateway->connect;
    my ($got, $sent, $select) = ('', 0, IO::Select->new($socket));

    my @left = @requests;
    while (my @batch = splice @left, 0, one(1, 1, 3, 20)) {
        print $socket map { http1($_) } @batch;
        ($got, $sent) = ('', scalar @batch);
        while ((() = $got =~ m{^HTTP/1\.1 (?:200|404) .*?\r\n\r\n}msg) < $sent) {
            $select->can_read(30) && $socket->sysread($got, 65536, length $got) or die http1($batch[0]), $got;
        }
    }

    my $together = told(scalar @requests);
    is scalar keys %$together, @requests, "$what: all are answered";
    my %clients = map { (split)[1] => 1 } values %$together;
    my ($counts, $keys) = counted(keys %clients);

    my %again = map { $_->{n} => { %$_, n => $_->{n} + 100_000 } } @requests;
    $gateway->http(http1($again{ $_->{n} }, 'Connection: close')) for @requests;
    my $all = told(2 * @requests);
    my %apart = map { $_->{n} => $all->{ $_->{n} + 100_000 } } @requests;

    my @wrong = wrong($together, \%apart, @requests);
    is @wrong, 0, "$what: on one connection, as on their own";
    diag "$_->{n}: ", http1($_), $together->{ $_->{n} }, "\n", $apart{ $_->{n} } for @wrong[0 .. (@wrong > 3 ? 2 : $#wrong)];

    my ($twice, $twice_keys) = counted(keys %clients);
    is $twice_keys, $keys, "$what: and no other keys are counted";
    is_deeply $twice, { map { $_ => 2 * $counts->{$_} } keys %$counts }, "$what: each as often";
    cmp_ok scalar(grep { $_ > 1 } values %$counts), '>', 30, "$what: of many clients, more than once";

    my %seen = map { $_ => 1 } values %$together;
    cmp_ok scalar keys %seen, '>', 300, "$what: many that differ";
    cmp_ok scalar keys %seen, '<', 1600, "$what: and many that do not";

    # HTTP/2: the same on one connection, some at once, and as of HTTP/1.1 where that can say it

    my @two = grep { my $r = $_; !$r->{absolute} && !$r->{old} && !$r->{body} && !grep { length > 100 } lines_of($r) } @requests;
    $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $h2) or die $!;
    my $client = PaasGuard::H2->new($socket);
    my $stream = 1;

    @left = @two;
    while (my @batch = splice @left, 0, one(1, 1, 3, 20)) {
        my %open;
        for my $r (@batch) {
            $client->headers($stream, 1, ':method' => $r->{method}, ':scheme' => 'http', ':path' => $r->{target},
                ':authority' => $r->{host}, 'x-n' => $r->{n} + 200_000,
                map { my ($name, $value) = /^(.*?): *(.*)/; (lc $name => $value) } lines_of($r));
            $open{$stream} = 1;
            $stream += 2;
        }
        while (%open and my $frame = $client->next(30)) {
            delete $open{ $frame->{stream} } if $frame->{end};
        }
    }

    $all = told(2 * @requests + @two);
    @wrong = wrong({ map { $_->{n} => $all->{ $_->{n} + 200_000 } } @two }, \%apart, @two);
    is @wrong, 0, "$what: HTTP/2: as over HTTP/1.1";
    diag "$_->{n}: ", http1($_), $all->{ $_->{n} + 200_000 } // 'nothing', "\n", $apart{ $_->{n} } for @wrong[0 .. (@wrong > 3 ? 2 : $#wrong)];
    my (undef, $three_keys) = counted();
    is $three_keys, $keys, "$what: HTTP/2: nor are other keys counted";
    $gateway->stop;
}

for my $blocks (0, 1) {
    start($blocks);
    compare($blocks ? 'somebody blocked' : 'nobody blocked');
}


# A refusal: in the form and the language that this request asks for, not the last one.

$gateway = gateway_start(
    http => <<'_EOC_',
        paas_guard_zone zone=z:2m;
        paas_guard_hammer_rule address key=$binary_remote_addr window=1h limit=1 block=1h;
_EOC_
    conf => 'keepalive_requests 1000000; paas_guard zone=z; paas_guard_hammer address; location / { try_files /none =404; }',
);

@lines = (
    ['', '', 'Accept: application/json', 'Accept: text/html', 'Accept: text/plain;q=0', 'Accer6: text/html',
        "Accept: application/json;q=0.1\nAccept: text/html", "Accer6: text/html\nAccept: application/json",
        "Accept: text/html\nAccer6: text/html"],
    ['', '', 'Accept-Language: fr', 'Accept-Language: en', 'accept-language: fr;q=0.5, en', 'Accept-Lc0guage: fr',
        "Accept-Language: de\nAccept-Language: fr", "Accept-Lc0guage: en\nAccept-Language: fr"],
    [('') x 4, 'Authorization: Bearer one', 'Authorization: Bearer two'],
);
@targets = ('/');
@hosts = ('localhost');

sub refusals {
    my ($text) = @_;
    return map { join ' ', /^Content-(?:Type|Language): (.*?)\r$/mg } split m{(?=HTTP/1\.1 429)}, $text;
}

$first = { %$first, target => '/', lines => [('') x @lines] };
@requests = map { $first = vary($first) } 1 .. 600;
$gateway->get('/') for 1 .. 3;
my @alone = map { refusals($gateway->http(http1($_, 'Connection: close'))) } @requests;

my @one = refusals($gateway->http(join('', map { http1($_) } @requests[0 .. $#requests - 1])
    . http1($requests[-1], 'Connection: close'), 30));

is @one, @alone, 'refusals: as many';
is scalar(grep { $one[$_] ne $alone[$_] } 0 .. $#alone), 0, 'refusals: on one connection, as on their own';
cmp_ok scalar keys %{ { map { $_ => 1 } @alone } }, '>=', 4, 'refusals: that differ';


# Requests with one head, the last of which ends the connection.

sub in_a_row {
    my ($method, @targets) = @_;
    my $left = @targets;
    return join '', map {
        my $connection = --$left ? 'keep-alive' : 'close';
        "$method $_ HTTP/1.1\r\nHost: localhost\r\nConnection: $connection\r\n\r\n"
    } @targets;
}


# A rule's key that is the signature is none, ever: keys are made before it is known that a request is to be signed.

$gateway = gateway_start(
    http => <<'_EOC_',
        paas_guard_zone zone=z:2m;
        paas_guard_throttle interval=1h;
        paas_guard_hammer_rule signature key=$paas_guard_signature window=1h limit=1;
_EOC_
    conf => <<'_EOC_');
        keepalive_requests 1000000;
        paas_guard zone=z;
        paas_guard_hammer signature;
        location / { add_header Signature $paas_guard_signature always; try_files /none =404; }
        location /status/ { paas_guard off; paas_guard_status; }
_EOC_

my $got = $gateway->http(in_a_row('GET', map { "/?$_" } 1 .. 20));
is scalar(() = $got =~ m{^HTTP/1\.1 404}mg), 20, 'key of signature: all pass';
is scalar(() = $got =~ m{^Signature: [0-9a-f]{32}\r$}mg), 20, 'key of signature: all are signed';
my ($zone) = @{ decode_json($gateway->get('/status/api/1/zones')->{body})->{zones} };
is $zone->{entries}{window}{used}, 0, 'key of signature: none is counted';


# nginx makes a GET of what it redirects: so it is signed, on whatever connection, and whatever Host was read with.

$gateway = gateway_start(
    http => 'paas_guard_zone zone=z:2m;',
    conf => <<'_EOC_');
        keepalive_requests 1000000;
        location = /api { error_page 418 = /guarded; return 418; }
        location = /guarded { paas_guard zone=z; paas_guard_throttle interval=1h; try_files /none =404; }
_EOC_

$got = $gateway->http(in_a_row('DELETE', ('/api') x 9));
is_deeply [$got =~ m{^HTTP/1\.1 (\d+)}mg], [404, (429) x 8], 'redirected: one passes';


# Over HTTP/2, another request's head comes while one waits for its body: whose wishes are whose?

$gateway = gateway_start(
    listen => 'http2',
    http => 'paas_guard_zone zone=z:2m;',
    conf => 'paas_guard zone=z; paas_guard_throttle interval=1h; location / { try_files /none =404; }');

my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $gateway->port) or die $!;
my $client = PaasGuard::H2->new($socket);
my @fr = ('accept-language' => 'fr', accept => 'text/html');
my @no = ('x-a' => '1', accept => 'text/html');

sub begin {
    my ($n, $method, $path, @headers) = @_;
    $client->headers($n, $method eq 'GET', ':method' => $method, ':scheme' => 'http', ':path' => $path,
        ':authority' => 'a', @headers);
}

# The language of the answer's page, or none.
sub language {
    my ($n) = @_;
    my $body = '';
    while (my $frame = $client->next(10)) {
        next if $frame->{stream} != $n;
        $body .= $frame->{payload} if $frame->{type} eq 'DATA';
        last if $frame->{end};
    }
    return $body =~ /lang="?(\w+)/ ? $1 : 'none';
}

sub asked { my ($n, @request) = @_; begin($n, @request); return language($n) }
sub ended { my ($n) = @_; $client->data($n, 1, 'abc'); return language($n) }

asked(1, 'GET', '/1', @fr);
asked(3, 'GET', '/2', @fr);
begin(5, 'POST', '/p', @fr);
ended(5);
begin(7, 'POST', '/p', @fr);
asked(9, 'GET', '/3', @no);
is ended(7), 'fr', 'a head came between: in the language of its own';
is asked(11, 'GET', '/3', @no), 'en', 'and the other in none';
