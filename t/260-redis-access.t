# Passwords and users of the store, and a password that changes.

use lib 't/lib';
use PaasGuard;
use PaasGuardRedis;
use Time::HiRes qw(sleep time);

my $file = "$ENV{TEST_NGINX_DIR}/password";
sub password { open my $out, '>', $file or die; print $out @_; close $out }

# What the guard needs, and nothing more: as the docs say
my @acl = ('resetchannels', '&paas_guard:*', '~paas_guard:*', '-@all', '+evalsha', '+script|load',
    '+subscribe', '+ping', '+del', '+time', '+get', '+set', '+hgetall', '+hincrby', '+hdel', '+hset',
    '+hget', '+pexpire', '+pexpireat', '+publish', '+zadd', '+zrem', '+zscore', '+zrange',
    '+zrangebyscore', '+select', '+append', '+rename', '+getrange');
my $redis = redis_start();
is $redis->cli('acl', 'setuser', 'guard', 'on', '>first', @acl), 'OK', 'a user of the guard\'s own';

# a server that closes who is idle: see the end
my $strict = redis_start(args => ['--timeout' => 13]);
my $idle = guarded($strict->url);
ok wait_store($idle, 'redis'), 'idle: connected';
my $idle_since = time;

my %same = (throttle => 'interval=2s', rule => 'window=10s limit=20 block=1m', timeout => '1s',
    more => "username=guard password_file=$file");
password("first\n");
(my $url = $redis->url) =~ s{/0\z}{/3};
my @gw = map { guarded($url, %same) } 1 .. 2;
ok wait_store($_, 'redis'), 'connected' for @gw;
my @got = map { $_->get('/a?k=a')->{status} } @gw;
is "@got", '200 429', 'the throttle is shared';
$gw[0]->get("/h$_?k=h") for 1 .. 25;
ok wait_for(sub { $gw[1]->get('/h?k=h')->{headers}{'x-verdict'} eq 'blocked' }), 'and blocks are';
like $redis->cli('info', 'keyspace'), qr/^db3:/m, 'all of it is in database 3';
is $redis->cli('acl', 'log'), '', 'nothing was asked that this user may not';

# the channel is the server's: who is in another database has another one
{
    my $elsewhere = guarded($url =~ s{/3\z}{/4}r, %same);
    ok wait_store($elsewhere, 'redis'), 'another database';
    $elsewhere->get("/h$_?k=elsewhere") for 1 .. 25;
    is $elsewhere->get('/h?k=elsewhere')->{headers}{'x-verdict'}, 'blocked', 'blocked there';
    my $blocks = sub { metric($gw[1], 'paas_guard_blocks_active{zone="z"}') };
    my $before = $blocks->();
    $gw[0]->get("/h$_?k=last") for 1 .. 25;
    ok wait_for(sub { $blocks->() > $before }), 'here, messages have come since then';
    is $gw[1]->get('/h?k=elsewhere')->{headers}{'x-verdict'}, 'passed', 'not here';
    is $elsewhere->get('/h?k=last')->{headers}{'x-verdict'}, 'passed', 'nor from here to there';
    $elsewhere->stop;
}

# the password changes: reload reads it again
$redis->cli('acl', 'setuser', 'guard', 'resetpass', '>second');
$redis->cli('client', 'kill', 'user', 'guard');
ok wait_store($gw[0], 'degraded'), 'an old password';
@got = map { $gw[0]->get('/b?k=b')->{status} } 1 .. 2;
is "@got", '200 429', 'decided locally';
like $gw[0]->error_log, qr/redis .* (?:says "WRONGPASS"|closed the connection)/, 'the log says so';
password("second\n");
ok $gw[0]->reload, 'reload';
ok wait_store($gw[0], 'redis'), 'the new password';
is $gw[1]->get('/c?k=c')->{headers}{'x-store'}, 'degraded', 'the other gateway still has the old one';
unlike join('', map { $_->error_log } @gw), qr/\bfirst\b|\bsecond\b/, 'no password is in a log';
$_->stop for @gw;

# a user who may do all but listen: the log says so; as soon as Redis is back, the
# subscriber is, too
{
    my $deaf = redis_start();
    $deaf->cli('acl', 'setuser', 'guard', 'on', '>second', @acl, 'resetchannels');
    my @one = map { guarded($deaf->url, %same) } 1 .. 3;
    ok wait_store($_, 'redis'), 'no channel: connected' for @one;
    ok wait_for(sub { $_->error_log =~ /\[warn\].* says "NOPERM.* to SUBSCRIBE "paas_guard:blocks"/ }), 'the log says so' for @one;
    sleep 7;                    # by now, attempts are seconds apart
    is scalar(() = $_->error_log =~ /to SUBSCRIBE/g), 1, 'once' for @one;
    $deaf->cli('acl', 'setuser', 'guard', '&paas_guard:*');
    $deaf->cli('client', 'kill', 'type', 'normal');
    ok wait_for(sub { $deaf->cli('pubsub', 'numsub', 'paas_guard:blocks') =~ /\b3$/ }, 2), 'who is connected again listens at once';
    ok wait_store($_, 'redis'), 'connected again' for @one;
    $_->stop for @one;
}

# no password where one is wanted, and one where none is
my $locked = redis_start(args => ['--requirepass' => 'x']);
my $gw = guarded($locked->url);
ok wait_store($gw, 'degraded'), 'no password';
like $gw->error_log, qr/says "NOAUTH/, 'the log says so';
$gw->stop;

password("wrong\n");
$gw = guarded($locked->url, more => "password_file=$file");
ok wait_store($gw, 'degraded'), 'a wrong password';
like $gw->error_log, qr/says "WRONGPASS"/, 'the log says so';
unlike $gw->error_log, qr/\bwrong\b/, 'and does not name it';
$gw->stop;

# a user who may read only
$redis->cli('acl', 'setuser', 'reader', 'on', '>r', '~*', '&*', '+@all', '-set', '-hincrby');
password("r\n");
$gw = guarded($redis->url, more => "username=reader password_file=$file");
ok wait_store($gw, 'degraded'), 'a user who may not count';
is $gw->get('/')->{status}, 200, 'decided locally';
$gw->stop;

# nobody is so idle that the server closes the connection
sleep 0.5 until time > $idle_since + 17;
unlike $idle->error_log, qr/closed the connection/, 'idle: the connection stays';
is store_of($idle), 'redis', 'idle: and is used';
$idle->stop;

done_testing;
