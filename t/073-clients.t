# What is known of one client, and forgetting it: its counts, blocks and events
# leave the zone, the state file, Redis and the other gateways.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

my $http = <<'_EOC_';
    paas_guard_zone zone=z:1m state=%DIR%/state;
    paas_guard_zone zone=y:1m;
    paas_guard_hammer_rule flood key=$paas_guard_client_id window=10m limit=4 block=1m;
    paas_guard_hammer_rule slow  key=$paas_guard_client_id window=20m limit=1000 block=1m scope=zone;
    paas_guard_hammer_rule addr  key=$binary_remote_addr window=10m limit=100000;
_EOC_
my $conf = <<'_EOC_';
    paas_guard zone=z; paas_guard_client $http_x_client; paas_guard_hammer flood slow addr;
    add_header X-Client $paas_guard_client_id always;
    location /a/ { paas_guard_service a; proxy_pass http://backend; }
    location /b/ { paas_guard_service b; proxy_pass http://backend; }
    location /status/ { paas_guard off; paas_guard_status write=on; }
    location /read/   { paas_guard off; paas_guard_status; }
_EOC_

my @json = ('Content-Type' => 'application/json');
my $targets = 0;

sub get {
    my ($gateway, $place, $client) = @_;
    return $gateway->get("/$place/" . ++$targets, 'X-Client' => $client);
}

sub send_n {
    my ($gateway, $n, $place, $client) = @_;
    return join q{ }, map { get($gateway, $place, $client)->{status} } 1 .. $n;
}

sub known {
    my ($gateway, $id, $query) = @_;
    my $answer = $gateway->get("/read/api/1/clients/$id" . ($query // ''));
    return { %{ decode_json($answer->{body}) }, http => $answer->{status} };
}

sub forget {
    my ($gateway, $id, $body) = @_;
    my $answer = $gateway->request('DELETE', "/status/api/1/clients/$id", {@json}, $body);
    my $json = eval { decode_json($answer->{body}) } // {};
    return { %$json, http => $answer->{status} };
}

sub counts { return { map { ("$_->{rule}/$_->{service}" => $_->{count}) } @{ shift->{zones}[0]{counts} } } }

sub holds {     # does the file hold these digests, as bytes?
    my ($file, $id) = @_;
    open my $in, '<:raw', $file or return 0;
    local $/ = undef;
    return index(<$in>, pack 'H*', $id) >= 0;
}


# One gateway

{
    my $one = gateway_start(http => $http, conf => $conf, workers => 2);
    my $ann = get($one, 'a', 'ann')->{headers}{'x-client'};
    my $bob = get($one, 'b', 'bob')->{headers}{'x-client'};
    is send_n($one, 2, 'a', 'ann'), '200 200', 'a client';

    my $seen = known($one, $ann, '?zone=z');
    is $seen->{http}, 200, 'is known';
    is $seen->{id}, $ann, 'by its digest';
    is_deeply counts($seen), { 'flood/a' => 3, 'slow/' => 3 }, 'with its counts, not those of its address';
    my ($flood) = grep { $_->{rule} eq 'flood' } @{ $seen->{zones}[0]{counts} };
    is_deeply [@$flood{qw(limit window_ms)}], [4, 600000], 'under which limit';
    ok $flood->{reset_ms} > 500000 && $flood->{reset_ms} <= 600000, 'and until when';
    is_deeply { map { $_ => $seen->{zones}[0]{$_} } qw(zone known blocks ended refused) },
        { zone => 'z', known => JSON::PP::true, blocks => [], ended => [], refused => undef }, 'and nothing else';
    is_deeply counts(known($one, $bob)), { 'flood/b' => 1, 'slow/' => 1 }, 'another one has its own';
    is scalar @{ known($one, $ann)->{zones} }, 2, 'in all zones';
    is known($one, $ann, '?zone=y')->{http}, 404, 'but not in that one';

    is send_n($one, 3, 'a', 'ann'), '200 429 429', 'it hammers';
    $seen = known($one, $ann);
    is scalar @{ $seen->{zones}[0]{blocks} }, 1, 'its block';
    is $seen->{zones}[0]{blocks}[0]{rule}, 'flood', 'by which rule';
    is_deeply [@{ $seen->{zones}[0]{refused} }{qw(count reason rule service)}], [2, 'hammering_blocked', 'flood', 'a'], 'its refusals';
    is_deeply known($one, $bob)->{zones}[0]{blocks}, [], 'are not the other one\'s';

    for (['x', 404], ['0' x 32, 404], ['f' x 32, 404], ['f' x 31 . 'g', 404], [$ann . '0', 404]) {
        is known($one, $_->[0])->{code}, 'unknown_client', "nothing of $_->[0]";
        next if $_->[0] eq 'f' x 32;
        is forget($one, $_->[0])->{code}, 'unknown_client', 'nor is it forgotten';
    }
    is $one->request('DELETE', "/read/api/1/clients/$ann", {@json})->{status}, 403, 'nor where only reading is';
    is known($one, $ann, '?zone=nope')->{code}, 'unknown_zone', 'nor in no zone';
    ok wait_for(sub { holds($one->dir . '/state', $ann) }), 'the state file holds it';

    my $gone = forget($one, $ann, '{"who":"op","why":"end of contract"}');
    is $gone->{http}, 200, 'forgotten';
    is_deeply $gone->{forgotten}{complete}, JSON::PP::true, 'completely';
    is $gone->{forgotten}{id}, $ann, 'that one';
    is_deeply { map { $_ => $gone->{forgotten}{zones}[0]{$_} } qw(zone counts blocks state_file redis) },
        { zone => 'z', counts => 1, blocks => 1, state_file => 'erased', redis => 'none' }, 'and how much it was';
    cmp_ok $gone->{forgotten}{zones}[0]{events}, '>=', 2, 'events, too';
    is $gone->{forgotten}{zones}[1]{state_file}, 'none', 'a zone without a file has none';
    is known($one, $ann)->{code}, 'unknown_client', 'nothing is known of it';
    is_deeply [grep { holds($_, $ann) } glob($one->dir . '/state*')], [], 'nor in any file';
    is_deeply counts(known($one, $bob)), { 'flood/b' => 1, 'slow/' => 1 }, 'the other one is still there';
    is send_n($one, 1, 'a', 'ann'), '200', 'it begins anew';
    is_deeply counts(known($one, $ann)), { 'flood/a' => 1, 'slow/' => 1 }, 'as if it had never been there';

    $gone = forget($one, 'f' x 32);
    is $gone->{http}, 200, 'who was never here is forgotten, too';
    is_deeply [@{ $gone->{forgotten}{zones}[0] }{qw(counts blocks events)}], [0, 0, 0], 'of whom there was nothing';
    $one->stop;
    $one->start;
    is known($one, $ann)->{code}, 'unknown_client', 'nor after a restart';
    $one->stop;
}


# Two, and Redis

{
    my $redis = redis_start();
    my %same = (conf => $conf, workers => 2, http => $http . 'paas_guard_redis ' . $redis->url
        . ' timeout=2s; paas_guard_secret_file ' . secret_file() . ';');
    my ($one, $two) = (gateway_start(%same), gateway_start(%same));
    my $in_redis = sub {
        my $id = shift;
        my @keys = split /\n/, $redis->cli('KEYS', '*');
        return grep({ /$id/ && !/:t:/ } @keys), grep { /$id/ } map { split /\n/, $redis->cli('HGETALL', $_) } grep { /:data$/ } @keys;
    };

    my $ann = get($one, 'a', 'ann')->{headers}{'x-client'};
    send_n($one, 5, 'a', 'ann');
    get($two, 'b', 'ann');
    ok wait_for(sub { @{ known($two, $ann)->{zones}[0]{blocks} // [] } == 1 }), 'blocked at both';
    ok wait_for(sub { scalar $in_redis->($ann) }), 'Redis knows it';

    # 202 if Redis is late: ask again
    my $gone;
    ok wait_for(sub { $gone = forget($one, $ann); $gone->{http} == 200 }), 'forgotten at one';
    is $gone->{forgotten}{zones}[0]{redis}, 'erased', 'in Redis, too';
    ok wait_for(sub { (known($two, $ann)->{code} // '') eq 'unknown_client' }), 'and at the other';
    ok wait_for(sub { !$in_redis->($ann) }), 'and in Redis';
    is send_n($two, 1, 'a', 'ann'), '200', 'it passes';

    my $bob = get($one, 'a', 'bob')->{headers}{'x-client'};
    $redis->stop;
    ok wait_for(sub { get($one, 'b', 'x'); $gone = forget($one, $bob); $gone->{http} == 202 }), 'without Redis it is not complete';
    is $gone->{forgotten}{zones}[0]{redis}, 'pending', 'and says so';

    # blocks that no worker could tell yet, forgotten by whichever it is
    my %late = map { ($_ => get($one, 'a', $_)->{headers}{'x-client'}) } map { "late$_" } 1 .. 8;
    send_n($one, 5, 'a', $_) for keys %late;
    is scalar(map { @{ known($one, $_)->{zones}[0]{blocks} } } values %late), 8, 'blocked without Redis';
    is forget($one, $_)->{http}, 202, 'and forgotten' for values %late;
    $redis->start;
    ok wait_for(sub { get($one, 'b', 'x'); forget($one, $bob)->{http} == 200 }, 30), 'until it is back';
    send_n($one, 1, 'a', $_) for map { "other$_" } 1 .. 20;      # both workers have it again
    sleep 1;
    send_n($one, 1, 'a', $_) for map { "other$_" } 1 .. 20;
    sleep 1;
    is_deeply [map { $in_redis->($_) } values %late], [], 'what was forgotten is not told then';
    is join(' ', map { send_n($two, 1, 'a', $_) } keys %late), join(' ', ('200') x 8), 'nor heard of';
    $_->stop(allow => qr/redis/i) for $one, $two;
}


# Who makes up keys, of a rule that lets it, makes no answer without an end

{
    my $one = gateway_start(http => 'paas_guard_zone zone=z:10m; paas_guard_hammer_rule loose key=$http_x_k window=10m limit=1 block=10m;',
        conf => 'paas_guard zone=z; paas_guard_client $http_x_client; paas_guard_hammer loose;'
              . 'add_header X-Client $paas_guard_client_id always;'
              . 'location /a/ { proxy_pass http://backend; } location /read/ { paas_guard off; paas_guard_status; }');
    my $eve = get($one, 'a', 'eve')->{headers}{'x-client'};
    for my $from (map { $_ * 50 } 0 .. 21) {
        $one->http(join q{}, (map { my $k = $from + $_; map { "GET /a/$k/$_ HTTP/1.1\r\nHost: x\r\nX-Client: eve\r\nX-K: $k\r\n\r\n" } 1, 2 } 1 .. 50),
            "GET /a/last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    }
    my ($zone) = @{ known($one, $eve)->{zones} };
    is scalar @{ $zone->{blocks} }, 1000, 'a thousand blocks are listed';
    is $zone->{not_listed}, 100, 'the rest is counted';
    is known($one, get($one, 'a', 'x')->{headers}{'x-client'})->{zones}[0]{not_listed}, 0, 'mostly none';
    $one->stop;
}

done_testing;
