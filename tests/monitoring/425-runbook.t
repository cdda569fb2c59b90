# Each command of the runbook, in both languages, on a live gateway. Only
# addresses, paths, ids and dates are others, and systemctl is left out.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use JSON::PP;
use Test::More;
use POSIX qw(strftime);

plan skip_all => 'no jq: apt-get install jq' if system('command -v jq >/dev/null');

my $place = '%DIR%';
my $root  = do { require Cwd; Cwd::getcwd() };
my $log_format = join q{}, slurp('docs/log-format.md') =~ /^(log_format paas_guard .*?;)$/ms;
my $targets = 0;

sub slurp {
    my ($path) = @_;
    open my $in, '<', $path or die "$path: $!";
    local $/;
    return <$in> // q{};
}

# The commands of each chapter: [chapter's number, command], those in the text, too.
sub commands {
    my ($path) = @_;
    my ($chapter, $fenced, $command, @found) = (0, 0, q{});
    for my $line (split /\n/, slurp($path)) {
        $chapter++ if $line =~ /^## /;
        if ($line =~ /^ *```(sh)?$/) {
            $fenced = defined $1;
            is $command, q{}, "$path: a block ends with its last command" if !$fenced;
            next;
        }
        if (!$fenced) {
            push @found, map { [$chapter, $_] } $line =~ /`((?:grep|jq|curl|redis-cli) [^`]*\$[A-Z][^`]*)`/g;
            next;
        }
        $command .= "$line\n";
        next if $command =~ /\\\n\z/ || system('bash', '-c', 'bash -n -c "$1" 2>/dev/null', '-', $command);
        push @found, [$chapter, $command] if $command =~ /\S/;
        $command = q{};
    }
    return @found;
}

sub gateway {
    my ($redis) = @_;
    return gateway_start(workers => 2, log_level => 'notice', http => <<"_EOC_", conf => <<'_EOC2_');
    $log_format
    access_log $place/guard-access.log paas_guard;
    paas_guard_zone zone=paas:32m state=$place/state;
    paas_guard_secret_file @{[ secret_file() ]};
    paas_guard_redis @{[ $redis->url ]} timeout=2s;
    paas_guard_audit $place/guard-audit.log;
    paas_guard_hammer_rule flood key=\$paas_guard_client_id window=10s limit=5 block=10m;
    paas_guard_indicator IC-PAAS_SNC-01 target=99.9%;
_EOC_
    paas_guard_client $http_x_client;
    location /compute/ { paas_guard zone=paas; paas_guard_service compute; paas_guard_hammer flood; paas_guard_sla IC-PAAS_SNC-01; proxy_pass http://backend; }
    location /broken { paas_guard zone=paas; paas_guard_sla IC-PAAS_SNC-01; proxy_pass http://unix:/nowhere/to/be/found:; }
    location /trial/ { paas_guard zone=paas; paas_guard_dry_run on; paas_guard_hammer flood; proxy_pass http://backend; }
    location /guard/ { access_log off; paas_guard_status write=on; }
    location = /metrics { access_log off; paas_guard_metrics; }
_EOC2_
}

sub metric {
    my ($gateway, $name) = @_;
    return $gateway->get('/metrics')->{body} =~ /^$name (\S+)/m ? $1 : undef;
}

for my $path ('docs/runbook.md', 'docs/runbook.fr.md') {
    my $redis = redis_start();
    my $one   = gateway($redis);
    my $dir   = $one->dir;
    my $base  = 'http://127.0.0.1:' . $one->port;
    my $month = strftime('%Y-%m', gmtime);
    my $next  = do { my ($y, $m) = split /-/, $month; sprintf '%04d-%02d', $m == 12 ? ($y + 1, 1) : ($y, $m + 1) };
    my $bytes = 'paas_guard_zone_bytes\{zone="paas"\}';
    my %now   = ();     # ids, as they come up
    my @said  = ();     # settings

    my $hammer = sub {
        my ($client, $where) = @_;
        $one->get("/$where/" . ++$targets, 'X-Client' => $client) for 1 .. 8;
    };
    my $blocks = sub { decode_json($one->get('/guard/api/1/blocks')->{body})->{blocks} };
    wait_for(sub { metric($one, 'paas_guard_redis_up') }, 20) or die 'no Redis';

    # what has happened when each chapter is opened
    my %before = (
        1 => sub { $one->get('/broken', 'X-Client' => 'ann'); $hammer->('bob', 'compute') },
        2 => sub {
            my $answer = $one->get('/compute/' . ++$targets, 'X-Client' => 'bob');
            ($now{event}) = $answer->{headers}{'paas-guard'} =~ /event="(\w+)"/;
            $now{block} = $blocks->()->[0]{id};
        },
        3 => sub {
            $redis->stop;
            wait_for(sub { $one->get('/compute/' . ++$targets, 'X-Client' => "c$targets");
                           slurp("$dir/guard-access.log") =~ /"store":"degraded"/ }, 20) or die 'not degraded';
            wait_for(sub { slurp("$dir/guard-audit.log") =~ /store_state/ }, 20);
            $redis->start;
            wait_for(sub { metric($one, 'paas_guard_redis_up') }, 30) or die 'Redis is not back';
        },
        5 => sub {
            wait_for(sub { metric($one, $bytes) == 67108864 && $one->workers == 2 }, 30) or die 'not reloaded';
            $hammer->('dan', 'compute');
            $hammer->('eve', 'trial');
        },
    );

    # what stands for something of one's own
    my $own = sub {
        my ($command) = @_;
        my %date = ('2026-11' => $month, '2026-12' => $next, map {
            ("2026-11-22T05:$_:00Z" => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time - 3600 + 60 * $_))) } '00', '20');
        for ($command) {
            s{http://127\.0\.0\.1:9145/(guard|metrics)}{$base/$1};
            s{/etc/nginx/paas_guard\.secret}{secret_file()}e;
            s{/var/log/nginx/paas_guard/}{$dir/guard-}g;
            s{/(?:var/log|etc)/nginx/}{$dir/}g;
            s{82486fff1055fb2700000001}{$now{event}};
            s{\bblocks/ID\b}{blocks/$now{block}};
            s{\boutages/ID\b}{outages/$now{outage}};
            s{\b(2026-11-22T05:[02]0:00Z|2026-1[12])\b}{$date{$1}}g;
            s{-h REDIS\b}{'-s ' . $redis->socket}e;
            s{systemctl status nginx; }{};
        }
        return $command;
    };

    my @commands = commands($path);
    cmp_ok scalar(@commands), '>=', 35, "$path: commands";
    my $chapter = 0;
    for (@commands) {
        my ($in, $text) = @$_;
        while ($chapter < $in) {
            my $happens = $before{ ++$chapter };
            $happens->() if $happens;
        }
        my ($name) = $text =~ /^\s*(.*)/;
        my $command = $own->($text);
        open my $script, '>', "$dir/command" or die "$dir/command: $!";
        print $script "cd $dir\nPATH=$root/build:\$PATH\nnginx() { $ENV{TEST_NGINX_BINARY} -p $dir -c $dir/nginx.conf \"\$@\"; }\n",
            @said, "set -o pipefail\n$command";
        close $script or die "$dir/command: $!";

        my $output = `bash $dir/command 2>&1`;
        is $?, 0, "$path: $name" or diag $output;
        if ($command =~ /^\s*([A-Z]+)=/) {
            my $variable = $1;
            push @said, $command;
            $output = `bash -c 'cd $dir; . ./command; echo -n "\$$variable"'`;
        }
        $output = slurp("$dir/$1") if $command =~ /> ([\w.]+)\s*(?:#.*)?$/m;
        isnt $output, q{}, '... says something';
        unlike $output, qr/^null$|"code": ?"|No such file/m, '... and that is no error' or diag $output;
        $now{outage} = decode_json($output)->{outage}{id} if $text =~ /notified_at/;
    }

    is_deeply [map { $_->{rule} // q{} } @{ $blocks->() }], [q{}], 'what is left is the block set by hand';
    is metric($one, $bytes), 67108864, 'and the zone is larger';
    $one->stop;
    $redis->stop;
}

done_testing;
