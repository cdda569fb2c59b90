# Blocks that an operator sets: for a client or for a rule's key, in one service
# or in all, here and at all gateways, over a restart, and lifted again.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use JSON::PP;
use Test::More;

my $http = <<'_EOC_';
    paas_guard_zone zone=z:1m state=%DIR%/state;
    paas_guard_hammer_rule flood key=$http_x_k window=1m limit=2 block=10s block_max=1m;
    paas_guard_hammer_rule wide  key=$http_x_k window=1m limit=2 block=10s scope=zone;
_EOC_
my $conf = <<'_EOC_';
    paas_guard zone=z; paas_guard_client $http_x_client;
    add_header X-Client $paas_guard_client_id always;
    add_header X-Sla "$paas_guard_verdict $paas_guard_reason $paas_guard_rule" always;
    location /a/ { paas_guard_service a; paas_guard_hammer flood; proxy_pass http://backend; }
    location /b/ { paas_guard_service b; proxy_pass http://backend; }
    location /dry/ { paas_guard_service b; paas_guard_dry_run on; proxy_pass http://backend; }
    location /w/   { paas_guard_service a; paas_guard_hammer wide; proxy_pass http://backend; }
    location /wdry/ { paas_guard_service b; paas_guard_dry_run on; paas_guard_hammer wide; proxy_pass http://backend; }
    location /status/ { paas_guard off; paas_guard_status write=on; }
_EOC_

my @json = ('Content-Type' => 'application/json');
my $targets = 0;

sub get {
    my ($gateway, $place, $client, @more) = @_;
    return $gateway->get("/$place/" . ++$targets, 'X-Client' => $client, @more);
}

sub status { return get(@_)->{status} }

sub post {
    my ($gateway, %body) = @_;
    my $answer = $gateway->request('POST', '/status/api/1/blocks', {@json}, encode_json({ zone => 'z', seconds => 60, %body }));
    $answer->{json} = eval { decode_json($answer->{body}) } // {};
    return $answer;
}

sub active {
    my $gateway = shift;
    return @{ decode_json($gateway->get('/status/api/1/blocks')->{body})->{blocks} };
}

sub lift {
    my ($gateway, $id) = @_;
    return $gateway->request('DELETE', "/status/api/1/blocks/$id", {@json}, '{"why":"enough"}')->{status};
}


# One gateway

{
    my $one = gateway_start(http => $http, conf => $conf, workers => 2);
    my $id = get($one, 'a', 'ann')->{headers}{'x-client'};
    like $id, qr/^[0-9a-f]{32}$/, 'a client has a digest';

    my $set = post($one, client => $id, service => 'a', why => 'abuse "reported"', who => 'op');
    is $set->{status}, 201, 'a client is blocked in a service';
    my $block = $set->{json}{block};
    is_deeply { map { $_ => $block->{$_} } qw(zone rule service key client reason count limit window_ms offence refused) },
        { zone => 'z', rule => '', service => 'a', key => $id, client => $id, reason => 'operator_blocked',
          count => 0, limit => 0, window_ms => 0, offence => 0, refused => 0 }, 'as it was said';

    my $refusal = get($one, 'a', 'ann');
    is $refusal->{status}, 429, 'its requests are refused';
    like $refusal->{headers}{'paas-guard'}, qr/^blocked; reason=operator_blocked; sla=failed; event="[0-9a-f]{24}"$/, 'tagged';
    like $refusal->{headers}{'retry-after'}, qr/^(5\d|60)$/, 'until then';
    is $refusal->{headers}{'x-sla'}, 'blocked operator_blocked ', 'by no rule';
    is status($one, 'b', 'ann'), 200, 'but not elsewhere';
    is status($one, 'a', 'bob'), 200, 'nor are others';
    is_deeply [map { [@$_{qw(id refused)}] } active($one)], [[$block->{id}, 1]], 'it is listed';

    my $again = post($one, client => uc $id, service => 'a', seconds => 5);
    is "$again->{status} $again->{json}{code}", '409 already_blocked', 'it is not blocked twice';
    like $again->{json}{detail}, qr/$block->{id}/, 'and told by what';

    is lift($one, $block->{id}), 200, 'lifted';
    is status($one, 'a', 'ann'), 200, 'it passes';

    $set = post($one, client => $id, reason => 'hammering_blocked');
    is $set->{status}, 201, 'in all services, for hammering';
    is status($one, $_, 'ann'), 429, "in $_" for 'a', 'b';
    like get($one, 'b', 'ann')->{headers}{'paas-guard'}, qr/reason=hammering_blocked; sla=excluded/, 'with that reason';
    is status($one, 'dry', 'ann'), 200, 'a dry run refuses nobody';
    like get($one, 'dry', 'ann')->{headers}{'x-sla'}, qr/^blocked_dry_run/, 'but says so';

    $one->reload;
    is status($one, 'b', 'ann'), 429, 'over a reload';
    $one->stop;
    $one->start;
    is status($one, 'b', 'ann'), 429, 'over a restart';
    is_deeply [map { @$_{qw(id rule service)} } active($one)], [$set->{json}{block}{id}, '', ''], 'it is the same';
    is lift($one, $set->{json}{block}{id}), 200, 'and lifted';
    is status($one, 'b', 'ann'), 200, 'for good';

    is post($one, client => $id)->{status}, 201, 'blocked again';
    for my $zone ('zone=z:1m state=%DIR%/other', 'zone=z:2m state=%DIR%/third') {
        $one->stop;
        $one->start;            # a zone that has it from its file, and no news
        $one->configure(http => $http =~ s{zone=z:1m state=\S+(?=;)}{$zone}r, conf => $conf, workers => 2);
        $one->reload;
        my $path = $one->dir . ($zone =~ m{%DIR%(/\w+)})[0];
        ok wait_for(sub { -s "$path~" }), "a reload to $zone: it is in both files";
        $one->stop;
        $one->start;
        is status($one, 'b', 'ann'), 429, 'and holds over a restart';
    }
    is lift($one, (active($one))[0]{id}), 200, 'lifted';

    is post($one, client => $id, seconds => 1)->{status}, 201, 'for a second';
    is status($one, 'b', 'ann'), 429, 'it is';
    ok wait_for(sub { status($one, 'b', 'ann') == 200 }), 'and no longer';

    # the key of a rule: its digest is told by a block

    is status($one, 'a', 'x', 'X-K' => 'k'), 200, 'a key' for 1, 2;
    is status($one, 'a', 'x', 'X-K' => 'k'), 429, 'is blocked by its rule';
    my ($by_rule) = active($one);
    is lift($one, $by_rule->{id}), 200, 'lifted';
    is status($one, 'a', 'y', 'X-K' => 'k'), 200, 'and free';
    my $key = post($one, rule => 'flood', key => $by_rule->{key}, service => 'a');
    is $key->{status}, 201, 'blocked by hand';
    is status($one, 'a', 'y', 'X-K' => 'k'), 429, 'whoever sends it';
    is get($one, 'a', 'z', 'X-K' => 'k')->{headers}{'x-sla'}, 'blocked operator_blocked flood', 'under the rule';
    is status($one, 'a', 'z', 'X-K' => 'other'), 200, 'other keys pass';
    is lift($one, $key->{json}{block}{id}), 200, 'lifted';
    is status($one, 'a', 'z', 'X-K' => 'k'), 200, 'and free again';

    # whom a dry run lets through, the block has not refused

    for my $first ('w', 'wdry') {
        my @k = ('x', 'X-K' => 'first-' . $first);
        is join(' ', map { status($one, $first, @k) } 1 .. 4), $first eq 'w' ? '200 200 429 429' : '200 200 200 200',
            "a rule of the zone, $first";
        is join(' ', map { status($one, $_, @k) } 'wdry', 'wdry', 'w'), '200 200 429', "$first: a dry run lets through";
        my ($wide) = active($one);
        is $wide->{refused}, $first eq 'w' ? 3 : 5, "$first: it has refused so many" . ($first eq 'w' ? '' : ', or would have');
        is lift($one, $wide->{id}), 200, "$first: lifted";
    }

    $set = post($one, client => $id);
    is join(' ', map { status($one, $_, 'ann') } 'b', 'dry', 'dry'), '429 200 200', 'a client in a dry run';
    is +(active($one))[0]{refused}, 1, 'was refused once';
    is lift($one, $set->{json}{block}{id}), 200, 'lifted';

    my %wrong = (client => '1' x 32);
    for (
        [400, 'member_missing',  'zone',    %wrong, zone => undef],
        [400, 'unknown_zone',    'nope',    %wrong, zone => 'nope'],
        [400, 'member_missing',  'client'],
        [400, 'member_value',    'client',  client => 'x'],
        [400, 'member_value',    'client',  client => 'g' x 32],
        [400, 'member_value',    'client',  client => '0' x 32],
        [400, 'member_long',     'client',  client => '0' x 33],
        [400, 'member_value',    'client',  %wrong, key => '0' x 32],
        [400, 'member_value',    'client',  %wrong, rule => 'wide'],
        [400, 'member_missing',  'rule',    key => '0' x 32],
        [400, 'unknown_rule',    'nope',    key => '0' x 32, rule => 'nope'],
        [400, 'member_value',    'key',     key => '0', rule => 'wide'],
        [400, 'member_value',    'key',     key => '0' x 32, rule => 'wide'],
        [400, 'member_missing',  'service', key => '0' x 32, rule => 'flood'],
        [400, 'member_value',    'service', key => '0' x 32, rule => 'wide', service => 'a'],
        [400, 'unknown_service', 'nope',    %wrong, service => 'nope'],
        [400, 'unknown_service', '<b>',     %wrong, service => '<b>'],
        [400, 'member_missing',  'seconds', %wrong, seconds => undef],
        [400, 'member_value',    'seconds', %wrong, seconds => 0],
        [400, 'member_value',    'seconds', %wrong, seconds => -1],
        [400, 'member_value',    'seconds', %wrong, seconds => 31 * 86400 + 1],
        [400, 'member_type',     'seconds', %wrong, seconds => '60'],
        [400, 'member_value',    'reason',  %wrong, reason => 'auth_lockout'],
        [400, 'member_value',    'reason',  %wrong, reason => 'duplicate_throttled'],
        [400, 'member_unknown',  'until',   %wrong, until => 1],
    ) {
        my ($status, $code, $what, %body) = @$_;
        my $answer = post($one, %body);
        is "$answer->{status} " . ($answer->{json}{code} // ''), "$status $code", "$code: $what";
        like $answer->{json}{detail} // '', qr/\Q$what\E/, '... which is named';
    }
    is scalar(active($one)), 0, 'nothing was blocked';
    is post($one, client => 'f' x 32, seconds => 31 * 86400)->{status}, 201, 'for a month';
    is status($one, 'b', ''), 200, 'who has no name passes';
    $one->stop;
}


# Two, and Redis

{
    my $redis = redis_start();
    my %same = (conf => $conf, workers => 2, http => $http . 'paas_guard_redis ' . $redis->url
        . ' timeout=2s; paas_guard_secret_file ' . secret_file() . ';');
    my ($one, $two) = (gateway_start(%same), gateway_start(%same));
    my $id = get($one, 'a', 'ann')->{headers}{'x-client'};
    is get($two, 'a', 'ann')->{headers}{'x-client'}, $id, 'one digest at both';

    my $set = post($one, client => $id);
    is $set->{status}, 201, 'blocked at one';
    ok wait_for(sub { status($two, 'b', 'ann') == 429 }), 'at the other, too';
    is_deeply [map { @$_{qw(id rule reason)} } active($two)], [$set->{json}{block}{id}, '', 'operator_blocked'], 'as the same';
    my $three = gateway_start(%same);
    ok wait_for(sub { status($three, 'a', 'ann') == 429 }), 'at one that starts later';
    is lift($two, $set->{json}{block}{id}), 200, 'lifted at the other';
    ok wait_for(sub { my $at = $_; status($at, 'a', 'ann') == 200 }), 'it is at all' for $one, $two, $three;

    $redis->stop;
    ok wait_for(sub { status($one, 'a', 'bob') == 200 }), 'Redis goes';
    my $bob = get($one, 'a', 'bob')->{headers}{'x-client'};
    my @lifted = map { "lifted$_" } 1 .. 8;             # as it may be by another worker
    for my $who (@lifted) {
        my $set = post($one, client => get($one, 'a', $who)->{headers}{'x-client'}, service => 'b');
        is status($one, 'b', $who), 429, 'blocked without it';
        is lift($one, $set->{json}{block}{id}), 200, 'and lifted';
    }
    is post($one, client => $bob, service => 'b')->{status}, 201, 'blocked without it';
    is status($one, 'b', 'bob'), 429, 'at this one';
    is status($two, 'b', 'bob'), 200, 'not at the other';
    $redis->start;
    ok wait_for(sub { status($_, 'a', 'x') for $one, $two; status($two, 'b', 'bob') == 429 }, 30), 'it is told when Redis is back';
    for my $at ($one, $two) {
        is join(' ', map { status($at, 'b', $_) } @lifted), join(' ', (200) x 8), 'but none that was lifted before';
    }
    $_->stop(allow => qr/redis/i) for $one, $two, $three;
}

done_testing;
