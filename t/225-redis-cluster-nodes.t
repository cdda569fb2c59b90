# Nodes that come and go: what was counted meanwhile is counted as of when it
# came, and who listens hears.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use PaasGuardRedis;
use Time::HiRes qw(sleep time);

my %same = (sync => 'async', timeout => '200ms', more => 'connect_timeout=500ms');

# Counts are kept while their master is away, and told to another one, of whose
# clock nothing is known yet.
{
    my $cluster = cluster_start(3, 3);
    my $gw = guarded($cluster->url, %same, rule => 'window=10s limit=100000 block=1m');
    ok wait_store($gw, 'redis'), 'connected';
    sleep 0.7;
    $_->cli('flushall') for $cluster->masters;          # who was asked for until now
    my @asked;
    my $ask = sub { $gw->get('/n' . @asked . '?k=k'); push @asked, time };
    $ask->();
    my $master;
    ok wait_for(sub {
        ($master) = grep { $_->cli('keys', '*:w:flood:*') } $cluster->masters;
    }), 'a client is at one of the masters';
    my $replica = $cluster->replica_of($master);
    $master->kill;
    ok wait_for(sub { $ask->(); $replica->cli('role') =~ /^master/ }, 20), 'its replica takes its place';
    ok wait_for(sub { $ask->(); metric($gw, 'paas_guard_redis_up') }, 20), 'and is found';
    my $last = time;
    my %slot;
    sleep 0.7;
    for my $name (grep { /:w:flood:/ } split /\n/, $replica->cli('keys', '*')) {
        my %is = split /\n/, $replica->cli('hgetall', $name);
        my $sum = 0;
        $sum += $_ for values %is;
        %slot = %is if $sum > 5;
    }
    my ($told, @late) = (0);
    for my $second (sort { $b <=> $a } keys %slot) {        # a tenth of the window
        $told += $slot{$second};
        my $came = grep { $_ >= $second } @asked;
        push @late, "$told since $second, not $came" if $told > $came;
    }
    cmp_ok $told, '>', @asked / 2, "what was counted meanwhile is told: $told of " . @asked;
    is join('; ', @late), '', 'and none as if it had come later';
    note sprintf '%.1f s', $last - $asked[0];
    $gw->stop;
}

# The subscriber's node leaves the cluster, and lives on.
{
    my $cluster = cluster_start(3);
    my ($deaf, $other) = map { guarded($cluster->url, %same, rule => 'window=10s limit=20 block=1m') } 1 .. 2;
    ok wait_store($_, 'redis'), 'connected' for $deaf, $other;
    my ($node) = grep { $_->cli('client', 'list', 'type', 'pubsub') =~ /addr=/ } $cluster->nodes;
    ok $node, 'a node has a subscriber';
    my ($stays) = grep { $_ != $node } $cluster->nodes;
    my $id = $cluster->id_of($node);
    PaasGuardRedis::sh('redis-cli --cluster rebalance', '127.0.0.1:' . $stays->port, "--cluster-weight $id=0", '--cluster-pipeline 100');
    PaasGuardRedis::sh('redis-cli --cluster del-node', '127.0.0.1:' . $stays->port, $id);
    ok $node->pid && $node->ping, 'it has left, and answers';
    for my $gw ($deaf, $other) {
        $gw->get("/m$_?k=m$_") for 1 .. 60;         # some of them were there
        ok wait_store($gw, 'redis'), 'the others are found';
    }
    ok wait_for(sub { $node->cli('client', 'list', 'type', 'pubsub') !~ /addr=/ }, 5), 'nobody listens there any more';
    for my $gw ($deaf, $other) {
        my ($there) = grep { $_ != $gw } $deaf, $other;
        my $blocks = sub { metric($_[0], 'paas_guard_blocks_active{zone="z"}') };
        my $before = $blocks->($there);
        $gw->get("/h$_?k=ham" . $gw->port) for 1 .. 25;
        ok wait_for(sub { $blocks->($there) > $before }, 5), 'a block is heard of';
    }
    $_->stop for $deaf, $other;
}

# Slots that nobody serves keep no gateway from the blocks that are at the others.
{
    my $cluster = cluster_start(3, 0, '--cluster-require-full-coverage' => 'no');
    my $one = guarded($cluster->url, %same, rule => 'window=10s limit=20 block=1m');
    ok wait_store($one, 'redis'), 'connected';
    $one->get("/h$_?k=ham") for 1 .. 25;
    ok wait_for(sub { grep { $_->cli('keys', '*:{blocks}:data') } $cluster->nodes }), 'a block';

    my ($keeper) = grep { $_->cli('keys', '*:{blocks}:data') } $cluster->nodes;
    my ($goes) = grep { $_ != $keeper } $cluster->nodes;
    my ($range) = map { $_->[4] } grep { $_->[1] == $goes->port } $cluster->table;
    $_->cli('cluster', 'delslotsrange', split /-/, $range) for $cluster->nodes;
    ok wait_for(sub { !grep { $_->cli('cluster', 'info') !~ /slots_assigned:109/ } $cluster->nodes }), "$range are nobody's";

    for my $try (1 .. 3) {
        my $gw = guarded($cluster->url, %same, rule => 'window=10s limit=20 block=1m');
        ok wait_for(sub { metric($gw, 'paas_guard_blocks_active{zone="z"}') == 1 }, 5), 'a gateway that starts learns of it';
        $gw->stop;
    }
    $one->stop;
}

done_testing;
