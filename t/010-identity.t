# What makes two requests identical, and what does not.
#
# Each case sends A, B, A, B over one connection to a guard with an interval
# that no test outlives: 200 429 429 429 if B is identical to A, 200 200 429 429
# if it is not.  So a request that is not throttled at all fails both.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;

plan 'no_plan';

my $h2 = free_port();
my $on = 'paas_guard zone=z;';

my %place = (
    '/t/'        => $on,
    '/none/'     => "$on paas_guard_signature_headers none;",
    '/own/'      => "$on paas_guard_signature_headers X-Tenant x-REGION;",
    '/odd/'      => "$on paas_guard_signature_headers X_Tenant X!Other;",
    '/client/'   => "$on paas_guard_client \$http_x_client \$http_x_other;
        set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP;",
    '/small/'    => "$on client_body_buffer_size 16;",
    '/file/'     => "$on client_body_in_file_only clean;",
    '/single/'   => "$on client_body_in_single_buffer on;",
    '/limit/'    => "$on paas_guard_signature_body 10;",
    '/off/'      => "$on paas_guard_signature_body off;",
    '/stream/'   => "$on proxy_request_buffering off;",
    '/nonce/'    => "$on paas_guard_signature_rewrite '([?&])nonce=[^&]*' '\$1';",
    '/order/'    => "$on paas_guard_signature_rewrite a b; paas_guard_signature_rewrite b+ c;",
    '/global/'   => "$on paas_guard_signature_rewrite '[0-9]' N;",
    '/named/'    => "$on paas_guard_signature_rewrite '/(?<left>x+)-(?<right>y+)' '/\${right}-\${left}';",
    '/unmatch/'  => "$on paas_guard_signature_rewrite '^/never' '';",
    '/slow/'     => "$on paas_guard_signature_rewrite '(x+x+)+y\$' '';",
    '/grpc/'     => $on,
    '/accel/'    => 'client_body_buffer_size 8k;',
    '/accel-file/' => 'client_body_in_file_only clean;',
    '/throttle-off/' => "$on paas_guard_throttle off;",
);

my $gateway = gateway_start(
    http => <<'_EOC_',
        paas_guard_zone zone=z:2m;
        paas_guard_throttle interval=1h;
        paas_guard_session_cookie sid;
        large_client_header_buffers 8 32k;
        # or the upstream answers 412 by itself
        proxy_set_header If-Match "";
        proxy_set_header If-Unmodified-Since "";
        upstream backend { server unix:%DIR%/backend.sock; }
        server {
            listen unix:%DIR%/backend.sock;
            location / { return 200 "backend\n"; }
        }
        upstream grpc { server unix:%DIR%/grpc.sock; }
        server {
            listen unix:%DIR%/grpc.sock http2;
            location / { proxy_pass http://backend; }
        }
        # whoever asks this one has read the body before the guard looks at it
        upstream accel { server unix:%DIR%/accel.sock; }
        server {
            listen unix:%DIR%/accel.sock;
            location / { add_header X-Accel-Redirect /t$uri; return 200; }
        }
        # as for another address of the same gateway
        server {
            listen 127.0.0.1:%PORT%;
            server_name second;
            location / { paas_guard zone=z; proxy_pass http://backend; }
        }
_EOC_
    conf => join("\n", "listen 127.0.0.1:$h2 http2;", 'server_name localhost;', 'ignore_invalid_headers off;',
        'location = /metrics { paas_guard_metrics; }',
        map { my ($other) = /^\/(grpc|accel)/;
              my $pass = !$other ? 'proxy_pass http://backend'
                       : $other eq 'grpc' ? 'grpc_pass grpc://grpc' : 'proxy_pass http://accel';
              "location $_ { $place{$_} $pass; }" } sort keys %place),
);

my $cases = 0;

# A target that no other case has.
sub fresh {
    my $place = shift // '/t/';
    return $place . ++$cases . '-';
}

sub bytes {
    my ($last, $r) = @_;
    my %r = (method => 'GET', host => 'localhost', headers => [], %$r);
    my @lines = @{ $r{headers} };
    push @lines, 'Content-Length: ' . length $r{body}
        if defined $r{body} && !$r{chunks};
    push @lines, 'Transfer-Encoding: chunked' if $r{chunks};
    push @lines, 'Connection: close' if $last;

    my $body = $r{body} // '';
    if ($r{chunks}) {
        my $size = $r{chunks};
        $body =~ s/(.{1,$size})/sprintf("%x\r\n", length $1) . "$1\r\n"/gse;
        $body .= "0\r\n\r\n";
    }

    return join("\r\n", "$r{method} $r{target} HTTP/1.1", "Host: $r{host}", @lines, '', $body);
}

sub statuses {
    my @requests = @_;
    my $raw = $gateway->http(join '', map { bytes($_ == $#requests, $requests[$_]) }
        0 .. $#requests);
    return join ' ', $raw =~ m{^HTTP/1\.1 (\d+)}mg;
}

sub identical {
    my ($x, $y, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is statuses($x, $y, $x, $y), '200 429 429 429', "identical: $name";
}

sub different {
    my ($x, $y, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is statuses($x, $y, $x, $y), '200 200 429 429', "different: $name";
}

sub passed {
    my ($x, $y, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is statuses($x, $y), '200 200', "never throttled: $name";
}

# Two requests that differ in these header lines only.
sub with {
    my ($x, $y, $place) = @_;
    my $target = fresh($place);
    return map { { target => $target, headers => $_ } } $x, $y;
}

sub unsigned {
    my %count;
    my $page = $gateway->get('/metrics')->{body};
    $count{$1} = $2 while $page =~ /^paas_guard_unsigned_total\{zone="z",why="(\w+)"\} (\d+)$/mg;
    return \%count;
}

# Runs the case and tells what it added to paas_guard_unsigned_total.
sub counted_as {
    my ($case, $want, $name) = @_;
    my $before = unsigned();
    $case->();
    my $after = unsigned();
    my %added = map { $after->{$_} != $before->{$_}
                      ? ($_ => $after->{$_} - $before->{$_}) : () } keys %$after;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply \%added, $want, "unsigned: $name";
}


# What does not count

my %free = (
    'Date'                => ['Sun, 22 Nov 2026 00:00:00 GMT', 'Sun, 22 Nov 2026 00:00:01 GMT'],
    'X-Amz-Date'          => ['20261122T000000Z', '20261122T000001Z'],
    'X-Osc-Date'          => ['20261122T000000Z', '20261122T000001Z'],
    'traceparent'         => ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
                              '00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203332-01'],
    'X-Request-Id'        => ['1', '2'],
    'User-Agent'          => ['one/1.0', 'two/2.0'],
    'Cookie'              => ['session=1', 'session=2'],
    'X-Forwarded-For'     => ['192.0.2.1', '192.0.2.2'],
);

for (sort keys %free) {
    my ($x, $y) = @{ $free{$_} };
    identical with(["$_: $x"], ["$_: $y"]), "another $_";
    identical with([], ["$_: $x"]), "with $_ or without";
}

for my $scheme (qw(AWS4-HMAC-SHA256 OSC4-HMAC-SHA256)) {
    my $start = "Authorization: $scheme Credential=AKID/20261122/eu-west-2/api";
    my $sign  = 'SignedHeaders=host;x-date, Signature=';

    identical with(["$start/request, ${sign}0011"], ["$start/request, ${sign}0012"]),
        "$scheme, another Signature=";
    identical with(["$start/request, ${sign}0011"],
        ["Authorization: $scheme Credential=AKID/20261123/eu-west-2/api/request, ${sign}0012"]),
        "$scheme, another day in the scope";
    different with(["$start/request, ${sign}0011"],
        ["Authorization: $scheme Credential=AKIE/20261122/eu-west-2/api/request, ${sign}0011"]),
        "$scheme, another key id";
}

identical with(
    ['X-Amz-Date: 20261122T000000Z', 'Date: Sun, 22 Nov 2026 00:00:00 GMT',
     'Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261122/r/s/aws4_request, SignedHeaders=host, Signature=aa'],
    ['X-Amz-Date: 20261122T000001Z', 'Date: Sun, 22 Nov 2026 00:00:01 GMT',
     'Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261122/r/s/aws4_request, SignedHeaders=host, Signature=bb']),
    'a signed request, signed anew';

identical with(['Accept: */*', 'Range: bytes=0-1'], ['Range: bytes=0-1', 'Accept: */*']),
    'different headers in another order';
identical with(['aCCept: */*'], ['Accept: */*']), 'name of a header in another case';
identical with(['Accept:  */* '], ['Accept: */*']), 'blanks around a value';
identical with(['X-Other: 1'], ['X-Other: 2']), 'a header that is not listed';


# What counts: the request line and Host

{
    my $t = fresh();
    different { target => $t }, { target => $t, method => 'DELETE' }, 'method';
    $t = fresh();
    different { target => $t }, { target => $t, method => 'HEAD' }, 'GET and HEAD';
    $t = fresh();
    different { target => $t, method => 'FOO' }, { target => $t, method => 'BAR' },
        'methods that nginx does not know';
}

for (['x', 'y', 'a byte'], ['x', 'X', 'case'], ['a%2Fb', 'a/b', '%2F and /'],
     ['a%2Fb', 'a%2fb', '%2F and %2f'], ['a%41', 'aA', '%41 and A'],
     ['a//b', 'a/b', 'two slashes and one'], ['a/./b', 'a/b', '/./ and /'],
     ['?a=1&b=2', '?b=2&a=1', 'order in the query'], ['', '?', 'an empty query'],
     ['?a', '?a=', '?a and ?a='], ['?a+b', '?a%20b', '+ and %20'],
     ['?a=1', '?a=1&', 'a trailing &'], ["x\xe9", "x\xe8", 'a byte above 127'],
     ['x' x 9000 . '1', 'x' x 9000 . '2', 'the last of 9000 bytes'])
{
    my ($x, $y, $name) = @$_;
    my $t = fresh();
    different { target => $t . $x }, { target => $t . $y }, "target, $name";
}

for (['localhost', 'second', 'another server'], ['localhost', 'LOCALHOST', 'case'],
     ['localhost', 'localhost:8080', 'port'], ['localhost', 'localhost.', 'a dot'],
     ['localhost', 'unknown', 'a name of no server'])
{
    my ($x, $y, $name) = @$_;
    my $t = fresh();
    different { target => $t, host => $x }, { target => $t, host => $y }, "Host, $name";
}


# What counts: headers of the list

my %listed = (
    'Accept'              => ['text/html', 'text/plain'],
    'Content-Type'        => ['text/html', 'text/plain'],
    'Content-Encoding'    => ['gzip', 'br'],
    'Range'               => ['bytes=0-1', 'bytes=0-2'],
    'If-Match'            => ['"a"', '"b"'],
    'If-None-Match'       => ['"a"', '"b"'],
    'If-Modified-Since'   => ['Sun, 22 Nov 2026 00:00:00 GMT', 'Sun, 22 Nov 2026 00:00:01 GMT'],
    'If-Unmodified-Since' => ['Sun, 22 Nov 2026 00:00:00 GMT', 'Sun, 22 Nov 2026 00:00:01 GMT'],
    'If-Range'            => ['"a"', '"b"'],
    'Idempotency-Key'     => ['a', 'b'],
);

for (sort keys %listed) {
    my ($x, $y) = @{ $listed{$_} };
    different with(["$_: $x"], ["$_: $y"]), "another $_";
    different with([], ["$_: $x"]), "with $_ or without";
}

different with(['Accept: a/b', 'Accept: c/d'], ['Accept: a/b, c/d']), 'two lines and one joined';
different with(['Accept: a/b', 'Accept: c/d'], ['Accept: c/d', 'Accept: a/b']), 'order of lines';
different with(['Accept: a/b'], ['Accept: a/b', 'Accept: a/b']), 'a line twice';
different with([], ['Accept:']), 'an empty line and none';
different with(['If-Match: "a"'], ['If-None-Match: "a"']), 'a value under another name';
different with(['Accept: a/b', 'Range: '], ['Accept: ', 'Range: a/b']), 'a value that moves';

identical with(["$_: $listed{$_}[0]"], ["$_: $listed{$_}[1]"], '/none/'), "$_, headers none"
    for sort keys %listed;

different with(['X-Tenant: 1'], ['X-Tenant: 2'], '/own/'), 'a header of an own list';
different with(['X-Region: 1'], ['x-region: 2'], '/own/'), 'a header of an own list, any case';
different with(["$_: 1"], ["$_: 2"], '/odd/'), "$_, which nginx is told to let through" for 'X_Tenant', 'x!other';
identical with(['Accept: a/b'], ['Accept: c/d'], '/own/'), 'Accept, an own list without it';


# What counts: who

different with(['Authorization: Bearer one'], ['Authorization: Bearer two']), 'Bearer token';
different with(['Authorization: Bearer one'], ['Authorization: Bearer One']), 'case of a token';
identical with(['Authorization: Bearer one'], ['authorization: BEARER one']), 'case of a scheme';
different with(['Authorization: Basic dTpw'], ['Authorization: Basic dTpx']), 'Basic credential';
different with(['Authorization: Basic one'], ['Authorization: Bearer one']), 'kind of credential';
different with(['X-API-Key: one'], ['X-API-Key: two']), 'X-API-Key';
different with(['X-API-Key: one'], ['Authorization: Bearer one']), 'X-API-Key and Bearer';
different with([], ['X-API-Key: one']), 'with a credential or without';

# Beside a credential that all users of an application send, the session tells them apart.

for ('X-API-Key: one', 'Authorization: Bearer one', 'Authorization: Basic dTpw', 'Authorization: Digest username="a"',
     'Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261122/r/s/aws4_request, Signature=aa')
{
    different with([$_, 'Cookie: sid=1'], [$_, 'Cookie: sid=2']), "session beside $_";
    different with([$_], [$_, 'Cookie: sid=1']), "with a session or without, beside $_";
    identical with([$_, 'Cookie: sid=1; a=1'], [$_, 'Cookie: a=2; sid=1']), "another cookie beside the session and $_";
    different with([$_, 'Cookie: sid=1'], [$_, 'Cookie: sid=2'], '/client/'), "session beside $_, with paas_guard_client";
}

different with(['Cookie: sid=1'], ['Cookie: sid=2']), 'session alone';
different with(['X-API-Key: one', 'Cookie: a=1', 'Cookie: sid=1'], ['X-API-Key: one', 'Cookie: a=1', 'Cookie: sid=2']),
    'session in a second line of Cookie';


different with(['X-Client: a'], ['X-Client: b'], '/client/'), 'paas_guard_client';
different with(['X-Other: a'], ['X-Other: b'], '/client/'), 'its second string, the first empty';
identical with(['X-Client: a', 'X-Other: a'], ['X-Client: a', 'X-Other: b'], '/client/'),
    'its second string, the first not empty';
identical with(['X-Real-IP: 10.0.0.1'], ['X-Real-IP: 10.0.0.2'], '/client/'), 'no client, whatever the address';
different with([], ['X-API-Key: 1'], '/client/'), 'no client, with a credential or without';
different with(['X-Client: a', 'X-API-Key: 1'], ['X-Client: a', 'X-API-Key: 2'], '/client/'),
    'credential, paas_guard_client without it';
different with(['Authorization: Digest username="a", response="1"'],
               ['Authorization: Digest username="a", response="2"']),
    'Authorization of a scheme that is not known';

# Nothing that is only put together in another way may be the same.

different with(['X-Client: ab'], ['X-Client: a'], '/client/'), 'client ab and a';
{
    my $t = fresh('/client/');
    different { target => "${t}b", headers => ['X-Client: a'] },
        { target => $t, headers => ['X-Client: ab'] }, 'a byte from target to client';
    $t = fresh();
    different { target => $t, method => 'POST', body => 'x', headers => ['Accept: y'] },
        { target => $t, method => 'POST', body => 'y', headers => ['Accept: x'] },
        'header and body in each other\'s place';
}


# Bodies

sub posts {
    my ($place, $x, $y, %more) = @_;
    my $target = fresh($place);
    return map { { target => $target, method => 'POST', ref $_ ? %$_ : (body => $_), %more } }
        $x, $y;
}

my $long  = join '', map { chr(97 + $_ % 26) } 0 .. 39_999;
my $other = $long;
substr($other, 20_000, 1) = '.';
my $last = substr($long, 0, -1) . '.';

for my $place ('/t/', '/small/', '/file/', '/single/', '/accel/', '/accel-file/') {
    identical posts($place, 'body', 'body'), "body, $place";
    different posts($place, 'body', 'bodY'), "a byte of the body, $place";
    different posts($place, 'body', 'body2'), "a longer body, $place";
    identical posts($place, $long, $long), "long body, $place";
    different posts($place, $long, $other), "a byte within a long body, $place";
    different posts($place, $long, $last), "the last byte of a long body, $place";
    identical posts($place, $long, { body => $long, chunks => 1000 }),
        "long body, by length and in chunks, $place";
    different posts($place, $long, { body => $other, chunks => 1000 }),
        "long body, by length and in chunks, another byte, $place";
}

identical posts('/t/', { body => 'body', chunks => 1 }, { body => 'body', chunks => 3 }),
    'other chunks';
identical posts('/t/', '', {}), 'an empty body and none';
identical posts('/t/', '', { body => '', chunks => 1 }), 'an empty body in chunks';
different posts('/t/', "a\0b", "a\0c"), 'a byte after a NUL';

my $largest = 'x' x 1_048_576;

for my $place ('/t/', '/single/') {
    my $end = substr($largest, 0, -1) . 'y';

    identical posts($place, $largest, $largest), "a body of the limit, $place";
    identical posts($place, $largest, { body => $largest, chunks => 60_000 }),
        "a body of the limit, by length and in chunks, $place";
    different posts($place, $largest, $end), "the last byte of a body of the limit, $place";
    different posts($place, map { { body => $_, chunks => 10_000 } } $largest, $end),
        "the last byte of a body of the limit, in chunks, $place";
}

# Who goes away in the midst of a body has not asked for anything.
for my $how ({}, { chunks => 1000 }) {
    my $t = fresh('/t/');
    my $r = { target => $t, method => 'POST', body => $long, %$how };

    for (1, 2) {
        my $s = $gateway->connect;
        print $s substr bytes(0, $r), 0, 30_000;
        close $s;
    }

    is statuses($r, $r), '200 429', 'a body that was given up before, ' . (%$how ? 'in chunks' : 'by length');
}

# Over the limit

counted_as sub {
    identical posts('/limit/', 'x' x 10, 'x' x 10), 'limit of 10, body of 10';
}, {}, 'limit of 10, body of 10';

counted_as sub {
    passed posts('/limit/', 'x' x 11, 'x' x 11), 'limit of 10, body of 11';
}, { too_large => 2 }, 'limit of 10, body of 11';

counted_as sub {
    passed posts('/limit/', map { { body => 'x' x 11, chunks => $_ } } 1, 4),
        'limit of 10, body of 11 in chunks';
}, { too_large => 2 }, 'limit of 10, body of 11 in chunks';

counted_as sub {
    identical posts('/limit/', map { { body => 'x' x 10, chunks => $_ } } 1, 4),
        'limit of 10, body of 10 in chunks';
}, {}, 'limit of 10, body of 10 in chunks';

counted_as sub {
    my $t = fresh('/limit/');
    identical { target => $t }, { target => $t }, 'limit of 10, no body';
}, {}, 'limit of 10, no body';

counted_as sub {
    passed posts('/off/', 'x', 'x'), 'body off, a body';
}, { body_off => 2 }, 'body off, a body';

counted_as sub {
    passed posts('/off/', map { { body => 'x', chunks => 1 } } 1, 2), 'body off, in chunks';
}, { body_off => 2 }, 'body off, in chunks';

counted_as sub {
    my $t = fresh('/off/');
    identical { target => $t }, { target => $t }, 'body off, no body';
}, {}, 'body off, no body';

# More lines of listed headers than are compared

counted_as sub {
    passed with([('Accept: a/b') x 65], [('Accept: a/b') x 65]), '65 lines of Accept';
}, { error => 2 }, '65 lines of Accept';

identical with([('Accept: a/b') x 64], [('Accept: a/b') x 64]), '64 lines of Accept';

# What must not be buffered

counted_as sub {
    passed with(['Upgrade: websocket', 'Connection: Upgrade'],
                ['Upgrade: websocket', 'Connection: Upgrade']), 'Upgrade';
}, { upgrade => 2 }, 'Upgrade';

counted_as sub {
    identical with(['Upgrade: websocket'], ['Upgrade: websocket']), 'Upgrade that Connection does not tell';
    identical with(['Upgrade: websocket', 'Connection: keep-alive'], ['Upgrade: websocket', 'Connection: keep-alive']),
        'Upgrade, kept alive';
    my @offer = ('Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA', 'Connection: Upgrade, HTTP2-Settings');
    identical with(\@offer, \@offer), 'HTTP/2 offered';
}, {}, 'nothing to upgrade to';

counted_as sub {
    passed posts('/stream/', 'x', 'x'), 'proxy_request_buffering off, a body';
}, { unbuffered => 2 }, 'proxy_request_buffering off, a body';

counted_as sub {
    passed posts('/stream/', map { { body => 'x', chunks => 1 } } 1, 2),
        'proxy_request_buffering off, in chunks';
}, { unbuffered => 2 }, 'proxy_request_buffering off, in chunks';

counted_as sub {
    my $t = fresh('/stream/');
    identical { target => $t }, { target => $t }, 'proxy_request_buffering off, no body';
}, {}, 'proxy_request_buffering off, no body';

counted_as sub {
    my $t = fresh('/throttle-off/');
    passed { target => $t }, { target => $t }, 'throttle off';
}, {}, 'throttle off';


# paas_guard_signature_rewrite

for (
    [identical => '/nonce/', '?nonce=1', '?nonce=2', 'a nonce'],
    [identical => '/nonce/', '?a=1&nonce=1&b=2', '?a=1&nonce=22&b=2', 'a nonce in the middle'],
    [different => '/nonce/', '?a=1&nonce=1', '?a=2&nonce=1', 'beside a nonce'],
    [different => '/nonce/', '?anonce=1', '?anonce=2', 'what is not the nonce'],
    [identical => '/order/', '-a', '-b', 'rules in order'],
    [identical => '/order/', '-abab', '-c', 'the second sees what the first made'],
    [different => '/order/', '-c', '-cc', 'no rule matches'],
    [identical => '/global/', 'x1y2z3', 'x4y5z6', 'each match'],
    [different => '/global/', 'x1y2', 'x1y22', 'each match, one more'],
    [identical => '/named/', '/xx-y', '/y-xx', 'names of groups'],
    [different => '/unmatch/', 'x', 'y', 'a rule that does not match'],
    [identical => '/slow/', 'x' x 4000, 'x' x 4000, 'a pattern too slow to match'],
    [different => '/slow/', 'x' x 4000, 'x' x 4001, 'a pattern too slow, another target'],
) {
    my ($how, $place, $x, $y, $name) = @$_;
    my $t = fresh($place);
    no strict 'refs';
    &$how({ target => $t . $x }, { target => $t . $y }, "rewrite, $name");
}


# HTTP/2

my @curl = ('-sS', '-m', 20, '--http2-prior-knowledge', '-o', '/dev/null',
    '-w', '%{http_version} %{http_code}', '-H', 'Host: localhost', '-H', 'Accept:',
    '-H', 'Content-Type:', '-H', 'Expect:');

sub body_file {
    my $file = $gateway->dir . '/body';
    open my $out, '>', $file or die "$file: $!";
    print $out $_[0];
    close $out or die "$file: $!";
    return $file;
}

sub h2 {
    my ($target, @options) = @_;
    open my $in, '-|', 'curl', @curl, @options, "http://127.0.0.1:$h2$target" or die "curl: $!";
    local $/;
    return scalar <$in>;
}

sub h2_post { h2($_[0], '--data-binary', '@' . body_file($_[1])) }

# An upload from a pipe has no Content-Length.
sub h2_stream {
    my ($target, $body) = @_;
    my $file = body_file($body);
    my $options = join ' ', map { "'$_'" } @curl, '-X', 'POST', '-T', '-';
    return scalar `cat '$file' | curl $options 'http://127.0.0.1:$h2$target'`;
}

for my $place ('/t/', '/small/', '/file/') {
    my $t = fresh($place);

    is h2($t), '2 200', "HTTP/2, GET, $place";
    is h2($t), '2 429', "HTTP/2, the same GET, $place";
    is h2("$t?a"), '2 200', "HTTP/2, another target, $place";
    is h2($t, '-H', 'X-API-Key: k'), '2 200', "HTTP/2, another credential, $place";

    is h2_post($t, $long), '2 200', "HTTP/2, POST, $place";
    is h2_post($t, $long), '2 429', "HTTP/2, the same POST, $place";
    is h2_post($t, $other), '2 200', "HTTP/2, another body, $place";
    is h2_stream($t, $long), '2 429', "HTTP/2, the same POST without a length, $place";
    is h2_stream($t, $last), '2 200', "HTTP/2, another body without a length, $place";

    is statuses({ target => $t }, { target => $t, method => 'POST', body => $long }),
        '429 429', "the same GET and POST, by HTTP/1.1, $place";
}

{
    my $t = fresh('/odd/');
    is h2($t, '-H', "X_Tenant: $_->[0]"), "2 $_->[1]", "HTTP/2, X_Tenant: $_->[0]" for [1, 200], [2, 200], [1, 429];
}

counted_as sub {
    my $t = fresh('/limit/');
    my $body = 'x' x 11;
    is h2_stream($t, $body), '2 200', 'HTTP/2, over the limit without a length';
    is h2_stream($t, $body), '2 200', 'HTTP/2, over the limit without a length, again';
}, { too_large => 2 }, 'HTTP/2, over the limit without a length';

# What a connection's last Authorization told is kept: it must be told of no other line.
{
    my $t = fresh();
    my @line = map { "Authorization: $_" } 'Bearer ' . 'a' x 60, 'Bearer ' . 'a' x 59 . 'b',
        'Basic ' . 'a' x 60, 'Bearer ' . 'a' x 500, 'Bearer ' . 'a' x 3000, 'Other ' . 'a' x 60, 'Bearer';
    my @once = map { [$_] } @line;
    my $sent = sub { statuses(map { { target => $t, headers => $_ } } @_) };
    my $n = @once;

    is $sent->([], @once), join(' ', (200) x ($n + 1)), 'a connection: each credential is another one';
    is $sent->((map { ($_, $_) } @once, reverse @once), []), join(' ', (429) x (4 * $n + 1)),
        'a connection: each is the same as before, whatever came before it';
}

# grpc_pass never buffers: a stream whose two sides take turns would wait for ever.
counted_as sub {
    my $t = fresh('/grpc/');
    is h2_post($t, 'x'), '2 200', 'grpc_pass, a body';
    is h2_post($t, 'x'), '2 200', 'grpc_pass, the same body';
}, { unbuffered => 2 }, 'grpc_pass, a body';


$gateway->stop;


# Whoever sends the bytes of its address as its credential is itself, and no other who does so

$gateway = gateway_start(
    http => 'paas_guard_zone zone=z:1m; set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP;',
    conf => <<'_EOC_');
        paas_guard zone=z;
        add_header X-Client $paas_guard_client_id always;
        location / { try_files /none =404; }
_EOC_

my %clients;
for my $ip ('172.16.5.7', '198.51.100.44', '100.64.3.8') {
    my $key = join '', map { chr } split /\./, $ip;
    my ($id) = $gateway->http("GET /$ip HTTP/1.0\r\nHost: a\r\nX-Real-IP: $ip\r\nX-API-Key: $key\r\n\r\n")
        =~ /^X-Client: (\w+)/m;
    $clients{ $id // '-' } = 1;
}
is keys %clients, 3, 'an address as a credential: three clients';

$gateway->stop;


# A rule by network, as docs/security.md has it

my $docs = do { local (@ARGV, $/) = 'docs/security.md'; <> };
my ($rule) = $docs =~ /^```nginx\n(map .*?)^```$/ms;
is $rule =~ s/limit=\d+/limit=2/, 1, 'a rule by network';
$gateway = gateway_start(
    http => "paas_guard_zone zone=z:1m; set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP; $rule",
    conf => 'location / { paas_guard zone=z; paas_guard_hammer address; try_files /none =404; }');

for (['2001:db8:a0a:1::1', 404], ['2001:db8:a0a:1:ffff:a0a::2', 404], ['2001:db8:a0a:2::1', 404],
     ['192.0.2.1', 404], ['192.0.2.2', 404], ['192.0.2.1', 404], ['2001:db8:a0a:1::3', 429],
     ['2001:db8:a0a:2::1', 404], ['192.0.2.2', 404], ['192.0.2.1', 429])
{
    my ($ip, $status) = @$_;
    like $gateway->http("GET /@{[++$cases]} HTTP/1.0\r\nHost: a\r\nX-Real-IP: $ip\r\n\r\n"),
        qr{^HTTP/1\.1 $status }, "a rule by network: $ip, $status";
}

$gateway->stop;
