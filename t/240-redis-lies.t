# A server that lies: whatever it sends, every request is answered, in time.

use lib 't/lib';
use PaasGuard;
use PaasGuardRedis;
use Time::HiRes qw(sleep time);

my $real = redis_start();
my $control = "$ENV{TEST_NGINX_DIR}/lie";
sub lie { open my $out, '>', $control or die; print $out @_; close $out }
lie('none');

# Right in its greetings, and until it is told to lie
my %lies = (
    none       => sub { undef },
    truncated  => sub { ("*4\r\n:1\r\n:0\r\n", 'close') },
    halfbulk   => sub { ("\$100\r\nabc", 'close') },
    oversized  => sub { "\$200000\r\n" . 'x' x 200000 . "\r\n" },
    endless    => sub { "\$500000000\r\n" . 'x' x 100000 },
    nested     => sub { "*1\r\n" x 5 . ":1\r\n" },
    deep       => sub { "*1\r\n" x 5000 },
    wide       => sub { "*100000000\r\n" . ":1\r\n" x 5000 },
    many       => sub { "*400\r\n" . ":1\r\n" x 400 },
    negative   => sub { "*-7\r\n" },
    type       => sub { "%1\r\n:1\r\n:2\r\n" },
    garbage    => sub { join '', map { chr int rand 256 } 1 .. 500 },
    html       => sub { "HTTP/1.1 400 Bad Request\r\n\r\n" },
    huge       => sub { "*4\r\n:1\r\n:99999999999999999999\r\n:1\r\n:1\r\n" },
    extremes   => sub { "*4\r\n:-9223372036854775808\r\n:9223372036854775807\r\n:-9223372036854775808\r\n:9223372036854775807\r\n" },
    strings    => sub { "*4\r\n\$1\r\na\r\n\$1\r\nb\r\n\$1\r\nc\r\n\$1\r\nd\r\n" },
    nils       => sub { "*4\r\n\$-1\r\n\$-1\r\n*-1\r\n\$-1\r\n" },
    few        => sub { "*2\r\n:1\r\n:0\r\n" },
    nil        => sub { "\$-1\r\n" },
    status     => sub { "+OK\r\n" },
    twice      => sub { "*4\r\n:1\r\n:0\r\n:1\r\n:1\r\n" x 2 },
    unasked    => sub { "*3\r\n\$7\r\nmessage\r\n\$1\r\nx\r\n\$1\r\ny\r\n" },
    error      => sub { "-ERR \x01\x02" . 'e' x 3000 . "\r\n" },
    moved      => sub { "-MOVED 1 127.0.0.1:1\r\n" },
    noscript   => sub { "-NOSCRIPT no\r\n" },
    loading    => sub { "-LOADING wait\r\n" },
    silent     => sub { '' },
    hangup     => sub { ('', 'close') },
);

my $fake = fake_start(sub {
    my ($command, $n, $s) = @_;
    my $word = lc $command->[0];
    open my $in, '<', $control;
    my $lie = <$in> // 'none';
    my $probe = $word eq 'evalsha' && $command->[3] =~ /probe/;
    if ($word eq 'evalsha' && !$probe && $lie ne 'none') {
        my ($bytes, $close) = $lies{$lie}->();
        return $bytes if !$close;
        $s->syswrite($bytes);
        return undef;
    }
    return "*3\r\n\$9\r\nsubscribe\r\n\$1\r\nx\r\n:1\r\n" if $word eq 'subscribe';
    return "*2\r\n\$4\r\npong\r\n\$0\r\n\r\n" if $word eq 'ping';
    return "+OK\r\n" if $word ne 'evalsha';
    return "*2\r\n:0\r\n:0\r\n" if $command->[2] == 2;
    my $items = $command->[2];
    return '*' . (3 + ($probe ? 1 : $items - ($command->[3] =~ /:t:/ ? 1 : 0))) . "\r\n:1\r\n:0\r\n:"
        . int(time * 1e6) . "\r\n" . ":1\r\n" x ($probe ? 1 : $items - ($command->[3] =~ /:t:/ ? 1 : 0));
});

my $gw = guarded($fake->url, throttle => 'interval=1s', rule => 'window=10s limit=1000 block=1m',
    sync => 'strict', timeout => '50ms', more => 'connect_timeout=300ms');
ok wait_store($gw, 'redis'), 'connected';
my @pids = $gw->workers;
my $fds = fds($gw);
my $rss;

for my $lie (sort keys %lies) {
    next if $lie eq 'none';
    lie('none');
    wait_store($gw, 'redis') or diag "not back before $lie";
    lie($lie);
    my ($slowest, %status) = (0);
    my $late = lateness();
    for my $i (1 .. 8) {
        my $since = time;
        $status{ $gw->get("/$lie/$i?k=$lie")->{status} }++;
        $slowest = time - $since if time - $since > $slowest;
    }
    is join(' ', keys %status), '200', "$lie: every request is answered";
    cmp_ok $slowest, '<', 0.4 + 3 * $late->(), sprintf '%s: in time (%.3f s)', $lie, $slowest;
}
lie('none');
ok wait_store($gw, 'redis'), 'and the store is back';
is join(' ', $gw->workers), join(' ', @pids), 'no worker died';
cmp_ok fds($gw), '<=', $fds + 1, 'no descriptor is lost';
SKIP: {
    skip 'a sanitizer keeps what is freed', 1 if $ENV{TEST_NGINX_BINARY} =~ /asan/;
    cmp_ok rss($gw), '<', 60000, 'nor memory: ' . rss($gw) . ' kB';
}
unlike $gw->error_log, qr/[^\x09\x0a\x20-\x7e]/, 'the log takes no bytes of the liar';
$gw->stop;

# a cluster that lies about its slots
my @maps = (
    "*0\r\n", "*1\r\n*0\r\n", "*1\r\n:1\r\n", "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n\$1\r\na\r\n:1\r\n",
    "*1\r\n*3\r\n:5\r\n:2\r\n*2\r\n\$1\r\na\r\n:1\r\n", "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n\$300\r\n" . 'a' x 300 . "\r\n:1\r\n",
    "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n\$1\r\n?\r\n:1\r\n", "*20000\r\n", "+OK\r\n", "-ERR no\r\n",
    "*200\r\n" . join('', map { "*3\r\n:$_\r\n:$_\r\n*2\r\n\$9\r\n127.0.0.1\r\n:" . (1 + $_ % 9) . "\r\n" } 0 .. 199),
    "*1\r\n*3\r\n:0\r\n:16383\r\n*4\r\n\$9\r\n127.0.0.1\r\n:1\r\n\$1\r\nx\r\n" . "*1\r\n" x 6 . ":1\r\n",
);
my $turn = 0;
my $cluster = fake_start(sub {
    my ($command) = @_;
    return $maps[$turn++ % @maps] if lc $command->[0] eq 'cluster';
    return lc $command->[0] eq 'evalsha' ? "-MOVED 5 127.0.0.1:1\r\n" : "+OK\r\n";
});
(my $url = $cluster->url) =~ s{redis://(.*)/0}{redis+cluster://$1};
$gw = guarded($url, throttle => 'interval=1s', timeout => '50ms', more => 'connect_timeout=300ms');
my %status;
my $end = time + 6;
while (time < $end) {
    $status{ $gw->get('/m?k=' . rand)->{status} }++;
    sleep 0.02;
}
is join(' ', keys %status), '200', 'wrong maps: every request is answered';
cmp_ok fds($gw), '<', 60, 'and connections are few: ' . fds($gw);
$gw->stop;

# a reply that comes after its request has gone, and in the order of another
my $late = fake_start(sub {
    my ($command, $n, $s) = @_;
    my $word = lc $command->[0];
    return "*3\r\n\$9\r\nsubscribe\r\n\$1\r\nx\r\n:1\r\n" if $word eq 'subscribe';
    return "+OK\r\n" if $word ne 'evalsha';
    return "*2\r\n:0\r\n:0\r\n" if $command->[2] == 2;
    my $probe = $command->[3] =~ /probe/;
    sleep 0.12 if !$probe;
    return '*' . ($probe ? 4 : 3) . "\r\n:" . ($probe ? 1 : 0) . "\r\n:700\r\n:" . int(time * 1e6) . "\r\n"
        . ($probe ? ":1\r\n" : '');
});
$gw = guarded($late->url, throttle => 'interval=1s', timeout => '50ms');
ok wait_for(sub { store_of($gw) eq 'redis' }), 'late: connected';      # which its late answers end soon
for my $i (1 .. 20) {
    my $s = $gw->connect;
    print $s "GET /late/$i?k=late$i HTTP/1.1\r\nHost: x\r\n\r\n";
    sleep 0.03 if $i % 2;
    close $s;       # gone before the answer of the store, often
}
is $gw->get('/y?k=y')->{status}, 200, 'a late refusal is nobody\'s';
sleep 0.5;
is scalar(my @w = $gw->workers), 1, 'the worker lives';
$gw->stop;

done_testing;
