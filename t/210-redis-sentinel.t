# The shared store that sentinels name: found, followed, lost and found again. A sentinel that was held up for 2 s does
# nothing for 30 s (its TILT): so long it is waited for.

use lib 't/lib';
use PaasGuard;
use PaasGuardRedis;
use Time::HiRes qw(sleep time);

my $password = 'data-nodes-only';
my @auth = ('--requirepass' => $password, '--masterauth' => $password);
my $file = "$ENV{TEST_NGINX_DIR}/password";
open my $out, '>', $file or die; print $out "$password\n"; close $out;

my $first  = redis_start(args => \@auth);
my $second = redis_start(args => [@auth, replicaof($first)]);
my @sentinels = map { sentinel_start($first, 'paas-1', quorum => 2, password => $password) } 1 .. 3;
my $free = free_port();
ok wait_for(sub { $sentinels[0]->cli('sentinel', 'sentinels', 'paas-1') =~ /name.*name/s
    && $sentinels[0]->cli('sentinel', 'replicas', 'paas-1') =~ /port/ }, 20),
    'sentinels know each other';

# one of the four is not there
my $url = 'redis+sentinel://' . join(',', "127.0.0.1:$free", map { '127.0.0.1:' . $_->port } @sentinels)
    . '/paas-1';
my %same = (throttle => 'interval=2s', rule => 'window=20s limit=30 block=1m', timeout => '500ms',
    more => "password_file=$file");
my @gw = (guarded($url, %same, workers => 2), guarded($url, %same));
ok wait_store($_, 'redis'), 'connected' for @gw;

my @got = map { $_->get('/a', 'X-API-Key' => 'one')->{status} } @gw;
is "@got", '200 429', 'two gateways share the throttle';

sub cli { my $r = shift; $r->cli('--no-auth-warning', '-a', $password, @_) }

# a failover that is asked for, under load
my @load = map { my $g = $_; $g->load(clients => 2, path => sub { "/a?k=l$_[0].@{[ $_[1] % 50 ]}" }) } @gw;
sleep 0.5;
is $sentinels[0]->cli('sentinel', 'failover', 'paas-1'), 'OK', 'failover is asked for';
my $since = time;
ok wait_for(sub { cli($second, 'role') =~ /^master/ }, 60), 'the other one is master';
ok wait_store($_, 'redis'), 'followed' for @gw;
ok wait_for(sub { cli($second, 'client', 'list') =~ /cmd=evalsha/ }, 60), 'asked there';
note sprintf '%.1f s', time - $since;
sleep 1;
my %sum;
for (@load) { my $c = $_->stop; $sum{$_} += $c->{$_} for keys %$c }
is join(' ', sort grep { !/^(?:200|429)$/ } keys %sum), '', 'nothing but 200 and 429 meanwhile'
    or diag explain \%sum;
note explain \%sum;

@got = map { $_->get('/b', 'X-API-Key' => 'two')->{status} } @gw;
is "@got", '200 429', 'the throttle is shared at the new master';

# the master dies
ok wait_for(sub { cli($first, 'role') =~ /^slave.*connected/s }, 60), 'the old master follows';
my $load = $gw[0]->load(clients => 2, path => sub { "/a?k=m$_[0].@{[ $_[1] % 50 ]}" });
$second->kill;
ok wait_store($gw[0], 'degraded'), 'known to be away';
@got = map { $gw[0]->get('/c', 'X-API-Key' => 'three')->{status} } 1 .. 2;
is "@got", '200 429', 'decided locally';
ok wait_for(sub { cli($first, 'role') =~ /^master/ }, 60), 'the first is master again';
ok wait_store($_, 'redis'), 'followed' for @gw;
my $count = $load->stop;
is join(' ', sort grep { !/^(?:200|429)$/ } keys %$count), '', 'nothing but 200 and 429 meanwhile';

# blocks still travel
$gw[0]->get("/h/$_", 'X-API-Key' => 'hammer') for 1 .. 40;
ok wait_for(sub { $gw[1]->get('/h', 'X-API-Key' => 'hammer')->{headers}{'x-verdict'} eq 'blocked' }, 5),
    'a block reaches the other gateway';

# sentinels gone: the master goes on
$_->kill for @sentinels;
sleep 1.5;
is store_of($gw[0]), 'redis', 'a master goes on without its sentinels';

# a master that has become a replica of another behind everybody's back
my $other = redis_start(args => \@auth);
cli($first, 'replicaof', '127.0.0.1', $other->port);
ok wait_store($gw[0], 'degraded'), 'READONLY: a replica is not used';
cli($first, 'replicaof', 'no', 'one');
$_->start for @sentinels;
ok wait_store($_, 'redis'), 'back' for @gw;
my @lines = grep { /\[warn\]/ } split /\n/, $gw[0]->error_log;
note join "\n", @lines;
$_->stop for @gw;

# a name that they do not know
my $gw = guarded('redis+sentinel://127.0.0.1:' . $sentinels[0]->port . '/none', %same);
ok wait_store($gw, 'degraded'), 'unknown master';
is $gw->get('/', 'X-API-Key' => 'k')->{status}, 200, 'decided locally';
like $gw->error_log, qr/sentinels of none" does not know this master/, 'the log says why';
$gw->stop;

done_testing;
