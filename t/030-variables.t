# Variables, digests, the class of a request, and the error log's lines.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;

use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(sha256_hex hmac_sha256_hex);

plan 'no_plan';

my @names = qw(verdict reason sla rule service credential client_id signature event_id
    retry_after store);

my $http = <<"_EOC_";
    lingering_timeout 100ms;
    paas_guard_zone zone=z:2m;
    paas_guard_zone zone=y:2m;
    paas_guard_throttle interval=1h;
    paas_guard_hammer_rule flood key=\$http_x_k window=60s limit=1 block=60s;
    paas_guard_hammer_rule login key=\$http_x_k window=60s limit=1 count=status:401 reason=lockout block=60s;
    paas_guard_session_cookie sid;
    log_format vars '\$request_uri @{[ join ' ', '$status', map { "\$paas_guard_$_" } @names ]}';
    access_log %DIR%/vars.log vars;
    upstream backend { server unix:%DIR%/backend.sock; }
    upstream nobody { server unix:%DIR%/nobody.sock; }
    upstream silent { server unix:%DIR%/silent.sock; }
    server {
        listen unix:%DIR%/backend.sock;
        access_log off;
        location / { return 200 "backend\\n"; }
        location /401 { return 401; }
        location /404 { return 404; }
        location /500 { return 500; }
        location /503 { return 503; }
    }
_EOC_

my $conf = <<'_EOC_';
    location /t/       { paas_guard zone=z; proxy_pass http://backend; }
    location /y/       { paas_guard zone=y; proxy_pass http://backend; }
    location /service/ { paas_guard zone=z; paas_guard_service vm-api; paas_guard_hammer flood; proxy_pass http://backend; }
    location /bare/    { proxy_pass http://backend; }
    location /off/     { paas_guard off; proxy_pass http://backend; }
    location /exempt/  { paas_guard zone=z; paas_guard_exempt 1; proxy_pass http://backend; }
    location /exempt502/ { paas_guard zone=z; paas_guard_exempt 1; proxy_pass http://nobody; }
    location /unsigned/ { paas_guard zone=z; paas_guard_throttle off; proxy_pass http://backend; }
    location /nobody-known/ { paas_guard zone=z; paas_guard_client $http_x_nobody; proxy_pass http://backend; }
    location /tenant/  { paas_guard zone=z; paas_guard_client $http_x_tenant; proxy_pass http://backend; }
    location /login/   { paas_guard zone=z; paas_guard_hammer login; proxy_pass http://backend/401; }
    location /dry/     { paas_guard zone=z; paas_guard_dry_run on; paas_guard_hammer flood; proxy_pass http://backend; }
    location /dry500/  { paas_guard zone=z; paas_guard_dry_run on; proxy_pass http://backend/500; }
    location /s404/    { paas_guard zone=z; proxy_pass http://backend/404; }
    location /s500/    { paas_guard zone=z; proxy_pass http://backend/500; }
    location /s503/    { paas_guard zone=z; proxy_pass http://backend/503; }
    location /s502/    { paas_guard zone=z; proxy_pass http://nobody; }
    location /masked/  { paas_guard zone=z; error_page 502 =200 /sorry; proxy_pass http://nobody; }
    location /helped/  { paas_guard zone=z; error_page 502 =200 @helper; proxy_pass http://nobody; }
    location = /sorry  { return 200 "sorry"; }
    location @helper   { proxy_pass http://backend; }
    location /s504/    { paas_guard zone=z; proxy_pass http://silent; proxy_read_timeout 50ms; }
    location /wait/    { paas_guard zone=z; proxy_pass http://silent; proxy_read_timeout 60s; }
    location /hidden/  { paas_guard zone=z; proxy_pass http://backend/500; proxy_intercept_errors on; error_page 500 /t/sorry; }

    location /lv-info/   { paas_guard zone=z; paas_guard_log_level info;   paas_guard_hammer flood; proxy_pass http://backend; }
    location /lv-notice/ { paas_guard zone=z; paas_guard_log_level notice; paas_guard_hammer flood; proxy_pass http://backend; }
    location /lv-warn/   { paas_guard zone=z;                              paas_guard_hammer flood; proxy_pass http://backend; }
    location /lv-error/  { paas_guard zone=z; paas_guard_log_level error;  paas_guard_hammer flood; proxy_pass http://backend; }
_EOC_

my $gateway = gateway_start(http => $http, conf => $conf);
my $cases   = 0;

# An upstream that takes requests and says nothing.
my $silent = IO::Socket::UNIX->new(Local => $gateway->dir . '/silent.sock', Listen => 10)
    or die "silent: $!";
chmod 0777, $gateway->dir . '/silent.sock';

sub fresh { return shift() . ++$cases . '-' }

# The access log's n-th line for a target, as a hash.
sub logged {
    my ($g, $target, $n) = @_;
    my @lines = $g->logged('vars.log', $target, $n);
    my %f;
    @f{'uri', 'status', @names} = split ' ', $lines[$n - 1] // '';
    return \%f;
}

# One request, and its variables.
sub ask {
    my ($target, %headers) = @_;
    my $g = delete $headers{gateway} // $gateway;
    $g->get($target, %headers);
    return logged($g, $target, 1);
}

my $id    = qr/^[0-9a-f]{32}\z/;
my $event = qr/^[0-9a-f]{24}\z/;


# Each variable

{
    my $t = fresh('/t/');
    $gateway->get($t) for 1 .. 2;
    my ($passed, $throttled) = map { logged($gateway, $t, $_) } 1, 2;

    is $passed->{verdict}, 'passed', 'passed: verdict';
    is $passed->{sla}, 'good', 'passed: sla';
    is $passed->{service}, 'default', 'passed: service';
    is $passed->{store}, 'local', 'passed: store';
    is $passed->{credential}, '-', 'passed: no credential';
    like $passed->{client_id}, $id, 'passed: client_id';
    like $passed->{signature}, $id, 'passed: signature';
    is $passed->{$_}, '-', "passed: no $_" for qw(reason rule event_id retry_after);

    is $throttled->{status}, 429, 'throttled: status';
    is $throttled->{verdict}, 'throttled', 'throttled: verdict';
    is $throttled->{reason}, 'duplicate_throttled', 'throttled: reason';
    is $throttled->{sla}, 'excluded', 'throttled: sla';
    is $throttled->{rule}, '-', 'throttled: no rule';
    is $throttled->{store}, 'local', 'throttled: store';
    like $throttled->{event_id}, $event, 'throttled: event_id';
    like $throttled->{retry_after}, qr/^3(?:600|5\d\d)\z/, 'throttled: retry_after';
    is $throttled->{client_id}, $passed->{client_id}, 'throttled: the same client_id';
    is $throttled->{signature}, $passed->{signature}, 'throttled: the same signature';
}

{
    my %k = ('X-K' => ++$cases, 'X-API-Key' => 'key');
    my @f = map { ask(fresh('/service/'), %k) } 1 .. 3;
    is join(' ', map { $_->{verdict} } @f), 'passed blocked blocked', 'blocked: verdicts';

    for (@f[1, 2]) {
        is $_->{status}, 429, 'blocked: status';
        is $_->{reason}, 'hammering_blocked', 'blocked: reason';
        is $_->{sla}, 'excluded', 'blocked: sla';
        is $_->{rule}, 'flood', 'blocked: rule';
        is $_->{service}, 'vm-api', 'blocked: service';
        is $_->{store}, 'local', 'blocked: store';
        like $_->{event_id}, $event, 'blocked: event_id';
        like $_->{retry_after}, qr/^(?:60|5\d|4\d)\z/, 'blocked: retry_after';
        is $_->{client_id}, $f[0]{client_id}, 'blocked: client_id';
        is $_->{credential}, $f[0]{credential}, 'blocked: credential';
    }
    is $f[2]{signature}, '-', 'blocked: not even signed';
    isnt $f[1]{event_id}, $f[2]{event_id}, 'blocked: an event_id of its own';
}

for my $place ('/bare/', '/off/') {
    my $f = ask(fresh($place));
    is $f->{status}, 200, "$place: passed";
    is $f->{$_}, '-', "$place: no $_" for grep { $_ ne 'store' } @names;
    is ask(fresh($place), 'X-API-Key' => 'key')->{credential},
        ask(fresh('/t/'), 'X-API-Key' => 'key')->{credential},
        "$place: the credential's digest is that of guarded places";
}

{
    my $f = ask(fresh('/exempt/'));
    is $f->{verdict}, 'exempt', 'exempt: verdict';
    is $f->{sla}, 'good', 'exempt: sla';
    is $f->{$_}, '-', "exempt: no $_" for qw(reason rule event_id retry_after signature);

    $f = ask(fresh('/unsigned/'));
    is $f->{verdict}, 'passed', 'throttle off: verdict';
    is $f->{signature}, '-', 'throttle off: no signature';
    like $f->{client_id}, $id, 'throttle off: client_id';

    is ask(fresh('/nobody-known/'))->{client_id}, '-', 'empty client: no client_id';
}

{
    my ($k, $t) = (++$cases, fresh('/dry/'));
    $gateway->get($t) for 1 .. 2;
    my $f = logged($gateway, $t, 2);
    is "@$f{qw(status verdict reason sla)}", '200 throttled_dry_run duplicate_throttled good',
        'dry run: throttled';
    like $f->{event_id}, $event, 'dry run: event_id';
    like $f->{retry_after}, qr/^3(?:600|5\d\d)\z/, 'dry run: retry_after';

    ask(fresh('/dry/'), 'X-K' => $k);
    $f = ask(fresh('/dry/'), 'X-K' => $k);
    is "@$f{qw(status verdict reason rule sla)}", '200 blocked_dry_run hammering_blocked flood good',
        'dry run: blocked';
}

{
    my @f = map { ask(fresh('/t/')) } 1, 2;
    isnt $f[0]{signature}, $f[1]{signature}, 'signature: another target';
    my %seen;
    my $t = fresh('/t/');
    $gateway->get($t) for 1 .. 20;
    $seen{ logged($gateway, $t, $_)->{event_id} }++ for 2 .. 20;
    is scalar(keys %seen), 19, 'event_id: never twice';
}


# Digests

my %credential = (
    'AWS4 key id' => [Authorization => 'AWS4-HMAC-SHA256 Credential=secret/20261122/r/s/t, SignedHeaders=host, Signature=1', 'secret'],
    'Bearer'      => [Authorization => 'Bearer secret', 'secret'],
    'Basic'       => [Authorization => 'Basic secret', 'secret'],
    'X-API-Key'   => ['X-API-Key' => 'secret', 'secret'],
    'cookie'      => [Cookie => 'a=b; sid=secret', 'secret'],
);

{
    my %digest;
    for (sort keys %credential) {
        my ($name, $value, $plain) = @{ $credential{$_} };
        my $f = ask(fresh('/t/'), $name => $value);
        like $f->{credential}, $id, "digest of $_: 32 hex digits";
        push @{ $digest{ $f->{credential} } }, $_;

        for my $text ($plain, $value, "1$plain", "\1$plain", "\2$plain", "\3$plain", "\4$plain", "\5$plain") {
            unlike sha256_hex($text), qr/\Q$f->{credential}\E/, "digest of $_: no plain SHA-256";
            isnt md5_hex($text), $f->{credential}, "digest of $_: no plain MD5";
        }
        is ask(fresh('/t/'), $name => $value)->{credential}, $f->{credential}, "digest of $_: stays";
    }
    is scalar(keys %digest), 5, 'digests differ by the kind of credential';

    is ask(fresh('/t/'), Authorization =>
            'OSC4-HMAC-SHA256 Credential=secret/20261123/other, SignedHeaders=x, Signature=2')->{credential},
        ask(fresh('/t/'), @{ $credential{'AWS4 key id'} }[0, 1])->{credential},
        'digest of a key id: that of AWS4 is that of OSC4, whatever follows it';
    is ask(fresh('/t/'), Cookie => 'sid2=secret')->{credential}, '-', 'digest: of another cookie, none';
    is ask(fresh('/t/'), Authorization => 'Digest secret')->{credential}, '-',
        'digest: of another scheme, none';
}

{
    my $f = ask(fresh('/t/'));
    my $other = ask(fresh('/t/'), 'X-API-Key' => 'key');
    isnt $other->{client_id}, $f->{client_id}, 'client_id: differs by credential';
    isnt $other->{client_id}, $other->{credential}, 'client_id: not the credential\'s digest';

    my ($x, $y) = map { ask(fresh('/tenant/'), 'X-Tenant' => $_)->{client_id} } qw(acme acmf);
    isnt $x, $y, 'client_id: differs by paas_guard_client';
    unlike sha256_hex('acme'), qr/\Q$x\E/, 'client_id: no plain SHA-256';
    isnt md5_hex('acme'), $x, 'client_id: no plain MD5';

    # random secrets, one for each zone
    isnt ask(fresh('/y/'))->{client_id}, $f->{client_id}, 'client_id: of each zone its own, no secret file';

    ok $gateway->reload, 'reload';
    is ask(fresh('/t/'))->{client_id}, $f->{client_id}, 'client_id: the same after a reload';
    is ask(fresh('/t/'), 'X-API-Key' => 'key')->{credential}, $other->{credential},
        'credential: the same after a reload';
}

{
    my $secret = secret_file();
    my %with = (http => "$http paas_guard_secret_file $secret;", conf => $conf);
    my ($one, $two) = map { gateway_start(%with) } 1, 2;
    my @f = map { ask('/t/same', gateway => $_, 'X-API-Key' => 'key') } $one, $two;

    is $f[0]{$_}, $f[1]{$_}, "$_: the same on two gateways with one secret file"
        for qw(client_id credential);

    my $z = ask('/y/same', gateway => $one, 'X-API-Key' => 'key');
    is $z->{$_}, $f[0]{$_}, "$_: the same in two zones with one secret file" for qw(client_id credential);

    isnt $f[0]{client_id}, ask(fresh('/t/'), 'X-API-Key' => 'key')->{client_id},
        'client_id: another without that file';

    $two->stop;
    $two->start;
    is ask('/t/again', gateway => $two, 'X-API-Key' => 'key')->{client_id}, $f[0]{client_id},
        'client_id: the same after a restart with a secret file';

    # as long a secret, with or without the line feed that an editor adds
    open my $in, '<', $secret or die $!;
    chomp(my $text = <$in>);
    my $chomped = "$secret.chomped";
    open my $out, '>', $chomped or die $!;
    print $out $text;
    close $out;
    my $three = gateway_start(%with, http => "$http paas_guard_secret_file $chomped;");
    is ask('/t/same', gateway => $three, 'X-API-Key' => 'key')->{client_id}, $f[0]{client_id},
        'client_id: a line feed at the end of the secret file does not count';

    # HMAC of the value as it is would tie the digest to the secret alone
    isnt substr(hmac_sha256_hex('key', $text), 0, 32), $f[0]{credential},
        'credential: not keyed with the secret itself';
    $_->stop for $one, $two, $three;
}


# The class

for (['/t/', 200, 'good'], ['/s404/', 404, 'good'], ['/s500/', 500, 'failed'], ['/s502/', 502, 'failed'],
    ['/masked/', 200, 'failed'], ['/helped/', 200, 'good'],
     ['/s503/', 503, 'failed'], ['/s504/', 504, 'failed'], ['/hidden/', 500, 'failed'],
     ['/exempt/', 200, 'good'], ['/exempt502/', 502, 'failed'])
{
    my ($place, $status, $class) = @$_;
    my $f = ask(fresh($place));
    is "@$f{qw(status sla reason)}", "$status $class -", "class of $status, $place";
}

{
    my $t = fresh('/s500/');
    $gateway->get($t) for 1 .. 2;
    is logged($gateway, $t, 2)->{sla}, 'excluded', 'class: a duplicate of a request that failed';

    $t = fresh('/dry500/');
    $gateway->get($t) for 1 .. 2;
    my $f = logged($gateway, $t, 2);
    is "@$f{qw(verdict sla)}", 'throttled_dry_run failed', 'class: a dry run hides no failure';

    my %k = ('X-K' => ++$cases);
    my @f = map { ask(fresh('/login/'), %k) } 1 .. 3;
    is join(' ', map { "$_->{status}:$_->{verdict}:$_->{sla}" } @f),
        '401:passed:good 401:passed:good 429:blocked:good', 'class: auth_lockout is good';
    is "@{$f[2]}{qw(reason rule)}", 'auth_lockout login', 'lockout: reason and rule';
}

{
    my $t = fresh('/wait/');
    my $socket = $gateway->connect;
    print $socket "GET $t HTTP/1.1\r\nHost: localhost\r\n\r\n";
    my $taken;
    ok wait_for(sub {
        # connections of /s504/ are still in the queue
        while ($silent->blocking(0), my $c = $silent->accept) {
            $c->blocking(1);
            sysread $c, my $request, 4096;
            $taken = $c, return 1 if ($request // '') =~ /\Q$t\E/;
        }
        return 0;
    }), 'abort: the upstream has the request';
    close $socket;
    my $f = logged($gateway, $t, 1);
    is "@$f{qw(status verdict sla)}", '499 passed ignored', 'class: a client\'s abort is ignored';
}

# What nginx refuses before any guard, in a server that is guarded as a whole
{
    my $whole = gateway_start(http => $http, conf => <<'    _EOC_');
        paas_guard zone=z;
        large_client_header_buffers 4 1k;
        client_max_body_size 10;
        location / { proxy_pass http://backend; }
        location /maintenance { return 503; }
        location /return { return 200 "text"; }
    _EOC_

    for (["GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, 'ignored', 'malformed Host'],
         ["GET / HTTP/1.1\r\n\r\n", 400, 'ignored', 'no Host'],
         ["GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400, 'ignored', 'malformed length'],
         ["GET /" . 'x' x 2000 . " HTTP/1.1\r\nHost: a\r\n\r\n", 414, 'ignored', 'target too long'],
         ["POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 11\r\n\r\n", 413, 'ignored', 'body too large'],
         ["GET /maintenance HTTP/1.0\r\n\r\n", 503, 'failed', 'return 503'],
         ["GET /return HTTP/1.0\r\n\r\n", 200, 'good', 'return 200'])
    {
        my ($raw, $status, $class, $name) = @$_;
        my $log  = $whole->dir . '/vars.log';
        my $size = -s $log // 0;
        $whole->http($raw);
        wait_for(sub { -s $log > $size });
        my %f;
        @f{'uri', 'status', @names} = split ' ', substr PaasGuard::Gateway::slurp($log), $size;
        is "@f{qw(status verdict reason sla)}", "$status - - $class", "class: $name";
    }
    $whole->stop;
}


# The error log: one line for the first of a burst

sub lines_of {
    my ($id) = @_;
    return grep { /paas_guard: refused/ && /client $id,/ } split /\n/, $gateway->error_log;
}

for my $level (qw(info notice warn error)) {
    my $place = "/lv-$level/";
    my $t = fresh($place);
    my %who = ('X-API-Key' => "log-$level");
    $gateway->get($t, %who) for 1 .. 20;
    my $f = logged($gateway, $t, 20);

    my $first = logged($gateway, $t, 2);
    my @lines = lines_of($f->{client_id});
    is scalar(@lines), 1, "log, $level: one line for 19 refusals";
    like $lines[0] // '', qr/\[$level\] \d+#\d+: \*\d+ paas_guard: refused, reason duplicate_throttled, client $f->{client_id}, service "default", rule "", zone "z", event $first->{event_id}, client: 127\.0\.0\.1, /,
        "log, $level: the line, with the event of the first";

    # another reason is another burst
    $gateway->get(fresh($place), %who, 'X-K' => "log-$level") for 1 .. 10;
    @lines = lines_of($f->{client_id});
    is scalar(@lines), 2, "log, $level: one line more for 9 refusals by a rule";
    like $lines[1] // '', qr/\[$level\] \d+#\d+: \*\d+ paas_guard: refused, reason hammering_blocked, client $f->{client_id}, service "default", rule "flood", zone "z", event [0-9a-f]{24}, /,
        "log, $level: the line of a block";
}

{
    my $t = fresh('/dry/');
    my %who = ('X-API-Key' => 'log-dry');
    $gateway->get($t, %who) for 1 .. 3;
    my @lines = lines_of(logged($gateway, $t, 3)->{client_id});
    is scalar(@lines), 1, 'log, dry run: one line';
    like $lines[0] // '', qr/paas_guard: refused \(dry run\), reason duplicate_throttled, /,
        'log, dry run: says so';

    unlike $gateway->error_log, qr/paas_guard.*(?:log-warn|secret)/, 'log: no credential in its own lines';
}


$gateway->stop(allow => qr/connect\(\) to unix/);
