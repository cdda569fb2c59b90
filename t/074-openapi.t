# docs/openapi.json against the real answers of every call, errors too.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use OpenApi;
use JSON::PP;
use Test::More;

my $api = OpenApi->new('docs/openapi.json');
my $redis = redis_start();
my $one = gateway_start(workers => 1, http => <<'_EOC_' . 'paas_guard_redis ' . $redis->url . ' timeout=2s; paas_guard_secret_file ' . secret_file() . ';', conf => <<'_EOC2_');
    paas_guard_zone zone=z:1m state=%DIR%/state;
    paas_guard_zone zone=tiny:128k;
    paas_guard_hammer_rule flood key=$paas_guard_client_id window=10m limit=5 block=1m;
    paas_guard_indicator paas target=99.9%;
    paas_guard_indicator with/slash target=97% conditional;
_EOC_
    paas_guard_client $http_x_client;
    add_header X-Client $paas_guard_client_id always;
    location /t/    { paas_guard zone=z; paas_guard_service api; paas_guard_hammer flood; paas_guard_sla paas with/slash; proxy_pass http://backend; }
    location /tiny/ { paas_guard zone=tiny; proxy_pass http://backend; }
    location /admin/ { paas_guard_status write=on; }
    location /read/  { paas_guard_status; }
_EOC2_

my @json = ('Content-Type' => 'application/json');
my $targets = 0;

sub ask {
    my ($status, $method, $path, %opt) = @_;
    my $body   = ref $opt{body} ? encode_json($opt{body}) : $opt{body};
    my %headers = (($method eq 'GET' ? () : @json), %{ $opt{headers} // {} });
    my $answer = $one->request($method, ($opt{place} // '/admin') . $path, \%headers, $body);
    is $answer->{status}, $status, "$method $path: $status";
    is_deeply [$api->check($method, $path, $answer)], [], '... as documented';
    is_deeply [$api->check_request($method, $path, $opt{body})], [], '... so is what was sent' if ref $opt{body} && $status < 300;
    return eval { decode_json($answer->{body}) } // {};
}

sub raw {
    my ($method, $path) = @_;
    my ($head, $body) = split /\r\n\r\n/, $one->http("$method /admin$path HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        . "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), 2;
    my $answer = { status => $head =~ /^\S+ (\d+)/, body => $body, headers => { 'content-type' => $head =~ /^Content-Type: (\S+)/mi } };
    is $answer->{status}, 411, "$method $path: 411";
    is_deeply [$api->check($method, $path, $answer)], [], '... as documented';
}

# What is there: a client that hammers, two blocks, an outage

my $ann = $one->get('/t/0', 'X-Client' => 'ann')->{headers}{'x-client'};
$one->get('/t/' . ++$targets, 'X-Client' => 'ann') for 1 .. 7;
$one->get('/t/' . ++$targets, 'X-Client' => 'bob');

ask(200, GET => '/api/1/zones');
my $blocks = ask(200, GET => '/api/1/blocks?limit=1000');
is scalar @{ $blocks->{blocks} }, 1, 'who hammers is blocked';
my $set = ask(201, POST => '/api/1/blocks', body => { zone => 'z', client => $ann, seconds => 60, service => 'api', who => 'op', why => 'a "test"' });
ask(409, POST => '/api/1/blocks', body => { zone => 'z', client => $ann, seconds => 60, service => 'api' });
is ask(200, GET => '/api/1/blocks?zone=z&limit=1')->{more}, JSON::PP::true, 'a page that is not the last';
my $client = ask(200, GET => "/api/1/clients/$ann");
ok $client->{zones}[0]{refused}, 'a client that was refused';
ask(200, DELETE => "/api/1/blocks/$set->{block}{id}", body => { why => 'enough' });
ask(200, DELETE => "/api/1/blocks/$blocks->{blocks}[0]{id}");

ask(200, GET => '/api/1/sla');
ask(200, GET => "/api/1/sla/$_") for 'paas', 'with%2Fslash?applicable=no', 'paas?format=csv', 'paas?format=html';
my $outage = ask(201, POST => '/api/1/sla/paas/outages', body => { detected_at => '2026-11-01T00:00:00Z', who => 'op', cause => 'x' })->{outage};
my $at = "/api/1/sla/paas/outages/$outage->{id}";
ask(200, PATCH => $at, body => { restored_at => '2026-11-01T00:10:00Z', confirmed_by => 'monitoring', who => 'op' });
ask(200, GET => '/api/1/sla/paas');
ask(200, PATCH => $at, body => { withdraw => JSON::PP::true, who => 'op' });
ask(409, PATCH => $at, body => { restored_at => '2026-11-01T00:20:00Z', confirmed_by => 'user', who => 'op' });

# Each way to be wrong

my %call = (
    'POST /api/1/blocks'           => { zone => 'z', client => $ann, seconds => 60 },
    "DELETE /api/1/blocks/$set->{block}{id}" => {},
    "DELETE /api/1/clients/$ann"   => {},
    'POST /api/1/sla/paas/outages' => { detected_at => '2026-11-01T00:00:00Z', who => 'op' },
    "PATCH $at"                    => { cause => 'x', who => 'op' },
);
for my $call (sort keys %call) {
    my ($method, $path) = split / /, $call;
    ask(400, $method => $path, body => '{');
    ask(400, $method => $path, body => '{"<b>":1}');
    ask(403, $method => $path, body => '{}', place => '/read');
    ask(403, $method => $path, body => '{}', headers => { 'Sec-Fetch-Site' => 'cross-site' });
    ask(413, $method => $path, body => ' ' x 17000);
    ask(415, $method => $path, body => '{}', headers => { 'Content-Type' => 'text/plain' });
    raw($method, $path);
}
ask(400, GET => "$_?x=1") for '/api/1/zones', '/api/1/blocks', "/api/1/clients/$ann", '/api/1/sla', '/api/1/sla/paas';
ask(404, GET => '/api/1/blocks?zone=nope');
ask(404, GET => '/api/1/clients/' . 'f' x 32);
ask(404, GET => '/api/1/sla/nope');
ask(404, GET => '/api/1/sla/paas?month=2099-01');
ask(404, DELETE => '/api/1/blocks/' . 'f' x 24);
ask(404, DELETE => '/api/1/clients/nobody');
ask(404, POST => '/api/1/sla/nope/outages', body => { detected_at => '2026-11-01T00:00:00Z', who => 'op' });
ask(404, PATCH => '/api/1/sla/paas/outages/0123456789abcdef-9', body => { cause => 'x', who => 'op' });

# What is too long is documented to be

my %most = (detected_at => '2026-11-01T00:00:00Z', restored_at => '2026-11-01T00:00:01Z', confirmed_by => 'user',
    who => 'x' x 64, confirmer => 'x' x 64, cause => 'x' x 200);
ask(201, POST => '/api/1/sla/paas/outages', body => \%most);
for my $member (qw(who confirmer cause)) {
    my %long = (%most, $member => "$most{$member}x");
    ask(400, POST => '/api/1/sla/paas/outages', body => \%long);
    like join(q{}, $api->check_request('POST', '/api/1/sla/paas/outages', \%long)), qr/too long/, "... a long $member";
    like join(q{}, $api->check_request('PATCH', $at, \%long)), qr/too long/, '... nor can it become so long';
}

# A zone that is full; forgetting, with Redis and without

my $n = 0;
while ($n++ < 2000) {
    my $answer = $one->request('POST', '/admin/api/1/blocks', {@json}, encode_json({ zone => 'tiny',
        client => sprintf('%032x', $n * 0x1234567), seconds => 600 }));
    next if $answer->{status} == 201;
    is $answer->{status}, 503, 'a zone is full';
    is_deeply [$api->check('POST', '/api/1/blocks', $answer)], [], '... as documented';
    last;
}
ask(200, DELETE => "/api/1/clients/$ann", body => { who => 'op', why => 'end of contract' });
ask(404, GET => "/api/1/clients/$ann");
$redis->stop;
ok wait_for(sub { $one->get('/t/' . ++$targets, 'X-Client' => 'bob');
    $one->request('DELETE', "/admin/api/1/clients/$ann", {@json})->{status} == 202 }), 'Redis is away';
ask(202, DELETE => "/api/1/clients/$ann");

# What only other gateways' absence, or want of memory, brings about is left

my @unseen = grep { !m{^(?:GET|PATCH|POST) /api/1/sla/.* 503$} && !m{^POST /api/1/sla/\{indicator\}/outages 409$} } $api->unseen;
is_deeply \@unseen, [], 'all that is documented was seen';

open my $source, '<', 'src/core/pguard_problem.c' or die $!;
my %codes = map { $_ => 1 } grep { $_ ne 'none' } do { local $/ = undef; <$source> } =~ /\] = \{ \d+, "(\w+)"/g;
is_deeply [sort @{ $api->{doc}{components}{schemas}{Problem}{properties}{code}{enum} }], [sort keys %codes], 'every code of a problem';

# The validator itself finds what is wrong

for ([{}, 'is missing'], [{ zones => 1 }, 'not array'], [{ zones => [], x => 1 }, 'not documented'],
    [{ zones => [{}] }, 'is missing'])
{
    my ($json, $what) = @$_;
    my @wrong = $api->check(GET => '/api/1/zones', { status => 200, headers => { 'content-type' => 'application/json' },
        body => encode_json($json) });
    like "@wrong", qr/$what/, "found: $what";
}

$one->stop(allow => qr/redis/i);
done_testing;
