# The status page: its headers, the policy that names its style and script, and
# that it shows what has happened.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use Digest::SHA qw(sha256_base64);
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::Local qw(timegm);

my $http = <<'_EOC_';
    paas_guard_zone zone=one:1m;
    paas_guard_zone zone=two:1m;
    paas_guard_hammer_rule flood key=$http_x_k window=1m limit=10 block=10m;
    paas_guard_hammer_rule calm  key=$http_x_k window=1m limit=1000;
    paas_guard_indicator IC-1 target=99.9% min_requests=1000000;
    paas_guard_indicator "a/b.c" target=97% conditional;
_EOC_
my $conf = <<'_EOC_';
    paas_guard_client $http_x_client;
    add_header X-Client $paas_guard_client_id always;
    location /a/ { paas_guard zone=one; paas_guard_service api; paas_guard_hammer flood; paas_guard_sla IC-1; proxy_pass http://backend; }
    location /b/ { paas_guard zone=two; paas_guard_service console; paas_guard_sla a/b.c; proxy_pass http://backend; }
    location /c/ { paas_guard zone=two; paas_guard_service trial; paas_guard_dry_run on; proxy_pass http://backend; }
    location /d/ { paas_guard zone=two; paas_guard_exempt 1; proxy_pass http://backend; }
    location /status/ { paas_guard_status; }
    location /admin   { paas_guard_status write=on; }
    location /user/   { auth_basic x; auth_basic_user_file %DIR%/users; paas_guard_status write=on; }
_EOC_

my $targets = 0;

sub send_n {
    my ($gateway, $n, $place, $client, %headers) = @_;
    my $same = delete $headers{same};
    my @answers = map { $gateway->get("/$place/" . ($same // ++$targets), 'X-Client' => $client, %headers) } 1 .. $n;
    return $answers[-1]{headers}{'x-client'};
}

sub page {
    my ($gateway, $path, @headers) = @_;
    return $gateway->get($path // '/status/', @headers);
}

# Cells of the row that begins with this head, in text.
sub row {
    my ($body, $section, $head) = @_;
    my ($part) = $body =~ m{<section id="$section".*?>(.*?)</section>}s or return [];
    my ($row) = grep { text($_) =~ /^\Q$head\E/ } $part =~ m{<tr>(.*?)</tr>}sg or return [];
    return [map { text($_) } split /<td[^>]*>/, $row];
}

sub text {
    my $html = shift;
    $html =~ s/<[^>]*>//g;
    $html =~ s/\s+/ /g;
    $html =~ s/^ | $//g;
    return $html;
}

my $one = gateway_start(http => $http, conf => $conf, workers => 2);

open my $users, '>', $one->dir . '/users' or die "users: $!";
print $users "op:{PLAIN}secret\n";
close $users or die "users: $!";


# What it is

my $answer = page($one);
is $answer->{status}, 200, 'there is a page';
my %h = %{ $answer->{headers} };
is $h{'content-type'}, 'text/html; charset=utf-8', 'of HTML';
is $h{'content-language'}, 'en', 'in English';
is $h{'cache-control'}, 'no-store', 'not kept';
is $h{'x-content-type-options'}, 'nosniff', 'taken for nothing else';
is $h{'referrer-policy'}, 'no-referrer', 'its address goes nowhere';
like $h{vary}, qr/Accept-Language/, 'it varies';

my $policy = $h{'content-security-policy'};
like $policy, qr/\Q$_\E(?:;|$)/, "policy: $_"
    for "default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "connect-src 'self'";
unlike $policy, qr/unsafe|\*|http/, 'policy: nothing lax';

for (['/status/'], ['/status/?lang=fr'], ['/admin/'], ['/admin/?zone=two']) {
    my $page = page($one, @$_);
    for my $kind (qw(style script)) {
        my @found = $page->{body} =~ m{<$kind>(.*?)</$kind>}sg;
        is scalar @found, 1, "$_->[0]: one $kind";
        my $hash = sha256_base64($found[0]);
        $hash .= '=' while length($hash) % 4;
        like $page->{headers}{'content-security-policy'}, qr/$kind-src 'sha256-\Q$hash\E'/, 'of the hash that the policy names';
    }
    (my $markup = $page->{body}) =~ s{<(style|script)>.*?</\1>}{}sg;
    unlike $markup, qr/<(?:script|style|img|iframe|object|link rel="stylesheet")|\son\w+=|\sstyle=|javascript:/i, 'and nothing else';
    my @ids = $markup =~ /\sid="([^"]*)"/g;
    my %ids;
    is_deeply [grep { $ids{$_}++ } @ids], [], 'each id once';
    my @named = $markup =~ /aria-labelledby="([^"]*)"/g;
    is_deeply [grep { !$ids{$_} } @named], [], 'each name is there';
    my @elements = grep { !/^(?:meta|link|br|input|path|rect|th|td|option)$/ } $markup =~ m{<(/?[a-z0-9]+)[^>]*?(?<!/)>}g;
    my @open;
    for my $element (grep { !m{^/(?:th|td|option)$} } @elements) {
        if ($element =~ m{^/(.*)}) { is $1, $open[-1], "</$1>" if $1 ne ($open[-1] // q{}); pop @open; }
        else { push @open, $element }
    }
    is_deeply \@open, [], 'each element ends';
}

is page($one, '/status/', 'Accept-Language' => 'fr-CH, en;q=0.5')->{headers}{'content-language'}, 'fr', 'French is heard';
is page($one, '/status/?lang=en', 'Accept-Language' => 'fr')->{headers}{'content-language'}, 'en', 'and overruled';
like page($one, '/status/?lang=fr')->{body}, qr/<html lang="fr">.*Garde des requêtes/s, 'in French';
is page($one, '/status/?lang=de')->{status}, 400, 'no other language';
is page($one, '/status/?zone=none')->{status}, 404, 'no such zone';
is page($one, '/status/?zone=<b>')->{status}, 404, 'nor a strange one';
is page($one, '/status/?x=1')->{status}, 400, 'no other argument';
like page($one, '/status')->{headers}{location}, qr{/status/$}, 'without its slash, it is elsewhere';
like page($one, '/admin?lang=fr')->{headers}{location}, qr{/admin/\?lang=fr$}, 'and so is a location without one';
is $one->request('HEAD', '/status/', {})->{status}, 200, 'HEAD';
is $one->request('POST', '/status/', {}, q{})->{status}, 405, 'only to be read';

my $idle = $answer->{body};
like $idle, qr/Nobody was refused/, 'nobody was refused';
like $idle, qr/Nobody is blocked/, 'nobody is blocked';
unlike $idle, qr/<dialog|data-dialog/, 'nothing to write with';


# Known traffic

send_n($one, 3, 'b', 'calm');
send_n($one, 4, 'b', 'twice', same => 'x');
my $blocked = send_n($one, 17, 'a', 'hammer', 'X-K' => 'k');
send_n($one, 8, 'a', 'near', 'X-K' => 'near');
send_n($one, 3, 'c', 'dry', same => 'y');
send_n($one, 2, 'd', 'health');

my $body = page($one)->{body};
my %wanted = (
    'Passed'                             => 3 + 1 + 10 + 8 + 1,
    'Refused as duplicates'              => 3,
    'Refused: client blocked'            => 7,
    'Exempt'                             => 2,
    'Duplicates, let through (dry run)'  => 2,
    'To be blocked, let through (dry run)' => 0,
    'All'                                => 37,
);
for (sort keys %wanted) {
    my $cells = row($body, 'requests', $_);
    is_deeply [@$cells[1 .. 3]], [($wanted{$_}) x 3], "$_: minute, hour, day";
}
like $body, qr/37 requests, 10 refused/, 'said beside what is drawn';
is scalar(() = $body =~ /<path class="v-/g) % 3, 0, 'in three drawings';

my $two = page($one, '/status/?zone=two')->{body};
is row($two, 'requests', 'All')->[1], 12, 'of one zone alone';
unlike $two, qr/>flood<\/span>.*failed/, 'and its rules';

my $top = row($body, 'top', $blocked);
is $top->[1], 'Abnormal use, blocked for a time', 'refused most: why';
is $top->[2], 'api, flood (one)', 'where';
like $top->[4], qr/^7\b/, 'how often';
is row($body, 'top', 'Others')->[4], 0, 'no others';
unlike row($body, 'top', 'Others')->[4], qr/\D/, 'in a figure';

my ($key) = map { $_->{key} } @{ decode_json($one->get('/status/api/1/blocks')->{body})->{blocks} };
my $block = row($body, 'blocks', $key);
is $block->[2], 'api, flood (one)', 'blocked: where';
is row(page($one, '/status/?zone=one')->{body}, 'blocks', $key)->[2], 'api, flood', '... in the only zone that is looked at';
is $block->[3], "11 requests in 60\xc2\xa0s, limit 10", 'on what evidence';
is $block->[5], 7, 'refusals';
like $block->[6], qr/^(?:9\D+min\D+\d\d|10\D+min\D+00)/, 'time left';

my $rule = row($body, 'rules', 'flood');
is $rule->[3], "10 / 60\xc2\xa0s", 'a rule';
is $rule->[4], '110%', 'exceeded in the last minute';
is $rule->[6], 1, 'has set a block';
is row($body, 'rules', 'calm')->[4], 'under 50%', 'another is quiet';
is_deeply [@{ row($body, 'services', 'api') }[1 .. 4]], ['one', 18, 0, 7], 'a service';
is row($body, 'guard', 'one')->[1], 'requests admitted lately', 'what is in use';
like $body, qr{not configured}, 'no Redis';
like $body, qr{<a href="api/1/sla/a%2fb.c\?zone=two&amp;format=html&amp;lang=en">}, 'an indicator, and its report';
# a thousandth of the month: 43 min 12 s of 30 days
my ($month, $year) = (gmtime)[4, 5];
my $budget = (timegm(0, 0, 0, 1, ($month + 1) % 12, $year + int(($month + 1) / 12)) - timegm(0, 0, 0, 1, $month, $year)) / 1000;
my ($minutes, $seconds) = (int $budget / 60, $budget % 60);
like $body, qr/\b$minutes\D+min\D+$seconds\D+s/, 'and its budget';

my $admin = page($one, '/admin/')->{body};
like $admin, qr{data-dialog="lift" data-path="api/1/blocks/[0-9a-f]{24}"}, 'a block can be lifted';
like $admin, qr{data-dialog="block" data-path="api/1/blocks" data-client="$blocked"}, 'a client can be blocked';
like $admin, qr{<dialog id="$_"}, "dialog: $_" for qw(lift block declare restore);
like $admin, qr{name="who"}, 'it asks who it is';

my $user = page($one, '/user/', Authorization => 'Basic ' . encode_base64('op:secret', q{}));
like $user->{body}, qr{name="why"}, 'a user that nginx knows is asked why';
unlike $user->{body}, qr{name="who"}, 'and not who it is';

is $one->request('POST', '/admin/api/1/sla/a%2Fb.c/outages', { 'Content-Type' => 'application/json' },
    encode_json({ detected_at => '2026-11-22T00:00:00Z', cause => '<script>alert(1)</script>', who => 'op', why => 'test' }))->{status} < 300,
    1, 'an outage is declared';
$admin = page($one, '/admin/')->{body};
like $admin, qr/Outage not restored since/, 'and shown';
like $admin, qr/&lt;script&gt;alert/, 'its cause is text';
like $admin, qr{data-path="api/1/sla/a%2fb.c/outages/[0-9a-f]+-\d+\?zone=two"}, 'and can be closed';

is $one->request('POST', '/admin/api/1/sla/IC-1/outages', { 'Content-Type' => 'application/json' },
    encode_json({ detected_at => '2026-11-22T00:00:00Z', cause => "cause-$_", who => 'op' }))->{status}, 201, 'one more' for 1 .. 10;
my ($slas) = page($one)->{body} =~ m{<section id="slas".*?>(.*?)</section>}s;
is scalar(() = $slas =~ /cause-\d/g), 8, 'eight of them are shown';
like $slas, qr/Not shown: 2</, 'and the rest told';

$one->reload;
is row(page($one)->{body}, 'requests', 'All')->[2], 37, 'a reload keeps the history';

for my $worker ($one->workers) {
    kill KILL => $worker;
    ok wait_for(sub { my @now = $one->workers; @now == 2 && !grep { $_ == $worker } @now }), 'a worker dies';
}
is row(page($one)->{body}, 'requests', 'All')->[2], 37, 'so does a kill';
send_n($one, 5, 'b', 'after');
is row(page($one)->{body}, 'requests', 'All')->[2], 42, 'and it goes on';
$one->stop(allow => qr/exited on signal 9/);


# Many blocks: the newest are shown, the others counted

{
    my $many = gateway_start(http => $http =~ s/limit=10 /limit=1 /r, conf => $conf);
    send_n($many, 2, 'a', "c$_", 'X-K' => "k$_") for 1 .. 60;
    my $body = page($many)->{body};
    my ($part) = $body =~ m{<section id="blocks".*?>(.*?)</section>}s;
    is scalar(() = $part =~ /<tr><th scope="row">/g), 50, 'fifty blocks';
    like $part, qr/Not shown: 10/, 'and ten more';
    ($part) = $body =~ m{<section id="top".*?>(.*?)</section>}s;
    is scalar(() = $part =~ /<tr><th scope="row">/g), 11, 'ten clients, and others';
    is row($body, 'top', 'Others')->[4], 50, 'who make up the rest';
    $many->stop;
}



# With Redis, and without

{
    my $redis = redis_start();
    my %same = (http => $http . 'paas_guard_redis ' . $redis->url . ' timeout=2s; paas_guard_secret_file ' . secret_file() . ';',
        conf => $conf);
    my ($one, $two) = (gateway_start(%same), gateway_start(%same));
    send_n($_, 1, 'a', 'x') for $one, $two;
    ok wait_for(sub { page($one)->{body} =~ m{>answers</span> 99% within} }), 'Redis answers, in so much time';
    like page($one)->{body}, qr/Calls since the start/, 'calls are counted';
    ok wait_for(sub { page($one)->{body} =~ m{Gateways included</dt><dd>2} }, 60), 'the month is that of both gateways';
    $redis->kill;
    ok wait_for(sub { page($one)->{body} =~ m{away: this gateway decides alone} }, 30), 'Redis is away';
    is page($one)->{status}, 200, 'and there is a page all the same';
    $_->stop for $one, $two;
}

done_testing;
