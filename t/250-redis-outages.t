# The store goes, in every way that it can: nobody waits, nobody gets a 5xx.

use lib 't/lib';
use PaasGuard;
use PaasGuardRedis;
use Time::HiRes qw(sleep time);

my @debug = ('--enable-debug-command' => 'yes', '--busy-reply-threshold' => 100);
my $redis = redis_start(args => [@debug, '--loading-process-events-interval-bytes' => 1024]);
my %same = (throttle => 'interval=1s', rule => 'window=10s limit=1000 block=1m', sync => 'strict',
    timeout => '50ms', more => 'connect_timeout=500ms', workers => 2);
my $gw = guarded($redis->url, %same);
ok wait_store($gw, 'redis'), 'connected';
wait_for(sub { 2 == $gw->workers });
my @pids = $gw->workers;
sleep 0.5;
store_of($gw) for 1 .. 20;      # both workers are connected
my $fds = fds($gw);

outage($gw, 'SIGKILL', sub { $redis->kill }, sub { $redis->start });
outage($gw, 'SIGSTOP', sub { $redis->pause }, sub { $redis->resume });
outage($gw, 'DEBUG SLEEP', sub { background('debug', 'sleep', 2) }, undef);
outage($gw, 'BUSY', sub { background('eval', 'while true do end', 0) },
    sub { wait_for(sub { $redis->cli('script', 'kill') eq 'OK' }) });     # may begin late
outage($gw, 'READONLY', sub { $redis->cli('replicaof', '127.0.0.1', free_port()) },
    sub { $redis->cli('replicaof', 'no', 'one') });
outage($gw, 'noeviction', sub { $redis->cli('config', 'set', 'maxmemory', 1) },
    sub { $redis->cli('config', 'set', 'maxmemory', 0) });
$redis->cli('flushall');
$redis->cli('debug', 'populate', 2000, 'load', 10);
$redis->cli('save');
outage($gw, 'LOADING', sub {
    $redis->kill;
    push @{ $redis->{args} }, '--key-load-delay' => 600;
    $redis->start;
}, undef);
like $gw->error_log, qr/says "LOADING/, 'LOADING: was met';

outage($gw, 'SCRIPT FLUSH', sub { $redis->cli('script', 'flush') }, undef, harmless => 1);
outage($gw, 'FLUSHALL', sub { $redis->cli('flushall') }, undef, harmless => 1);
is scalar(grep { $redis->cli('pttl', $_) == -1 } grep { defined } (split /\n/, $redis->cli('keys', 'paas_guard*'))[0 .. 20]),
    0, 'no key without a TTL';

is join(' ', sort $gw->workers), join(' ', sort @pids), 'no worker died';
ok wait_for(sub { fds($gw) <= $fds + 2 }), 'no descriptor is lost: ' . fds($gw) . " of $fds";
my @lines = grep { /paas_guard: redis/ } split /\n/, $gw->error_log;
cmp_ok scalar(@lines), '<', 90, 'each change is logged once: ' . scalar @lines;
note join "\n", map { s/^\S+ \S+ //r } @lines[0 .. 20];
cmp_ok metric($gw, 'paas_guard_degraded_seconds_total'), '>', 2, 'and is in the metrics';
$gw->stop;

sub background {
    my @command = @_;
    my $pid = fork;
    return if $pid;
    open STDOUT, '>', '/dev/null';
    open STDERR, '>', '/dev/null';
    exec 'redis-cli', '-s', $redis->socket, @command;
}

# The network itself
SKIP: {
    my ($far, $why) = netns_start();
    skip $why, 12 if !$far;
    my $gw = guarded($far->url, %same);
    ok wait_store($gw, 'redis'), 'network: connected';
    outage($gw, 'network cut', sub { $far->cut }, sub { $far->mend }, seconds => 25);
    outage($gw, 'network cut for long', sub { $far->cut }, sub { $far->mend }, hold => 4, seconds => 25);
    $gw->stop;
}

done_testing;
