# The JSON API: who is blocked and why, and how to lift a block, here and at
# all gateways.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

my $http = <<'_EOC_';
    paas_guard_zone zone=z:1m;
    paas_guard_zone zone=empty:1m;
    paas_guard_hammer_rule flood key=$http_x_k window=1m limit=2 block=10s block_max=1m;
    paas_guard_hammer_rule wide  key=$http_x_w window=1m limit=2 block=10s scope=zone;
_EOC_
my $conf = <<'_EOC_';
    location /t/ { paas_guard zone=z; paas_guard_service api; paas_guard_hammer flood wide; proxy_pass http://backend; }
    location /dry/ { paas_guard zone=z; paas_guard_service trial; paas_guard_hammer flood; paas_guard_dry_run on; proxy_pass http://backend; }
    location /status/ { paas_guard_status; }
    location /admin   { paas_guard_status write=on; }
_EOC_

my @json = ('Content-Type' => 'application/json');
my $targets = 0;

sub send_n {
    my ($gateway, $n, @headers) = @_;
    return join q{ }, map { $gateway->get('/t/' . ++$targets, @headers)->{status} } 1 .. $n;
}

sub api {
    my ($gateway, $path) = @_;
    my $answer = $gateway->get($path);
    return decode_json($answer->{body});
}

sub lift {
    my ($gateway, $id, $headers, $place) = @_;
    return $gateway->request('DELETE', ($place // '/admin') . "/api/1/blocks/$id", $headers // {@json});
}


# One gateway

{
    my $one = gateway_start(http => $http, conf => $conf, workers => 2);

    is_deeply api($one, '/status/api/1/blocks'), { blocks => [], more => JSON::PP::false, next => undef }, 'nobody is blocked';
    is send_n($one, 4, 'X-K' => 'a'), '200 200 429 429', 'one is';
    my $answer = $one->get('/status/api/1/blocks');
    is $answer->{headers}{'content-type'}, 'application/json', 'a list is JSON';
    is $answer->{headers}{'cache-control'}, 'no-store', 'and not kept';

    my ($block) = @{ decode_json($answer->{body})->{blocks} };
    my %fixed = %$block;
    like delete $fixed{client}, qr/^([0-9a-f]{32})?$/, 'whose it is';
    like delete $fixed{id}, qr/^[0-9a-f]{24}$/, 'its id';
    like delete $fixed{key}, qr/^[0-9a-f]{32}$/, 'whose key: a digest';
    my ($since, $until) = delete @fixed{qw(since until)};
    like $_, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'a time' for $since, $until;
    is_deeply \%fixed, { zone => 'z', rule => 'flood', service => 'api', reason => 'hammering_blocked',
        count => 3, limit => 2, window_ms => 60000, offence => 1, refused => 2, dry_run => JSON::PP::false }, 'and its evidence';

    is scalar @{ api($one, '/status/api/1/blocks?zone=z')->{blocks} }, 1, 'of its zone';
    is scalar @{ api($one, '/status/api/1/blocks?zone=empty')->{blocks} }, 0, 'and of no other';
    my $zones = api($one, '/admin/api/1/zones')->{zones};
    is_deeply [map { @$_{qw(name bytes blocks_active)} } @$zones],
        ['z', 1048576, 1, 'empty', 1048576, 0], 'zones';

    my ($z) = @$zones;
    is_deeply [map { $_->{service} } @{ $z->{services} }], ['other', 'api', 'trial'], 'services';
    is_deeply [@{ $z->{services}[1]{requests} }{qw(passed blocked)}], [2, 2], 'their requests';
    is $z->{services}[1]{refusals}{hammering_blocked}, 2, 'and refusals';
    is_deeply [map { @$_{qw(rule limit window_ms block_ms scope reason blocks)} } @{ $z->{rules} }],
        ['flood', 2, 60000, 10000, 'service', 'hammering_blocked', 1, 'wide', 2, 60000, 10000, 'zone', 'hammering_blocked', 0],
        'rules';
    is $z->{entries}{block}{used}, 1, 'entries in use';
    cmp_ok $z->{entries}{$_}{capacity}, '>', 100, "place for more of $_" for qw(signature window block);
    is $z->{exhausted}, 0, 'and never too few';

    for (['/status', 403, $block->{id}, {@json}],
        ['/admin', 415, $block->{id}, {}],
        ['/admin', 415, $block->{id}, { 'Content-Type' => 'application/jsonp' }],
        ['/admin', 415, $block->{id}, { 'Content-Type' => 'text/plain' }],
        ['/admin', 404, 'f' x 24, {@json}], ['/admin', 404, 'x', {@json}], ['/admin', 404, '', {@json}])
    {
        my ($place, $status, $id, $headers) = @$_;
        my $answer = lift($one, $id, $headers, $place);
        is $answer->{status}, $status, "not lifted: $status";
        is $answer->{headers}{'content-type'}, 'application/problem+json', 'and said as a problem';
        is decode_json($answer->{body})->{status}, $status, 'of that status';
    }
    is $one->request('PUT', '/admin/api/1/blocks', {@json}, '{}')->{status}, 405, 'no such method';
    is $one->get('/admin/api/1/nothing')->{status}, 404, 'no such call';
    is $one->get('/admin/api')->{status}, 404, 'nor such a page';
    is send_n($one, 1, 'X-K' => 'a'), '429', 'still blocked';

    $answer = lift($one, $block->{id});
    is $answer->{status}, 200, 'lifted';
    is decode_json($answer->{body})->{lifted}{id}, $block->{id}, 'that one';
    is send_n($one, 3, 'X-K' => 'a'), '200 200 429', 'its counts are forgotten';
    is api($one, '/status/api/1/blocks')->{blocks}[0]{offence}, 1, 'and the offence';
    is lift($one, $block->{id})->{status}, 404, 'an old id lifts nothing';

    # pages

    for my $k (1 .. 6) {
        is send_n($one, 3, 'X-K' => "page$k"), '200 200 429', 'one more';
    }
    is scalar @{ api($one, '/status/api/1/blocks')->{blocks} }, 7, 'seven blocks';
    my ($after, @ids, @sizes) = ('');
    while (@sizes < 10) {
        my $page = api($one, '/status/api/1/blocks?limit=2' . $after);
        push @ids, map { $_->{id} } @{ $page->{blocks} };
        push @sizes, scalar @{ $page->{blocks} };
        is !!$page->{more}, defined $page->{next}, 'a page';
        last if !$page->{more};
        $after = "&after=$page->{next}";
        if (@sizes == 1) {      # what comes and goes meanwhile moves no other
            is lift($one, $ids[0])->{status}, 200, 'one goes';
        }
    }
    is "@sizes", '2 2 2 1', 'of two each';
    my %ids = map { $_ => 1 } @ids;
    is scalar keys %ids, 7, 'each once';
    is scalar @{ api($one, '/status/api/1/blocks?limit=6')->{blocks} }, 6, 'a page that is just full';
    is_deeply api($one, '/status/api/1/blocks?limit=6')->{next}, undef, 'has none after it';
    is scalar @{ api($one, '/status/api/1/blocks?zone=z&limit=1000&after=0:z')->{blocks} }, 6, 'from the beginning';
    is scalar @{ api($one, '/status/api/1/blocks?after=9999999:z')->{blocks} }, 0, 'beyond the end';
    is scalar @{ api($one, '/status/api/1/blocks?after=0:empty')->{blocks} }, 0, 'of the zones after it';
    is $one->get("/status/api/1/blocks?$_")->{status}, 400, "not $_" for 'limit=0', 'limit=1001', 'limit=-1', 'limit=x',
        'limit=', 'after=', 'after=z', 'after=0:', 'after=0:x', 'after=x:z', 'after=0:empty&zone=z';
    is lift($one, $_->{id})->{status}, 200, 'lifted' for @{ api($one, '/status/api/1/blocks')->{blocks} };

    is send_n($one, 3, 'X-W' => 'w'), '200 200 429', 'a block for the zone';
    is join(q{ }, map { $one->get('/dry/' . ++$targets, 'X-K' => 'dry')->{status} } 1 .. 4), '200 200 200 200', 'a dry run';
    my ($dry) = grep { $_->{service} eq 'trial' } @{ api($one, '/status/api/1/blocks')->{blocks} };
    is $dry->{dry_run}, JSON::PP::true, 'sets a block that says so';
    my ($wide) = grep { $_->{rule} eq 'wide' } @{ api($one, '/admin/api/1/blocks')->{blocks} };
    is $wide->{service}, '', 'names no service';
    $one->stop;
}


# Two, and Redis

{
    my $redis = redis_start();
    my %same = (http => $http . 'paas_guard_redis ' . $redis->url . ' timeout=2s; paas_guard_secret_file ' . secret_file() . ';',
        conf => $conf, workers => 2);
    my ($one, $two) = (gateway_start(%same), gateway_start(%same));
    my $blocks = sub { scalar @{ api($_[0], '/status/api/1/blocks')->{blocks} } };

    is send_n($one, 3, 'X-K' => 'r'), '200 200 429', 'a block at one gateway';
    ok wait_for(sub { $blocks->($two) == 1 }), 'is known at the other';
    is send_n($two, 1, 'X-K' => 'r'), '429', 'and enforced';
    is api($two, '/status/api/1/blocks')->{blocks}[0]{id}, api($one, '/status/api/1/blocks')->{blocks}[0]{id},
        'under one id';

    # counts that were on their way when the block was set are dropped while it
    # lasts, and wait for half a second at most
    sleep 0.7;
    is lift($two, api($two, '/status/api/1/blocks')->{blocks}[0]{id})->{status}, 200, 'lifted at the other';
    ok wait_for(sub { $blocks->($one) == 0 }), 'it is lifted at the one';
    is $blocks->($two), 0, 'and there';
    is send_n($one, 2, 'X-K' => 'r'), '200 200', 'with its counts';

    my $three = gateway_start(%same);
    $three->get('/t/' . ++$targets);
    is $blocks->($three), 0, 'a gateway that starts later does not learn of it';
    $_->stop for $one, $two, $three;
}

done_testing;
