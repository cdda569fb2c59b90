# What a refused client is told, and what the guard leaves to others.
#
# Pairs of identical requests go over one connection, well within a second.

use strict;
use warnings;
use utf8;

use lib 't/lib';
use PaasGuard;

use JSON::PP ();
use POSIX    ();

plan 'no_plan';

my $echo_port = free_port();
my $echo      = echo_start($echo_port);
END { kill TERM => $echo if $echo }

my $h2      = free_port();
my $long    = 'r' x 63;
my @many    = map { "service-$_" } 1 .. 140;
my @cookies = (1, 12 .. 62);
my $gateway = gateway_start(
    http => <<"_EOC_" =~ s/%COOKIES%/cookies(@cookies)/er,
        lingering_timeout 100ms;
        paas_guard_zone zone=z:2m;
        paas_guard_throttle interval=1h;
        paas_guard_hammer_rule flood key=\$http_x_k window=60s limit=2 block=60s;
        paas_guard_hammer_rule $long key=\$http_x_long window=60s limit=1 block=60s;
        paas_guard_hammer_rule other key=\$http_x_other window=10s limit=1 block=1h;
        paas_guard_hammer_rule login key=\$http_x_k window=60s limit=1 count=status:401 reason=lockout block=30s;

        log_format vars '\$request_uri \$status \$paas_guard_verdict \$paas_guard_reason'
            ' \$paas_guard_rule \$paas_guard_event_id \$paas_guard_retry_after'
            ' \$paas_guard_sla \$paas_guard_service';
        log_format sent '\$request_uri|\$sent_http_paas_guard|\$sent_http_retry_after|\$sent_http_proxy_status'
            '|\$sent_http_cache_control|\$sent_http_vary|\$sent_http_content_language|\$sent_http_x_behind';
        access_log %DIR%/vars.log vars;

        limit_req_zone \$http_x_k zone=lr:1m rate=1r/m;
        limit_conn_zone all zone=lc:1m;

        upstream echo { server 127.0.0.1:$echo_port; }
        upstream backend { server unix:%DIR%/backend.sock; }
        server {
            listen unix:%DIR%/backend.sock;
            access_log off;
            location / { return 200 "backend\\n"; }
            location /tagged {
                add_header paas-GUARD first always;
                add_header PaaS-Guard second always;
                add_header X-Kept yes always;
                return 200 "tagged\\n";
            }
%COOKIES%
            location /accel { add_header X-Accel-Redirect /t/redirected; return 200 ""; }
            location /missing { return 404; }
            location /denied { return 403; }
            location /unauthorized { return 401; }
        }
_EOC_
    conf => "listen 127.0.0.1:$h2 http2;" . (<<'_EOC_' =~ s/%LONG%/$long/r =~ s/%MANY%/many(@many)/er),
        location = /metrics { paas_guard_metrics; access_log off; }

        location /t/     { paas_guard zone=z; proxy_pass http://backend; }
        location /plain/ { proxy_pass http://backend; }
        location /named-service/ {
            paas_guard zone=z; paas_guard_service vm-api; paas_guard_hammer flood; proxy_pass http://backend;
        }
        location /long/  { paas_guard zone=z; paas_guard_hammer %LONG%; proxy_pass http://backend; }
%MANY%
        location /block/ { paas_guard zone=z; paas_guard_hammer flood; proxy_pass http://backend; }
        location /login/ { paas_guard zone=z; paas_guard_hammer login; proxy_pass http://backend/unauthorized; }

        location /ms1/  { paas_guard zone=z; paas_guard_throttle interval=900ms; proxy_pass http://backend; }
        location /ms2/  { paas_guard zone=z; paas_guard_throttle interval=2900ms; proxy_pass http://backend; }
        location /s10/  { paas_guard zone=z; paas_guard_throttle interval=10s; proxy_pass http://backend; }

        location /444/    { paas_guard zone=z; paas_guard_throttle_status 444; proxy_pass http://backend; }
        location /b444/   { paas_guard zone=z; paas_guard_block_status 444; paas_guard_hammer flood; proxy_pass http://backend; }
        location /custom/ {
            paas_guard zone=z; paas_guard_throttle_status 409; paas_guard_block_status 403;
            paas_guard_hammer flood; proxy_pass http://backend;
        }

        location /page/ {
            paas_guard zone=z; paas_guard_hammer flood;
            error_page 429 /429.html; proxy_pass http://backend;
        }
        location = /429.html { internal; paas_guard zone=z; root %DIR%; }
        location /page200/ { paas_guard zone=z; error_page 429 =200 /429.html; proxy_pass http://backend; }
        location /at/ { paas_guard zone=z; error_page 429 @refused; proxy_pass http://backend; }
        location @refused {
            paas_guard zone=z;
            return 200 "$paas_guard_verdict $paas_guard_reason $paas_guard_event_id\n";
        }
        location /proxied/ { paas_guard zone=z; error_page 429 @proxied; proxy_pass http://backend; }
        location @proxied { paas_guard zone=z; rewrite ^ /tagged break; proxy_pass http://backend; }
        location /page-missing/ { paas_guard zone=z; error_page 429 /no-such.html; proxy_pass http://backend; }
        location = /no-such.html { internal; root %DIR%; }
        location /other-page/ { paas_guard zone=z; error_page 404 /429.html; proxy_pass http://backend; }

        location /try/    { paas_guard zone=z; root %DIR%; try_files $uri.none @app; }
        location /try2/   { paas_guard zone=z; root %DIR%; try_files $uri.none /t/tried; }
        location @app     { paas_guard zone=z; proxy_pass http://backend; }
        location /index/  { paas_guard zone=z; root %DIR%; index page.html; }
        location /rw/     { paas_guard zone=z; rewrite ^/rw/(.*)$ /t/rewritten last; }
        location /cookies/ { proxy_pass http://backend; }
        location /accel/  { paas_guard zone=z; proxy_pass http://backend/accel; }
        location /fallback/ {
            paas_guard zone=z; proxy_pass http://backend/missing;
            proxy_intercept_errors on; error_page 404 = @app;
        }
        location /renamed/ { error_page 404 =200 /t/renamed; return 404; }
        location /auth-request/ { paas_guard zone=z; auth_request /t/auth; proxy_pass http://backend; }
        location /auth-denied/  { paas_guard zone=z; auth_request /denied; proxy_pass http://backend; }
        location = /denied      { internal; paas_guard zone=z; proxy_pass http://backend/denied; }
        location /mirror/ { paas_guard zone=z; mirror /t/mirrored; proxy_pass http://backend; }
        location /ssi/    { paas_guard zone=z; ssi on; root %DIR%; }

        location /added/ {
            paas_guard zone=z; add_header X-Before $sent_http_retry_after always;
            add_header X-Behind $sent_http_content_language always;
            access_log %DIR%/sent.log sent; proxy_pass http://backend;
        }
        location /sent/ { paas_guard zone=z; access_log %DIR%/sent.log sent; proxy_pass http://backend; }

        location /dry/ {
            paas_guard zone=z; paas_guard_dry_run on; paas_guard_hammer flood; proxy_pass http://backend;
        }
        location /exempt/ {
            paas_guard zone=z; paas_guard_exempt $http_x_exempt $http_x_exempt2;
            paas_guard_hammer flood; proxy_pass http://backend;
        }

        location /echo/   { paas_guard zone=z; proxy_pass http://echo; }
        location /unguarded-echo/ { proxy_pass http://echo; }
        location /tagged/ { paas_guard zone=z; proxy_pass http://backend/tagged; }
        location /unguarded-tagged/ { proxy_pass http://backend/tagged; }

        location /rl/ {
            paas_guard zone=z; paas_guard_ratelimit_headers on; paas_guard_hammer flood other;
            paas_guard_throttle interval=1900ms;
            paas_guard_exempt $http_x_exempt; proxy_pass http://backend;
        }
        location /rl-off/ {
            paas_guard zone=z; paas_guard_ratelimit_headers on; paas_guard_hammer flood;
            paas_guard_throttle off; proxy_pass http://backend;
        }
        location /rl-nothing/ {
            paas_guard zone=z; paas_guard_ratelimit_headers on; paas_guard_throttle off; proxy_pass http://backend;
        }
        location /rl-dry/ {
            paas_guard zone=z; paas_guard_ratelimit_headers on; paas_guard_dry_run on; proxy_pass http://backend;
        }

        location /limit-req/ { paas_guard zone=z; limit_req zone=lr burst=1 nodelay; proxy_pass http://backend; }
        location /limit-conn/ {
            paas_guard zone=z; paas_guard_signature_body off;
            limit_conn lc 1; proxy_pass http://backend;
        }
        location /basic/ { paas_guard zone=z; auth_basic realm; auth_basic_user_file %DIR%/users; proxy_pass http://backend; }
        location /deny/  { paas_guard zone=z; deny all; proxy_pass http://backend; }
        location /real/  { paas_guard zone=z; set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP; proxy_pass http://backend; }
_EOC_
);

my $host = lc +(POSIX::uname())[1];
my $hex  = qr/[0-9a-f]{24}/;
my $cases = 0;

file('429.html', "static page\n");
file('index/page.html', "index\n");
file('ssi/page.html', '<!--# include virtual="/t/one" --><!--# include virtual="/t/two" -->');
file('users', "me:{PLAIN}secret\n");

sub file {
    my ($name, $text) = @_;
    my $path = $gateway->dir . "/$name";
    mkdir $1 if $path =~ m{^(.*/(?:index|ssi))/};
    open my $out, '>', $path or die "$path: $!";
    print $out $text;
}

# A location for each of these services.
sub many {
    return join '', map { "location /many/$_/ { paas_guard zone=z; paas_guard_service $_; proxy_pass http://backend; }\n" } @_;
}

# Locations of an upstream that sends a request on to a guarded one, with so many cookies.
sub cookies {
    return join '', map {
        my $n = $_;
        "location /cookies/$n/ { add_header X-Accel-Redirect /t\$uri; "
            . join('', map { "add_header Set-Cookie c$_=$n; " } 1 .. $n) . "return 200; }\n"
    } @_;
}

# Answers each request with the request itself.
sub echo_start {
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => shift,
        Listen => 10, ReuseAddr => 1) or die "echo: $!";
    defined(my $pid = fork) or die "fork: $!";
    return $pid if $pid;

    $SIG{TERM} = 'DEFAULT';
    while (my $client = $listen->accept) {
        my $request = '';
        while ($request !~ /\r\n\r\n/) {
            sysread $client, $request, 65536, length $request or last;
        }
        print $client "HTTP/1.0 200 OK\r\nContent-Length: ", length $request, "\r\n\r\n$request";
        close $client;
    }
    POSIX::_exit(0);
}

sub fresh { return shift() . ++$cases }

# Sends requests over one connection; returns the answers.  A request is a
# target, or [method, target, headers, body].
sub send_all {
    my @requests = map { ref $_ ? $_ : ['GET', $_] } @_;
    my $raw = '';
    for my $i (0 .. $#requests) {
        my ($method, $target, $headers, $body) = @{ $requests[$i] };
        my @lines = ('Host: localhost', @{ $headers // [] });
        push @lines, 'Content-Length: ' . length $body if defined $body;
        push @lines, 'Connection: close' if $i == $#requests;
        $raw .= join("\r\n", "$method $target HTTP/1.1", @lines, '', '') . ($body // '');
    }

    my $text = $gateway->http($raw);
    my @answers;
    for my $request (@requests) {
        $text =~ s/^(HTTP.*?)\r\n\r\n//s or last;
        my ($first, @lines) = split /\r\n/, $1;
        my %answer = (line => $first, headers => {}, body => '');
        ($answer{status}) = $first =~ /^\S+ (\d+)/;
        for (@lines) {
            my ($name, $value) = split /:\s*/, $_, 2;
            push @{ $answer{all}{ lc $name } }, $value;
            $answer{headers}{ lc $name } = $value;
        }
        if ($request->[0] ne 'HEAD') {
            if (defined(my $n = $answer{headers}{'content-length'})) {
                $answer{body} = substr $text, 0, $n, '';
            } elsif (($answer{headers}{'transfer-encoding'} // '') eq 'chunked') {
                while ($text =~ s/^([0-9a-f]+)\r\n//) {
                    my $n = hex $1;
                    $answer{body} .= substr $text, 0, $n, '';
                    $text =~ s/^\r\n//;
                    last if !$n;
                }
            }
        }
        push @answers, \%answer;
    }
    push @answers, { status => "junk: $text" } if length $text;
    return @answers;
}

sub json { return JSON::PP->new->utf8->decode($_[0]) }

sub statuses { join ' ', map { $_->{status} } send_all(@_) }

# The second of two identical requests.
sub duplicate {
    my ($place, @headers) = @_;
    my $target = fresh($place);
    my ($first, $second) = send_all(map { ['GET', $target, \@headers] } 1, 2);
    return $second;
}

# The request that is one too many for the rule flood.
sub block {
    my ($place, @headers) = @_;
    my $k = 'X-K: ' . ++$cases;
    return (send_all(map { ['GET', fresh($place), [$k, @headers]] } 1 .. 3))[2];
}

sub metrics {
    return { $gateway->get('/metrics')->{body} =~ /^(paas_guard_\S+\{.*\}) (\S+)$/mg };
}

# What the code adds to requests_total and refusals_total.
sub counted {
    my ($code) = @_;
    my $before = metrics();
    $code->();
    my $after = metrics();
    my %added;
    for (grep { /^paas_guard_(?:requests|refusals)_total/ } keys %$after) {
        my ($what) = /(?:verdict|reason)="(\w+)"/;
        my $n = $after->{$_} - ($before->{$_} // 0);
        $added{$what} += $n if $n;
    }
    return \%added;
}

# The fields of the access log's lines for a target, of which there are n.
sub logged {
    my ($target, $n) = @_;
    my @names = qw(uri status verdict reason rule event retry sla service);
    return map { my %f; @f{@names} = split; \%f } $gateway->logged('vars.log', $target, $n);
}


# A duplicate

{
    my $target = fresh('/t/');
    my ($first, $r) = send_all($target, $target);
    is $first->{status}, 200, 'duplicate: the first is admitted';
    ok !exists $first->{headers}{'paas-guard'}, 'admitted: no PaaS-Guard';
    ok !exists $first->{headers}{'retry-after'}, 'admitted: no Retry-After';
    ok !exists $first->{headers}{'ratelimit'}, 'admitted: no RateLimit by default';

    my ($event) = ($r->{headers}{'paas-guard'} // '') =~ /event="($hex)"/;
    ok $event, 'duplicate: event id';
    is $r->{line}, 'HTTP/1.1 429 Too Many Requests', 'duplicate: status';

    my %h = %{ $r->{headers} };
    delete @h{qw(server date connection)};
    is_deeply \%h, {
        'retry-after'      => 3600,
        'cache-control'    => 'no-store',
        'paas-guard'       => qq{throttled; reason=duplicate_throttled; sla=excluded; event="$event"},
        'proxy-status'     => qq{$host; error=http_request_error; details="duplicate_throttled"},
        'content-type'     => 'application/problem+json',
        'content-language' => 'en',
        'content-length'   => length $r->{body},
        'vary'             => 'Accept, Accept-Language',
    }, 'duplicate: headers';
    is_deeply [grep { @$_ > 1 } values %{ $r->{all} }], [], 'duplicate: each header once';

    is_deeply json($r->{body}), {
        type        => 'https://iana.org/assignments/http-problem-types#quota-exceeded',
        title       => 'Duplicate request',
        status      => 429,
        detail      => 'This request is identical to one that was accepted a moment ago, so it'
            . ' was not forwarded. This is not an outage of the service, and does not count as'
            . ' unavailability. You may try again in 60 minutes.',
        reason      => 'duplicate_throttled',
        sla         => 'excluded',
        event       => $event,
        retry_after => 3600,
        'violated-policies' => ['identical'],
    }, 'duplicate: JSON';

    my (undef, $log) = logged($target, 2);
    is_deeply $log, { uri => $target, status => 429, verdict => 'throttled',
        reason => 'duplicate_throttled', rule => '-', event => $event, retry => 3600,
        sla => 'excluded', service => 'default' }, 'duplicate: variables in the access log';
}


# A block

{
    my $k = 'X-K: ' . ++$cases;
    my @targets = map { fresh('/named-service/') } 1 .. 4;
    my (undef, undef, $r, $again) = send_all(map { ['GET', $_, [$k]] } @targets);

    my ($event) = ($r->{headers}{'paas-guard'} // '') =~ /event="($hex)"/;
    ok $event, 'block: event id';
    is $r->{line}, 'HTTP/1.1 429 Too Many Requests', 'block: status';

    my %h = %{ $r->{headers} };
    delete @h{qw(server date connection)};
    is_deeply \%h, {
        'retry-after'      => 60,
        'cache-control'    => 'no-store',
        'paas-guard'       => qq{blocked; reason=hammering_blocked; rule="flood"; sla=excluded; event="$event"},
        'proxy-status'     => qq{$host; error=http_request_denied; details="hammering_blocked"},
        'content-type'     => 'application/problem+json',
        'content-language' => 'en',
        'content-length'   => length $r->{body},
        'vary'             => 'Accept, Accept-Language',
    }, 'block: headers';

    my ($block) = (json($r->{body})->{block} // '') =~ /^($hex)$/;
    ok $block && $block ne $event, 'block: its own id';
    is_deeply json($r->{body}), {
        type        => 'https://iana.org/assignments/http-problem-types#abnormal-usage-detected',
        title       => 'Abnormal usage detected',
        status      => 429,
        detail      => 'Your requests showed abnormal usage, so a protection measure blocks your'
            . ' access for a limited time. This is not an outage of the service, and does not'
            . ' count as unavailability. You may try again in 60 seconds.',
        reason      => 'hammering_blocked',
        sla         => 'excluded',
        event       => $event,
        block       => $block,
        retry_after => 60,
        rule        => 'flood',
        'violated-policies' => ['flood'],
    }, 'block: JSON';

    my ($log) = logged($targets[2], 1);
    is_deeply $log, { uri => $targets[2], status => 429, verdict => 'blocked',
        reason => 'hammering_blocked', rule => 'flood', event => $event, retry => 60,
        sla => 'excluded', service => 'vm-api' }, 'block: variables in the access log';

    is $again->{status}, 429, 'block: the next is refused, too';
    my ($next) = ($again->{headers}{'paas-guard'} // '') =~ /event="($hex)"/;
    isnt $next, $event, 'block: each refusal has an id of its own';
}

{
    my $k = 'X-K: ' . ++$cases;
    my @r = send_all(map { ['GET', fresh('/login/'), [$k]] } 1 .. 3);
    is join(' ', map { $_->{status} } @r), '401 401 429', 'lockout: after one failed login too many';

    my ($event) = ($r[2]{headers}{'paas-guard'} // '') =~ /event="($hex)"/;
    is $r[2]{headers}{'paas-guard'},
        'blocked; reason=auth_lockout; rule="login"; sla=good; event="' . ($event // '') . '"',
        'lockout: PaaS-Guard';
    is $r[2]{headers}{'proxy-status'},
        qq{$host; error=http_request_denied; details="auth_lockout"}, 'lockout: Proxy-Status';

    my $json = json($r[2]{body});
    is $json->{title}, 'Too many failed logins', 'lockout: title';
    is $json->{sla}, 'good', 'lockout: class';
    unlike $json->{detail}, qr/outage/, 'lockout: nothing on outages, as it counts as an answer';
}


# Formats and languages

for (
    ['application/problem+json'                                       => 'json'],
    ['*/*'                                                            => 'json'],
    [''                                                               => 'json'],
    ['text/html'                                                      => 'html'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' => 'html'],
    ['application/json, text/html;q=0.9'                              => 'json'],
    ['application/json;q=0.8, text/html;q=0.9'                        => 'html'],
    ['text/html;q=0'                                                  => 'json'],
    ['text/*'                                                         => 'html'],
    ['image/png'                                                      => 'json'],
) {
    my ($accept, $format) = @$_;
    my $r = duplicate('/t/', "Accept: $accept");
    is $r->{headers}{'content-type'}, $format eq 'html' ? 'text/html; charset=utf-8'
        : 'application/problem+json', "Accept: $accept";
    is $r->{headers}{vary}, 'Accept, Accept-Language', "Accept: $accept, Vary";
}

for (
    ['fr' => 'fr'], ['fr-FR, fr;q=0.9, en;q=0.8' => 'fr'], ['FR' => 'fr'], ['fr-CA' => 'fr'],
    ['de, fr;q=0.5' => 'fr'], ['fr;q=0.5, en;q=0.4' => 'fr'],
    ['en' => 'en'], ['en, fr' => 'en'], ['de' => 'en'], ['*' => 'en'], ['' => 'en'],
    ['fr;q=0' => 'en'], ['en-GB, fr;q=0.9' => 'en'],
) {
    my ($accept, $lang) = @$_;
    is duplicate('/t/', "Accept-Language: $accept")->{headers}{'content-language'}, $lang,
        "Accept-Language: $accept";
}

# What a line meant is remembered: not for another of its length, nor where there are more.

{
    my $long = join ', ', map { "text/x-$_" } 10 .. 30;
    my @wrong;

    for my $round (1 .. 3) {
        for (
            [html => 'en', 'Accept: text/html', 'Accept-Language: en'],
            [json => 'fr', 'Accept: image/png', 'Accept-Language: fr'],
            [html => 'en', 'Accept: text/html', 'Accept-Language: de'],
            [html => 'fr', 'Accept: text/html', 'Accept: image/png', 'Accept-Language: fr', 'Accept-Language: de'],
            [json => 'en'],
            [html => 'fr', 'Accept: text/html', 'Accept-Language: fr'],
            [json => 'en', 'Accept:', 'Accept-Language:'],
            [html => 'en', 'Accept: text/html;q=1.0, */*;q=0.1', 'Accept-Language: en;q=1.0, fr;q=0.1'],
            [json => 'fr', 'Accept: text/html;q=0.1, */*;q=1.0', 'Accept-Language: en;q=0.1, fr;q=1.0'],
            [html => 'fr', "Accept: $long, text/html, */*;q=0.1", 'Accept-Language: ' . 'de, ' x 40 . 'fr'],
            [json => 'en', "Accept: $long, text/css0, */*;q=0.1", 'Accept-Language: ' . 'de, ' x 40 . 'en'],
        ) {
            my ($format, $lang, @lines) = @$_;
            my $r = duplicate('/t/', @lines);
            push @wrong, "@lines" if $r->{headers}{'content-language'} ne $lang
                || ($r->{headers}{'content-type'} =~ /html/ ? 'html' : 'json') ne $format;
        }
    }

    is_deeply \@wrong, [], 'wishes in turn: each is met';
}

{
    my $json = json(duplicate('/t/', 'Accept-Language: fr')->{body});
    is $json->{title}, 'Requête en double', 'French: title';
    is $json->{detail}, "Cette requête est identique à une requête acceptée il y a un"
        . " instant\x{a0}: elle n’a donc pas été transmise. Il ne s’agit pas d’une panne du"
        . " service, et ce refus ne compte pas comme une indisponibilité. Vous pourrez"
        . " réessayer dans 60\x{a0}minutes.", 'French: detail';
    is $json->{reason}, 'duplicate_throttled', 'French: machine codes stay as they are';

    $json = json(block('/block/', 'Accept-Language: fr')->{body});
    is $json->{title}, 'Usage anormal détecté', 'French: title of a block';
}

for (['en', 'Duplicate request'], ['fr', 'Requête en double']) {
    my ($lang, $title) = @$_;
    my $r = duplicate('/t/', 'Accept: text/html', "Accept-Language: $lang");
    utf8::decode(my $html = $r->{body});
    my ($event) = $r->{headers}{'paas-guard'} =~ /event="($hex)"/;
    is $r->{headers}{'content-language'}, $lang, "HTML, $lang: Content-Language";
    like $html, qr/^<!DOCTYPE html>\n<html lang="$lang">/, "HTML, $lang: its language";
    like $html, qr{<title>429 \Q$title\E</title>}, "HTML, $lang: title";
    like $html, qr{<dd translate="no">$event</dd>}, "HTML, $lang: event";
    like $html, qr{<dd translate="no">duplicate_throttled</dd>}, "HTML, $lang: reason";
    like $html, qr{</html>\n\z}, "HTML, $lang: whole";
    is length $r->{body}, $r->{headers}{'content-length'}, "HTML, $lang: Content-Length";
}

{
    my $html = block('/named-service/', 'Accept: text/html')->{body};
    like $html, qr{<dt>Rule</dt>\n<dd translate="no">flood</dd>}, 'HTML: rule of a block';
    like $html, qr{<dt>Service</dt>\n<dd translate="no">vm-api</dd>}, 'HTML: service';
}


# What is the same in each of a kind is kept ready: it must not be another's, nor
# of another event.

{
    my (@wrong, %events);

    for my $kind ((map { ["$_", 'en'], ["$_", 'fr'] } @many) x 2) {
        my ($service, $lang) = @$kind;
        my $r = duplicate("/many/$service/", 'Accept: text/html', "Accept-Language: $lang");
        my ($event) = ($r->{headers}{'paas-guard'} // '') =~ /event="($hex)"/;

        push @wrong, "$service $lang" if !defined $event || $events{$event}++
            || $r->{headers}{'content-language'} ne $lang
            || $r->{body} !~ m{^<html lang="$lang">}m
            || $r->{body} !~ m{<dd translate="no">$service</dd>}
            || $r->{body} !~ m{<dd translate="no">$event</dd>};
    }

    is_deeply \@wrong, [], 'more kinds than are kept: each has its own, and its own event';
}

{
    my @kinds = map { my $a = $_; map { [$a, $_] } qw(en fr) } 'text/html', 'application/json';
    my @wrong;

    for my $status ('/t/', '/custom/', '/block/', '/named-service/', '/t/') {
        for my $kind (@kinds, reverse @kinds) {
            my ($accept, $lang) = @$kind;
            my @headers = ("Accept: $accept", "Accept-Language: $lang");
            my $r = $status =~ /block|named/ ? block($status, @headers) : duplicate($status, @headers);
            my ($event) = ($r->{headers}{'paas-guard'} // '') =~ /event="($hex)"/;
            my $body = $r->{body};

            push @wrong, "$status $accept $lang" if !defined $event
                || $r->{headers}{'content-language'} ne $lang
                || $r->{headers}{'content-length'} != length $body
                || index($body, $event) < 0
                || ($accept eq 'text/html') != ($body =~ /^<!DOCTYPE html>\n<html lang="$lang">/)
                || ($accept ne 'text/html') != ($body =~ /^\{.*"event": "$event".*\}\n\z/s)
                || $body !~ /(?:"status": |<title>)$r->{status}\b/
                || ($status =~ /block|named/) != ($body =~ /flood/);
        }
    }

    is_deeply \@wrong, [], 'kinds in turn: format, language, status, rule, event';
}

{
    my $k = 'X-Long: ' . ++$cases;
    my $other = block('/block/');
    my $r = (send_all(map { ['GET', fresh('/long/'), [$k]] } 1, 2))[1];
    like $r->{headers}{'paas-guard'}, qr/; rule="$long"; /, 'a long name: PaaS-Guard';
    is json($r->{body})->{rule}, $long, 'a long name: JSON';
    is json($other->{body})->{rule}, 'flood', 'a long name: not that of another rule';
    $r = (send_all(['GET', fresh('/long/'), [$k, 'Accept: text/html']]))[0];
    like $r->{body}, qr{<dd translate="no">$long</dd>}, 'a long name: HTML';
}

{
    my $k = 'X-K: ' . ++$cases;
    my @get = send_all(map { ['GET', fresh('/block/'), [$k]] } 1 .. 5);
    my @ids = map { [($_->{headers}{'paas-guard'} // '') =~ /event="($hex)"/, json($_->{body})->{block}] }
        @get[2 .. 4];
    is scalar keys %{ { map { $_->[0] => 1 } @ids } }, 3, 'one block: an event for each refusal';
    is scalar keys %{ { map { $_->[1] => 1 } @ids } }, 1, 'one block: its id';
}


# Headers that the answer has already, however many they are

for my $n (@cookies) {
    my $r = duplicate("/cookies/$n/");
    is_deeply $r->{all}{'set-cookie'}, [map { "c$_=$n" } 1 .. $n], "$n headers before: they stay";
    is_deeply [map { scalar @{ $r->{all}{$_} // [] } } qw(paas-guard retry-after proxy-status
        cache-control vary content-language)], [(1) x 6], "$n headers before: ours follow";
    like $r->{headers}{'paas-guard'}, qr/^throttled; .*"$hex"$/, "$n headers before: PaaS-Guard";
}


# The lines as they are written, whatever comes behind them; and what is known of
# each of them then.

for my $place ('/sent/', '/added/') {
    for my $start ('GET %s HTTP/1.1', 'HEAD %s HTTP/1.1', 'GET %s HTTP/1.0') {
        my $target = fresh($place);
        my $line   = sprintf $start, $target;
        my $one    = "$line\r\nHost: localhost\r\nAccept-Language: fr\r\n";
        my $text   = $start =~ /1\.0/
            ? $gateway->http("$one\r\n") . $gateway->http("$one\r\n")
            : $gateway->http("$one\r\n${one}Connection: close\r\n\r\n");

        my ($head, $body) = $text =~ /^HTTP\S+ 429.*?\r\n(.*?)\r\n\r\n(.*)/ms;
        my @lines  = grep { !/^(?:Server|Date|Content-Type|Content-Length|Connection): / } split /\r\n/, $head;
        my ($tag)  = map { /^PaaS-Guard: (.*)/ } @lines;
        my @values = ($tag, 3600, qq{$host; error=http_request_error; details="duplicate_throttled"},
            'no-store', 'Accept, Accept-Language', 'fr');

        my @names = qw(PaaS-Guard Retry-After Proxy-Status Cache-Control Vary Content-Language);
        my @want  = map { "$names[$_]: $values[$_]" } 0 .. $#names;
        push @want, 'X-Before: 3600', 'X-Behind: fr' if $place eq '/added/';
        is_deeply \@lines, \@want, "$line: the lines of a refusal";
        like $tag, qr/^throttled; reason=duplicate_throttled; sla=excluded; event="$hex"$/, "$line: PaaS-Guard";
        like $body, $start =~ /^HEAD/ ? qr/^$/ : qr/^\{"type".*\}\n$/s, "$line: the body";

        my $log;
        wait_for(sub {
            ($log) = grep { /^\Q$target\E\|[^-]/ } split /\n/, PaasGuard::Gateway::slurp($gateway->dir . '/sent.log');
        });
        is $log, join('|', $target, (map { s/"/\\x22/gr } @values), $place eq '/added/' ? 'fr' : '-'),
            "$line: what a log is told of them";
    }
}


# HEAD, bodies, connections

{
    my $target = fresh('/t/');
    my ($head, $refused, $next) = send_all(['HEAD', $target], ['HEAD', $target], fresh('/t/'));
    is $refused->{status}, 429, 'HEAD: refused';
    is $refused->{headers}{'content-type'}, 'application/problem+json', 'HEAD: type';
    cmp_ok $refused->{headers}{'content-length'}, '>', 300, 'HEAD: length of the body of a GET';
    like $refused->{headers}{'paas-guard'}, qr/^throttled; /, 'HEAD: PaaS-Guard';
    is $next->{status}, 200, 'HEAD: no body, the connection goes on';
}

for (['duplicate', '/t/', 'x' x 10], ['large duplicate', '/t/', 'x' x 200_000]) {
    my ($name, $place, $body) = @$_;
    my $target = fresh($place);
    my @r = send_all(['POST', $target, [], $body], ['POST', $target, [], $body], fresh($place));
    is join(' ', map { $_->{status} } @r), '200 429 200', "POST, $name: keep-alive goes on";
    is $r[1]{headers}{connection}, 'keep-alive', "POST, $name: the connection stays open";
}

for (10, 200_000) {
    my $k = 'X-K: ' . ++$cases;
    my $body = 'x' x $_;
    is statuses(['GET', fresh('/block/'), [$k]], ['GET', fresh('/block/'), [$k]],
        (map { ['POST', fresh('/block/'), [$k], $body] } 1, 2), fresh('/block/')),
        '200 200 429 429 200', "POST of $_ bytes, blocked: keep-alive goes on";
}

{
    my $k = 'X-K: ' . ++$cases;
    is statuses(['GET', fresh('/block/'), [$k]], ['GET', fresh('/block/'), [$k]],
        ['GET', fresh('/block/'), [$k]],
        ['POST', fresh('/block/'), [$k, 'Transfer-Encoding: chunked'], undef]), '200 200 429 429',
        'blocked before a chunked body has come';
}


# Retry-After, statuses

is duplicate('/ms1/')->{headers}{'retry-after'}, 1, 'Retry-After: 900ms is 1 s';
is duplicate('/ms2/')->{headers}{'retry-after'}, 3, 'Retry-After: 2900ms is 3 s';
is duplicate('/s10/')->{headers}{'retry-after'}, 10, 'Retry-After: 10s, not yet a second gone';

{
    my $r = duplicate('/custom/');
    is $r->{line}, 'HTTP/1.1 409 Conflict', 'paas_guard_throttle_status';
    is json($r->{body})->{status}, 409, 'paas_guard_throttle_status: JSON';
    $r = block('/custom/');
    is $r->{line}, 'HTTP/1.1 403 Forbidden', 'paas_guard_block_status';
    is json($r->{body})->{status}, 403, 'paas_guard_block_status: JSON';
}

{
    my $target = fresh('/444/');
    is statuses($target, $target, $target), '200', '444: the connection is closed unanswered';
    my (undef, $log) = logged($target, 2);
    is "@$log{qw(status verdict sla)}", '444 throttled excluded', '444: access log';
    is statuses($target), '', '444: nothing at all';

    my $k = 'X-K: ' . ++$cases;
    is statuses(map { ['GET', fresh('/b444/'), [$k]] } 1 .. 3), '200 200', '444: of a block';
}


# error_page

for (['/page/', qr/^static page\n\z/, 'static page'],
     ['/at/', qr/^throttled duplicate_throttled $hex\n\z/, 'named location'],
     ['/proxied/', qr/^tagged\n\z/, 'named location that asks an upstream'],
     ['/other-page/', qr/^\{"type": /, 'error_page for another status'])
{
    my ($place, $body, $name) = @$_;
    my $target = fresh($place);
    my $r;
    is_deeply counted(sub { (undef, $r) = send_all($target, $target) }),
        { passed => 1, throttled => 1, duplicate_throttled => 1 }, "$name: counted once";
    is $r->{status}, 429, "$name: status";
    like $r->{body}, $body, "$name: body";

    my ($event) = ($r->{headers}{'paas-guard'} // '') =~ /event="($hex)"/;
    $event //= 'none';
    is_deeply $r->{all}{'paas-guard'},
        [qq{throttled; reason=duplicate_throttled; sla=excluded; event="$event"}],
        "$name: PaaS-Guard";
    is $r->{headers}{'retry-after'}, 3600, "$name: Retry-After";
    is $r->{headers}{'cache-control'}, 'no-store', "$name: Cache-Control";
    is $r->{headers}{'proxy-status'},
        qq{$host; error=http_request_error; details="duplicate_throttled"}, "$name: Proxy-Status";

    my (undef, $log) = logged($target, 2);
    is_deeply $log, { uri => $target, status => 429, verdict => 'throttled',
        reason => 'duplicate_throttled', rule => '-', event => $event, retry => 3600,
        sla => 'excluded', service => 'default' }, "$name: variables";
}

{
    my $r = block('/page/');
    is $r->{body}, "static page\n", 'static page: of a block';
    like $r->{headers}{'paas-guard'}, qr/^blocked; reason=hammering_blocked; rule="flood"; /,
        'static page: of a block, PaaS-Guard';

    for my $condition ('If-Match: "x"', 'Range: bytes=99-') {
        my $target = fresh('/page200/');
        (undef, $r) = send_all(map { ['GET', $target, [$condition]] } 1 .. 2);
        is "$r->{status} $r->{body}", "200 static page\n", "a page with 200: $condition";
        like $r->{headers}{'paas-guard'}, qr/^throttled; /, "a page with 200: $condition, PaaS-Guard";
    }

    my $target = fresh('/page-missing/');
    (undef, $r) = send_all($target, $target);
    is $r->{status}, 404, 'a page that is missing: status, as nginx has it';
    like $r->{headers}{'paas-guard'}, qr/^throttled; /, 'a page that is missing: PaaS-Guard';
    my (undef, $log) = logged($target, 2);
    is "@$log{qw(verdict sla)}", 'throttled excluded', 'a page that is missing: variables';
}


# A body that nginx would refuse

{
    my $k = 'X-K: ' . ++$cases;
    send_all(map { ['GET', fresh('/block/'), [$k]] } 1 .. 3);
    my $raw = $gateway->http("POST /block/ HTTP/1.1\r\nHost: localhost\r\n$k\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    like $raw, qr{^HTTP/1\.1 429 .*\r\nConnection: close\r\n.*PaaS-Guard: blocked; .*\r\n\r\n\{"type": }s,
        'no chunk, of a client that is blocked: told so';
    is scalar(() = $raw =~ m{^HTTP/}mg), 1, 'no chunk: one answer, and the end';
}


# Internal ways

for (['/try/', 200, 'try_files to a named location'], ['/try2/', 200, 'try_files to a target'],
     ['/rw/', 200, 'rewrite ... last'], ['/accel/', 200, 'X-Accel-Redirect'],
     ['/fallback/', 200, 'error_page of an upstream\'s answer'],
     ['/renamed/', 200, 'error_page with another status, from before the guard'],
     ['/auth-request/', 200, 'auth_request'], ['/auth-denied/', 403, 'auth_request denied'],
     ['/mirror/', 200, 'mirror'], ['/index/?', 200, 'index'], ['/ssi/page.html?', 200, 'SSI'])
{
    my ($place, $status, $name) = @$_;
    my $target = fresh($place);
    my @r;
    is_deeply counted(sub { @r = send_all($target, $target) }),
        { passed => 1, throttled => 1, duplicate_throttled => 1 }, "$name: counted once";
    is join(' ', map { $_->{status} } @r), "$status 429", "$name: statuses";

    my ($passed, $throttled) = logged($target, 2);
    is "@$passed{qw(verdict reason event sla service)}", 'passed - - good default',
        "$name: variables, passed";
    like "@$throttled{qw(verdict reason event sla)}",
        qr/^throttled duplicate_throttled $hex excluded\z/, "$name: variables, throttled";
}

is +(send_all(fresh('/ssi/page.html?')))[0]{body}, "backend\nbackend\n",
    'SSI: what is included is not throttled';


# Dry run

{
    my $target = fresh('/dry/');
    my $k = 'X-K: ' . ++$cases;
    my @r;
    is_deeply counted(sub { @r = send_all((map { ['GET', $target, [$k]] } 1, 2),
                                          map { ['GET', fresh('/dry/'), [$k]] } 1, 2) }),
        { passed => 1, throttled_dry_run => 1, blocked_dry_run => 2 },
        'dry run: counted as such, nothing refused';
    is join(' ', map { $_->{status} } @r), '200 200 200 200', 'dry run: all pass';
    is_deeply [grep { defined } map { @{ $_->{headers} }{qw(paas-guard retry-after proxy-status)} } @r],
        [], 'dry run: no headers';
    is $r[1]{body}, "backend\n", 'dry run: the upstream answers';

    my (undef, $log) = logged($target, 2);
    like "@$log{qw(status verdict reason rule event retry sla)}",
        qr/^200 throttled_dry_run duplicate_throttled - $hex 3600 good\z/, 'dry run: variables';
    ($log) = logged('/dry/' . $cases, 1);
    like "@$log{qw(status verdict reason rule event sla)}",
        qr/^200 blocked_dry_run hammering_blocked flood $hex good\z/, 'dry run: variables of a block';
}


# Exempt

for (['X-Exempt: 1', 'exempt'], ['X-Exempt: yes', 'exempt'], ['X-Exempt: 00', 'exempt'],
     ['X-Exempt2: 1', 'exempt'], ['X-Exempt: 0', 'throttled'], ['X-Exempt:', 'throttled'],
     ['X-Other-Header: 1', 'throttled'])
{
    my ($header, $verdict) = @$_;
    my $target = fresh('/exempt/');
    my @r = send_all(map { ['GET', $target, [$header]] } 1, 2);
    is join(' ', map { $_->{status} } @r), $verdict eq 'exempt' ? '200 200' : '200 429',
        "exempt, $header: statuses";
    my (undef, $log) = logged($target, 2);
    is $log->{verdict}, $verdict, "exempt, $header: verdict";
}

{
    my $k = 'X-K: ' . ++$cases;
    is statuses((map { ['GET', fresh('/exempt/'), [$k, 'X-Exempt: 1']] } 1 .. 5),
        map { ['GET', fresh('/exempt/'), [$k]] } 1 .. 3), '200 200 200 200 200 200 200 429',
        'exempt: not counted by rules';
    is statuses(['GET', fresh('/exempt/'), [$k, 'X-Exempt: 1']], ['GET', fresh('/exempt/'), [$k]]),
        '200 429', 'exempt: before blocks';
}


# PaaS-Guard of others

my @headers = map { sprintf 'X-N%02d: %d', $_, $_ } 1 .. 70;

for (
    ['first',          ['PaaS-Guard: forged', @headers[0 .. 3]]],
    ['last',           [@headers[0 .. 3], 'PaaS-Guard: forged']],
    ['middle',         [@headers[0, 1], 'PaaS-Guard: forged', @headers[2, 3]]],
    ['in another case', [$headers[0], 'pAAS-gUARD: forged', $headers[1]]],
    ['alone',          ['PaaS-Guard: forged']],
    ['two in a row',   [$headers[0], 'PaaS-Guard: forged', 'PaaS-Guard: forged', $headers[1]]],
    ['each second',    [map { ('PaaS-Guard: forged', $_) } @headers[0 .. 15]]],
    ['many',           [('PaaS-Guard: forged') x 50, $headers[0], ('PaaS-Guard: forged') x 50]],
    ['of 40 the 17th', [@headers[0 .. 15], 'PaaS-Guard: forged', @headers[16 .. 39]]],
    (map { [" of 70 at $_", [@headers[0 .. $_ - 1], 'PaaS-Guard: forged', @headers[$_ .. 69]]] }
        18 .. 22, 38 .. 42, 70),
    (map { [" behind $_", [@headers[0 .. $_ - 1], 'PaaS-Guard: forged']] } 14 .. 21, 34 .. 41),
    (map { [" twice behind $_", [@headers[0 .. $_ - 1], ('PaaS-Guard: forged') x 2]] } 14 .. 21),
    ['of 70 all ends', ['PaaS-Guard: forged', @headers[0 .. 18], 'PaaS-Guard: forged', @headers[19 .. 37],
                        'PaaS-Guard: forged', @headers[38 .. 69], 'PaaS-Guard: forged']],
) {
    my ($name, $lines) = @$_;
    my @kept = grep { !/forged/ } @$lines;

    for my $place ('/echo/', '/unguarded-echo/') {
        my ($r) = send_all(['GET', fresh($place), $lines], fresh($place));     # no line is added behind
        is $r->{status}, 200, "PaaS-Guard from a client, $name, $place: passed";
        unlike $r->{body}, qr/paas-guard|forged|keep-alive/i, "PaaS-Guard from a client, $name, $place: dropped";
        is join("\n", $r->{body} =~ /^(X-N.*?)\r$/mg), join("\n", @kept),
            "PaaS-Guard from a client, $name, $place: the others arrive";
    }
}

{
    # headers that nginx knows by pointers into the list
    my ($r) = send_all(['POST', fresh('/echo/'), [@headers[0 .. 17], 'PaaS-Guard: forged',
        'Content-Type: text/x', 'PaaS-Guard: forged', 'User-Agent: me', 'PaaS-Guard: forged',
        'Authorization: Bearer b', 'PaaS-Guard: forged', 'X-Forwarded-For: 192.0.2.1', 'PaaS-Guard: forged',
        'Cookie: a=1'], 'body']);
    unlike $r->{body}, qr/paas-guard|forged/i, 'PaaS-Guard among known headers: dropped';
    for ('Content-Type: text/x', 'User-Agent: me', 'Authorization: Bearer b',
         'X-Forwarded-For: 192.0.2.1', 'Cookie: a=1', 'Content-Length: 4') {
        like $r->{body}, qr/^\Q$_\E\r$/m, "PaaS-Guard among known headers: $_ arrives";
    }
}

for my $place ('/echo/', '/unguarded-echo/') {
    my @lines = map { ('-H', $_) } $headers[0], 'PaaS-Guard: forged', $headers[1], 'paas-guard: forged';
    open my $in, '-|', 'curl', '-sS', '-m', 20, '--http2-prior-knowledge', @lines,
        "http://127.0.0.1:$h2" . fresh($place) or die "curl: $!";
    my $body = do { local $/; <$in> };
    unlike $body, qr/paas-guard|forged/i, "PaaS-Guard from a client, HTTP/2, $place: dropped";
    is join(' ', $body =~ /^(x-n\d\d)/mgi), 'x-n01 x-n02',
        "PaaS-Guard from a client, HTTP/2, $place: the others arrive";
}

for my $place ('/tagged/', '/unguarded-tagged/') {
    my ($r) = send_all(fresh($place));
    is $r->{body}, "tagged\n", "PaaS-Guard from an upstream, $place: answered";
    ok !exists $r->{headers}{'paas-guard'}, "PaaS-Guard from an upstream, $place: dropped";
    is $r->{headers}{'x-kept'}, 'yes', "PaaS-Guard from an upstream, $place: others are kept";
}


# RateLimit

sub ratelimit {
    my ($r) = @_;
    return ($r->{headers}{'ratelimit-policy'} // '') . ' / ' . ($r->{headers}{ratelimit} // '');
}

{
    my ($k, $target) = ('X-K: ' . ++$cases, fresh('/rl/'));
    my @r = send_all((map { ['GET', $target, [$k]] } 1, 2), map { ['GET', fresh('/rl/'), [$k]] } 1, 2);

    is ratelimit($r[0]), '"identical";q=1;w=2, "flood";q=2;w=60 / "identical";r=0;t=2, "flood";r=1;t=60',
        'RateLimit: passed';
    is ratelimit($r[1]), '"identical";q=1;w=2 / "identical";r=0;t=2', 'RateLimit: throttled';
    is $r[1]{headers}{'retry-after'}, 2, 'RateLimit: throttled, Retry-After';
    is ratelimit($r[2]), '"flood";q=2;w=60 / "flood";r=0;t=60', 'RateLimit: blocked';
    is $r[2]{headers}{'retry-after'}, 60, 'RateLimit: blocked, Retry-After';
    is ratelimit($r[3]), ratelimit($r[2]), 'RateLimit: still blocked';
}

{
    my $k = ++$cases;
    my ($r) = send_all(['GET', fresh('/rl/'), ["X-K: $k", "X-Other: $k"]]);
    is ratelimit($r), '"identical";q=1;w=2, "flood";q=2;w=60, "other";q=1;w=10'
        . ' / "identical";r=0;t=2, "flood";r=1;t=60, "other";r=0;t=10', 'RateLimit: two rules';

    ($r) = send_all(fresh('/rl/'));
    is ratelimit($r), '"identical";q=1;w=2 / "identical";r=0;t=2', 'RateLimit: a rule without a key';
    ($r) = send_all(['GET', fresh('/rl/'), ['X-Exempt: 1', "X-K: $k"]]);
    is ratelimit($r), ' / ', 'RateLimit: exempt';
    ($r) = send_all(['GET', fresh('/rl-off/'), ["X-K: $k"]]);
    is ratelimit($r), '"flood";q=2;w=60 / "flood";r=0;t=60', 'RateLimit: throttle off';
    ($r) = send_all(['GET', fresh('/rl/'), ['Upgrade: x', 'Connection: upgrade', 'X-K: ' . ++$cases]]);
    is ratelimit($r), '"flood";q=2;w=60 / "flood";r=1;t=60', 'RateLimit: unsigned';
    ($r) = send_all(fresh('/rl-nothing/'));
    is ratelimit($r), ' / ', 'RateLimit: no policy, no header';
    is ratelimit(duplicate('/rl-dry/')), '"identical";q=1;w=3600 / "identical";r=0;t=3600',
        'RateLimit: dry run';
}


# Others' limits beside the guard's

{
    my $k = 'X-K: ' . ++$cases;
    my @t = map { fresh('/limit-req/') } 1 .. 3;
    is statuses(map { ['GET', $_, [$k]] } @t[0, 0, 0, 1, 2]), '200 429 429 200 503',
        'limit_req: limits what the guard lets pass, and only that';
    my ($log) = logged($t[2], 1);
    is "@$log{qw(status verdict reason sla)}", '503 passed - failed',
        'limit_req: its refusal is not excluded';
}

{
    my $held = $gateway->connect;
    my $target = fresh('/limit-conn/held');
    print $held "POST $target HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbo";
    ok wait_for(sub { statuses(fresh('/limit-conn/')) eq '503' }), 'limit_conn: refuses the second';
    print $held 'dy';
    my $answer = do { local $/; <$held> };
    like $answer, qr{^HTTP/1\.1 200 }, 'limit_conn: the first goes on';
    close $held;        # or nginx lingers
    ok wait_for(sub { statuses(fresh('/limit-conn/')) eq '200' }),
        'limit_conn: one at a time passes';
}

{
    my $target = fresh('/basic/');
    my $auth = 'Authorization: Basic bWU6c2VjcmV0';     # me:secret
    is statuses($target, $target, ['GET', $target, [$auth]], ['GET', $target, [$auth]],
        ['GET', $target, ['Authorization: Basic bWU6d3Jvbmc=']]), '401 429 200 429 401', 'auth_basic';

    $target = fresh('/deny/');
    is statuses($target, $target), '403 429', 'deny';
}

{
    my $target = fresh('/real/');
    is statuses(map { ['GET', $target, ["X-Real-IP: 192.0.2.$_"]] } 1, 2, 1, 2), '200 200 429 429',
        'realip in a location: the guard sees the real address';
}


$gateway->stop;


# To CGI, PaaS_Guard is PaaS-Guard

for my $takes ('underscores_in_headers on;', 'ignore_invalid_headers off;',
    'underscores_in_headers on; ignore_invalid_headers off;')
{
    $gateway = gateway_start(
        http => "paas_guard_zone zone=z:1m; $takes",
        conf => 'location / { paas_guard zone=z; add_header X-Told $http_paas_guard always; try_files /none =404; }');

    unlike $gateway->http("GET /1 HTTP/1.0\r\nHost: a\r\n$_: forged\r\n\r\n"), qr/forged/,
        "$takes $_ from a client: dropped"
        for 'PaaS-Guard', 'PaaS_Guard';

    $gateway->stop;
}
