# Who works with a body after the guard had it read: all is as without a guard.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use PaasGuard::H2;

my $h2 = free_port();

my $gateway = gateway_start(
    http => <<'_EOC_',
        paas_guard_zone zone=z:1m;
        paas_guard_throttle interval=1h;
        upstream files { server unix:%DIR%/files.sock; }
        server {
            listen unix:%DIR%/files.sock;
            client_max_body_size 8m;
            # is what the gateway has in a file there, as long as it waits?
            if (-f $http_x_file) { return 200 "there\n"; }
            location / { return 200 "not there\n"; }
        }
_EOC_
    conf => <<"_EOC_",
        listen 127.0.0.1:$h2 http2;
        client_max_body_size 8m;
        client_body_buffer_size 16k;
        paas_guard zone=z;
        proxy_set_header X-File \$request_body_file;

        location /dav/ {
            dav_methods PUT DELETE; create_full_put_path on; alias %DIR%/dav/;
            location /dav/own/ { client_body_in_file_only on; alias %DIR%/own/; client_body_temp_path %DIR%/kept-dav; }
            location /dav/off/ { dav_methods off; proxy_pass http://files; }
            location /dav/proxy/ { proxy_pass http://files; }
        }
        location /tried/ { client_body_in_file_only clean; root %DIR%; try_files /none \@dav; }
        location \@dav    { dav_methods PUT; create_full_put_path on; root %DIR%/dav; }
        location /mem/   { proxy_pass http://files; }
        location /kept/  { client_body_in_file_only on; client_body_temp_path %DIR%/kept; proxy_pass http://files; }
        location /clean/ { client_body_in_file_only clean; proxy_pass http://files; }
        location /sign/  { rewrite ^/sign/(.*) /\$http_x_place/\$1 last; }
_EOC_
);

sub slurp { PaasGuard::Gateway::slurp($gateway->dir . "/$_[0]") }

sub put { return $gateway->request('PUT', @_)->{status} }

# Files of bodies that are left: none, but for those that the configuration keeps.
sub left {
    my $where = $gateway->dir . '/' . (shift // 'client_body');
    return scalar(() = glob "$where/*");
}


# DAV

my $serial = 0;

for my $size (1, 100, 4096, 16_384, 900_000, 2_000_000) {
    my $body = substr join('', map { "line $_ of $size\n" } 1 .. 150_000), 0, $size;
    my $name = ++$serial;
    is put("/dav/$name", {}, $body), 201, "DAV: a PUT of $size bytes";
    ok slurp("dav/$name") eq $body, "DAV: $size bytes are stored";
    next if $size > 1_048_576;          # not signed
    is put("/dav/$name", {}, $body), 429, "DAV: $size bytes, a duplicate";
    substr $body, -1, 1, '!';
    is put("/dav/$name", {}, $body), 204, "DAV: $size bytes, others";
    ok slurp("dav/$name") eq $body, "DAV: $size bytes, others are stored";
}

sub chunked {
    my ($path, @chunks) = @_;
    my $raw = $gateway->http("PUT $path HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        . join('', map { sprintf "%x\r\n%s\r\n", length, $_ } @chunks, ''));
    return $raw =~ m{^HTTP/1.1 (\d+)} ? $1 : 0;
}

is put('/dav/empty', { 'Content-Length' => 0 }), 201, 'DAV: an empty PUT';
is slurp('dav/empty'), '', 'DAV: is stored';
is put('/dav/empty', { 'Content-Length' => 0 }), 429, 'DAV: an empty duplicate';
is chunked('/dav/empty'), 429, 'DAV: an empty one in chunks is the same';
is chunked('/dav/none'), 201, 'DAV: an empty PUT in chunks';
ok -e $gateway->dir . '/dav/none' && -z _, 'DAV: is stored, too';

is chunked('/dav/chunks', 'a' x 5000, 'b' x 30_000), 201, 'DAV: a PUT in chunks';
ok slurp('dav/chunks') eq 'a' x 5000 . 'b' x 30_000, 'DAV: is stored whole';
is put('/dav/chunks', {}, 'a' x 5000 . 'b' x 30_000), 429, 'DAV: and the same as one without';

is put('/dav/deep/er/1', {}, 'x'), 201, 'DAV: a path is made';
is put('/dav/deep/', {}, 'x'), 409, 'DAV: its own refusal';
is put('/dav/own/1', {}, 'x'), 201, 'DAV: where bodies are kept in files anyway';
is left('kept-dav'), 0, 'DAV: that one is moved, too';
is put('/tried/1', {}, 'x'), 201, 'DAV: where try_files leads there';
is $gateway->request('DELETE', '/dav/1')->{status}, 204, 'DAV: other methods';
is $gateway->request('POST', '/dav/2', {}, 'x')->{status}, 405, 'DAV: what it has no method for';

{
    my $client = PaasGuard::H2->new(IO::Socket::INET->new(PeerAddr => "127.0.0.1:$h2"));
    $client->headers(1, 0, ':method' => 'PUT', ':scheme' => 'http', ':authority' => 'localhost', ':path' => '/dav/h2');
    $client->data(1, $_, $_ x 10_000) for 0, 1;
    ok $client->next, 'DAV: a PUT over HTTP/2';
    ok slurp('dav/h2') eq '0' x 10_000 . '1' x 10_000, 'DAV: is stored';
}

ok wait_for(sub { left() == 0 }), 'DAV: nothing is left of them';
unlike $gateway->error_log, qr{buffered to a temporary file.*"PUT /dav/}, 'DAV: nor told of in the log';


# In a file it is there while the request runs, and gone after it.

sub found {
    my ($path, $body) = @_;
    my $r = $gateway->request('POST', $path, {}, $body);
    return "$r->{status} $r->{body}";
}

is found('/mem/1', 'x' x 100), "200 not there\n", 'a short body is in no file';
is found('/mem/2', 'x' x 50_000), "200 there\n", 'a long one is in one that has a name';
is found('/clean/1', 'x'), "200 there\n", 'client_body_in_file_only clean: so is a short one';
is $gateway->request('PUT', "/dav/$_/1", {}, 'x')->{body}, "not there\n",
    "dav_methods that is not asked, $_: no file" for qw(off proxy);
ok wait_for(sub { left() == 0 }), 'they go with the request';

is found("/kept/$_->[0]", 'x' x $_->[1]), "200 there\n", "client_body_in_file_only on: $_->[1] bytes" for ['a', 10], ['b', 50_000];
is found('/kept/b', 'x' x 50_000) =~ /^(\d+)/ && $1, 429, 'client_body_in_file_only on: a duplicate';
is join(q{ }, sort map { -s } glob $gateway->dir . '/kept/*'), '10 50000 50000', 'client_body_in_file_only on: they stay';


# The signature is the same wherever the body lies.

my @places = qw(dav mem clean);

for my $size (1, 100, 5000, 50_000) {
    for my $first (@places) {
        my @status = map { put("/sign/$first$size", { 'X-Place' => $_ }, 'y' x $size) } $first, @places;
        is join(q{ }, map { s/20\d/ok/r } @status), 'ok 429 429 429', "$size bytes, $first first: the others are the same";
    }
}

$gateway->stop;
done_testing;
