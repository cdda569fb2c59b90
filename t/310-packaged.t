# Beside modules that Debian packages: headers-more, Lua, and, where it is there, Perl.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;

my $modules = '/usr/lib/nginx/modules';
my ($more, $ndk, $lua) = map { "$modules/${_}_module.so" } qw(ngx_http_headers_more_filter ndk_http ngx_http_lua);

for ($more, $ndk, $lua) {
    -e or plan skip_all => "$_ is not there: tools/setup.sh test";
}

my $gateway = gateway_start(
    main => "load_module $more; load_module $ndk; load_module $lua;",
    http => <<'_EOC_',
        paas_guard_zone zone=z:1m;
        paas_guard_throttle interval=1h;
        paas_guard_hammer_rule user key=$http_x_user window=1h limit=3 block=1h;
        log_format t '$request_uri $status $paas_guard_verdict $paas_guard_sla';
        access_log %DIR%/access.log t;
        log_format who '$arg_n $paas_guard_client_id';
        server {
            listen unix:%DIR%/echo.sock;
            location / { return 200 "$http_authorization,$http_user_agent,$http_paas_guard,$http_x_n\n"; }
        }
_EOC_
    conf => <<'_EOC_',
        paas_guard zone=z;
        paas_guard_hammer user;

        location /more/ {
            more_set_input_headers "X-API-Key: $arg_key";
            more_set_input_headers "X-User: $arg_user";
            more_set_headers "X-Verdict: $paas_guard_verdict" "X-Event: $paas_guard_event_id";
            more_set_headers -s 429 "Retry-After: 77" "X-Refused: yes";
            more_clear_headers Server;
            proxy_pass http://backend;
        }
        location /access/ {
            access_by_lua_block {
                ngx.header["X-Access"] = ngx.var.paas_guard_verdict .. "," .. ngx.var.paas_guard_service
                    .. "," .. #ngx.var.paas_guard_client_id .. "," .. #ngx.var.paas_guard_signature
                    .. "," .. ngx.var.paas_guard_store
            }
            log_by_lua_block {
                ngx.log(ngx.NOTICE, "lua saw ", ngx.var.request_uri, " ", ngx.var.paas_guard_verdict, " ",
                        ngx.var.paas_guard_reason, " ", ngx.var.paas_guard_sla)
            }
            proxy_pass http://backend;
        }
        location /rewrite/ {
            rewrite_by_lua_block { ngx.req.set_header("X-API-Key", ngx.var.arg_key) }
            proxy_pass http://backend;
        }
        location /body/ {
            rewrite_by_lua_block { ngx.req.read_body() }
            proxy_pass http://backend;
        }
        location /file/ {
            client_body_buffer_size 16k;
            content_by_lua_block {
                ngx.req.read_body()
                local name = ngx.req.get_body_file()
                local file = name and io.open(name)
                local body = file and file:read("*a") or ngx.req.get_body_data() or "none"
                if file then file:close() end
                ngx.header["Content-Length"] = #body
                ngx.print(body)
            }
        }
        location /content/ {
            content_by_lua_block {
                local all = {}
                for i = 1, 9 do all[i] = ngx.location.capture("/inner/" .. i).status end
                ngx.say(table.concat(all, " "))
            }
        }
        location /inner/ { proxy_pass http://backend; }
        location /exec/ { paas_guard_hammer off; rewrite_by_lua_block { ngx.exec("/target/") } }
        location /exec-late/ { content_by_lua_block { ngx.exec("/target/") } }
        location /target/ { proxy_pass http://backend; }
        location /sleep/ { access_by_lua_block { ngx.sleep(0.2) } proxy_pass http://backend; }
        location /exit/ { access_by_lua_block { ngx.exit(403) } proxy_pass http://backend; }
        location /known/ {
            more_set_input_headers "Authorization: Basic b3BlcmF0b3I6eA==";
            access_by_lua_block { ngx.req.set_header("User-Agent", "gateway") }
            proxy_pass http://unix:%DIR%/echo.sock;
        }
        location /token/ {
            access_by_lua_block { ngx.req.set_header("Authorization", "Bearer of-the-gateway") }
            access_log %DIR%/who.log who if=$arg_n;
            proxy_pass http://backend;
        }
        location /filter/ {
            header_filter_by_lua_block {
                if ngx.var.arg_other then
                    ngx.header[ngx.var.arg_other] = ngx.var.arg_value
                else
                    ngx.header["X-Seen"] = ngx.header["PaaS-Guard"]
                end
            }
            body_filter_by_lua_block { ngx.arg[1] = ngx.arg[1] and string.upper(ngx.arg[1]) }
            proxy_pass http://backend;
        }
_EOC_
);

sub statuses {
    my ($paths, %headers) = @_;
    return join q{ }, map { $gateway->get($_, %headers)->{status} } @$paths;
}


# headers-more

my ($passed, $refused) = map { $gateway->get('/more/1?key=a') } 1 .. 2;
is "$passed->{status} $refused->{status}", '200 429', 'headers-more: a duplicate is refused';
is $passed->{headers}{'x-verdict'}, 'passed', 'headers-more: a header with a variable';
ok !defined $passed->{headers}{'x-refused'}, 'headers-more: for a status';
is "@{$refused->{headers}}{qw(x-verdict x-refused retry-after)}", 'throttled yes 77',
    'headers-more: on a refusal, too';
like $refused->{headers}{'paas-guard'}, qr/event="$refused->{headers}{'x-event'}"/,
    'headers-more: the event is the one that the answer tells';
ok !defined $refused->{headers}{server}, 'headers-more: clears';
is statuses(['/more/?key=a&user=u1', '/more/?key=b&user=u1', '/more/?key=c&user=u1', '/more/?key=d&user=u1'],
    'X-User' => 'other'), '200 200 200 429', 'headers-more: what it sets of a request is what counts';


# Lua

is $gateway->get('/access/1')->{headers}{'x-access'}, 'passed,default,32,32,local',
    'Lua: the access phase sees the variables';
$refused = $gateway->get('/access/1');
is $refused->{status}, 429, 'Lua: a duplicate is refused';
ok !defined $refused->{headers}{'x-access'}, 'Lua: and never gets to the access phase';
ok wait_for(sub { $gateway->error_log =~ m{lua saw /access/1 throttled duplicate_throttled excluded} }),
    'Lua: the log phase sees a refusal';
like $gateway->error_log, qr{lua saw /access/1 passed nil good}, 'Lua: and what passed';

is statuses(['/rewrite/?key=a', '/rewrite/?key=a', '/rewrite/?key=b']), '200 429 200',
    'Lua: a header set in the rewrite phase';
is join(q{ }, map { $gateway->request('POST', '/body/1', {}, $_)->{status} } qw(x x y)), '200 429 200',
    'Lua: a body that it has read belongs to the identity';
is join(q{ }, map { $gateway->request('POST', '/access/2', {}, $_)->{status} } ('x' x 50_000) x 2, 'y' x 50_000),
    '200 429 200', 'Lua: a body that it has not read, too';

ok $gateway->request('POST', '/file/1', {}, 'x' x $_)->{body} eq 'x' x $_, "Lua: reads a body of $_ bytes after the guard"
    for 100, 20_000, 200_000;
ok wait_for(sub { !(() = glob $gateway->dir . '/client_body/*') }), 'Lua: which leaves no file';

my $r = $gateway->get('/content/1', 'X-User' => 'capture');
like $r->{body}, qr/^(?:200 ){8}200$/m,
    'Lua: captures are not judged';
is statuses(['/content/2', '/content/3', '/content/4'], 'X-User' => 'capture'), '200 200 429',
    'Lua: nor counted';

is statuses([map { "/exec/$_" } 1 .. 4], 'X-User' => 'exec'), '200 200 200 429', 'Lua: exec before the guard';
is statuses([map { "/exec-late/$_" } 1 .. 4], 'X-User' => 'late'), '200 200 200 429', 'Lua: exec after it: judged once';
is statuses(['/sleep/1', '/sleep/1']), '200 429', 'Lua: a pause in the access phase';
is statuses(['/exit/1', '/exit/1']), '403 429', 'Lua: its own refusal';
ok wait_for(sub { $gateway->access_log =~ m{^/exit/1 403 passed good$}m }), 'Lua: is not the guard\'s';

my @r = map { $gateway->get('/filter/1') } 1 .. 2;
like $r[1]{headers}{'x-seen'}, qr/^throttled; /, 'Lua: header filters see a refusal';
like $r[1]{body}, qr/"REASON": ?"DUPLICATE_THROTTLED"/, 'Lua: so do body filters';

# What a filter does to one of a refusal's headers is done, and the others are as they were.

for my $header ('PaaS-Guard', qw(Retry-After Proxy-Status Cache-Control Vary Content-Language)) {
    for my $value ('other', '') {
        my $target = "/filter/$header$value?other=$header" . ($value && "&value=$value");
        my @r = map { $gateway->get($target)->{headers} } 1 .. 2;
        is $r[1]{lc $header} // '', $value, "Lua: $header " . ($value ? 'set' : 'cleared') . ' by a filter';
        is_deeply [grep { !defined $r[1]{$_} } grep { $_ ne lc $header }
            qw(paas-guard retry-after proxy-status cache-control vary content-language)], [],
            "Lua: $header " . ($value ? 'set' : 'cleared') . ': the others are there';
    }
}

# A client's PaaS-Guard, wherever it stands, keeps no other module from its work.

my @mine = ('Authorization: Bearer mine', 'User-Agent: mine', 'X-N: n');
my $round = 0;

for my $at (undef, 0 .. @mine, 'twice', 'many') {
    my @lines = @mine;
    splice @lines, $at, 0, 'PaaS-Guard: mine' if defined $at && $at =~ /^\d/;
    @lines = map { ('paas-guard: one', $_, 'PaaS-Guard: two') } @lines if ($at // '') eq 'twice';
    @lines = ((map { ("X-M$_: $_", 'PaaS-Guard: mine') } 1 .. 30), @lines, 'PAAS-GUARD: last') if ($at // '') eq 'many';
    like $gateway->http(join "\r\n", 'GET /known/' . ++$round . ' HTTP/1.1', 'Host: localhost', @lines, 'Connection: close', '', ''),
        qr/^Basic b3BlcmF0b3I6eA==,gateway,,n$/m, 'what they set is what goes on: PaaS-Guard ' . ($at // 'not') . ' there';
}

# Who it was is told after the request, too, and of a connection that has remembered its client.

for my $who ('one', 'other') {
    my $socket = $gateway->connect;
    for my $n ('', '', '', "?n=$who") {
        print $socket join "\r\n", 'GET /token/' . ++$round . "$n HTTP/1.1", 'Host: localhost', "Authorization: Bearer $who", '', '';
        my $got = '';
        while ($got !~ /^\r\n./ms) { sysread $socket, $got, 65536, length $got or die $got }
    }
}

my %who;
ok wait_for(sub {
    %who = map { split } split /\n/, PaasGuard::Gateway::slurp($gateway->dir . '/who.log');
    keys %who == 2;
}), 'Lua: both are logged';
isnt $who{one}, $who{other}, 'Lua: one credential for the upstream makes no one client';

# all at once, with the light threads of other requests between
my $load = $gateway->load(clients => 4, path => sub { my ($n, $i) = @_; "/sleep/$n/" . int($i / 2) });
sleep 2;
my $count = $load->stop;
is join(q{ }, sort keys %$count), '200 429', 'Lua: each request has its answer';

$gateway->stop;


# Perl asks for headers that nginx knows by where nginx keeps them.

SKIP: {
    my $perl = "$modules/ngx_http_perl_module.so";
    skip "$perl is not there", 3 if !-e $perl;

    $gateway = gateway_start(
        main => "load_module $perl;",
        http => <<'_EOC_',
            paas_guard_zone zone=z:1m;
            perl_set $told 'sub { my ($r) = @_; join ",", map { $r->header_in($_) // "none" } "PaaS-Guard", "X-N" }';
_EOC_
        conf => 'location / { paas_guard zone=z; add_header X-Told $told; proxy_pass http://backend; }',
    );

    is $gateway->get('/1', 'X-N' => 'n')->{headers}{'x-told'}, 'none,n', 'Perl: there is no PaaS-Guard';
    is $gateway->get('/2', 'PaaS-Guard' => 'mine', 'X-N' => 'n')->{headers}{'x-told'}, 'none,n',
        'Perl: not even where a client has sent one';
    $gateway->stop;
}

done_testing;
