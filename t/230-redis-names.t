# Names of the store: looked up at each attempt to connect, and never waited for.

use lib 't/lib';
use PaasGuard;
use PaasGuardRedis;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

# A name server that knows one name, at the address that a file holds
my $dns = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Proto => 'udp') or die;
my $dns_port = $dns->sockport;
my $file = "$ENV{TEST_NGINX_DIR}/address";

sub address { open my $out, '>', $file or die; print $out @_; close $out }
address('127.0.0.1');

my $pid = fork;
if (!$pid) {
    while (1) {
        $dns->recv(my $query, 512) or next;
        open my $in, '<', $file or next;
        my $address = <$in> // '';
        close $in;
        next if $address eq 'silent';
        my ($id, $name, $type) = (substr($query, 0, 2), substr($query, 12) =~ /^(.*?\0)(..)/s);
        my $answer = $address && $type eq "\0\1"
            ? "\xc0\x0c\0\1\0\1\0\0\0\1\0\4" . join('', map { chr } split /\./, $address) : '';
        $dns->send($id . ($address ? "\x81\x80" : "\x81\x83") . "\0\1" . ($answer ? "\0\1" : "\0\0")
            . "\0\0\0\0$name$type\0\1$answer");
    }
}

# the name is known to the system too, or a start would fail: 127.0.0.1
my $port = free_port();
my $redis = redis_start(args => ['--port' => $port, '--bind' => '127.0.0.1', '127.0.0.2']);
my $here = "redis://localhost:$port/0";

my %same = (throttle => 'interval=3s',
    http => "resolver 127.0.0.1:$dns_port ipv6=off valid=1s;", more => 'connect_timeout=1s');
my $gw = guarded($here, %same);
ok wait_store($gw, 'redis'), 'connected';
like $redis->cli('client', 'list'), qr/addr=127\.0\.0\.1:\d+ laddr=127\.0\.0\.1:$port/, 'at the first address';

address('127.0.0.2');
sleep 2.2;      # the resolver keeps an answer as long as it is valid
$redis->cli('client', 'kill', 'type', 'normal', 'skipme', 'yes');
ok wait_for(sub { sleep 0.1; store_of($gw);
    $redis->cli('client', 'list') =~ /laddr=127\.0\.0\.2:$port/ }, 15), 'the name was looked up again';
ok wait_store($gw, 'redis'), 'and the store is back';

address('');
sleep 2.2;
$redis->cli('client', 'kill', 'type', 'normal', 'skipme', 'yes');
ok wait_for(sub { sleep 0.1; store_of($gw);
    $redis->cli('client', 'list') =~ /laddr=127\.0\.0\.1:$port/ }, 15),
    'no such name: what was known at the start';
ok wait_store($gw, 'redis'), 'and the store is back';

address('silent');
$redis->cli('client', 'kill', 'type', 'normal', 'skipme', 'yes');
my $late = lateness();
my $slowest = 0;         # who waited would do so for connect_timeout, or 5 s
my $end = time + 4;
while (time < $end) {
    my $since = time;
    $gw->get('/x?k=' . rand);
    my $took = time - $since;
    $slowest = $took if $took > $slowest;
}
cmp_ok $slowest, '<', 0.8 + 3 * $late->(), sprintf 'no request waits for a name server: %.3f s', $slowest;
ok wait_store($gw, 'redis'), 'a name server that is silent: back with what was known';
ok $gw->reload, 'reload meanwhile';
ok wait_store($gw, 'redis'), 'and the store is there';
$gw->stop;

# without a resolver
$gw = guarded($here, throttle => 'interval=3s');
ok wait_store($gw, 'redis'), 'no resolver: what was known at the start';
$redis->cli('client', 'kill', 'type', 'normal', 'skipme', 'yes');
ok wait_store($gw, 'redis'), 'and again';
$gw->stop;

kill TERM => $pid;
waitpid $pid, 0;
done_testing;
