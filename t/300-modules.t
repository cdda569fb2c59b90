# Beside nginx's own modules: both do their job.  What t/020-refusal.t shows is not repeated.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;

use IO::Select;

my $serial = 0;
my $page = join '', map { "<!--# include virtual=\"/guarded/$_\" -->" } 1 .. 40;

my $gateway = gateway_start(
    http => <<'_EOC_',
        paas_guard_zone zone=z:1m;
        paas_guard_throttle interval=1h;
        paas_guard_hammer_rule user  key=$http_x_user window=1h limit=3 block=1h;
        paas_guard_hammer_rule from  key=$binary_remote_addr window=1h limit=3 block=1h;
        paas_guard_hammer_rule login key=$binary_remote_addr window=1h limit=2 block=1h
                                     count=status:401 reason=lockout;
        log_format t '$request_uri $status $paas_guard_verdict $paas_guard_sla $upstream_cache_status';
        access_log %DIR%/access.log t;
        proxy_cache_path %DIR%/cache keys_zone=c:1m;
        limit_req_zone all zone=slow:1m rate=30r/m;
        limit_conn_zone all zone=one:1m;
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Forwarded-For;
        ssi_min_file_chunk 1;

        upstream backend { server unix:%DIR%/backend.sock; }
        server {
            listen unix:%DIR%/backend.sock;
            access_log %DIR%/upstream.log t;
            location / { add_header Cache-Control max-age=600; return 200 "$request_uri\n"; }
            location /allowed { return 204; }
        }
_EOC_
    conf => <<'_EOC_',
        paas_guard zone=z;
        paas_guard_hammer user;

        location /auth/  { auth_request /ask; proxy_pass http://backend; }
        location = /ask  { internal; proxy_pass http://backend/allowed$request_uri; proxy_pass_request_body off;
                           proxy_set_header Content-Length ""; }
        location /basic/ { paas_guard_hammer login; auth_basic realm; auth_basic_user_file %DIR%/users;
                           proxy_pass http://backend; }
        location /from/  { paas_guard_hammer from; proxy_pass http://backend; }
        location /mirrored/ { mirror /copy; proxy_pass http://backend; }
        location = /copy { internal; proxy_pass http://backend/copy$request_uri; }
        location /cached/ { proxy_cache c; proxy_cache_key $uri; proxy_pass http://backend; }
        location /delayed/ { limit_req zone=slow burst=9; proxy_pass http://backend; }
        location /held/  { paas_guard_signature_body off; limit_conn one 1; proxy_pass http://backend; }
        location /page/  { ssi on; root %DIR%; }
        location /guarded/ { proxy_pass http://backend; }
        location /if/    { if ($arg_x) { set $y 1; } proxy_pass http://backend; }
        location /old/   { paas_guard_service old; paas_guard_hammer off; rewrite ^/old/(.*) /new/$1 last; }
        location /new/   { paas_guard_service new; proxy_pass http://backend; }
        location /tried/ { root %DIR%; try_files $uri /tried/none.html @tried; }
        location @tried  { proxy_pass http://backend; }
        location /own/   { error_page 429 = @own; proxy_pass http://backend; }
        location @own    { internal; rewrite ^ /sorry break; proxy_pass http://backend; }
        location = /metrics { paas_guard off; paas_guard_metrics; }
_EOC_
);

sub file {
    my ($name, $text) = @_;
    mkdir $gateway->dir . "/$1" if $name =~ m{^(.*)/};
    open my $out, '>', $gateway->dir . "/$name" or die "$name: $!";
    print $out $text;
}

file('users', "me:{PLAIN}secret\n");
file('page/1.html', $page);
file('page/2.html', $page);
file('page/3.html', $page);
file('page/4.html', $page);

# The answers' statuses to paths, all with these headers.
sub statuses {
    my ($paths, %headers) = @_;
    return join q{ }, map { $gateway->get($_, %headers)->{status} } @$paths;
}

sub passed {
    my $service = shift // 'default';
    my ($n) = $gateway->get('/metrics')->{body}
        =~ /^paas_guard_requests_total\{zone="z",service="$service",verdict="passed"\} (\d+)$/m;
    return $n;
}

# How often the upstream was asked for it.
sub asked {
    my ($what) = @_;
    my $log = PaasGuard::Gateway::slurp($gateway->dir . '/upstream.log');
    return scalar(() = $log =~ /^\Q$what\E /mg);
}


# auth_request: whom the guard refuses is not asked about

is statuses([map { ('/auth/1') x 3 } 1]), '200 429 429', 'auth_request: a duplicate is refused';
is statuses([map { "/auth/u$_" } 1 .. 5], 'X-User' => 'auth'), '200 200 200 429 429',
    'auth_request: a client is blocked';
ok wait_for(sub { asked('/auth/u3') }), 'auth_request: the upstream has logged';
is join(q{ }, map { asked("/allowed/auth/$_") } qw(1 u1 u2 u3 u4 u5)), '1 1 1 1 0 0',
    'auth_request: asks once for each that the guard passed';


# auth_basic: what it refuses counts, and who fails too often may not even guess right

my $right = 'Basic bWU6c2VjcmV0';
is statuses(['/basic/1', '/basic/2'], 'X-Forwarded-For' => '192.0.2.1'), '401 401', 'auth_basic: no password';
is statuses(['/basic/3'], Authorization => $right, 'X-Forwarded-For' => '192.0.2.1'), '200',
    'auth_basic: within the limit, the right one passes';
is statuses(['/basic/4'], Authorization => 'Basic bWU6d3Jvbmc=', 'X-Forwarded-For' => '192.0.2.1'), '401',
    'auth_basic: a wrong one too many';
ok wait_for(sub {
    my $r = $gateway->get('/basic/' . ++$serial, Authorization => $right, 'X-Forwarded-For' => '192.0.2.1');
    return $r->{status} == 429 && $r->{headers}{'paas-guard'} =~ /reason=auth_lockout; .*sla=good/;
}), 'auth_basic: then all are locked out';
is statuses(['/basic/5'], Authorization => $right, 'X-Forwarded-For' => '192.0.2.2'), '200',
    'auth_basic: but from another address';


# realip: addresses count as the clients', and only a trusted proxy can tell them

is statuses([map { "/from/a$_" } 1 .. 4], 'X-Forwarded-For' => '192.0.2.11'), '200 200 200 429',
    'realip: one address is blocked';
is statuses([map { "/from/b$_" } 1 .. 4], 'X-Forwarded-For' => '192.0.2.12'), '200 200 200 429',
    'realip: another counts for itself';
is statuses([map { "/from/c$_" } 1 .. 4], 'X-Forwarded-For' => '192.0.2.13, 198.51.100.1'), '200 200 200 429',
    'realip: the last that no trusted proxy has';
is statuses(['/from/d'], 'X-Forwarded-For' => '192.0.2.14, 198.51.100.1'), '429',
    'realip: what a client has made up before it changes nothing';


# mirror: a copy is not judged, and there is none of what was refused

is statuses([('/mirrored/1') x 3]), '200 429 429', 'mirror: a duplicate is refused';
is statuses([map { "/mirrored/u$_" } 1 .. 5], 'X-User' => 'mirror'), '200 200 200 429 429',
    'mirror: copies do not count';
ok wait_for(sub { asked('/copy/mirrored/u3') }), 'mirror: copies what passed';
is join(q{ }, map { asked("/copy/mirrored/$_") } qw(1 u1 u2 u3 u4 u5)), '1 1 1 1 0 0',
    'mirror: once, and nothing else';


# proxy_cache: also what the upstream is not asked for is a request

is statuses(['/cached/1', '/cached/1?2', '/cached/1?2']), '200 200 429', 'proxy_cache: a cached answer is throttled';
is statuses([map { "/cached/1?u$_" } 1 .. 4], 'X-User' => 'cache'), '200 200 200 429',
    'proxy_cache: a blocked client gets none';
ok wait_for(sub { $gateway->access_log =~ m{/cached/1\?u4} }), 'proxy_cache: logged';
is join(q{, }, $gateway->access_log =~ m{^/cached/1\?\S+ (\d+ \w+ \w+ \S+)$}mg),
    '200 passed good HIT, 429 throttled excluded -, ' . '200 passed good HIT, ' x 3
    . '429 blocked excluded -', 'proxy_cache: what it had is good';
is asked('/cached/1') + asked('/cached/1?2'), 1, 'proxy_cache: the upstream was asked once';


# limit_req: who waits there was admitted, so the same again is a duplicate at once

{
    $gateway->get('/delayed/1');
    my $late = $gateway->connect;
    my $n = passed();
    print $late "GET /delayed/3 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    ok wait_for(sub { passed() > $n }), 'limit_req: one has to wait';
    is statuses(['/delayed/3']), 429, 'limit_req: a duplicate of one that waits';
    ok !IO::Select->new($late)->can_read(0), 'limit_req: which it still does';
    is +(join '', <$late>) =~ m{^HTTP/1.1 (\d+)} ? $1 : 0, 200, 'limit_req: that is answered in its turn';
}


# limit_conn: what the guard refuses needs no place there

{
    my $held = $gateway->connect;
    print $held "POST /held/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nX-User: held\r\n\r\nbo";
    my $n = 0;
    ok wait_for(sub { $gateway->get('/held/n' . ++$n)->{status} == 503 }), 'limit_conn: the one place is taken';
    is statuses(["/held/n$n"]), '429', 'limit_conn: a duplicate of one that found none is a duplicate';
    close $held;
}


# SSI: a page is one request, however much it includes

is statuses([map { "/page/$_.html" } 1 .. 4], 'X-User' => 'ssi'), '200 200 200 429', 'SSI: a page counts once';
my $before = passed();
my $r = $gateway->get('/page/1.html?again');
is scalar(() = $r->{raw} =~ m{/guarded/\d+\n}g), 40, 'SSI: all of it is there';
is passed() - $before, 1,
    'SSI: one was judged';
is statuses(['/guarded/1']), '200', 'SSI: what was included is not yet known by itself';


# rewrite, try_files, error_page

is statuses(['/if/?x=1', '/if/?x=1', '/if/']), '200 429 200', 'rewrite: an if in the location';
$before = passed('new');
is statuses([map { "/old/$_" } 1 .. 4], 'X-User' => 'rewrite'), '200 200 200 429',
    'rewrite: judged where it led to';
is passed('new') - $before, 3,
    'rewrite: as a request of that service';
is statuses(['/new/1']), '200', 'rewrite: identical is what was sent, not what became of it';

is statuses([map { "/tried/$_" } 1 .. 4], 'X-User' => 'tried'), '200 200 200 429', 'try_files: counts once';

$r = [map { $gateway->get('/own/1') } 1 .. 2]->[1];
is "$r->{status} $r->{body}", "200 /sorry\n", 'error_page: an answer of another upstream';
like $r->{headers}{'paas-guard'}, qr/^throttled; reason=duplicate_throttled; sla=excluded/,
    'error_page: still says why';
is $r->{headers}{'retry-after'}, 3600, 'error_page: and until when';

$gateway->stop;
done_testing;
