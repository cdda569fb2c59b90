# The report of a month, and outages that people declare: exact figures.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use Test::More;
use JSON::PP;
use POSIX qw(strftime);
use Time::HiRes qw(sleep time);

plan skip_all => 'a month has just begun, or is about to end' if !one_month(1200, 120);

my %conf = (workers => 2, allow => 'connect\(\) to unix|no live upstreams',
    http => <<'_EOC_', conf => <<'_EOC2_');
    paas_guard_zone zone=z:1m state=%DIR%/state;
    paas_guard_indicator paas     target=99.9% slice=1s;
    paas_guard_indicator con/sole target=97% conditional timezone=Europe/Paris;
    upstream nobody { server unix:%DIR%/nobody.sock; }
_EOC_
    paas_guard zone=z;
    paas_guard_sla paas con/sole;
    location /t/       { proxy_pass http://backend; }
    location /down/    { proxy_pass http://nobody; }
    location /read/    { paas_guard off; paas_guard_status; }
    location /api/     { paas_guard off; paas_guard_status write=on; }
    location /metrics  { paas_guard off; paas_guard_metrics; }
_EOC2_

my $gateway = gateway_start(%conf);
my $json    = JSON::PP->new->utf8;
my $sla     = '/api/api/1/sla/paas';

sub get {
    my ($path, %headers) = @_;
    my $answer = $gateway->get($path, %headers);
    $answer->{json} = eval { $json->decode($answer->{body}) };
    return $answer;
}

sub write_to {
    my ($method, $path, $body) = @_;
    my $answer = $gateway->request($method, $path, { 'Content-Type' => 'application/json' }, $json->encode($body));
    $answer->{json} = eval { $json->decode($answer->{body}) } // {};
    return $answer;
}

sub report { get("$sla?" . ($_[0] // ''))->{json} }
sub at { strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

sub problem {
    my ($answer, $status, $code, $name) = @_;
    is "$answer->{status} " . ($answer->{json}{code} // ''), "$status $code", $name;
}

# What is counted

my $n = 0;
$gateway->get('/t/' . ++$n) for 1 .. 8;
$gateway->get('/t/same') for 1 .. 3;
ok wait_for(sub { report()->{requests}{total} == 11 }), 'eleven requests';
sleep 1.1;
$gateway->get("/down/$_") for 1 .. 4;
ok wait_for(sub { report()->{time}{downtime_seconds} >= 1 }), 'an outage';
sleep 1.1;                      # they may have been in two slots

my $r = report();
is_deeply [ @{ $r->{requests} }{qw(total good failed excluded ignored)} ], [ 15, 9, 4, 2, 0 ], 'in classes that add up';
is_deeply { map { $_->{reason} => $_->{requests} } @{ $r->{requests}{refusals} } },
    { duplicate_throttled => 2, hammering_blocked => 0, auth_lockout => 0, operator_blocked => 0 },
    'what was excluded, and why';
is $r->{requests}{availability}, '0.692307692', 'contractual: 9 of 13';
is $r->{requests}{raw_availability}, '0.6', 'raw: 9 of 15';
is $r->{indicator} . $r->{zone} . $r->{timezone}, 'paaszUTC', 'whose it is';
is $r->{gateways}, 1, 'one gateway';
ok !$r->{partial}, 'and no other';
my $measured = $r->{time}{downtime_seconds};
is $measured, scalar @{ $r->{measured} }
    ? eval { my $s = 0; $s += $_->{seconds} for @{ $r->{measured} }; $s } : 'none', 'what was measured is listed';
is $r->{time}{length_seconds} - $r->{time}{elapsed_seconds} > 0, 1, 'the month goes on';
is $r->{time}{budget_seconds}, $r->{time}{length_seconds} / 1000, 'the budget of 99.9 %';
is sprintf('%.3f', $r->{time}{budget_left_seconds}), sprintf('%.3f', $r->{time}{length_seconds} / 1000 - $measured), 'and what is left';
my ($year, $month) = (gmtime)[5, 4];
is scalar @{ $r->{days} }, (31, ($year % 4 ? 28 : 29), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[$month], 'a strip of all days';

# Outages: notified first, then detected; overlapping; restored

my $now = int time;
my $base = $now - 1000;
my $answer = write_to(POST => "$sla/outages", { who => 'alice', why => 'call 17', cause => "r\x{e9}seau",
    notified_at => at($base), detected_at => at($base + 60) });
is $answer->{status}, 201, 'declared';
my $one = $answer->{json}{outage};
like $one->{id}, qr/^[0-9a-f]{16}-1$/, 'with an id of this gateway and a number';
is $one->{start}, at($base) =~ s/Z/.000Z/r, 'it starts with the notification, which was earlier';
is $one->{end}, undef, 'and is open';
$r = report();
cmp_ok abs($r->{time}{downtime_seconds} - (time - $base)), '<=', 3, 'it is down until now, slots included';

$answer = write_to(POST => "$sla/outages", { who => 'bob', notified_at => at($base + 100), detected_at => at($base - 100),
    restored_at => at($base + 500), confirmed_by => 'monitoring', confirmer => 'probe 3' });
my $two = $answer->{json}{outage};
is $two->{start}, at($base - 100) =~ s/Z/.000Z/r, 'it starts with the detection, which was earlier';
is "$two->{confirmed} $two->{confirmed_by}", 'monitoring probe 3', 'and was confirmed';

$answer = write_to(PATCH => "$sla/outages/$one->{id}", { who => 'carol', restored_at => at($base + 900), confirmed_by => 'user',
    confirmer => 'client 7' });
is $answer->{status}, 200, 'restored';
is "$answer->{json}{outage}{confirmed} $answer->{json}{outage}{corrections}", 'user 0', 'no correction';
$r = report();
is $r->{time}{downtime_seconds}, 1000 + $measured, 'the union of both, and of the slots: each second once';
is $r->{time}{outages}, 1 + @{ $r->{measured} }, 'they are one outage';
is $r->{time}{longest_seconds}, 1000, 'the longest';
is_deeply [ map { $_->{seconds_in_month} } @{ $r->{declared} } ], [ 600, 900 ], 'each by itself';

problem(write_to(PATCH => "$sla/outages/$one->{id}", { restored_at => at($base + 950), confirmed_by => 'user' }),
    400, 'outage_who', 'who it is must be said');
$answer = write_to(PATCH => "$sla/outages/$one->{id}", { who => 'carol', restored_at => at($base + 950) });
is $answer->{json}{outage}{corrections}, 1, 'a restoration of what is restored is a correction';
is report()->{time}{downtime_seconds}, 1050 + $measured, 'that counts';
problem(write_to(PATCH => "$sla/outages/$one->{id}", { who => 'carol', reopen => JSON::PP::true, %$_ }), 400, 'member_value',
    'not reopened with ' . join q{, }, sort keys %$_)
    for { restored_at => at($base + 960) }, { restored_at => at($base + 960), confirmed_by => 'user' },
        { confirmed_by => 'user' }, { confirmer => 'x' }, { withdraw => JSON::PP::true };
is report()->{time}{downtime_seconds}, 1050 + $measured, 'nothing of that is entered';
$answer = write_to(PATCH => "$sla/outages/$one->{id}",
    { who => 'carol', reopen => JSON::PP::true, withdraw => JSON::PP::false });
is $answer->{json}{outage}{end}, undef, 'it was not restored';
write_to(PATCH => "$sla/outages/$one->{id}", { who => 'carol', restored_at => at($base + 700), confirmed_by => 'user' });
is report()->{time}{downtime_seconds}, 800 + $measured, 'now it is';

$answer = write_to(PATCH => "$sla/outages/$two->{id}", { who => 'dave', why => 'only duplicates', withdraw => JSON::PP::true });
is $answer->{json}{outage}{withdrawn}, JSON::PP::true, 'withdrawn';
is report()->{time}{downtime_seconds}, 700 + $measured, 'does not count any more';
is scalar @{ report()->{declared} }, 2, 'but is listed';
problem(write_to(PATCH => "$sla/outages/$two->{id}", { who => 'dave', cause => 'x' }), 409, 'outage_withdrawn', 'for good');

# all of it outlives a restart
$gateway->stop;
$gateway->start;
$r = report();
is $r->{time}{downtime_seconds}, 700 + $measured, 'kept over a restart';
is_deeply [ map { $_->{id} } @{ $r->{declared} } ], [ $two->{id}, $one->{id} ], 'with the same ids';
is_deeply [ @{ $r->{requests} }{qw(total good failed excluded ignored)} ], [ 15, 9, 4, 2, 0 ], 'requests, too';

# What is wrong

my %whole = (who => 'x', detected_at => at($base), cause => 'c');
problem(write_to(POST => "$sla/outages", { %whole, %{ $_->[0] } }), $_->[1], $_->[2], $_->[3]) for (
    [ { detected_at => undef }, 400, 'outage_no_start', 'no start' ],
    [ { detected_at => 'yesterday' }, 400, 'member_value', 'no time' ],
    [ { detected_at => at($now + 3600) }, 400, 'outage_future', 'the future' ],
    [ { restored_at => at($base + 1) }, 400, 'outage_confirmed', 'nobody has confirmed it' ],
    [ { restored_at => at($base + 1), confirmed_by => 'me' }, 400, 'member_value', 'who cannot confirm' ],
    [ { restored_at => at($base - 1), confirmed_by => 'user' }, 400, 'outage_order', 'an end before the start' ],
    [ { cause => 'x' x 201 }, 400, 'member_long', 'a long cause' ],
    [ { who => undef }, 400, 'outage_who', 'nobody' ],
    [ { who => 'x' x 65 }, 400, 'outage_who', 'a long name' ],
    [ { withdraw => JSON::PP::true }, 400, 'member_unknown', 'withdrawn before it was declared' ],
);
problem(write_to(POST => '/api/api/1/sla/other/outages', \%whole), 404, 'unknown_indicator', 'no such indicator');
problem(write_to(POST => "$sla/outages?zone=other", \%whole), 404, 'unknown_zone', 'no such zone');
problem(write_to(POST => '/read/api/1/sla/paas/outages', \%whole), 403, 'read_only', 'no writing');
problem(write_to(PATCH => "$sla/outages/$_", { who => 'x' }), 404, 'unknown_outage', "no such outage: $_")
    for '1', 'x', '0000000000000000-1', $one->{id} . '0', "$one->{id}x";
is scalar @{ report()->{declared} }, 2, 'nothing of that is an outage';

# A call is of when it has come as a whole

{
    my $socket = $gateway->connect or die "connect: $!";
    my %late = (who => 'erin', detected_at => at(time + 3), restored_at => at(time + 3), confirmed_by => 'user', cause => 'late');
    my $body = encode_json(\%late);
    print $socket "POST $sla/outages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: "
        . length($body) . "\r\n\r\n";
    sleep 5;
    print $socket $body;
    my ($status, $json) = (join q{}, <$socket>) =~ m{^HTTP/1.1 (\d+).*\r\n\r\n(.*)}s;
    is $status, 201, 'what was not yet when its head came, is no future when its body has';
    my $id = decode_json($json)->{outage}{id} // 'none';
    is write_to(PATCH => "$sla/outages/$id", { who => 'erin', withdraw => JSON::PP::true })->{status}, 200, 'and is withdrawn';
}
problem(get("$sla?month=$_"), 400, 'argument_value', "no month: $_") for 'x', '2024-13', '2024-1', '';
problem(get("$sla?month=2020-02"), 404, 'month_not_kept', 'a month that is not kept');
problem(get("$sla?month=" . ($year + 1901) . '-01'), 404, 'month_future', 'a month to come');
problem(get("$sla?format=pdf"), 400, 'argument_value', 'no such format');
problem(get("$sla?zone=y"), 404, 'unknown_zone', 'no such zone');
problem(get("$sla?applicable=no"), 400, 'not_conditional', 'it always applies');
problem(get('/api/api/1/sla/x'), 404, 'unknown_indicator', 'no such indicator');
my $french = get("$sla?month=2020-02", 'Accept-Language' => 'fr');
like $french->{json}{detail}, qr/plus conserv/, 'in French, too';

# A month before, with nothing in it

my $last = strftime('%Y-%m', 0, 0, 0, 1, $month - 1, $year);
$r = report("month=$last");
is $r->{month}, $last, 'the month before';
is $r->{requests}{total}, 0, 'in which nothing was counted';
is $r->{requests}{target}, 'no_data', 'which is no success';
is_deeply [ @{ $r->{time} }{qw(availability target)} ], [ undef, 'no_data' ], 'nor by time, for it was before counting began';

# Formats

my $csv = $gateway->get("$sla?format=csv");
is $csv->{headers}{'content-type'}, 'text/csv; charset=utf-8', 'CSV';
like $csv->{body}, qr/^requests,excluded,2,/m, 'has the classes';
like $csv->{body}, qr/^declared,$one->{id},700,/m, 'and the outages';
is $gateway->get($sla, Accept => 'text/csv')->{body} =~ s/^.*as_of.*\n//mr =~ s/^seconds,elapsed.*\n//mr
    =~ s/^availability,time.*\n//mr, $csv->{body} =~ s/^.*as_of.*\n//mr =~ s/^seconds,elapsed.*\n//mr
    =~ s/^availability,time.*\n//mr, 'also by Accept';
my $page = $gateway->get("$sla?format=html", 'Accept-Language' => 'fr-FR');
is $page->{headers}{'content-type'}, 'text/html; charset=utf-8', 'a page';
is $page->{headers}{'content-language'}, 'fr', 'in French';
like $page->{headers}{'content-security-policy'}, qr/default-src 'none'/, 'that can load nothing';
like $page->{body}, qr/<html lang="fr"/, 'says so itself';
like $page->{body}, qr/r\x{c3}\x{a9}seau/, 'and has the cause';
like $gateway->get($sla, Accept => 'text/html,*/*;q=0.8')->{body}, qr/<html lang="en"/, 'in English by Accept';
like $gateway->get("$sla?format=html&lang=en", 'Accept-Language' => 'fr')->{body}, qr/<html lang="en"/,
    'in the language that is asked for';
is $gateway->get("$sla?format=html&lang=de")->{status}, 400, 'if there is such a one';

# Conditional

my $console = '/api/api/1/sla/con%2Fsole';
$r = get($console)->{json};
is "$r->{indicator} $r->{conditional} $r->{applicable}", 'con/sole 1 1', 'a conditional indicator';
is get("$console?applicable=no")->{json}{time}{target}, 'not_applicable', 'that does not apply';
is get($console)->{json}{time}{target}, $r->{time}{target}, 'to one client';

my $list = get('/api/api/1/sla')->{json}{indicators};
is_deeply [ map { $_->{indicator} } @$list ], [ 'paas', 'con/sole' ], 'a list of indicators';
is $list->[0]{downtime_seconds}, 700 + $measured, 'with their downtime';
is $list->[1]{target}, 0.97, 'and target';
like $gateway->get('/metrics')->{body}, qr/^paas_guard_sla_downtime_seconds\{zone="z",indicator="paas"\} @{[ 700 + $measured ]}$/m,
    'metrics tell the same';
$gateway->stop;
done_testing;
