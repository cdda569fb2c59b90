# What several gateways decide together, against a log of all arrivals.

use lib 't/lib';
use PaasGuard;
use PaasGuardRedis;
use Time::HiRes qw(sleep time);

my ($limit, $window) = (20, 2);
my $redis = redis_start();
my %same = (rule => "window=${window}s limit=$limit block=10m block_max=10m", workers => 2,
    timeout => '500ms', sync => 'strict');
my @gw = map { guarded($redis->url, %same) } 1 .. 3;
ok wait_store($_, 'redis'), 'connected' for @gw;

# Clients of many rates, each at all gateways in turn.  What counts is the time
# at which the guard decided: between the begin and the end of the request, which
# the log has to the millisecond.
my $clients = 24;
my $seconds = 7;
my @pids;
my $late_by = lateness();
for my $part (0 .. 2) {
    defined(my $pid = fork) or die;
    if ($pid) { push @pids, $pid; next }
    my $begin = time;
    my @due;
    for my $c (grep { $_ % 3 == $part } 0 .. $clients - 1) {
        my $rate = $limit / $window * (0.3 + 0.1 * $c);      # 0.3 to 2.6 times the limit
        my $gap = 1 / $rate;
        push @due, map { [$_ * $gap + rand($gap / 3), $c] } 0 .. int($seconds * $rate) - 1;
    }
    for (sort { $a->[0] <=> $b->[0] } @due) {
        my ($at, $c) = @$_;
        my $wait = $begin + $at - time;
        sleep $wait if $wait > 0;
        $gw[rand 3]->get("/e?k=c$c&n=" . rand);
    }
    POSIX::_exit(0);
}
waitpid $_, 0 for @pids;
my $under_way = 0.3 + 3 * $late_by->();

my (%arrivals, %blocked, $slowest);
$slowest = 0;
for my $gw (@gw) {
    open my $in, '<', $gw->dir . '/guard.log' or die;
    while (<$in>) {
        my ($at, $status, $store, $verdict, $key, $took) = split;
        $key =~ /^"-?(c\d+)"$/ or next;
        push @{ $arrivals{$1} }, [$at - $took, $verdict, $store, $at];
        $slowest = $took if $took > $slowest;
    }
}
my ($early, $late, $away, $never, $wrong) = (0) x 5;
for my $c (sort keys %arrivals) {
    my @a = sort { $a->[0] <=> $b->[0] } @{ $arrivals{$c} };
    my ($most, $least, $blocked_at) = (0, 0);
    for my $i (0 .. $#a) {
        $away++ if $a[$i][2] ne 'redis';
        $blocked_at //= $i if $a[$i][1] eq 'blocked';
    }
    my @before = @a[0 .. ($blocked_at // $#a)];
    my ($may, $must) = (0, 0);
    for my $i (0 .. $#before) {
        $may++  while $before[$i][0] - $before[$may][3] > $window + 0.005;
        $must++ while $before[$i][3] - $before[$must][0] > $window - 0.005;
        $most  = $i - $may + 1  if $i - $may + 1 > $most;       # that may be in one window,
        $least = $i - $must + 1 if $i - $must + 1 > $least;     # that must
    }
    if (defined $blocked_at) {
        $early++ if $most <= $limit;                # was never over the limit
        # once blocked, blocked everywhere: but for what was under way
        $wrong += grep { $_->[1] ne 'blocked' && $_->[0] > $a[$blocked_at][0] + $under_way } @a;
    }
    else {
        $never++;
        $late++ if $least > 1.25 * $limit;
    }
    note sprintf '%s: %d arrivals, at most %d to %d in a window%s', $c, scalar @a, $least, $most,
        defined $blocked_at ? ", blocked at number $blocked_at" : '';
}
is $away, 0, 'Redis answered all along';
is $early, 0, 'nobody within the limit is blocked';
is $late, 0, 'nobody beyond 1.25 times of it stays unblocked';
is $wrong, 0, 'who is blocked is blocked at all gateways';
ok $never && $never < keys %arrivals, "some were never blocked: $never of " . keys %arrivals;
note sprintf 'slowest request %.3f s', $slowest;
$_->stop for @gw;

# A block reaches the others: no request asks for it
@gw = map { guarded($redis->url, rule => 'window=10s limit=3 block=10m', sync => 'strict',
    throttle => 'off', timeout => '500ms') } 1 .. 3;
ok wait_store($_, 'redis'), 'connected' for @gw;
sleep 0.5;
my @took;
for my $i (1 .. 25) {
    $gw[0]->get("/b?k=b$i") for 1 .. 3;
    my $since = time;
    $gw[0]->get("/b?k=b$i");        # one too many
    until (time > $since + 2) {

        # the log of the other gateway tells when it has learned
        my $n = () = $gw[1]->error_log =~ /learned of key/g;
        last if $n >= $i;
        sleep 0.0005;
    }
    push @took, time - $since;
}
@took = sort { $a <=> $b } @took;
cmp_ok $took[@took / 2], '<', 0.05, sprintf 'a block reaches the others: median %.1f ms, worst %.1f ms',
    1000 * $took[@took / 2], 1000 * $took[-1];
is $gw[2]->get('/b?k=b1')->{headers}{'x-verdict'}, 'blocked', 'and the third';

# what was missed while away is learned on return
my $new = guarded($redis->url, rule => 'window=10s limit=3 block=10m', throttle => 'off');
ok wait_for(sub { $new->get('/b?k=b2')->{headers}{'x-verdict'} eq 'blocked' }, 5),
    'a gateway that starts learns of it';
$_->stop for @gw, $new;

done_testing;
