# Thousands of connects and drops: nothing is lost, nothing grows.  As many as
# fit into some seconds; PGUARD_DROPS_TIME=300 for ten thousand.

use lib 't/lib';
use PaasGuard;
use PaasGuardRedis;
use IO::Socket::INET;
use IO::Select;
use Time::HiRes qw(sleep time);

my $drops = $ENV{PGUARD_DROPS} // 10000;

# Drops every connection: at once, in its greeting, in the middle of a reply, or
# after one call that went well; the guard waits longer after each failure, and
# only the last of these lets it come back soon.  Connections come from many
# nodes at once: a cluster whose every slot is at another of these ports.
my $ports = 60;
my @listen = map { IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 64) } 1 .. $ports;
my @port = map { $_->sockport } @listen;
my $width = int(16384 / $ports) + 1;
my $map = join '', map {
    my ($first, $last) = ($_ * $width, ($_ + 1) * $width - 1);
    $last = 16383 if $last > 16383;
    "*3\r\n:$first\r\n:$last\r\n*2\r\n\$9\r\n127.0.0.1\r\n:$port[$_]\r\n";
} 0 .. $ports - 1;
$map = "*$ports\r\n$map";
my $counter = "$ENV{TEST_NGINX_DIR}/drops";

defined(my $pid = fork) or die;
if (!$pid) {
    $SIG{PIPE} = 'IGNORE';
    my $select = IO::Select->new(@listen);
    my %is = map { $_ => 1 } @listen;
    my ($n, %seen) = (0);
    my $ok = "+OK\r\n" x 5;        # to a SCRIPT LOAD for each script
    while (1) {
        for my $s ($select->can_read(1)) {
            if ($is{$s}) {
                my $c = $s->accept or next;
                my $how = $n++ % 30;
                $how = 4 if $how > 4;
                if ($n % 50 == 0) { open my $out, '>', $counter; print $out $n }
                if ($how == 0) { close $c; next }
                $select->add($c);
                $seen{$c} = $how;
                next;
            }
            my $got = $s->sysread(my $bytes, 65536);
            my $how = $seen{$s};
            my $greeted = $bytes =~ /SLOTS/;
            if ($got && $greeted && $how > 1) {
                my $loads = () = $bytes =~ /\bLOAD\b/g;
                $s->syswrite("+OK\r\n" x $loads . ($how == 2 ? '*2' : $map));
                $seen{$s} = $how == 4 ? 5 : 0;
                next if $how == 4;
            }
            if ($got && $how == 5 && $bytes =~ /probe/) {      # up, once
                $s->syswrite("*4\r\n:-1\r\n:0\r\n:" . int(time * 1e6) . "\r\n:1\r\n");
                $seen{$s} = 6;
                next;
            }
            next if $got && $how == 5;
            if ($got && $how == 6 && $bytes =~ /EVALSHA/) {     # one call, at most
                $s->syswrite("*3\r\n:1\r\n:0\r\n:" . int(time * 1e6) . "\r\n");
            }
            $select->remove($s);
            delete $seen{$s};
            setsockopt $s, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0) if $n % 2;
            close $s;
        }
    }
}
close $_ for @listen;

my $gw = guarded("redis+cluster://127.0.0.1:$port[0],127.0.0.1:$port[1]",
    timeout => '20ms', throttle => 'interval=1s', more => 'connect_timeout=200ms', workers => 2,
    main => 'worker_rlimit_core 0;');
wait_for(sub { 2 == $gw->workers });
my @pids = $gw->workers;
my $load = $gw->load(clients => 2, path => sub { "/d?k=$_[0].$_[1]" });

sub drops { open my $in, '<', $counter or return 0; <$in> // 0 }

wait_for(sub { drops() >= 300 }, 20);
my ($fds, $rss) = (fds($gw), rss($gw));
my $since = time;
my $done = 0;
wait_for(sub { $done = drops(); sleep 0.2; $done >= $drops }, $ENV{PGUARD_DROPS_TIME} // 15);
wait_for(sub { ($done = drops()) >= 500 }, 60);      # on a machine that is busy
my $count = $load->stop;
ok $done >= 500, "connections that were dropped: $done";
note sprintf '%d in %.1f s; descriptors %d, then %d; memory %d kB, then %d kB', $done, time - $since,
    $fds, fds($gw), $rss, rss($gw);
is join(' ', sort grep { !/^(?:200|429)$/ } keys %$count), '', 'every request is answered'
    or diag explain $count;
is join(' ', sort $gw->workers), join(' ', sort @pids), 'no worker died';
cmp_ok fds($gw), '<', $fds + 2 * $ports + 10, 'no descriptor is lost';
SKIP: {
    skip 'a sanitizer keeps what is freed', 1 if $ENV{TEST_NGINX_BINARY} =~ /asan/;
    cmp_ok rss($gw), '<', $rss + 2 * 12000, 'nor memory';
}
kill TERM => $pid;
waitpid $pid, 0;
ok wait_for(sub { fds($gw) < 45 }, 10), 'all are closed when nobody listens: ' . fds($gw);
$gw->stop;

done_testing;
