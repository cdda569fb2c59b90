# A zone is divided by what it is used for, when it is made; a reload that uses it for more works with what there is.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;

plan 'no_plan';

my $metrics = 'location = /metrics { paas_guard_metrics; }';
my $rules   = <<'_EOC_';
    paas_guard_hammer_rule flood key=$http_x_k window=1h limit=2 block=1h;
    paas_guard_throttle interval=1h;
_EOC_

# What there is place for.
sub capacity {
    my ($gateway, $zone) = @_;
    return { $gateway->get('/metrics')->{body}
            =~ /^paas_guard_zone_capacity\{zone="$zone",kind="(\w+)"\} (\d+)$/mg };
}

sub zones { join '', map { "paas_guard_zone zone=$_:2m;" } @_ }

my $gateway = gateway_start(
    http => $rules . zones(qw(throttle rules one two none unused)),
    conf => $metrics . <<'_EOC_',
    location /throttle/ { paas_guard zone=throttle; proxy_pass http://backend; }
    location /rules/    { paas_guard zone=rules; paas_guard_throttle off; paas_guard_hammer flood; proxy_pass http://backend; }
    location /one/      { paas_guard zone=one; paas_guard_hammer flood; proxy_pass http://backend; }
    location /two/1/    { paas_guard zone=two; proxy_pass http://backend; }
    location /two/2/    { paas_guard zone=two; paas_guard_throttle off; paas_guard_hammer flood; proxy_pass http://backend; }
    location /none/     { paas_guard zone=none; paas_guard_throttle off; proxy_pass http://backend; }
_EOC_
);

{
    my %c = map { $_ => capacity($gateway, $_) } qw(throttle rules one two none unused);
    my $both = $c{one};

    cmp_ok $c{throttle}{signature} * 16, '>', 0.8 * 2 ** 21, 'throttle alone: signatures have the zone';
    cmp_ok $c{throttle}{window}, '<', $both->{window} / 4, 'and windows little';
    cmp_ok $c{throttle}{window}, '>', 100, 'but some';
    cmp_ok $c{rules}{window} * 72, '>', 0.8 * 2 ** 21, 'rules alone: windows have the zone';
    cmp_ok $c{rules}{signature}, '<', $both->{signature} / 4, 'and signatures little';
    cmp_ok $c{rules}{signature}, '>', 1000, 'but some';
    is $c{rules}{block}, $both->{block}, 'and blocks as much as with both';

    is_deeply $c{two}, $both, 'both, in different locations: the same as in one';
    is_deeply $c{none}, $both, 'neither: as with both';
    is_deeply $c{unused}, $both, 'no location at all: as with both';
    is $gateway->get("/$_/", 'X-K' => 'k')->{status}, 200, "$_: passes" for qw(throttle rules one two/1 two/2 none);
    is $gateway->get('/throttle/', 'X-K' => 'k')->{status}, 429, 'throttle alone: throttles';
    is join(' ', map { $gateway->get("/rules/$_", 'X-K' => 'k')->{status} } 1 .. 2), '200 429', 'rules alone: blocks';
    $gateway->stop;
}


# A reload that uses for more what is divided already

my $serial = 0;

# Statuses of so many requests, no two alike, with one key.
sub statuses {
    my ($one, $key, $n) = @_;
    return join ' ', map { $one->get('/' . ++$serial, 'X-K' => $key)->{status} } 1 .. $n;
}

sub twice {
    my ($one) = @_;
    return join ' ', map { $one->get('/same', 'X-K' => 'same')->{status} } 1 .. 2;
}

sub lines { [ $_[0]->error_log =~ /\[warn\].*(paas_guard_zone "z" was made .*)/g ] }

sub location { $metrics . "location / { paas_guard zone=z; proxy_pass http://backend; @_ }" }

my %throttles = (name => 'throttle', conf => location());
my %counts    = (name => 'rules', conf => location('paas_guard_throttle off; paas_guard_hammer flood;'));
my %both      = (conf => location('paas_guard_hammer flood;'));

for my $case (
    [\%throttles, 'window', qr/^paas_guard_zone "z" was made with place for no more than (\d+) keys of rules, as there were none: restart nginx, or change the zone's size, to divide it anew/],
    [\%counts, 'signature', qr/^paas_guard_zone "z" was made with place for no more than (\d+) signatures, as nothing was throttled: restart nginx, or change/],
) {
    my ($first, $kind, $line) = @$case;
    my $name = "$first->{name} at first";
    my $one = gateway_start(http => $rules . zones('z'), conf => $first->{conf});
    my $made = capacity($one, 'z');

    is statuses($one, 'before', 2), '200 200', "$name: passes";
    ok $one->reload, "$name: a reload that changes nothing";
    is_deeply lines($one), [], 'says nothing';

    ok $one->configure(%both)->reload, "$name: a reload with both";
    is_deeply capacity($one, 'z'), $made, 'keeps the memory as it is';
    my ($said, @more) = @{ lines($one) };
    like $said, $line, 'says what to do';
    is((($said // '') =~ $line)[0], $made->{$kind}, 'and how much there is');
    is scalar @more, 0, 'once';
    is statuses($one, 'after', 4), '200 200 429 429', 'blocks';
    is twice($one), '200 429', 'throttles';

    ok $one->reload, "$name: another reload with both";
    ok $one->configure(conf => $first->{conf})->reload, "$name: a reload with one again";
    is scalar @{ lines($one) }, 1, 'say nothing';

    ok $one->configure(%both, http => $rules . 'paas_guard_zone zone=z:3m;')->reload, "$name: a reload with a new size";
    cmp_ok capacity($one, 'z')->{$kind}, '>', 4 * $made->{$kind}, 'divides it anew';
    is scalar @{ lines($one) }, 1, 'and says nothing';
    is statuses($one, 'after', 1), '429', 'who was blocked still is';

    ok $one->configure(http => $rules . zones('z'))->stop, "$name: stopped";
    $one->start;
    cmp_ok capacity($one, 'z')->{$kind}, '>', 4 * $made->{$kind}, 'a restart divides it anew';
    $one->stop;
}

# More than there is place for, with the least share: nobody is refused for it.
{
    my $one = gateway_start(http => $rules . 'paas_guard_zone zone=z:128k;', conf => $throttles{conf});
    ok $one->configure(%both)->reload, 'a least share of the smallest zone: reload';
    my $n = 3 * capacity($one, 'z')->{window};
    cmp_ok $n, '>', 300, 'more keys than places';
    my $raw = join '', map { "GET /many/$_ HTTP/1.1\r\nHost: localhost\r\nX-K: k$_\r\n"
        . ($_ == $n ? "Connection: close\r\n" : '') . "\r\n" } 1 .. $n;
    my %got;
    $got{$_}++ for $one->http($raw, 60) =~ m{^HTTP/1\.1 (\d+)}mg;
    is_deeply \%got, { 200 => $n }, 'all pass';
    is statuses($one, 'last', 3), '200 200 429', 'and one that hammers is blocked';
    $one->stop;
}

# Rules that no location has in force, and no windows
{
    my $one = gateway_start(http => $rules . zones('z'), conf => location('paas_guard_throttle off;'));
    ok $one->configure(%both)->reload, 'neither at first: a reload with both';
    is_deeply lines($one), [], 'says nothing: there is place for both';
    $one->stop;
}
