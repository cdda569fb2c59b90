# async: what it costs, and by how much it overshoots.

use lib 't/lib';
use PaasGuard;
use PaasGuardRedis;
use Time::HiRes qw(sleep time);

my $redis = redis_start();

# Clients that repeat, within their limit: what is asked of Redis per request
my %same = (rule => 'window=60s limit=100000 block=1m', workers => 2, throttle => 'off', timeout => '5s');
my @gw = map { guarded($redis->url, %same) } 1 .. 3;
ok wait_store($_, 'redis'), 'connected' for @gw;
sleep 0.3;
my $before = commandstats($redis);
my @load = map { $_->load(clients => 2, path => sub { "/r?k=repeat@{[ $_[1] % 5 ]}&n=$_[1]" }) } @gw;
my $since = time;
sleep 5;
my $n = 0;
for (@load) { my $c = $_->stop; $n += $_ for values %$c }
sleep 1.2;
my $took = time - $since - 1.2;
my $after = commandstats($redis);
my %more = map { $_ => $after->{$_} - ($before->{$_} // 0) } keys %$after;
delete @more{qw(info ping)};
my $top = $more{evalsha};
my $all = 0;
$all += $_ for values %more;
# each of 6 workers tells each of 5 keys twice a second, and more often only when it is new, however many
# requests there are: less than one in ten of what a common machine answers
my $most = 6 * 5 * (($took + 1.2) / 0.5 + 8);
cmp_ok $top, '<=', $most, sprintf '%d commands, at most %d, for %d requests (%.0f a second)', $top, $most, $n, $n / $took;
note explain \%more;

# and every request was counted, if not at once on a machine that was held up
my $counted;
wait_for(sub {
    my %sum;
    for my $key (grep { /:w:flood/ } split /\n/, $redis->cli('keys', '*')) {
        my %slot = split /\n/, $redis->cli('hgetall', $key);
        $sum{$key} += $_ for values %slot;
    }
    $counted = 0;
    $counted += $_ for grep { $_ > 100 } values %sum;
    return $counted >= $n;
}, 6);
cmp_ok abs($counted - $n), '<=', 0.15 * $n, "what was counted: $counted of $n";

# No request waits for a Redis that does not answer: five that did would take 25 s
$redis->pause;
my $sent = time;
is join(' ', map { $gw[0]->get("/r?k=paused$_")->{status} } 1 .. 5), '200 200 200 200 200', 'answered meanwhile';
cmp_ok time - $sent, '<', 20, 'and none after its timeout';
$redis->resume;
$_->stop for @gw;

# The overshoot of one client that hammers all of them
my ($limit, $flush) = (100, 10);
$same{rule} = "window=10s limit=$limit block=1m";
@gw = map { guarded($redis->url, %same, more => "flush=${flush}ms") } 1 .. 3;
ok wait_store($_, 'redis'), 'connected' for @gw;
sleep 0.3;
my $late_by = lateness();
for my $round (1 .. 4) {
    my @load = map { $_->load(clients => 2, path => sub { "/o?k=over$round&n=$_[1]" }) } @gw;
    sleep 1;
    $_->stop for @load;
}
my $late = 0;
my $on_its_way = 0.1 + 3 * $late_by->();
for my $round (1 .. 4) {
    my @a;
    for my $gw (@gw) {
        open my $in, '<', $gw->dir . '/guard.log' or die;
        while (<$in>) { my @f = split; push @a, [@f[0, 3]] if $f[4] =~ /over$round"/ }
    }
    @a = sort { $a->[0] <=> $b->[0] } @a;
    my @passed = grep { $_->[1] ne 'blocked' } @a;
    my $rate = @passed / ($passed[-1][0] - $passed[0][0] + 0.001);
    my $overshoot = @passed - $limit;
    # gateways * workers have one request under way each, and all that arrives
    # while the counts wait, travel, and the block comes back
    my $bound = 6 + $rate * ($flush / 1000 + $on_its_way);
    $late++ if $overshoot > $bound;
    note sprintf 'round %d: %.0f requests a second, overshoot %d, bound %.0f', $round, $rate,
        $overshoot, $bound;
}
is $late, 0, 'the overshoot stays below its bound';
my @seen = map { metric($_, 'paas_guard_redis_overshoot') } @gw;
note "the worst that was told: @seen";
ok scalar(grep { $_ > 0 } @seen), 'the overshoot is told';
$_->stop for @gw;

done_testing;
