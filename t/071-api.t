# What all calls of the API have in common: paths, methods, who may write,
# bodies, arguments, problems.

use strict;
use warnings;
use utf8;

use lib 't/lib';
use PaasGuard;
use JSON::PP;
use Test::More;

my $one = gateway_start(http => <<'_EOC_', conf => <<'_EOC2_', workers => 1);
    paas_guard_zone zone=z:1m;
_EOC_
    location /status/ { paas_guard_status; }
    location /admin   { paas_guard_status write=on; client_body_buffer_size 64; client_max_body_size 100; }
    location /some/   { paas_guard_status write=on; limit_except GET { allow 127.0.0.2; deny all; } }
    location /more/   { paas_guard_status write=on; limit_except GET { allow all; } }
    location /file/   { paas_guard_status write=on; client_body_in_file_only clean; }
_EOC2_

my @json = ('Content-Type' => 'application/json');
my $lift = '/admin/api/1/blocks/' . 'f' x 24;       # 404 unknown_block if all else is right

sub problem {
    my ($answer, $status, $code, $what) = @_;
    my $problem = eval { decode_json($answer->{body}) } // {};
    is "$answer->{status} " . ($problem->{code} // ''), "$status $code", $what;
    is $answer->{headers}{'content-type'}, 'application/problem+json', '... as a problem';
    is $problem->{status}, $status, '... of that status';
    like $problem->{detail}, qr/\S/, '... in a sentence';
    is $answer->{headers}{'cache-control'}, 'no-store', '... not to be kept';
    return $problem->{detail};
}

sub write_it {
    my ($headers, $body, $path) = @_;
    return $one->request('DELETE', $path // $lift, {@json, %{ $headers // {} }}, $body);
}

sub raw {
    my ($head, $body) = split /\r\n\r\n/, $one->http(shift), 2;
    my ($status) = $head =~ /^HTTP\/1.1 (\d+)/;
    return { status => $status, body => $body, headers => { map { lc($_->[0]) => $_->[1] }
        map { [split /: /, $_, 2] } split /\r\n/, $head } };
}


# Paths and methods

problem($one->get("/status/$_"), 404, 'no_call', "no call: $_")
    for 'api', 'api/1', 'api/1/', 'api/1/nothing', 'api/1/zones/', 'api/1/zonesx', 'api/1/blocks/x/y',
        'a/b/c/d/e/f/g/h/i/j', 'api%2F1%2Fzones';
is $one->get("/status/$_")->{status}, 200, "a call: $_"
    for 'api/1/zones', 'api//1/./zones', 'x/../api/1/zones', '%61pi/1/%7Aones', 'api/1/zones?';
is $one->get('/status')->{status}, 301, 'the place itself';
problem($one->get($_), 404, 'no_call', "not below it: $_") for '/adminapi/1/zones', '/admin1/api/1/zones';
is $one->get($_)->{status}, 200, "below it: $_" for '/admin/api/1/zones', '/admin/';

for (['/status/api/1/zones', 'GET, HEAD'], ['/status/api/1/blocks/x', 'DELETE']) {
    my ($path, $allow) = @$_;
    my $answer = $one->request('PATCH', $path, {@json}, '{}');
    problem($answer, 405, 'method', "PATCH $path");
    is $answer->{headers}{allow}, $allow, "... $allow";
}
problem($one->request('OPTIONS', '/status/api/1/zones', { Origin => 'http://evil.example',
    'Access-Control-Request-Method' => 'DELETE' }), 405, 'method', 'no leave for other sites');

my $get  = $one->get('/status/api/1/zones');
my $head = $one->request('HEAD', '/status/api/1/zones');
is $head->{status}, 200, 'HEAD';
is $head->{body} // '', '', 'has no body';
is $head->{headers}{'content-length'}, length $get->{body}, 'but its length';
is $get->{headers}{'x-content-type-options'}, 'nosniff', 'and its type stands';


# Who may write

problem(write_it(), 404, 'unknown_block', 'may write');
problem($one->request('DELETE', $lift, { 'Content-Type' => $_ }), 415, 'content_type', "not with $_")
    for 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp';
problem(write_it({ 'Content-Type' => $_ }), 404, 'unknown_block', "with $_")
    for 'Application/JSON', 'application/json; charset=utf-8';
problem(write_it(undef, undef, '/status/api/1/blocks/x'), 403, 'read_only', 'not without write=on');
problem(write_it({ 'Sec-Fetch-Site' => $_ }), 403, 'cross_site', "not from $_") for 'cross-site', 'same-site', 'x', '';
problem(write_it({ Origin => $_ }), 403, 'cross_site', "not from a page of '$_'")
    for 'https://evil.example', 'null', '', 'http://127.0.0.1.evil.example', 'http://127.0.0.1:1', 'evil://';
my $host = '127.0.0.1:' . $one->port;
problem(write_it({ Host => $host, Origin => "http://$host" }), 404, 'unknown_block', 'from a page of its own');
problem(write_it({ 'Sec-Fetch-Site' => 'same-origin', Origin => 'https://behind-a-proxy.example' }), 404, 'unknown_block',
    'a browser that says so is believed');
is write_it(undef, '{}', '/some/api/1/blocks/x')->{status}, 403, 'limit_except is asked';
is $one->get('/some/api/1/zones')->{status}, 200, 'for writes alone';
problem(write_it(undef, '{}', '/more/api/1/blocks/x'), 404, 'unknown_block', 'and what it lets through is answered');


# A precondition is of what is kept somewhere: it hides no answer, least of all that of a write

is $one->get('/status/api/1/zones', $_->[0] => $_->[1])->{status}, 200, "answered with $_->[0]"
    for ['If-None-Match', '*'], ['If-Match', '"x"'], ['If-Unmodified-Since', 'Thu, 01 Jan 1970 00:00:00 GMT'];
is $one->request('DELETE', '/admin/api/1/clients/' . 'f' x 32, {@json, 'If-Match' => '"x"'})->{status}, 200, 'a write, too';


# Bodies

problem(write_it(undef, '{"who":"me","why":"' . 'x' x 256 . '"}'), 404, 'unknown_block', 'a body');
problem(write_it(undef, '{"who":"me","why":"' . 'x' x 200 . '"}', '/file/api/1/blocks/x'), 404, 'unknown_block',
    'a body in a file');
problem(write_it(undef, '{"nope":1}', '/file/api/1/blocks/x'), 400, 'member_unknown', 'that is read');
problem(write_it(undef, ' ' x 16384), 404, 'unknown_block', '16 KB');
problem(write_it(undef, ' ' x 16385), 413, 'body_size', 'one byte more');
problem(raw("DELETE $lift HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    . "Content-Length: 999999999999\r\n\r\n{"), 413, 'body_size', 'very much more');
problem(raw("DELETE $lift HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), 411, 'length', 'of no known length');

is raw("$_ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    . "Transfer-Encoding: chunked\r\n\r\nx\r\n")->{status}, 400, "not even chunks: $_"
    for 'GET /status/', 'GET /status/api/1/zones', "DELETE $lift";

problem(write_it(undef, $_->[0]), 400, $_->[1], "not $_->[0]")
    for ['{', 'json_syntax'], ['nothing', 'json_syntax'], ['{"why":"x"} {}', 'json_syntax'],
        ["{\"why\":\"\xff\"}", 'json_syntax'], ['{"why":"\ud800"}', 'json_syntax'], ['[]', 'json_object'], ['1', 'json_object'],
        ['{"why":1}', 'member_type'], ['{"why":["x"]}', 'member_type'], ['{"why":"x","why":"y"}', 'member_twice'],
        ['{"why":"' . 'x' x 257 . '"}', 'member_long'];
my $detail = problem(write_it(undef, '{"<script>\u0022":1}'), 400, 'member_unknown', 'nor a member of another name');
like $detail, qr/<script>"/, 'which is told';
is problem(write_it({ 'Accept-Language' => 'fr' }, '{"why"'), 400, 'json_syntax', 'what is wrong'),
    "Le corps n’est pas du JSON\x{a0}: il manque un deux-points.", '... is said in French';


# Arguments

problem($one->get("/status/api/1/$_"), 400, 'argument_unknown', "no such argument: $_")
    for 'zones?zone=z', 'blocks?zon=z', 'blocks?zone=z&x', 'blocks?=z';
problem($one->get("/status/api/1/blocks?$_"), 400, 'argument_twice', "there twice: $_")
    for 'zone=z&zone=z', 'zone=z&zone=other', 'zone&zone', 'limit=1&zone=z&limit=2', 'zone=z&&limit=1&after=x&zone=';
problem($one->get("/status/api/1/blocks?$_"), 404, 'unknown_zone', "no such zone: $_")
    for 'zone=x', 'zone=', 'zone', 'zone=z%00', 'zone=Z', 'zone=%3Cb%3E%22';
is $one->get("/status/api/1/blocks?$_")->{status}, 200, "a zone: $_" for 'zone=z', 'zone=%7A', '&zone=z&';


# Languages

my $answer = $one->get('/status/api/1/x', 'Accept-Language' => 'fr');
is problem($answer, 404, 'no_call', 'in French'), "Cet appel n’existe pas.", '... said so';
is $answer->{headers}{'content-language'}, 'fr', '... and named';
is $one->get('/status/api/1/x')->{headers}{'content-language'}, 'en', 'else in English';
$answer = $one->get("/status/api/1/blocks?zone=%FF\xc3\xa9", 'Accept-Language' => 'fr');
is problem($answer, 404, 'unknown_zone', 'of bytes that are no text'), "Il n’y a pas de zone «\x{a0}\x{fffd}é\x{a0}».", '... replaced';

$one->stop;
done_testing;
