# A flood of clients and requests, no two alike, against the smallest zone: blocks hold, and who sends as it
# should, or not, is judged as if it were alone.  With a secret that is always the same: who is where in a table
# this small is no matter of luck; tests/unit/test_flood.c and test_block.c tell how often what happens elsewhere.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;

use Time::HiRes qw(time);

my $gateway = gateway_start(
    http => 'paas_guard_secret_file ' . secret_file('330' x 22) . ';' . <<'_EOC_',
        paas_guard_zone zone=z:128k;
        paas_guard_hammer_rule user   key=$paas_guard_client_id window=1h limit=20 block=1h;
        paas_guard_hammer_rule strict key=$http_x_strict window=1h limit=1 block=1h;
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Forwarded-For;
        access_log off;
        keepalive_requests 100000;
_EOC_
    conf => <<'_EOC_',
        paas_guard zone=z;
        paas_guard_log_level info;
        location / { paas_guard_hammer user strict; proxy_pass http://backend; }
        location = /metrics { paas_guard off; paas_guard_metrics; }
_EOC_
);

my $serial = 0;

sub statuses {
    my ($n, %headers) = @_;
    my %count;
    $count{ $gateway->get('/' . ++$serial, %headers)->{status} }++ for 1 .. $n;
    return join ', ', map { "$_ x $count{$_}" } sort keys %count;
}

sub metric {
    my ($name) = @_;
    my ($value) = $gateway->get('/metrics')->{body} =~ /^\Q$name\E (\d+)$/m;
    return $value;
}

# From one address: requests with a credential of their own each; the answers by status.
sub flood {
    my ($n, $from) = @_;
    my %count;
    while ($n > 0) {
        my $some = $n > 100 ? 100 : $n;
        $n -= $some;
        my $raw = join '', map {
            ++$serial;
            join "\r\n", "GET /flood/$serial HTTP/1.1", 'Host: localhost', "X-Forwarded-For: $from",
                "Authorization: Bearer $serial",
                $_ == $some ? 'Connection: close' : (), "\r\n";
        } 1 .. $some;
        $count{$_}++ for $gateway->http($raw) =~ m{^HTTP/1\.1 (\d+)}mg;
    }
    return join ', ', map { "$_ x $count{$_}" } sort keys %count;
}

my @users = map { { Authorization => "Bearer user $_", 'X-Forwarded-For' => "198.51.100.$_" } } 1 .. 40;
my %bad   = (Authorization => 'Bearer bad', 'X-Forwarded-For' => '203.0.113.9');
my $places = metric('paas_guard_zone_capacity{zone="z",kind="window"}') // 500;

is statuses(22, %bad), '200 x 20, 429 x 2', 'a client is blocked';
is join(' ', map { statuses(10, %$_) } @users[0 .. 19]), join(' ', ('200 x 10') x 20), 'twenty are half way';

my ($n, $wrong, $slow) = (0, 0, 0);
for my $round (1 .. 20) {
    my $flood = flood(600, '192.0.2.66');
    $wrong++ if $flood ne '200 x 600';
    $wrong++ if statuses(1, %bad) ne '429 x 1';
    my $start = time;
    $wrong++ if statuses(1, %{ $users[$round % 20 + 20] }) ne '200 x 1';
    $slow = time - $start if time - $start > $slow;
    $n += 600;
}
is $wrong, 0, "a flood of $n clients from one address: passes; the block holds; others pass";
cmp_ok $slow, '<', 3, 'nor do they wait';
cmp_ok metric('paas_guard_zone_evictions_total{zone="z",kind="window"}'), '>', $n - 2 * $places,
    'what it made up has to make place';

my @lost = grep { statuses(12, %{ $users[$_] }) ne '200 x 10, 429 x 2' } 0 .. 19;
my $before = metric('paas_guard_exhausted_total{zone="z"}');
is scalar(@lost), $before, 'who was half way still is: its counts are no others\' to take';
cmp_ok $before, '<', 2, 'and two thirds of all blocks find a place';

# Each of these earns a block of its own, more than there is place for.
for my $i (1 .. 300) {
    $gateway->http(join '', map {
        "GET /strict/$i/$_ HTTP/1.1\r\nHost: localhost\r\nX-Strict: s$i\r\nX-API-Key: $i\r\n"
        . ($_ == 3 ? "Connection: close\r\n" : '') . "\r\n" } 1 .. 3);
}
cmp_ok metric('paas_guard_exhausted_total{zone="z"}'), '>', $before, 'a flood of blocks: some find no place';
is statuses(3, %bad), '429 x 3', 'a flood of blocks: none takes the place of one that is active';
my @free = grep { statuses(1, %{ $users[$_] }) ne '429 x 1' } grep { my $i = $_; !grep { $_ == $i } @lost } 0 .. 19;
is "@free", '', 'a flood of blocks: nor of any other';

is $gateway->get('/after', 'X-Forwarded-For' => '198.51.100.77')->{status}, 200, 'a new client passes';

$gateway->stop;
done_testing;
