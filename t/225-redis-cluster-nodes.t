# Nodes that come and go.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use PaasGuardRedis;
use Time::HiRes qw(sleep time);

my %same = (sync => 'async', timeout => '200ms', more => 'connect_timeout=500ms');

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
