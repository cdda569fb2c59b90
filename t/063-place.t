# Which location a request is counted for that did not come to the guard, or came there late.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;

plan 'no_plan';

my $gateway = gateway_start(http => <<'_EOC_', conf => <<'_EOC_2_');
    paas_guard_zone zone=z:1m;
    paas_guard_throttle interval=1h;
    paas_guard_indicator here  target=99.9%;
    paas_guard_indicator there target=99.9%;
    log_format place '$request_uri $status $paas_guard_verdict $paas_guard_sla $paas_guard_indicators $paas_guard_service';
    access_log %DIR%/place.log place;
    proxy_cache_path %DIR%/cache keys_zone=c:1m;
    upstream backend { server unix:%DIR%/backend.sock; }
    upstream nobody { server unix:%DIR%/nobody.sock; }
    server {
        listen unix:%DIR%/backend.sock;
        access_log off;
        location / { return 200 "backend\n"; }
    }
    server {
        listen unix:%DIR%/page.sock;
        paas_guard zone=z;
        paas_guard_sla here;
        error_page 503 /50x.html;
        location = /50x.html { paas_guard off; return 200 sorry; }
        location /           { return 503; }
    }
    server {
        listen unix:%DIR%/down.sock;
        paas_guard zone=z;
        paas_guard_sla there;
        paas_guard_service theirs;
        error_page 503 /50x.html;
        if ($arg_down = all) { return 503; }
        location = /50x.html { paas_guard off; return 200 sorry; }
        location /other/     { paas_guard_sla here; paas_guard_service ours; proxy_pass http://backend; }
    }
_EOC_
    paas_guard zone=z;
    paas_guard_sla here;
    paas_guard_service ours;
    error_page 404 502 503 /50x.html;
    location = /50x.html { return 200 sorry; }
    location /           { proxy_pass http://backend; }
    location /off/       { paas_guard off; proxy_pass http://nobody; }
    location /missing/   { paas_guard off; root %DIR%; }
    location /other/     { paas_guard_sla there; paas_guard_service theirs; return 503; }
    location /rewritten/ { paas_guard off; rewrite ^ /other/$request_uri last; }
    location /page/      { proxy_pass http://unix:%DIR%/page.sock; }
    location /down/      { paas_guard off; proxy_pass http://unix:%DIR%/down.sock:/other/; }
    location /fallback/  { paas_guard off; proxy_pass http://nobody; error_page 502 = @back; }
    location @back       { proxy_pass http://backend; }
    location /again/     { paas_guard off; proxy_pass http://nobody; error_page 502 = @nobody; }
    location @nobody     { proxy_pass http://nobody; }
    location /cached/    { proxy_pass http://nobody; error_page 502 = @cache; }
    location @cache      { proxy_pass http://backend; proxy_cache c; proxy_cache_key k; proxy_cache_valid 200 1h; }
    location /metrics    { paas_guard off; paas_guard_metrics; access_log off; }
_EOC_2_

# What is in the access log for a target, of its n-th request.
sub logged {
    my ($target, $n) = @_;
    my @lines = $gateway->logged('place.log', $target, $n);
    return $lines[$n - 1] =~ s/^\S+ //r;
}

sub counts {
    my ($g, $indicator) = @_;
    my $all = $g->get('/metrics')->{body};
    return join ' ', map {
        $all =~ /^paas_guard_sla_requests_total\{(?=[^}]*indicator="$indicator")(?=[^}]*class="$_")[^}]*\} (\d+)/m ? $1 : 0
    } qw(good failed excluded ignored);
}


# The page of an error belongs to the location that it came from

$gateway->get('/off/1');
is logged('/off/1', 1), '502 - - - -', 'a location without the guard, the page with it';

$gateway->get('/missing/1');
is logged('/missing/1', 1), '404 - - - -', 'so with 404';

$gateway->get('/other/1');
is logged('/other/1', 1), '503 - failed there theirs', 'a location of another indicator';

$gateway->get('/rewritten/1');
is logged('/rewritten/1', 1), '503 - failed there theirs', 'the one that it was rewritten to';

is counts($gateway, 'here'), '0 0 0 0', 'nothing is counted for the page\'s';
is counts($gateway, 'there'), '0 2 0 0', 'but for its own';

$gateway->get('/page/1');
is logged('/page/1', 1), '503 - failed here default', 'a location with the guard, the page without it';
is logged('/page/1', 2), '503 passed failed here ours', 'it is an upstream here';
is counts($gateway, 'here'), '0 2 0 0', 'both are counted';


# What its server answers before it has a location belongs to the server, whose page has no guard

$gateway->get('/down/1?down=all');
is logged('/other/1?down=all', 1), '503 - failed there theirs', 'the whole server is down';
is counts($gateway, 'there'), '0 3 0 0', 'it is counted for the server\'s indicator';
is counts($gateway, 'here'), '0 2 0 0', 'and for no other';


# A fallback of what failed without the guard is not throttled

for my $n (1, 2) {
    is $gateway->get('/fallback/1')->{status}, 200, "a fallback with the guard: $n";
    is logged('/fallback/1', $n), '200 - good here ours', "is not guarded: $n";

    is $gateway->get('/again/1')->{status}, 502, "a fallback that fails: $n";
    is logged('/again/1', $n), '502 - failed here ours', "hides nothing: $n";
}


# What a cache answers for an upstream that failed

for my $n (1, 2) {
    $gateway->get("/cached/$n");
    is logged("/cached/$n", 1), '200 passed good here ours', $n == 1 ? 'another upstream' : 'its cache';
}

$gateway->stop(allow => qr/connect\(\) to unix|open\(\) "/);


# Without a zone nothing is noted, nor what another variable holds taken for it: $uid_reset is the first that nginx has

my $set = 'set $uid_reset ' . 'x' x 999 . ';';

$gateway = gateway_start(http => <<'_EOC_', conf => "$set error_page 404 /none; location / { try_files /none =404; }");
    log_format place '$request_uri $status $paas_guard_sla $paas_guard_indicators $paas_guard_service';
    access_log %DIR%/place.log place;
_EOC_

is $gateway->get('/1')->{status}, 404, 'no zone';
is logged('/1', 1), '404 - - -', 'no place';
$gateway->stop;
