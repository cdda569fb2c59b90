# As many calls are out as may be: what was counted waits, what has waited for
# longer than its window goes, and the rest is told once there is room again.

use lib 't/lib';
use PaasGuard;
use PaasGuardRedis;
use Time::HiRes qw(sleep);

my $calls = 8192;       # NGX_PAAS_GUARD_REDIS_CALLS
my @args = 'a' .. 'p';
my $n = 0;

my $redis = redis_start();
my $gw = guarded($redis->url, timeout => '5s',
    rule => 'window=1h limit=100000',
    http => join("\n", 'paas_guard_hammer_rule short key=$http_x_api_key$arg_k window=1s limit=100000;',
        map { "paas_guard_hammer_rule $_ key=\$arg_$_ window=1h limit=100000;" } @args),
    conf => "location /full { paas_guard zone=z; paas_guard_throttle off; paas_guard_hammer @args; proxy_pass http://backend; }
             location /both { paas_guard zone=z; paas_guard_throttle off; paas_guard_hammer short flood; proxy_pass http://backend; }");

sub counted { return 0 + (() = $redis->cli('keys', "*:w:$_[0]:*") =~ /:w:/g) }

ok wait_store($gw, 'redis'), 'connected';

# asked for again, as a count of a short window is soon gone from there
is $gw->get('/both?k=first')->{status}, 200, 'a client';
ok wait_for(sub { counted('short') || do { $gw->get('/both?k=first'); 0 } }, 60), 'is told to Redis';
my $before = counted('flood');

# each request counts for 16 keys that nobody else has
$redis->signal('STOP');
$gw->get('/full?' . join '&', map { "$_=$_" . '0' x 8 . $n++ } @args) for 0 .. $calls / @args + 20;

# its counts meet a full queue, and those of one rule outlive their window there
is $gw->get('/both?k=second')->{status}, 200, 'a client that Redis is not told of';
sleep 1.5;
$redis->signal('CONT');

ok wait_for(sub { counted('flood') > $before }), 'its other rule is told when there is room again';
$before = counted('flood');
is $gw->get('/both?k=third')->{status}, 200, 'another client';
ok wait_for(sub { counted('flood') > $before }), 'is told, too';

$gw->stop;
redis_stop($redis);

done_testing;
