# What nginx -t accepts, and the one sentence with which it refuses the rest:
# it names the directive, the value, and what would be right.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;

plan 'no_plan';

my $dir    = "$ENV{TEST_NGINX_DIR}/config";
my $secret = secret_file();
mkdir $dir or die "$dir: $!";

sub file {
    my ($name, $text) = @_;
    open my $out, '>', "$dir/$name" or die "$dir/$name: $!";
    print $out $text;
    close $out;
    chmod 0600, "$dir/$name";       # a secret's must not be open to all
    return "$dir/$name";
}

# A configuration, as text for http, server and location; the zone z is there
# unless the text for http says otherwise.
my $lines;      # before that of http

sub write_config {
    my (%at) = @_;
    my $load = join "\n", map { "load_module $_;" } split ' ', $ENV{TEST_NGINX_LOAD_MODULES};
    my $zone = exists $at{zone} ? $at{zone} : 'paas_guard_zone zone=z:1m;';
    my $head = <<~_EOC_;
        $load
        pid $dir/pid;
        error_log stderr notice;
        @{[ $at{main} // '' ]}
        events {}
        http {
            access_log off;
            client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
            uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
            $zone
            paas_guard_hammer_rule known key=\$remote_addr window=10s limit=5;
        _EOC_
    $lines = () = $head =~ /\n/g;
    file('nginx.conf', $head . join "\n", $at{http} // '', 'server {', 'listen 127.0.0.1:1;',
        $at{server} // '', 'location / {', $at{location} // '', '}', '}', '}', '');
}

# The status of nginx -t, and its error lines without time and process.
sub try {
    my (%at) = @_;
    write_config(%at);
    my $out = `'$ENV{TEST_NGINX_BINARY}' -t -p '$dir' -c '$dir/nginx.conf' 2>&1`;
    my $status = $?;
    my @said = map { s{^\S+ \S+ |^nginx: }{}r =~ s{^\[(\w+)\] (?:\d+#\d+: )?}{[$1] }r }
        grep { /\[(?:emerg|alert|crit|error|warn)\]/ } split /\n/, $out;
    my %seen;
    return ($status >> 8, [grep { !$seen{$_}++ } @said], $out);
}

sub accepted {
    my ($place, $text) = @_;
    my ($status, $said, $out) = try($place => $text);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is "$status @$said", '0 ', "accepted, $place: " . short($text) or diag $out;
}

# $sentence without the place in the file that nginx adds.
sub refused {
    my ($place, $text, $sentence) = @_;
    my ($status, $said) = try(ref $place ? %$place : (), $text ? ($place => $text) : ());
    my @want = ("[emerg] $sentence");
    for (@$said) { s{ in \Q$dir\E/nginx\.conf:\d+\z}{} }
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply [$status, @$said], [1, @want],
        'refused: ' . short($text // join ' ', map { "$_: $place->{$_}" } sort keys %$place);
}

sub short {
    my ($text) = @_;
    $text =~ s/\s+/ /g;
    return length $text > 100 ? substr($text, 0, 100) . '...' : $text;
}

my $n63 = 'n' x 63;
my $n64 = 'n' x 64;
my $bad_name = 'must be 1 to 63 letters, digits, "-", "_", "." or "/"';


# paas_guard_zone

my $size  = sub { qq{"paas_guard_zone": invalid parameter "$_[0]": expected zone=name:size, a size like 10m} };
my $state = sub { qq{"paas_guard_zone": invalid parameter "$_[0]": expected state=path} };
my $parts = sub { qq{"paas_guard_zone": unknown parameter "$_[0]": expected zone= or state=} };

accepted(zone => $_) for 'paas_guard_zone zone=z:128k;', 'paas_guard_zone zone=z:10m;', 'paas_guard_zone zone=z:1g;',
    'paas_guard_zone zone=z:131072;', "paas_guard_zone zone=$n63:1m;",
    'paas_guard_zone zone=a.b_c-d/9:1m;', "paas_guard_zone zone=z:1m state=$dir/state;",
    'paas_guard_zone state=state zone=z:1m;',
    'paas_guard_zone zone=z:1m; paas_guard_zone zone=y:1m;', '';

for (
    ['paas_guard_zone zone=z:1x;',  $size->('zone=z:1x')],
    ['paas_guard_zone zone=z:;',    $size->('zone=z:')],
    ['paas_guard_zone zone=z:-1m;', $size->('zone=z:-1m')],
    ['paas_guard_zone zone=z:1m:2m;', $size->('zone=z:1m:2m')],
    ['paas_guard_zone zone=z;',     $size->('zone=z')],
    ['paas_guard_zone zone=;',      $size->('zone=')],
    ['paas_guard_zone z:1m;',       $parts->('z:1m')],
    ['paas_guard_zone zone=z:1m size=1m;', $parts->('size=1m')],
    ['paas_guard_zone zone=z:1m state=;',  $state->('state=')],
    ['paas_guard_zone state=x;', '"paas_guard_zone" must have a "zone=name:size" parameter'],
    ['paas_guard_zone zone=:1m;', qq{"paas_guard_zone": name "" $bad_name}],
    ['paas_guard_zone "zone=a b:1m";', qq{"paas_guard_zone": name "a b" $bad_name}],
    ["paas_guard_zone zone=$n64:1m;", qq{"paas_guard_zone": name "$n64" $bad_name}],
    ['paas_guard_zone zone=é:1m;', qq{"paas_guard_zone": name "é" $bad_name}],
    ['paas_guard_zone zone=z:127k;',
        '"paas_guard_zone": zone "z" is too small: it must have at least 128k'],
    ['paas_guard_zone zone=z:0;',
        '"paas_guard_zone": zone "z" is too small: it must have at least 128k'],
    ['paas_guard_zone zone=z:1m; paas_guard_zone zone=z:1m;',
        '"paas_guard_zone": zone "z" is already defined'],
    ['paas_guard_zone;', 'invalid number of arguments in "paas_guard_zone" directive'],
    ['limit_req_zone $uri zone=z:1m rate=1r/s; paas_guard_zone zone=z:1m;',
        'the shared memory zone "z" is already declared for a different use'],
) {
    refused({ zone => $_->[0] }, undef, $_->[1]);
}

# nothing is silently ignored
refused({ zone => 'paas_guard_zone zone=z:1m zone=y:1m;' }, undef,
    '"paas_guard_zone": parameter "zone" is given twice');
refused({ zone => 'paas_guard_zone state=a state=b zone=z:1m;' }, undef,
    'invalid number of arguments in "paas_guard_zone" directive');

# State is kept in a file of its own
{
    my $two = sub { "paas_guard_zone zone=z:1m state=$_[0]; paas_guard_zone zone=y:1m state=$_[1];" };
    my $in_way = sub {
        my ($mine, $whose, $theirs, $who) = @_;
        return qq{"paas_guard_zone": state "$dir/$mine" of $whose is in the way of "$dir/$theirs" of $who: choose another path};
    };
    my ($y, $z, $sla) = ('zone "y"', 'zone "z"', 'sla "IC" of zone "z"');
    my %sla = (http => 'paas_guard_indicator IC target=99%;', location => 'paas_guard zone=z; paas_guard_sla IC;');
    mkdir "$dir/sub" or die $!;

    accepted(zone => $two->('s', 't'));
    accepted(zone => $two->('s', 'sub/s'));
    my ($status, $said) = try(%sla, zone => $two->('s', 's.sla.ID'));
    is "$status @$said", '0 ', 'accepted: a name like that of a ledger';

    refused({ zone => $two->('s', $_->[0]) }, undef, $in_way->($_->[1], $y, 's', $z))
        for ['s', 's'], ["$dir/s", 's'], ['sub/../s', 'sub/../s'], map { ["s$_", "s$_"] } '~', '~new', '~bad';
    refused({ zone => $two->('s~', 's') }, undef, $in_way->('s', $y, 's~', $z));
    refused({ %sla, zone => $two->('s', $_) }, undef, $in_way->('s.sla.IC', $sla, $_, $y)) for 's.sla.IC', 's.sla.IC~';

    my $audit = "paas_guard_secret_file $secret; paas_guard_audit $dir/s.log;";
    accepted(zone => "paas_guard_zone zone=z:1m state=s; $audit");
    refused({ zone => "$audit paas_guard_zone zone=z:1m state=s.log;" }, undef,
        $in_way->('s.log', $z, 's.log', '"paas_guard_audit"'));
    refused({ %sla, zone => $audit =~ s/s[.]log/s.sla.IC/r . 'paas_guard_zone zone=z:1m state=s;' }, undef,
        $in_way->('s.sla.IC', $sla, 's.sla.IC', '"paas_guard_audit"'));
    refused({ zone => 'paas_guard_zone zone=z:1m state=s.log;', server => "access_log $dir/s.log;" }, undef,
        $in_way->('s.log', $z, 's.log', 'a log'));
    my $own = file('own', 'x' x 16);
    refused({ zone => "paas_guard_zone zone=z:1m state=own; paas_guard_secret_file $own;" }, undef,
        $in_way->('own', $z, 'own', '"paas_guard_secret_file"'));

    my $audit_in_way = sub { qq{"paas_guard_audit": "$_[0]" is in the way of "$_[0]" of $_[1]: choose another path} };
    refused({ zone => "paas_guard_secret_file $secret; paas_guard_zone zone=z:1m;",
        http => 'paas_guard_audit s.log;', $_->[0] => $_->[1] }, undef, $audit_in_way->("$dir/s.log", 'a log'))
        for ['server', 'access_log s.log;'], ['location', "access_log $dir/s.log;"], ['main', 'error_log s.log;'];
    refused({ zone => "access_log s.log; $audit paas_guard_zone zone=z:1m;" }, undef, $audit_in_way->("$dir/s.log", 'a log'));
    refused({ zone => "paas_guard_secret_file $own; paas_guard_audit $own; paas_guard_zone zone=z:1m;" }, undef,
        $audit_in_way->($own, '"paas_guard_secret_file"'));

    refused({ zone => 'paas_guard_zone zone=z:1m state=sub;' }, undef,
        qq{"paas_guard_zone": state "$dir/sub" is a directory: expected the path of a file});

    # the line is that of the zone that comes later
    ($status, $said) = try(zone => "paas_guard_zone zone=z:1m state=s;\npaas_guard_zone zone=y:1m state=s;");
    like $said->[0], qr/ in \Q$dir\E\/nginx\.conf:@{[ $lines - 1 ]}\z/, 'one file for two: file and line';
}


# paas_guard

accepted($_ => 'paas_guard zone=z;') for qw(http server location);
accepted(location => 'paas_guard off;');
accepted(zone => 'paas_guard off;');

for (
    ['paas_guard on;',    '"paas_guard": invalid parameter "on": expected zone=name or off'],
    ['paas_guard z;',     '"paas_guard": invalid parameter "z": expected zone=name or off'],
    ['paas_guard zone=;', '"paas_guard": invalid parameter "zone=": expected zone=name or off'],
    ['paas_guard OFF;',   '"paas_guard": invalid parameter "OFF": expected zone=name or off'],
    ['paas_guard zone=y;', '"paas_guard": zone "y" is not defined by "paas_guard_zone"'],
    ['paas_guard zone=Z;', '"paas_guard": zone "Z" is not defined by "paas_guard_zone"'],
    ['paas_guard zone=z; paas_guard off;', '"paas_guard" directive is duplicate'],
    ['paas_guard zone=z off;', 'invalid number of arguments in "paas_guard" directive'],
) {
    refused(location => @$_);
}

{
    # the line is that of the name that is not known
    my ($status, $said) = try(server => 'paas_guard zone=y;');
    like $said->[0], qr/ in \Q$dir\E\/nginx\.conf:@{[ $lines + 4 ]}\z/, 'an unknown zone: file and line';
}


# paas_guard_service

accepted($_ => 'paas_guard_service vm-api;') for qw(http server location);
accepted(location => "paas_guard_service $n63;");
refused(location => @$_) for
    ['paas_guard_service "";', qq{"paas_guard_service": name "" $bad_name}],
    ['paas_guard_service "a b";', qq{"paas_guard_service": name "a b" $bad_name}],
    ['paas_guard_service a:b;', qq{"paas_guard_service": name "a:b" $bad_name}],
    ["paas_guard_service $n64;", qq{"paas_guard_service": name "$n64" $bad_name}],
    ['paas_guard_service a; paas_guard_service b;', '"paas_guard_service" directive is duplicate'],
    ['paas_guard_service a b;', 'invalid number of arguments in "paas_guard_service" directive'];

# as many as the zone has names for, of which "default" is not one here
{
    my $services = sub {
        my ($n, $zone) = @_;
        return (zone => "paas_guard_zone zone=z:$zone;", server => join "\n", 'paas_guard zone=z; paas_guard_service s1;',
            map { "location /$_ { paas_guard_service s$_; }" } 1 .. $n);
    };
    for ([31, '128k'], [255, '1m']) {
        my ($status, $said) = try($services->(@$_));
        is "$status @$said", '0 ', "accepted: $_->[0] services in $_->[1]";
    }
    my $room = 'paas_guard_zone "z" has room for';
    refused({ $services->(@$_[0, 1]) }, undef, "$room $_->[2], and $_->[0] are configured: $_->[3]") for
        [32, '128k', '31 services', 'a zone of 1m or more has room for all'],
        [256, '128k', '31 services', 'no zone has room for more than 255, so use several'],
        [256, '1m', '255 services', 'no zone has room for more than 255, so use several'];
}


# paas_guard_client, paas_guard_exempt

for my $d (qw(paas_guard_client paas_guard_exempt)) {
    accepted($_ => "$d \$remote_addr \$http_x;") for qw(http server location);
    refused(location => @$_) for
        ["$d \$no_such_variable;", 'unknown "no_such_variable" variable'],
        ["$d;", qq{invalid number of arguments in "$d" directive}],
        ["$d \$uri; $d b;", qq{"$d" directive is duplicate}],
        ["$d '\${x';", 'the closing bracket in "x" variable is missing'];
}

accepted(location => $_) for 'paas_guard_exempt 1 $uri;', 'paas_guard_exempt 0;', 'paas_guard_exempt "";',
    'paas_guard_client $http_x all;';

for (['location', 'paas_guard_client binary_remote_addr;', 'paas_guard_client "binary_remote_addr"', 'all clients will be one'],
     ['http', 'paas_guard_hammer_rule r key=paas_guard_client_id window=10s limit=5;', 'key= "paas_guard_client_id"',
        'all clients will be one'],
     ['location', 'paas_guard_exempt $uri health_checker;', 'paas_guard_exempt "health_checker"',
        'all requests will be exempt']) {
    my ($place, $text, $what, $then) = @$_;
    my ($status, $said) = try($place => $text);
    for (@$said) { s{ in \Q$dir\E/nginx\.conf:\d+\z}{} }
    is_deeply [$status, @$said], [0, "[warn] $what has no variable: $then"], "warned: $text";
}


# paas_guard_throttle

my $time = sub { qq{"paas_guard_throttle": invalid parameter "$_[0]": expected a time from 1ms to 24d} };
my $kind = sub { qq{"paas_guard_throttle": invalid parameter "$_[0]": }
    . 'expected off alone, or interval=time, scope=node or scope=cluster' };

accepted(location => "paas_guard zone=z; paas_guard_throttle $_;") for 'interval=1ms', 'interval=1',
    'interval=24d', 'interval=1m30s', 'interval=500ms scope=node', 'scope=node interval=1s', 'scope=node', 'off';
accepted($_ => 'paas_guard_throttle off;') for qw(http server);

refused(location => "paas_guard zone=z; paas_guard_throttle $_->[0];", $_->[1]) for
    ['interval=0',     $time->('interval=0')],
    ['interval=0ms',   $time->('interval=0ms')],
    ['interval=',      $time->('interval=')],
    ['interval=-1s',   $time->('interval=-1s')],
    ['interval=1x',    $time->('interval=1x')],
    ['interval=1.5s',  $time->('interval=1.5s')],
    ['interval=25d',   $time->('interval=25d')],
    ['interval=99999999999999999999s', $time->('interval=99999999999999999999s')],
    ['scope=zone',     $kind->('scope=zone')],
    ['scope=',         $kind->('scope=')],
    ['1s',             $kind->('1s')],
    ['on',             $kind->('on')],
    ['interval=1s burst=1', $kind->('burst=1')],
    ['interval=1s interval=2s', '"paas_guard_throttle": parameter "interval" is given twice'],
    ['scope=node scope=node',   '"paas_guard_throttle": parameter "scope" is given twice'],
    ['scope=cluster',  '"paas_guard_throttle": scope=cluster needs "paas_guard_redis"'],
    ['interval=1s scope=cluster', '"paas_guard_throttle": scope=cluster needs "paas_guard_redis"'],
    ['off; paas_guard_throttle interval=1s', '"paas_guard_throttle" directive is duplicate'];

# Which is wrong beside off: the sentence must not name what it asks for.
{
    my ($status, $said) = try(location => 'paas_guard zone=z; paas_guard_throttle off scope=node;');
    is $status, 1, 'refused: off with a scope';
    unlike $said->[0] // '', qr/invalid parameter "off": expected .* or off/,
        'off with a scope: the sentence does not contradict itself';
}


# paas_guard_signature_headers, _body, _rewrite

accepted(location => "paas_guard_signature_headers $_;") for 'none', 'Accept', 'accept X-Y_Z';
accepted($_ => 'paas_guard_signature_headers none;') for qw(http server);
my $names = 'expected names of headers, or none alone';
refused(location => @$_) for
    ['paas_guard_signature_headers none Accept;',
        qq{"paas_guard_signature_headers": invalid parameter "none": $names}],
    ['paas_guard_signature_headers Accept none;',
        qq{"paas_guard_signature_headers": invalid parameter "none": $names}],
    ['paas_guard_signature_headers "";',
        qq{"paas_guard_signature_headers": invalid parameter "": $names}],
    ['paas_guard_signature_headers;',
        'invalid number of arguments in "paas_guard_signature_headers" directive'],
    ['paas_guard_signature_headers a; paas_guard_signature_headers b;',
        '"paas_guard_signature_headers" directive is duplicate'],
    # names that no header can have would be ignored in silence
    ['paas_guard_signature_headers Accept:;',
        qq{"paas_guard_signature_headers": invalid parameter "Accept:": $names}],
    ['paas_guard_signature_headers "X Y";',
        qq{"paas_guard_signature_headers": invalid parameter "X Y": $names}],
    ['paas_guard_signature_headers Accept,Range;',
        qq{"paas_guard_signature_headers": invalid parameter "Accept,Range": $names}];

accepted(location => "paas_guard_signature_body $_;") for qw(off 0 1 64k 10m);
refused(location => @$_) for
    ['paas_guard_signature_body on;',
        '"paas_guard_signature_body": invalid parameter "on": expected a size like 1m, or off'],
    ['paas_guard_signature_body 1x;',
        '"paas_guard_signature_body": invalid parameter "1x": expected a size like 1m, or off'],
    ['paas_guard_signature_body "";',
        '"paas_guard_signature_body": invalid parameter "": expected a size like 1m, or off'],
    ['paas_guard_signature_body -1;',
        '"paas_guard_signature_body": invalid parameter "-1": expected a size like 1m, or off'],
    ['paas_guard_signature_body 1m; paas_guard_signature_body off;',
        '"paas_guard_signature_body" directive is duplicate'];

accepted(location => "paas_guard_signature_rewrite $_;") for q{a b}, q{a ''}, q{'(a)(b)?' '$1-$2'},
    q{'(?<x>a)' '${x}'}, q{a '$$'}, q{'^a|b$' c}, q{a b; paas_guard_signature_rewrite a c};
accepted($_ => 'paas_guard_signature_rewrite a b;') for qw(http server);

# what follows is PCRE2's own text, which its versions word differently
for (['( x', '\(', 'missing .*parenthesis.* at offset 1'], ['[ x', '\[', 'missing terminating \].* at offset \d'],
     ['* x', '\*', 'quantifier does not follow .* at offset \d'],
     ['a $1', 'a', 'unknown substring at offset \d'],
     ["'(a)' \$2", '\(a\)', 'unknown substring at offset \d'],
     ["'(a)' '\${x}'", '\(a\)', 'unknown substring at offset \d'],
     ["a '\$'", 'a', '.* at offset \d'])
{
    my ($text, $regex, $why) = @$_;
    my ($status, $said) = try(location => "paas_guard_signature_rewrite $text;");
    is $status . @$said, '11', "refused: paas_guard_signature_rewrite $text";
    like $said->[0] // '', qr/^\[emerg\] "paas_guard_signature_rewrite": "$regex" with ".*": $why in /,
        "paas_guard_signature_rewrite $text: the sentence";
}
refused(location => 'paas_guard_signature_rewrite a;',
    'invalid number of arguments in "paas_guard_signature_rewrite" directive');


# paas_guard_hammer_rule

my $rule = sub { "paas_guard_hammer_rule r $_[0];" };
my $need = 'key=$remote_addr window=10s limit=5';
my $wrong = sub { qq{"paas_guard_hammer_rule": invalid parameter "$_[0]": expected $_[1]} };

my $window = 'a time from 1s to 24d';
my $block  = 'a time from 1s to 365d';
my $limit  = 'a number from 1 to 1000000';
my $count  = 'all, admitted, throttled or status:LIST of codes from 200 to 599';

accepted(http => $rule->($_)) for $need, "$need count=all", "$need count=admitted",
    "$need count=throttled", "$need count=status:401 reason=lockout", "$need count=status:401,403,500",
    "$need count=status:200,599", "$need block=1s", "$need block=365d", "$need block=2h",
    "$need block=30s block_max=30s", "$need block_max=365d", "$need scope=zone", "$need scope=service",
    "$need reason=lockout", "$need reason=hammering",
    'limit=1 window=1s key=a$uri', 'limit=1000000 window=24d key=$uri';
accepted(http => "paas_guard_hammer_rule $n63 $need;");

refused(http => $rule->($_->[0]), $_->[1]) for
    ["$need window=1s", '"paas_guard_hammer_rule": parameter "window" is given twice'],
    ["$need key=\$uri", '"paas_guard_hammer_rule": parameter "key" is given twice'],
    ["$need scope=zone scope=zone", '"paas_guard_hammer_rule": parameter "scope" is given twice'],
    ["$need burst=1", '"paas_guard_hammer_rule": unknown parameter "burst=1": expected key=,'
        . ' window=, limit=, count=, block=, block_max=, scope= or reason='],
    ["$need block", '"paas_guard_hammer_rule": unknown parameter "block": expected key=,'
        . ' window=, limit=, count=, block=, block_max=, scope= or reason='],
    ['key= window=10s limit=5',       $wrong->('key=', 'a string with variables')],
    ['key=$uri window=0 limit=5',     $wrong->('window=0', $window)],
    ['key=$uri window=999ms limit=5', $wrong->('window=999ms', $window)],
    ['key=$uri window=25d limit=5',   $wrong->('window=25d', $window)],
    ['key=$uri window= limit=5',      $wrong->('window=', $window)],
    ['key=$uri window=x limit=5',     $wrong->('window=x', $window)],
    ['key=$uri window=1s limit=0',    $wrong->('limit=0', $limit)],
    ['key=$uri window=1s limit=-1',   $wrong->('limit=-1', $limit)],
    ['key=$uri window=1s limit=',     $wrong->('limit=', $limit)],
    ['key=$uri window=1s limit=1k',   $wrong->('limit=1k', $limit)],
    ['key=$uri window=1s limit=1000001', $wrong->('limit=1000001', $limit)],
    ["$need count=some",              $wrong->('count=some', $count)],
    ["$need count=",                  $wrong->('count=', $count)],
    ["$need count=status:",           $wrong->('count=status:', $count)],
    ["$need count=status:401,",       $wrong->('count=status:401,', $count)],
    ["$need count=status:199",        $wrong->('count=status:199', $count)],
    ["$need count=status:600",        $wrong->('count=status:600', $count)],
    ["$need count=status:4xx",        $wrong->('count=status:4xx', $count)],
    ["$need block=0",                 $wrong->('block=0', $block)],
    ["$need block=366d",              $wrong->('block=366d', $block)],
    ["$need block_max=x",             $wrong->('block_max=x', $block)],
    ["$need scope=cluster",           $wrong->('scope=cluster', 'service or zone')],
    ["$need scope=",                  $wrong->('scope=', 'service or zone')],
    ["$need reason=other",            $wrong->('reason=other', 'hammering or lockout')],
    ['key=$uri limit=5', '"paas_guard_hammer_rule": rule "r" must have key=, window= and limit='],
    ['window=1s limit=5', '"paas_guard_hammer_rule": rule "r" must have key=, window= and limit='],
    ["$need block=2m block_max=1m",
        '"paas_guard_hammer_rule": rule "r" has a block_max= that is shorter than its block='],
    ["block_max=1s $need",
        '"paas_guard_hammer_rule": rule "r" has a block_max= that is shorter than its block='];

# failed logins are not hammering, unless that is said
for my $codes ('401', '403', '403,401') {
    accepted(http => $rule->("$need count=status:$codes reason=$_")) for qw(lockout hammering);
    my ($status, $said) = try(http => $rule->("$need count=status:$codes"));
    is_deeply [$status, scalar @$said], [0, 1], "accepted with a warning: count=status:$codes without a reason";
    like $said->[0] // '', qr/^\[warn\] "paas_guard_hammer_rule": rule "r" counts failed logins, but .* add reason=lockout/,
        "count=status:$codes without a reason: the sentence";
}
accepted(http => $rule->("$need count=status:$_")) for '401,404', '429';

{
    # an unknown variable has one sentence, too
    my ($status, $said) = try(http => $rule->('key=$no_such window=1s limit=1'));
    is_deeply [$status, scalar @$said], [1, 1], 'refused: unknown variable in key=, in one sentence';
    like $said->[0], qr/unknown "no_such" variable/, 'unknown variable in key=: the sentence';
}

refused(http => @$_) for
    ["paas_guard_hammer_rule known $need;", '"paas_guard_hammer_rule": rule "known" is already defined'],
    ["paas_guard_hammer_rule 'a b' $need;", qq{"paas_guard_hammer_rule": name "a b" $bad_name}],
    ["paas_guard_hammer_rule '' $need;", qq{"paas_guard_hammer_rule": name "" $bad_name}],
    ["paas_guard_hammer_rule $n64 $need;", qq{"paas_guard_hammer_rule": name "$n64" $bad_name}],
    ["paas_guard_hammer_rule r;", 'invalid number of arguments in "paas_guard_hammer_rule" directive'],
    [join("\n", map { "paas_guard_hammer_rule r$_ $need;" } 1 .. 64),
        '"paas_guard_hammer_rule": rule "r64" is one too many: at most 64'];
accepted(http => join "\n", map { "paas_guard_hammer_rule r$_ $need;" } 1 .. 63);

# "paas_guard_hammer off" would mean something else than the rule "off"; and
# RateLimit has "identical" already
for my $name (qw(off identical)) {
    my ($status, $said) = try(http => "paas_guard_hammer_rule $name $need;");
    is_deeply [$status, scalar @$said], [1, 1], "refused: a rule called $name";
    like $said->[0] // '', qr/^\[emerg\] "paas_guard_hammer_rule": name "$name" /,
        "a rule called $name: the sentence";
}


# paas_guard_hammer

accepted($_ => 'paas_guard zone=z; paas_guard_hammer known;') for qw(http server location);
accepted(location => "paas_guard zone=z; paas_guard_hammer $_;") for 'off', 'known';

# also where there is no guard, or another line is in force
refused(@$_) for
    [server => 'paas_guard_hammer nobody;', '"paas_guard_hammer": rule "nobody" is not defined by "paas_guard_hammer_rule"'],
    [http => 'paas_guard_sla nobody;', '"paas_guard_sla": indicator "nobody" is not defined by "paas_guard_indicator"'],
    [{ http => 'paas_guard zone=y;', server => 'paas_guard off;' }, undef,
        '"paas_guard": zone "y" is not defined by "paas_guard_zone"'],
    [http => 'paas_guard_throttle scope=cluster;', '"paas_guard_throttle": scope=cluster needs "paas_guard_redis"'],
    [server => 'paas_guard_sync strict;', '"paas_guard_sync": strict needs "paas_guard_redis"'];

# and the line is that of what needs something
for ('paas_guard_hammer nobody', 'paas_guard_sla nobody', 'paas_guard_throttle scope=cluster', 'paas_guard_sync strict') {
    my ($status, $said) = try(server => "$_;");
    like $said->[0] // '', qr/ in \Q$dir\E\/nginx\.conf:@{[ $lines + 4 ]}\z/, "$_: file and line";
}
for ('paas_guard_redis redis://127.0.0.1', "paas_guard_audit $dir/audit") {
    my ($status, $said) = try(http => "$_;");
    like $said->[0] // '', qr/ needs "paas_guard_secret_file".* in \Q$dir\E\/nginx\.conf:@{[ $lines + 1 ]}\z/,
        "$_: file and line";
}

refused(location => "paas_guard zone=z; $_->[0]", $_->[1]) for
    ['paas_guard_hammer nobody;',
        '"paas_guard_hammer": rule "nobody" is not defined by "paas_guard_hammer_rule"'],
    ['paas_guard_hammer known off;',
        '"paas_guard_hammer": rule "off" is not defined by "paas_guard_hammer_rule"'],
    ['paas_guard_hammer "";',
        '"paas_guard_hammer": rule "" is not defined by "paas_guard_hammer_rule"'],
    ['paas_guard_hammer known; paas_guard_hammer off;', '"paas_guard_hammer" directive is duplicate'],
    ['paas_guard_hammer;', 'invalid number of arguments in "paas_guard_hammer" directive'];

{
    my $rules = sub { join "\n", map { "paas_guard_hammer_rule r$_ $need;" } 1 .. $_[0] };
    my $hammer = sub { 'paas_guard zone=z; paas_guard_hammer ' . join(' ', map { "r$_" } 1 .. $_[0]) . ';' };
    my ($status) = try(http => $rules->(17), location => $hammer->(16));
    is $status, 0, 'accepted: 16 rules in one place';
    refused({ http => $rules->(17), location => $hammer->(17) }, undef,
        '"paas_guard_hammer": at most 16 rules in one place');
}

# it would be counted twice
{
    my ($status, $said) = try(location => 'paas_guard zone=z; paas_guard_hammer known known;');
    is_deeply [$status, scalar @$said], [1, 1], 'refused: a rule named twice';
    like $said->[0] // '', qr/^\[emerg\] "paas_guard_hammer": rule "known" is .*twice/,
        'a rule named twice: the sentence';
}


# paas_guard_redis

my $redis = sub { "paas_guard_secret_file $secret; paas_guard_redis $_[0];" };
my $url   = 'redis://127.0.0.1:6379/0';

accepted(http => $redis->($_)) for $url, 'redis://127.0.0.1', 'redis://127.0.0.1:6379',
    'redis://[::1]:6379/1', 'redis://localhost', 'unix:/run/redis.sock', "$url prefix=a:b_c.d/e-f", "$url timeout=5ms connect_timeout=1s flush=10ms",
    "$url timeout=10s connect_timeout=60s flush=1s";
{
    my $password = file('password', "word\n");
    accepted(http => $redis->("$url password_file=$password"));
    accepted(http => $redis->("$url username=me password_file=$password"));
}
accepted(http => "paas_guard_redis $url; paas_guard_secret_file $secret;");

my $is = sub { qq{url "$_[0]" of "paas_guard_redis" $_[1]} };
refused(http => $redis->($_->[0]), $_->[1]) for
    ['http://x', $is->('http://x', 'must begin with "redis://", "rediss://", "redis+sentinel://",'
        . ' "redis+cluster://" or "unix:/"')],
    ['127.0.0.1:6379', $is->('127.0.0.1:6379', 'must begin with "redis://", "rediss://",'
        . ' "redis+sentinel://", "redis+cluster://" or "unix:/"')],
    ['redis://', $is->('redis://', 'has no host')],
    ['redis://:6379', $is->('redis://:6379', 'has no host')],
    ['redis://a:0', $is->('redis://a:0', 'has a wrong port: 1 to 65535 are right')],
    ['redis://a:65536', $is->('redis://a:65536', 'has a wrong port: 1 to 65535 are right')],
    ['redis://a:b', $is->('redis://a:b', 'has a wrong port: 1 to 65535 are right')],
    ['redis://a,b', $is->('redis://a,b', 'takes one host only')],
    ['redis://a/b', $is->('redis://a/b', 'has a wrong database after "/": a number from 0 to 65535 is right')],
    ['redis://a/1/2', $is->('redis://a/1/2', 'has a wrong database after "/": a number from 0 to 65535 is right')],
    ['redis://[::1', $is->('redis://[::1', 'has a "[" without "]"')],
    ['unix:run/x', $is->('unix:run/x', 'needs an absolute path, as in "unix:/run/redis.sock"')],
    ['redis://me:word@a', 'the url of "paas_guard_redis" must not hold a name or a password:'
        . ' use "username=" and "password_file="'],
    ["$url nonsense=1", 'unknown parameter "nonsense=1" of "paas_guard_redis": prefix=, username=,'
        . ' password_file=, timeout=, connect_timeout=, flush=, tls_ca=, tls_cert=, tls_key= and'
        . ' tls_name= are known'],
    ["$url timeout=1s timeout=1s", 'duplicate parameter "timeout=1s" of "paas_guard_redis"'],
    ["$url timeout=0", 'invalid value "timeout=0" of "paas_guard_redis": a time from 1ms to 10000ms is right'],
    ["$url timeout=11s", 'invalid value "timeout=11s" of "paas_guard_redis": a time from 1ms to 10000ms is right'],
    ["$url flush=x", 'invalid value "flush=x" of "paas_guard_redis": a time from 1ms to 1000ms is right'],
    ["$url connect_timeout=61s",
        'invalid value "connect_timeout=61s" of "paas_guard_redis": a time from 1ms to 60000ms is right'],
    ["$url prefix=", 'parameter "prefix=" of "paas_guard_redis" needs a value'],
    ["$url username=me", 'parameter "username=me" of "paas_guard_redis" needs "password_file="'],
    ["$url tls_ca=/x", 'parameter "tls_ca=/x" of "paas_guard_redis" needs a url that begins with "rediss://"'],
    ["$url; paas_guard_redis $url", '"paas_guard_redis" directive is duplicate'],
    ["$url password_file=$dir/none", qq{can't read "password_file=$dir/none" of "paas_guard_redis" (2: No such file or directory)}];

{
    my $empty = file('empty', "\n");
    refused(http => $redis->("$url password_file=$empty"),
        qq{the first line of "password_file=$empty" of "paas_guard_redis" must be a password of less than 4096 bytes});
    my ($status, $said) = try(http => $redis->("$url 'prefix=a b'"));
    is_deeply [$status, scalar @$said], [1, 1], 'refused: prefix with a blank';
    like $said->[0], qr/^\[emerg\] invalid value "prefix=a b" of "paas_guard_redis": 1 to \d+ letters, digits or any of "_\.:\/-" are right in /,
        'prefix with a blank: the sentence';
}

refused({ http => "paas_guard_redis $url;" }, undef,
    qq{"paas_guard_redis $url" needs "paas_guard_secret_file", the same for all gateways that share it});


# What needs a Redis

accepted(http => $redis->($url) . ' paas_guard zone=z; paas_guard_sync strict; paas_guard_throttle scope=cluster;');
accepted(location => 'paas_guard zone=z; paas_guard_sync async;');
refused(location => 'paas_guard zone=z; paas_guard_sync strict;',
    '"paas_guard_sync": strict needs "paas_guard_redis"');


# paas_guard_secret_file

accepted(http => "paas_guard_secret_file $secret;");
accepted(http => 'paas_guard_secret_file ' . file('s16', 'x' x 16) . ';');
accepted(http => 'paas_guard_secret_file ' . file('s4096', 'x' x 4096) . ';');
accepted(http => 'paas_guard_secret_file s16;');        # relative to nginx.conf

for (['s15', 'x' x 15], ['s15n', 'x' x 15 . "\n"], ['s0', ''], ['sn', "\n" x 20], ['s4097', 'x' x 4097]) {
    my $path = file(@$_);
    refused(http => "paas_guard_secret_file $path;",
        qq{"paas_guard_secret_file": "$path" must hold 16 to 4096 bytes});
}
refused(http => "paas_guard_secret_file $dir/none;",
    qq{"paas_guard_secret_file": could not read "$dir/none" (2: No such file or directory)});
refused(http => "paas_guard_secret_file $dir;",
    qq{"paas_guard_secret_file": could not read "$dir" (21: Is a directory)});
refused(http => "paas_guard_secret_file $secret; paas_guard_secret_file $secret;",
    '"paas_guard_secret_file" directive is duplicate');


# Statuses

for my $d (qw(paas_guard_throttle_status paas_guard_block_status)) {
    accepted(location => "$d $_;") for 400, 403, 429, 444, 499;
    accepted($_ => "$d 429;") for qw(http server);
    refused(location => "$d $_;", qq{"$d": invalid parameter "$_": }
        . 'expected a status from 400 to 499: no refusal may look like an outage')
        for qw(399 500 503 599 200 0 -1 4290 text 429x);
    refused(location => "$d 429; $d 429;", qq{"$d" directive is duplicate});
    refused(location => "$d;", qq{invalid number of arguments in "$d" directive});
}


# Words: the sentence names directive, value, and what is right

accepted(location => "paas_guard_log_level $_;") for qw(info notice warn error);
accepted(location => "paas_guard_dry_run $_;") for qw(on off);
accepted(location => "paas_guard_ratelimit_headers $_;") for qw(on off);
accepted(http => 'paas_guard_session_cookie sid;');
accepted(http => "paas_guard_session_cookie $_;") for q{__Host-a.b_c}, q{app:sid[1]}, q{"a'b"};
refused(http => "paas_guard_session_cookie $_->[0];",
    qq{"paas_guard_session_cookie": invalid parameter "$_->[1]": expected the name of a cookie: }
    . 'without blanks, "=", ";", ",", "$" and quotes')
    for ['""', ''], ['"a b"', 'a b'], ['sid=', 'sid='], ["'sid;'", 'sid;'], ['a,b', 'a,b'], ['$cookie_sid', '$cookie_sid'],
    ["'\"sid\"'", '"sid"'], ["a\x{1}", "a\x{1}"], ["a\x{7f}", "a\x{7f}"];

for (['paas_guard_log_level', 'debug', qw(info notice warn error)], ['paas_guard_log_level', 'crit', qw(info notice warn error)],
     ['paas_guard_sync', 'on', qw(async strict)],
     ['paas_guard_dry_run', 'yes', qw(on off)], ['paas_guard_ratelimit_headers', '1', qw(on off)])
{
    my ($d, $value, @right) = @$_;
    my ($status, $said) = try(location => "$d $value;");
    is_deeply [$status, scalar @$said], [1, 1], "refused: $d $value, in one sentence";
    my $text = $said->[0] // '';
    like $text, qr/"$d"/, "$d $value: the sentence names the directive";
    like $text, qr/"$value"/, "$d $value: and the value";
    is join(' ', grep { $text !~ /\b$_\b/ } @right), '', "$d $value: and all that would be right";
}

for my $d (qw(paas_guard_dry_run paas_guard_ratelimit_headers)) {
    refused(location => "$d on; $d on;", qq{"$d" directive is duplicate});
}
refused(location => 'paas_guard_log_level warn; paas_guard_log_level warn;',
    '"paas_guard_log_level" directive is duplicate');
refused(location => 'paas_guard_sync async; paas_guard_sync async;', '"paas_guard_sync" directive is duplicate');
refused(http => 'paas_guard_session_cookie a; paas_guard_session_cookie b;',
    '"paas_guard_session_cookie" directive is duplicate');


# Contexts

my %http_only = (
    paas_guard_zone           => 'zone=y:1m',
    paas_guard_hammer_rule    => "r $need",
    paas_guard_redis          => $url,
    paas_guard_secret_file    => $secret,
    paas_guard_session_cookie => 'sid',
);

for my $d (sort keys %http_only) {
    refused($_ => "$d $http_only{$d};", qq{"$d" directive is not allowed here})
        for qw(main server location);
}

for my $d (qw(paas_guard paas_guard_service paas_guard_client paas_guard_exempt paas_guard_throttle
    paas_guard_signature_headers paas_guard_signature_body paas_guard_hammer paas_guard_sync
    paas_guard_throttle_status paas_guard_block_status paas_guard_dry_run paas_guard_log_level
    paas_guard_ratelimit_headers))
{
    refused(main => "$d x;", qq{"$d" directive is not allowed here});
    refused(location => "if (\$uri) { $d x; }", qq{"$d" directive is not allowed here});
}

accepted(location => 'paas_guard_metrics;');
refused($_ => 'paas_guard_metrics;', '"paas_guard_metrics" directive is not allowed here')
    for qw(main http server);
refused(location => 'paas_guard_metrics on;', 'invalid number of arguments in "paas_guard_metrics" directive');
refused(location => 'paas_guard_metrics; paas_guard_metrics;', '"paas_guard_metrics" directive is duplicate');

# one location, one answer
refused(location => join(' ', map { "$_;" } @$_), qq{"$_->[1]": location "/" has another content handler already})
    for ['proxy_pass http://127.0.0.1:1', 'paas_guard_metrics'], ['stub_status', 'paas_guard_status'],
        [qw(paas_guard_status paas_guard_metrics)], [qw(paas_guard_metrics paas_guard_status)];
refused(location => "$_; proxy_pass http://127.0.0.1:1;", qq{"$_": location "/" has another content handler, which comes later})
    for qw(paas_guard_metrics paas_guard_status);

accepted(location => $_) for 'paas_guard_status;', 'paas_guard_status write=on;';
accepted(server => "location $_ { paas_guard_status; }") for '/status', '^~ /status/', '= /status/';
refused(location => 'paas_guard_status write=off;', '"paas_guard_status": invalid parameter "write=off": expected write=on');
refused(location => 'paas_guard_status; paas_guard_status write=on;', '"paas_guard_status" directive is duplicate');
refused(server => "location $_->[0] { paas_guard_status; }",
    qq{"paas_guard_status": location "$_->[1]" is not a prefix: expected one like /status/})
    for ['~ ^/status', '^/status'], ['~* status', 'status'], ['@status', '@status'], ['= /status', '/status'];
