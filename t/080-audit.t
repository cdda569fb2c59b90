# The audit log: one chain, whatever happens to workers, files and the store.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(sleep);

my $secret = secret_file();
my $tool   = $ENV{PGUARD_AUDIT} // 'build/paas-guard-audit';
my @json   = ('Content-Type' => 'application/json');
my $none   = '0' x 32;

my $http = <<"_EOC_";
    paas_guard_zone zone=z:1m state=%DIR%/state;
    paas_guard_secret_file $secret;
    paas_guard_audit %DIR%/audit.log;
    paas_guard_hammer_rule flood key=\$http_x_k\$arg_k window=1m limit=2 block=2s block_max=2s;
    paas_guard_hammer_rule long  key=\$http_x_l window=1m limit=2 block=1h;
    log_format ids '\$request_uri \$status \$paas_guard_event_id \$paas_guard_block';
    access_log %DIR%/ids.log ids;
_EOC_
my $conf = <<'_EOC_';
    location /        { paas_guard zone=z; paas_guard_service api; paas_guard_hammer flood long; proxy_pass http://backend; }
    location /dry     { paas_guard zone=z; paas_guard_hammer flood; paas_guard_dry_run on; proxy_pass http://backend; }
    location /metrics { paas_guard off; paas_guard_metrics; }
    location /admin   { paas_guard_status write=on; }
_EOC_
my %same = (http => $http, conf => $conf, workers => 2);
my $n = 0;

sub read_file { open my $in, '<', $_[0] or return ''; local $/; return <$in> // '' }
sub lines { return map { eval { decode_json($_) } // () } map { split /\n/, read_file($_) } @_ }
sub log_of { return $_[0]->dir . '/audit.log' }

sub of_type {
    my ($gateway, $type, %match) = @_;
    return grep { my $l = $_; $l->{type} eq $type && !grep { $l->{$_} ne $match{$_} } keys %match }
        lines(log_of($gateway));
}

sub soon {
    my ($gateway, $count, $type, %match) = @_;
    wait_for(sub { of_type($gateway, $type, %match) >= $count }, 30);
    return of_type($gateway, $type, %match);
}

sub verified {
    my ($name, @files) = @_;
    my $out = `$tool verify --secret $secret --whole @files 2>&1`;
    ok $? == 0, "$name: the log is intact" or diag $out;
    return $out;
}

sub statuses {
    my ($gateway, $count, @headers) = @_;
    return join q{ }, map { $gateway->get('/' . ++$n, @headers)->{status} } 1 .. $count;
}

# The same at once, on one connection: within a block of 2 s on a busy machine, too.
sub at_once {
    my ($gateway, $count, $header) = @_;
    my $raw = join '', map {
        join "\r\n", 'GET /' . ++$n . ' HTTP/1.1', 'Host: localhost', $header, $_ == $count ? "Connection: close\r\n\r\n" : "\r\n"
    } 1 .. $count;
    return join q{ }, $gateway->http($raw) =~ m{^HTTP/1\.1 (\d+)}mg;
}

sub metric {
    my ($gateway, $name) = @_;
    return $gateway->get('/metrics')->{body} =~ /^\Q$name\E (\S+)$/m ? $1 : 'none';
}

sub ids_of {
    my ($gateway, $block) = @_;
    return scalar grep { / 429 [0-9a-f]{24} \Q$block\E$/ } split /\n/, read_file($gateway->dir . '/ids.log');
}


# What it says of a block, and where its id is found

{
    my $one = gateway_start(%same, workers => 3);
    my @first = (soon($one, 1, 'config_changed'));
    my ($started) = lines(log_of($one));
    is $started->{type}, 'chain_started', 'a chain begins';
    is $started->{seq}, 1, 'at 1';
    is $started->{prev}, $none, 'with nothing before';
    like $first[0]{digest}, qr/^[0-9a-f]{64}$/, 'the digest of the configuration';
    is $first[0]{digest_was}, '', 'which had none before';
    is sprintf('%o', (stat log_of($one))[2] & 07777), '640', 'nobody else may read it';

    $one->get('/' . ++$n, 'X-K' => 'a') for 1 .. 2;
    my $refusal = $one->get('/' . ++$n, 'X-K' => 'a');
    is at_once($one, 20, 'X-K: a'), join(q{ }, ('429') x 20), 'a burst';
    is $refusal->{status}, 429, 'a block';
    my $said = decode_json($refusal->{body});
    my ($begun) = soon($one, 1, 'block_begun');
    is $said->{block}, $begun->{event}, 'the answer names the block of the audit log';
    isnt $said->{event}, $said->{block}, 'and its own id';
    like read_file($one->dir . '/ids.log'), qr/ 429 $said->{event} $said->{block}$/m, 'both are in the access log';
    my %fixed = %$begun;
    delete @fixed{qw(time seq gateway prev mac event client key)};
    is_deeply \%fixed, { type => 'block_begun', zone => 'z', service => 'api', rule => 'flood', reason => 'hammering_blocked',
        count => 3, limit => 2, window_ms => 60000, block_ms => 2000, offence => 1, dry_run => JSON::PP::false },
        'rule, count, window, evidence';
    like $begun->{$_}, qr/^[0-9a-f]{32}$/, "$_: a digest" for qw(client key);

    my ($ended) = soon($one, 1, 'block_ended');
    is $ended->{$_}, $begun->{$_}, "its end: $_" for qw(event client key rule service reason zone);
    is $ended->{how}, 'expired', 'its end: expired';
    is $ended->{refused}, 21, 'its end: the number of refusals';
    is $ended->{refused}, ids_of($one, $ended->{event}), 'which is that of the access log';

    my $export = `$tool export --client $begun->{client} --from 2026-01-01 --to 2099-01-01 --secret $secret @{[log_of($one)]}`;
    like $export, qr/"types":\{"block_begun":1,"block_ended":1\}/, 'the client gets both';
    my $event = `$tool export --event $said->{block} --from 2026-01-01 --to 2099-01-01 --secret $secret @{[log_of($one)]}`;
    like $event, qr/"types":\{"block_begun":1,"block_ended":1\}/, 'as who has the id of the answer does';

    # lifted, at once and only once
    is statuses($one, 5, 'X-L' => 'b'), '200 200 429 429 429', 'another block';
    my ($block) = soon($one, 1, 'block_begun', rule => 'long');
    my $lift = $one->request('DELETE', "/admin/api/1/blocks/$block->{event}", {@json}, '{"why":"a test","who":"me"}');
    is $lift->{status}, 200, 'lifted';
    my ($action) = soon($one, 1, 'operator_action');
    is_deeply [@$action{qw(event why)}], [$block->{event}, 'a test'], 'the action is told';
    my ($lifted) = soon($one, 1, 'block_ended', rule => 'long');
    is_deeply [@$lifted{qw(how event refused)}], ['lifted', $block->{event}, 3], 'and the end';

    # a client that is forgotten
    is statuses($one, 4, 'X-L' => 'gone', 'X-API-Key' => 'gone'), '200 200 429 429', 'a client that leaves';
    my ($gone) = grep { $_->{event} ne $block->{event} } soon($one, 2, 'block_begun', rule => 'long');
    my $forgotten = $one->request('DELETE', "/admin/api/1/clients/$gone->{client}", {@json}, '{"why":"end of contract"}');
    like $forgotten->{status}, qr/^20\d$/, 'is forgotten' or diag $forgotten->{body};
    my ($last) = soon($one, 1, 'block_ended', event => $gone->{event});
    is_deeply [@$last{qw(how refused)}], ['forgotten', 2], 'and its block told as ended so';
    ok soon($one, 1, 'client_forgotten', client => $gone->{client}), 'with the client';

    # dry run: the block is told as one
    $one->get('/dry', 'X-K' => 'dry') for 1 .. 3;
    my ($dry) = soon($one, 1, 'block_begun', dry_run => 1);
    ok $dry->{dry_run}, 'a dry run';

    # many clients, many workers, the same key again and again
    my $load = $one->load(clients => 4, path => sub { "/load$_[0]-$_[1]?k=k" . $_[1] % 7 });
    sleep 5;
    my $count = $load->stop;
    ok wait_for(sub {
        my $begun = of_type($one, 'block_begun');
        return $begun == of_type($one, 'block_ended');
    }, 30), 'each block that began has ended';
    my %begun = map { $_->{event} => 1 } of_type($one, 'block_begun');
    my @ended = of_type($one, 'block_ended');
    my %ended = map { $_->{event} => $_ } @ended;
    is_deeply [sort keys %ended], [sort keys %begun], 'and no other';
    is scalar @ended, scalar keys %ended, 'once';
    is_deeply [grep { $ended{$_}{refused} != ids_of($one, $_) && !$ended{$_}{dry_run} } keys %ended], [],
        'each with its number of refusals';
    cmp_ok scalar(@ended), '<', 60, 'lines are those of blocks, not of ' . ($count->{429} // 0) . ' refusals';
    is metric($one, 'paas_guard_audit_lost_total'), 0, 'none was lost';
    verified('blocks', log_of($one));
    $one->stop;
}


# Reloads, rotation, a restart

for my $user ('', 'nobody nogroup') {
    my $name = $user ? "workers of $user" : 'workers of root';
    next if $user && $> != 0;
    my $states = "$ENV{TEST_NGINX_DIR}/states";
    mkdir $states;
    chmod 0777, $states;
    my $text = $http =~ s{state=%DIR%/state}{state=$states/@{[$user ? 1 : 0]}}r;
    my $one = gateway_start(%same, http => $text, ($user ? (user => $user) : ()));
    my $log = log_of($one);
    chmod 0755, $one->dir if $user;             # where they can make no file
    my ($digest) = map { $_->{digest} } soon($one, 1, 'config_changed');

    is statuses($one, 3, 'X-L' => 'r'), '200 200 429', "$name: a block";
    ok $one->reload, "$name: reload";
    sleep 1.2;
    is scalar(of_type($one, 'config_changed')), 1, "$name: nothing has changed";
    unlike $one->error_log, qr/holds no line/, "$name: nor is anything said";
    ok $one->configure(http => $text . '# more')->reload, "$name: another configuration";
    my (undef, $changed) = soon($one, 2, 'config_changed');
    is $changed->{digest_was}, $digest, "$name: changed from what it was";
    isnt $changed->{digest}, $digest, "$name: to another";

    # logrotate with USR1, and more events in between than after it
    rename $log, "$log.2" or die $!;
    statuses($one, 3, 'X-L' => 'between');
    $one->signal('USR1');
    ok wait_for(sub { -e $log }), "$name: reopened on USR1";
    statuses($one, 3, 'X-L' => "after$_") for 1 .. 6;
    ok wait_for(sub { of_type($one, 'chain_rotated') }), "$name: says that it goes on in another file";
    is sprintf('%o', (stat $log)[2] & 07777), '640', "$name: which nobody else may read";

    # without
    rename $log, "$log.1" or die $!;
    statuses($one, 3, 'X-L' => "without$_") for 1 .. 6;
    if ($user) {
        ok !-e $log, "$name: which cannot make another file, go on with the old one";
        $one->signal('USR1');
        wait_for(sub { -e $log });
        statuses($one, 3, 'X-L' => "then$_") for 1 .. 3;
    }
    ok wait_for(sub { of_type($one, 'chain_rotated') }), "$name: found another file by itself";
    is scalar(of_type($one, 'chain_rotated')), 1, "$name: said once";
    verified("$name, rotated", "$log.2", "$log.1", $log);

    $one->stop;
    $one->start;
    ok wait_for(sub { of_type($one, 'chain_resumed') }), "$name: goes on after a restart";
    statuses($one, 3, 'X-L' => 'restarted');
    my ($last) = soon($one, 1, 'block_begun');
    is_deeply [map { $_->{digest_was} } of_type($one, 'config_changed')], [''],
        "$name: the digest before is in a file that it does not read";

    # its own block is still there, and ends here
    my ($block) = grep { $_->{type} eq 'block_begun' } lines("$log.2");
    is statuses($one, 2, 'X-L' => 'r'), '429 429', "$name: a block outlives the restart";
    $one->request('DELETE', "/admin/api/1/blocks/$block->{event}", {@json}, '{}');
    my ($ended) = soon($one, 1, 'block_ended', event => $block->{event});
    is $ended->{how}, 'lifted', "$name: and ends after it";
    verified("$name, restarted", "$log.2", "$log.1", $log);
    $one->stop;
}


# Workers die

{
    my $one = gateway_start(%same, workers => 2);
    my $load = $one->load(clients => 4, path => sub { "/kill$_[0]-$_[1]?k=k$_[0]-" . int $_[1] / 5 });
    for my $round (1 .. 12) {
        my @workers;
        sleep 0.15;
        wait_for(sub { 2 == (@workers = $one->workers) });
        kill KILL => $workers[$round % 2];
    }
    wait_for(sub { of_type($one, 'block_begun') > 20 }, 60);
    $load->stop;
    ok wait_for(sub { of_type($one, 'block_begun') == of_type($one, 'block_ended') }, 40), 'killed: each block has ended'
        or diag scalar(of_type($one, 'block_begun')), ' ', scalar(of_type($one, 'block_ended'));

    # a line may be there twice, where chain_resumed says so
    my (%begun, %ended);
    $begun{"$_->{event} $_->{seq}"} = $_ for of_type($one, 'block_begun');
    $ended{"$_->{event} $_->{seq}"} = $_ for of_type($one, 'block_ended');
    cmp_ok scalar(keys %begun), '>', 20, 'killed: there were many';
    is_deeply [sort map { $_->{event} } values %ended], [sort map { $_->{event} } values %begun], 'killed: each once';
    is metric($one, 'paas_guard_audit_lost_total'), 0, 'killed: none lost';
    verified('killed', log_of($one));

    # all of them
    statuses($one, 3, 'X-L' => 'all');
    my ($long) = soon($one, 1, 'block_begun', rule => 'long');
    ok wait_for(sub { read_file($one->dir . '/state') =~ $long->{event} }, 30), 'killed all: the state is saved';
    my @pids = $one->workers;
    kill KILL => $one->pid, @pids;
    ok wait_for(sub { $one->dead && !grep { kill 0, $_ } @pids }), 'killed all';
    $one->start;
    ok wait_for(sub { of_type($one, 'chain_resumed') }), 'killed all: goes on';
    is statuses($one, 1, 'X-L' => 'all'), '429', 'killed all: the block holds';
    is scalar(of_type($one, 'block_begun', rule => 'long')), 1, 'killed all: its begin is told once';
    verified('killed all', log_of($one));
    $one->stop(allow => qr/exited on signal 9/);
}


# A disk that is full

SKIP: {
    skip 'no /dev/full', 1 if !-e '/dev/full';
    my $one = gateway_start(%same);
    my $log = log_of($one);
    soon($one, 1, 'config_changed');
    rename $log, "$log.1" or die $!;
    symlink '/dev/full', $log or die $!;

    is statuses($one, 4, 'X-K' => "f$_"), '200 200 429 429', "full: requests see nothing of it, $_" for 1 .. 3;
    ok wait_for(sub { metric($one, 'paas_guard_audit_failing') eq '1' }), 'full: a metric tells';
    my $lift = sub { $one->request('DELETE', '/admin/api/1/blocks/' . shift, {@json}, '{}') };
    my @ids = map { $_->{id} } @{ decode_json($one->get('/admin/api/1/blocks')->{body})->{blocks} };
    $lift->($_) for @ids;
    sleep 2.5;
    is scalar(() = $one->error_log =~ /could not write to/g), 1, 'full: the error log tells once';
    is statuses($one, 3, 'X-K' => 'still'), '200 200 429', 'full: still';

    unlink $log;
    ok wait_for(sub { metric($one, 'paas_guard_audit_failing') eq '0' }), 'full: no more';
    my ($resumed) = soon($one, 1, 'chain_resumed');
    ok $resumed, 'full: the chain says what happened';
    my $lost = metric($one, 'paas_guard_audit_lost_total');
    is $resumed->{lost}, $lost, "full: $lost records are lost, and told";
    ok wait_for(sub { of_type($one, 'block_begun') == of_type($one, 'block_ended') && of_type($one, 'block_ended') >= 4 }, 20),
        'full: blocks are told later'
        or diag join "\n", map { join q{ }, @$_{qw(seq type event how lost repeats time)} } map { of_type($one, $_) }
            qw(block_begun block_ended chain_resumed operator_action);
    verified('full', "$log.1", $log);
    $one->stop;
}


# A file that is deleted, where workers can make no other

SKIP: {
    skip 'not root', 1 if $> != 0;
    my $states = "$ENV{TEST_NGINX_DIR}/deleted";
    mkdir $states;
    chmod 0777, $states;
    my $one = gateway_start(%same, http => $http =~ s{state=%DIR%/}{state=$states/}r, user => 'nobody nogroup');
    my $log = log_of($one);
    chmod 0755, $one->dir;
    soon($one, 1, 'config_changed');
    is metric($one, 'paas_guard_audit_failing'), 0, 'deleted: not yet';
    unlink $log or die $!;
    is statuses($one, 3, 'X-L' => 'deleted'), '200 200 429', 'deleted: a block';
    ok wait_for(sub { metric($one, 'paas_guard_audit_failing') eq '1' }), 'deleted: a metric tells';
    like $one->error_log, qr/could not write to "\Q$log\E"/, 'deleted: and the error log';
    $one->signal('USR1');
    ok soon($one, 1, 'block_begun'), 'deleted: the block is told in the next file';
    ok wait_for(sub { metric($one, 'paas_guard_audit_failing') eq '0' }), 'deleted: no more';
    is metric($one, 'paas_guard_audit_lost_total'), 0, 'deleted: nothing is lost but what was in the file';
    like `$tool verify --secret $secret $log`, qr/^intact/, 'deleted: what follows is intact';
    $one->stop;
}


# Syslog

{
    my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp') or die $!;
    my $port = $server->sockport;
    my $one = gateway_start(%same, http => $http =~ s{paas_guard_audit \S+;}{paas_guard_audit syslog:server=127.0.0.1:$port,tag=audit,nohostname; paas_guard_audit %DIR%/audit.log;}r);
    statuses($one, 4, 'X-K' => 's');
    soon($one, 1, 'block_ended');
    my $copy = $one->dir . '/copy';
    my $got = sub {
        open my $out, '>>', $copy or die $!;
        while (defined $server->recv(my $message, 65536, Socket::MSG_DONTWAIT())) {
            print $out $message =~ s/^<\d+>.*? audit: //r, "\n";
        }
        close $out;
        return read_file($copy) eq read_file(log_of($one));
    };
    ok wait_for($got), 'syslog: the same lines';
    verified('syslog', $copy);
    $one->stop;

    $one = gateway_start(%same, http => $http =~ s{paas_guard_audit \S+;}{paas_guard_audit syslog:server=127.0.0.1:$port,tag=audit;}r);
    statuses($one, 4, 'X-K' => 's');
    my @types;
    ok wait_for(sub {
        while (defined $server->recv(my $message, 65536, Socket::MSG_DONTWAIT())) {
            push @types, $message =~ /^<190>.*? audit: \{.*"type":"(\w+)"/;
        }
        return grep { $_ eq 'block_ended' } @types;
    }, 20), 'syslog alone';
    is "@types[0, 1, 2]", 'chain_started config_changed block_begun', 'syslog alone: the chain';
    $one->stop;
}


# The store

{
    my $redis = redis_start();
    my %shared = (%same, http => $http . 'paas_guard_redis ' . $redis->url . ' timeout=2s connect_timeout=2s;', workers => 3);
    my ($one, $two) = (gateway_start(%shared), gateway_start(%shared));
    ok wait_for(sub { metric($one, 'paas_guard_redis_up') eq '1' && metric($two, 'paas_guard_redis_up') eq '1' }), 'store: there';
    $one->reload;
    sleep 1.2;
    is scalar(of_type($one, 'store_state')), 0, 'store: a start and a reload change nothing';
    statuses($one, 3, 'X-L' => 'both');
    ok wait_for(sub { statuses($two, 1, 'X-L' => 'both') eq '429' }), 'store: a block of the other gateway';
    my ($block) = soon($one, 1, 'block_begun');
    is scalar(of_type($two, 'block_begun')), 0, 'store: is told where it was set';
    $one->request('DELETE', "/admin/api/1/blocks/$block->{event}", {@json}, '{}');
    for ([$one, 'one'], [$two, 'the other']) {
        my ($ended) = soon($_->[0], 1, 'block_ended');
        is_deeply [@$ended{qw(event how)}], [$block->{event}, 'lifted'], "store: its end is told at $_->[1]";
        is $ended->{refused}, ids_of($_->[0], $block->{event}), 'store: with its own refusals';
    }
    $redis->kill;
    my ($lost) = soon($one, 1, 'store_state');
    is_deeply [@$lost{qw(was state)}], ['redis', 'degraded'], 'store: lost';
    like $lost->{why}, qr/^(?:closed the connection|does not (?:accept connections|answer))/, 'store: and why';
    $redis->start;
    my (undef, $back) = soon($one, 2, 'store_state');
    is_deeply [@$back{qw(was state why)}], ['degraded', 'redis', q{}], 'store: back';
    sleep 1;
    is scalar(of_type($one, 'store_state')), 2, 'store: once for a gateway';
    verified('store', log_of($_)) for $one, $two;
    $_->stop for $one, $two;
}


# What is wrong

sub refused {
    my ($directives, $said) = @_;
    my $dir = $ENV{TEST_NGINX_DIR};
    open my $out, '>', "$dir/wrong.conf" or die $!;
    print $out map({ "load_module $_;\n" } split ' ', $ENV{TEST_NGINX_LOAD_MODULES}),
        "pid $dir/wrong.pid;\nerror_log stderr;\nevents {}\n",
        "http { access_log off; paas_guard_zone zone=z:1m; $directives }\n";
    close $out;
    my $text = `$ENV{TEST_NGINX_BINARY} -t -c $dir/wrong.conf 2>&1`;
    if ($said) {
        like $text, qr/\[emerg\].*\Q$said\E/, "refused: $directives";
    } else {
        like $text, qr/test is successful/, "right: $directives" or diag $text;
    }
}

# Who did it: the user whom nginx knows, else who the body says it is

{
    my $indicator = 'paas_guard_indicator paas target=99.9% conditional;';
    my $place = 'location /%s/ { paas_guard off; paas_guard_status write=on; %s }';
    my $one = gateway_start(workers => 1, http => "$http $indicator", conf => 'paas_guard zone=z; paas_guard_sla paas;'
        . sprintf($place, 'admin', '')
        . sprintf($place, 'user', 'auth_basic x; auth_basic_user_file %DIR%/users;'));
    open my $users, '>', $one->dir . '/users' or die "users: $!";
    print $users "op:{PLAIN}secret\n";
    close $users or die "users: $!";
    my @op = (Authorization => 'Basic ' . encode_base64('op:secret', q{}));

    for (['admin', 'body', { who => 'body' }], ['admin', q{}, {}], ['user', 'op', { who => 'body' }, @op], ['user', 'op', {}, @op]) {
        my ($where, $who, $body, @headers) = @$_;
        my $client = sprintf '%032d', ++$n;
        my $answer = $one->request('POST', "/$where/api/1/blocks", {@json, @headers},
            encode_json({ zone => 'z', client => $client, seconds => 60, %$body }));
        is $answer->{status}, 201, "a block at /$where/" or diag $answer->{body};
        my ($action) = soon($one, 1, 'operator_action', client => $client);
        is $action->{who} // q{}, $who, "... was set by '$who'";
    }
    for (['admin', q{}], ['user', 'op', @op]) {
        my ($where, $who, @headers) = @$_;
        is $one->get("/$where/api/1/sla/paas?applicable=no", @headers)->{status}, 200, "a report at /$where/";
        ok soon($one, 1, 'operator_action', what => 'report_not_applicable', who => $who), "... was asked for by '$who'";
    }
    $one->stop;
}

# Another secret, by a reload: what follows can't be verified with what was before

{
    my $one  = gateway_start(%same);
    my $log  = log_of($one);
    my $next = "$ENV{TEST_NGINX_DIR}/next";
    open my $out, '>', $next or die "$next: $!";
    print $out 'another secret, of enough bytes';
    close $out;
    chmod 0600, $next;
    is statuses($one, 3, 'X-L' => 's'), '200 200 429', 'another secret: a block before';
    soon($one, 1, 'block_begun');
    ok $one->configure(%same, http => $http =~ s/\Q$secret/$next/r)->reload, 'another secret: reload';
    ok wait_for(sub { $one->error_log =~ /\[warn\].*"\Q$log\E" holds no line of this gateway and secret: move it away/ }),
        'another secret: is told';
    rename $log, "$log.1" or die $!;
    is statuses($one, 3, 'X-L' => 's'), '200 200 429', 'another secret: a block after';
    ok soon($one, 1, 'block_begun'), 'another secret: is in another file';
    like `$tool verify --secret $next $log`, qr/^intact/, 'another secret: which is intact';
    $one->stop;
}

my $key = "paas_guard_secret_file $secret;";
refused('paas_guard_audit off;', undef);
refused("paas_guard_audit /tmp/x; ", '"paas_guard_audit" needs "paas_guard_secret_file"');
refused("$key paas_guard_audit;", 'invalid number of arguments');
refused("$key paas_guard_audit \"\";", '"paas_guard_audit": invalid parameter "": expected a path');
refused("$key paas_guard_audit /nowhere/at/all;", '"paas_guard_audit": could not open "/nowhere/at/all"');
refused("$key paas_guard_audit $ENV{TEST_NGINX_DIR}/a; paas_guard_audit $ENV{TEST_NGINX_DIR}/b;", 'is duplicate');
refused("$key paas_guard_audit off; paas_guard_audit $ENV{TEST_NGINX_DIR}/b;", 'is duplicate');
refused("$key paas_guard_audit syslog:;", 'syslog');
refused("$key paas_guard_audit syslog:server=127.0.0.1,colour=red;", 'unknown syslog parameter "colour=red"');
refused("$key paas_guard_audit syslog:server=127.0.0.1,severity=loud;", 'unknown syslog severity');
refused("$key paas_guard_audit syslog:tag=x;", 'no syslog server specified');
refused("$key server { paas_guard_audit $ENV{TEST_NGINX_DIR}/a; }", 'directive is not allowed here');
refused("$key paas_guard_audit syslog:server=127.0.0.1; paas_guard_audit $ENV{TEST_NGINX_DIR}/a;", undef);

done_testing;
