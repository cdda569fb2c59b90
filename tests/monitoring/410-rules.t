# monitoring/: the rules do what their own tests say, the dashboards are what
# their table says, and all of them know only metrics that the module has.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use Test::More;
use JSON::PP;

my $rules = 'monitoring/prometheus/paas_guard.rules.yml';
my @tests = glob 'monitoring/prometheus/*.test.yml';
my %dashboard = map { $_ => "monitoring/grafana/paas_guard.$_.json" } qw(en fr);

sub slurp {
    my ($path) = @_;
    open my $in, '<', $path or die "$path: $!";
    local $/;
    return <$in>;
}

sub promtool {
    my $text = `promtool @_ 2>&1`;
    return ($? >> 8, $text);
}


# Rules

is((promtool('check rules', $rules))[0], 0, 'promtool: accepts the rules');

for (@tests) {
    my ($status, $text) = promtool('test rules', $_);
    is $status, 0, "$_: pass" or diag $text;
}

# the tests can fail: rules that count what is excluded for failures do not pass

{
    my $dir = File::Temp->newdir;
    for (['failures', 'class="failed"', 'class=~"failed|excluded"'],
         ['a whole', 'class=~"good|failed"', 'class=~"good|failed|excluded"'])
    {
        my ($what, $from, $to) = @$_;
        (my $wrong = slurp($rules)) =~ s/\Q$from/$to/g or die "no $from";
        for (['paas_guard.rules.yml', $wrong], ['paas_guard.test.yml', slurp('monitoring/prometheus/paas_guard.test.yml')]) {
            open my $out, '>', "$dir/$_->[0]" or die $!;
            print $out $_->[1];
            close $out or die $!;
        }
        isnt((promtool('test rules', "$dir/paas_guard.test.yml"))[0], 0,
            "rules that take what is excluded for $what are found out");
    }
}

# each alert is told about in both languages, tells who is to be woken, and
# points to a chapter of the runbook

my $severity = qr/critical|warning|info/;
my %chapters;
my @alerts = slurp($rules) =~ /^( {6}- alert: .*\n(?: {8}.*\n|\n(?= {8}))+)/mg;
cmp_ok scalar(@alerts), '>=', 10, 'alerts: found';
for (@alerts) {
    my ($name) = /alert: (\w+)/;
    my ($chapter) = m{^          runbook: docs/runbook\.md#([\w-]+)$}m;
    ok /severity: $severity\b/ && /^          summary: /m && /^          summary_fr: /m && $chapter,
        "$name: severity, summaries, runbook";
    my $tested = grep { slurp($_) =~ /alertname(?:: |=")$name\b/ } @tests;
    ok $tested, "$name: has a test";
    push @{ $chapters{$chapter} }, $name;
}


for my $chapter (sort keys %chapters) {
    my @titles = map { lc s/^## //r =~ s/ /-/gr } slurp('docs/runbook.md') =~ /^(## .*)$/mg;
    ok scalar(grep { $_ eq $chapter } @titles), "runbook: has a chapter $chapter";
}

{
    my ($en, $fr) = map { slurp("docs/runbook$_.md") } '', '.fr';
    my @shape = map { [/^(#+ |\d\. |.*```\w*$)/mg] } $en, $fr;
    is_deeply $shape[0], $shape[1], 'runbook: the same chapters and steps in both languages';
    my @commands = map { my $t = $_; [map { s/ +#.*//mgr } $t =~ /```sh\n(.*?)```/sg] } $en, $fr;
    is_deeply $commands[0], $commands[1], 'runbook: the same commands';
}


# Dashboards

for my $language (sort keys %dashboard) {
    my $text = slurp($dashboard{$language});
    my $what = "dashboard, $language";
    ok $text eq `perl monitoring/grafana/dashboard.pl $language`, "$what: is what dashboard.pl prints";

    my $d = decode_json($text);
    cmp_ok $d->{schemaVersion}, '>=', 36, "$what: schema with sources as objects";
    is $d->{templating}{list}[0]{type}, 'datasource', "$what: the source can be chosen";

    my @panels = @{ $d->{panels} };
    my %id = map { $_->{id} => 1 } @panels;
    is scalar(keys %id), scalar(@panels), "$what: each panel has an id of its own";

    my ($bad, %taken) = ('');
    for my $p (@panels) {
        $bad .= "$p->{id}: no title\n" if $p->{title} eq '';
        my $at = $p->{gridPos};
        $bad .= "$p->{id}: too wide\n" if $at->{x} + $at->{w} > 24;
        for my $x ($at->{x} .. $at->{x} + $at->{w} - 1) {
            for my $y ($at->{y} .. $at->{y} + $at->{h} - 1) {
                $bad .= "$p->{id}: overlaps at $x,$y\n" if $taken{"$x,$y"}++;
            }
        }
        next if $p->{type} eq 'row';
        $bad .= "$p->{id}: no query\n" if !@{ $p->{targets} };
        for ($p, @{ $p->{targets} }) {
            $bad .= "$p->{id}: source is fixed\n" if $_->{datasource}{uid} ne '${datasource}';
        }
        my %ref = map { $_->{refId} => 1 } @{ $p->{targets} };
        $bad .= "$p->{id}: queries of one name\n" if keys %ref != @{ $p->{targets} };
    }
    is $bad, '', "$what: panels";

    my %known = map { $_->{name} => 1 } @{ $d->{templating}{list} };
    my %used = map { $_ => 1 } $text =~ /\$\{?(\w+)\}?/g;
    delete @used{qw(__rate_interval __range __all)};
    is_deeply [grep { !$known{$_} } sort keys %used], [], "$what: knows its variables";
}

{
    my ($en, $fr) = map { decode_json(slurp($dashboard{$_})) } qw(en fr);
    my @queries = map { [map { $_->{expr} } map { @{ $_->{targets} // [] } } @{ $_->{panels} }] } $en, $fr;
    is_deeply $queries[0], $queries[1], 'dashboards: the same queries in both languages';
}


# Names

my $gateway = gateway_start(
    http => 'paas_guard_zone zone=z:1m; paas_guard_indicator I target=99.9%;',
    conf => 'location = /metrics { paas_guard_metrics; }'
          . 'location / { paas_guard zone=z; paas_guard_sla I; proxy_pass http://backend; }');
my $scrape = $gateway->get('/metrics')->{body};
$gateway->stop;

my %metric = map { $_ => 1 } $scrape =~ /^(paas_guard_\w+)/mg;
cmp_ok scalar(keys %metric), '>', 15, 'scrape: has metrics';

my %other = map { $_ => 1 } slurp('ngx_paas_guard_module.c') =~ /ngx_string\("(paas_guard\w*)"\)/g,
    $scrape =~ /^# TYPE (\w+) histogram/mg, slurp($rules) =~ /- name: (\w+)/g;
my %record = map { $_ => 1 } slurp($rules) =~ /- record: (\S+)/g;

sub unknown {
    my ($text) = @_;
    my %name = map { $_ => 1 } $text =~ /(?<![\w\$\/.])(paas_guard[_:]\w+(?::\w+)?)(?![\w.\/])/g;
    return join ' ', grep {
        my $name = $_;
        !$metric{$name} && !$other{$name} && !$record{$name}
            && !($name =~ /_\z/ && grep { index($_, $name) == 0 } keys %metric)
    } sort keys %name;
}

is unknown(slurp($_)), '', "$_: knows the metrics"
    for $rules, @tests, values %dashboard, glob 'monitoring/openslo/*.yml docs/runbook*.md docs/operations.md';
is unknown('sum(paas_guard_blocks_totals[5m]) + paas_guard:x:y'), 'paas_guard:x:y paas_guard_blocks_totals',
    'an unknown one would be found';

done_testing;
