# The shared store as a cluster: one view over three masters, whatever moves.

use lib 't/lib';
use PaasGuard;
use PaasGuardRedis;
use Time::HiRes qw(sleep time);

my $cluster = cluster_start(3, 3);
my %same = (throttle => 'interval=3s', rule => 'window=30s limit=20 block=1m', timeout => '200ms');
my @gw = (guarded($cluster->url, %same, workers => 2), guarded($cluster->url, %same));
ok wait_store($_, 'redis'), 'connected' for @gw;

# one late answer is not yet the end of a store, which is told by their number alone
sub late_answers { my $n = 0; $n += metric($_, 'paas_guard_redis_commands_total{result="timeout"}') for @gw; return $n }

sub throttled_by_both {
    my ($what, $tag, $n) = @_;
    my ($wrong, $late, $before) = (0, 0, late_answers());
    for my $i (1 .. $n) {
        my @got = map { $_->get("/$tag?k=$tag$i.$late") } @gw;
        next if "@{[ map { ($_->{status}, $_->{headers}{'x-store'}) } @got ]}" eq '200 redis 429 redis';
        my $now = late_answers();
        if (($now > $before || grep { $_->{headers}{'x-store'} ne 'redis' } @got) && $late++ < 20) {
            $before = $now;
            wait_store($_, 'redis') for @gw;    # a busy machine was late: another client
            redo;
        }
        $wrong++;
    }
    is $wrong, 0, "$what: $n clients, two gateways, one view";
    note "late: $late" if $late;
}

sub hammer {
    my ($what, $key) = @_;
    for (1 .. 12) { $_->get("/h$key$_?k=$key") for @gw }
    ok wait_for(sub { 2 == grep { $_->get("/h?k=$key")->{headers}{'x-verdict'} eq 'blocked' } @gw }, 5),
        "$what: 24 requests at two gateways: blocked at both";
}

sub answered {
    my ($what, @load) = @_;
    my %sum;
    for (@load) { my $c = $_->stop; $sum{$_} += $c->{$_} for keys %$c }
    is join(' ', sort grep { !/^(?:200|429)$/ } keys %sum), '', "$what: every request is answered"
        or diag explain \%sum;
    note explain \%sum;
}

sub load { map { $_->load(clients => 2, path => sub { "/l?k=load$_[0].@{[ $_[1] % 100 ]}" }) } @gw }

throttled_by_both('at first', 'a', 100);      # of which each master has more than ten
hammer('at first', 'ham');

# keys are at all masters, and one client's at one
my @count = map { scalar grep { /:w:flood/ } split /\n/, $_->cli('keys', '*') } $cluster->masters;
ok !(grep { $_ == 0 } @count), "clients are at all masters: @count";

# resharding, key by key, under load
my ($from, $to) = $cluster->masters;
my @load = load();
my $moved = 0;
my ($from_id, $to_id) = map { $cluster->id_of($_) } $from, $to;
my %slots;              # two keys may share one
for my $key (grep { /:w:flood/ } split /\n/, $from->cli('keys', '*')) {
    $slots{ $from->cli('cluster', 'keyslot', $key) } = 1;
    last if keys %slots == 10;
}
for my $slot (keys %slots) {
    $to->cli('cluster', 'setslot', $slot, 'importing', $from_id);
    $from->cli('cluster', 'setslot', $slot, 'migrating', $to_id);
    sleep 0.1;
    for (1 .. 20) {
        my @keys = split /\n/, $from->cli('cluster', 'getkeysinslot', $slot, 10) or last;
        $from->cli('migrate', '127.0.0.1', $to->port, '', 0, 1000, 'keys', @keys);
    }
    $_->cli('cluster', 'setslot', $slot, 'node', $to_id) for $to, $from;
    $moved++;
}
answered('resharding', @load);
is $moved, 10, 'ten slots have moved, with their keys';
note "redirected: ", $from->cli('info', 'errorstats');
is store_of($_), 'redis', 'resharding: no node was given up' for @gw;
throttled_by_both('after resharding', 'b', 60);
hammer('after resharding', 'sham');

# a whole master goes: moved away, then a failover by hand
my $replica = $cluster->replica_of($to);
is $replica->cli('cluster', 'failover'), 'OK', 'failover is asked for';
@load = load();
ok wait_for(sub { $replica->cli('role') =~ /^master/ }, 10), 'the replica is master';
sleep 1;
answered('failover by hand', @load);
ok wait_store($_, 'redis'), 'followed' for @gw;
throttled_by_both('after the failover', 'c', 60);

# and one is killed
($to, $from) = ($cluster->masters)[0, 1];
@load = load();
my $since = time;
$to->kill;
ok wait_store($gw[0], 'degraded'), 'a node is away';
ok wait_store($_, 'redis'), 'its replica is found' for @gw;
note sprintf 'the cluster was whole again after %.1f s', time - $since;
answered('killed master', @load);
throttled_by_both('after the kill', 'd', 60);
hammer('after the kill', 'lam');

# all of it goes and comes back
$_->pause for grep { $_->pid } $cluster->nodes;
ok wait_store($_, 'degraded'), 'all stopped' for @gw;
my @got = map { $gw[0]->get('/x?k=alone')->{status} } 1 .. 2;
is "@got", '200 429', 'decided locally';
$_->resume for grep { $_->pid } $cluster->nodes;
ok wait_store($_, 'redis'), 'back' for @gw;
throttled_by_both('after that', 'e', 30);
$_->stop for @gw;

# a gateway that starts with hosts that are no masters, or not there
my @ports = map { $_->port } grep { $_->pid } reverse $cluster->nodes;
my $gw = guarded('redis+cluster://127.0.0.1:' . free_port() . ",127.0.0.1:$ports[0]", %same);
ok wait_store($gw, 'redis'), 'one host that answers will do';
ok wait_for(sub { $gw->get('/h?k=ham')->{headers}{'x-verdict'} eq 'blocked' }, 5),
    'a gateway that starts learns the blocks';
$gw->stop;

done_testing;
