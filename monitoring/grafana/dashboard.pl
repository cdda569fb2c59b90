#!/usr/bin/perl
# Prints the dashboard: dashboard.pl en|fr.  The files paas_guard.LANGUAGE.json
# are what it prints; "make dashboard" writes them anew.

use strict;
use warnings;
use utf8;
use JSON::PP;

my $french = ($ARGV[0] // '') eq 'fr' || (($ARGV[0] // '') eq 'en' ? 0
    : die "usage: dashboard.pl en|fr\n");

my $gateway = 'job=~"$job",instance=~"$instance"';
my $zone    = qq{$gateway,zone=~"\$zone"};
my $service = qq{$zone,service=~"\$service"};
my $sla     = qq{$zone,indicator=~"\$indicator"};

my $target  = qq{max by (zone, indicator) (paas_guard_sla_target_ratio{$sla})};
my $budget  = qq{((1 - $target) * 86400 * scalar(days_in_month()))};

sub failed {
    my ($window) = @_;
    return qq{sum by (zone, indicator) (rate(paas_guard_sla_requests_total{$sla,class="failed"}[$window]))}
        . qq{ / sum by (zone, indicator) (rate(paas_guard_sla_requests_total{$sla,class=~"good|failed"}[$window]))};
}

sub latency {
    my ($q) = @_;
    return qq{histogram_quantile($q, sum by (instance, le) (rate(paas_guard_redis_duration_seconds_bucket{$gateway}[\$__rate_interval])))};
}

my @red_above    = ([undef, 'green'], [0.75, 'orange'], [1, 'red']);
my @red_below    = ([undef, 'red'], [0.1, 'orange'], [0.5, 'green']);
my @red_if_zero  = ([undef, 'red'], [1, 'green']);

# title en, title fr, [description en, fr], panels: type, width, height, unit,
# thresholds, [expression, legend]...

my @rows = (
    ['Service level', 'Niveau de service',
        { type => 'stat', w => 6, h => 5, unit => 'percentunit', decimals => 4,
          title => ['Availability, this month', 'Disponibilité, ce mois'],
          about => ['By time, of the part of the month that is over; the gateway that saw least of it.',
                    'Par le temps, de la partie écoulée du mois ; la passerelle qui en a vu le moins.'],
          query => [["min by (zone, indicator) (paas_guard_sla_availability_ratio{$sla})", '{{indicator}}']] },
        { type => 'stat', w => 6, h => 5, unit => 'percentunit', decimals => 1, thresholds => \@red_below,
          title => ['Budget left, this month', 'Budget restant, ce mois'],
          about => ['Of the outage time that the target leaves the whole month; below 0 it is missed.',
                    "Du temps d'indisponibilité que l'objectif laisse au mois entier ; sous 0, il est manqué."],
          query => [["1 - max by (zone, indicator) (paas_guard_sla_downtime_seconds{$sla}) / $budget", '{{indicator}}']] },
        { type => 'stat', w => 6, h => 5, unit => 's',
          title => ['Outages, this month', 'Indisponibilités, ce mois'],
          query => [["max by (zone, indicator) (paas_guard_sla_downtime_seconds{$sla})", '{{indicator}}']] },
        { type => 'stat', w => 6, h => 5, unit => 'percentunit', decimals => 3,
          title => ['Target', 'Objectif'],
          query => [[$target, '{{indicator}}']] },
        { type => 'timeseries', w => 12, h => 8, unit => 'none',
          title => ['Burn rate', 'Vitesse de consommation du budget'],
          about => ['1: at this pace the budget of 30 days is used up in 30 days. Alerts: 14.4 (1h), 6 (6h), 3 (1d), 1 (3d).',
                    'À 1, le budget de 30 jours est consommé en 30 jours. Alertes : 14,4 (1h), 6 (6h), 3 (1d), 1 (3d).'],
          query => [map { ['(' . failed($_) . ") / (1 - $target)", "{{indicator}} $_"] } qw(1h 6h 1d 3d)] },
        { type => 'timeseries', w => 12, h => 8, unit => 'reqps', stack => 1,
          title => ['Requests by SLA class', 'Requêtes par classe SLA'],
          about => ['Excluded and ignored ones belong in neither part of an availability.',
                    "Celles qui sont exclues ou ignorées n'entrent dans aucun des termes d'une disponibilité."],
          query => [["sum by (indicator, class) (rate(paas_guard_sla_requests_total{$sla}[\$__rate_interval]))", '{{indicator}} {{class}}']] },
    ],
    ['Requests', 'Requêtes',
        { type => 'timeseries', w => 12, h => 8, unit => 'reqps', stack => 1,
          title => ['By verdict', 'Par verdict'],
          query => [["sum by (verdict) (rate(paas_guard_requests_total{$service}[\$__rate_interval]))", '{{verdict}}']] },
        { type => 'timeseries', w => 12, h => 8, unit => 'reqps', stack => 1,
          title => ['By service', 'Par service'],
          query => [["sum by (service) (rate(paas_guard_requests_total{$service}[\$__rate_interval]))", '{{service}}']] },
        { type => 'timeseries', w => 12, h => 8, unit => 'reqps', stack => 1,
          title => ['Refusals by reason', 'Refus par motif'],
          query => [["sum by (service, reason) (rate(paas_guard_refusals_total{$service}[\$__rate_interval]))", '{{service}} {{reason}}']] },
        { type => 'timeseries', w => 12, h => 8, unit => 'reqps',
          title => ['Not looked at as duplicates', 'Non examinées comme doublons'],
          query => [["sum by (why) (rate(paas_guard_unsigned_total{$zone}[\$__rate_interval]))", '{{why}}']] },
    ],
    ['Blocks', 'Blocages',
        { type => 'timeseries', w => 12, h => 8, unit => 'none',
          title => ['In force', 'En vigueur'],
          query => [["max by (zone, instance) (paas_guard_blocks_active{$zone})", '{{zone}} {{instance}}']] },
        { type => 'timeseries', w => 12, h => 8, unit => 'none', bars => 1,
          title => ['Set, by rule', 'Posés, par règle'],
          about => ['An empty name: by an operator.', 'Nom vide : par un opérateur.'],
          query => [["sum by (rule) (increase(paas_guard_blocks_total{$zone}[\$__rate_interval]))", '{{rule}}']] },
    ],
    ['Shared memory', 'Mémoire partagée',
        { type => 'timeseries', w => 8, h => 8, unit => 'percentunit', max => 1,
          title => ['Places taken', 'Places prises'],
          about => ['Keep signatures below two thirds, windows below three quarters.', 'À garder : signatures sous deux tiers, fenêtres sous trois quarts.'],
          query => [["paas_guard_zone_entries{$zone} / paas_guard_zone_capacity{$zone}", '{{zone}} {{kind}} {{instance}}']] },
        { type => 'timeseries', w => 8, h => 8, unit => 'ops',
          title => ['Evictions', 'Évictions'],
          query => [["sum by (zone, kind) (rate(paas_guard_zone_evictions_total{$zone}[\$__rate_interval]))", '{{zone}} {{kind}}']] },
        { type => 'stat', w => 4, h => 8, unit => 'none', thresholds => [[undef, 'green'], [1, 'red']],
          title => ['Blocks that found no place', 'Blocages sans place'],
          query => [["sum by (zone) (increase(paas_guard_exhausted_total{$zone}[\$__range]))", '{{zone}}']] },
        { type => 'stat', w => 4, h => 8, unit => 'bytes',
          title => ['Size', 'Taille'],
          query => [["max by (zone) (paas_guard_zone_bytes{$zone})", '{{zone}}']] },
    ],
    ['Redis', 'Redis',
        { type => 'stat', w => 4, h => 8, unit => 'none', thresholds => \@red_if_zero,
          title => ['Answers', 'Répond'],
          about => ['0: away, or not configured.', '0 : absent, ou non configuré.'],
          query => [["paas_guard_redis_up{$gateway}", '{{instance}}']] },
        { type => 'timeseries', w => 8, h => 8, unit => 's',
          title => ['Time of a call', "Durée d'un appel"],
          query => [map { [latency($_), "p" . 100 * $_ . ' {{instance}}'] } 0.5, 0.99] },
        { type => 'timeseries', w => 6, h => 8, unit => 'ops', stack => 1,
          title => ['Calls by result', 'Appels par résultat'],
          query => [["sum by (result) (rate(paas_guard_redis_commands_total{$gateway}[\$__rate_interval]))", '{{result}}']] },
        { type => 'timeseries', w => 6, h => 8, unit => 'percentunit',
          title => ['Share of the time without', 'Part du temps sans'],
          query => [["rate(paas_guard_degraded_seconds_total{$gateway}[\$__rate_interval])", '{{instance}}']] },
        { type => 'stat', w => 4, h => 5, unit => 'none',
          title => ['Worst overshoot of a limit', "Pire dépassement d'une limite"],
          about => ['Of asynchronous counts: the most requests over a limit, of all gateways together.',
                    "Comptage asynchrone : le plus de requêtes au-delà d'une limite, toutes passerelles ensemble."],
          query => [["max(paas_guard_redis_overshoot{$gateway})", '']] },
    ],
    ['Gateways', 'Passerelles',
        { type => 'stat', w => 8, h => 5, unit => 'none', thresholds => \@red_if_zero,
          title => ['Scraped', 'Collectées'],
          query => [['up{job=~"$job",instance=~"$instance"}', '{{instance}}']] },
        { type => 'table', w => 16, h => 5, unit => 'none',
          title => ['Versions', 'Versions'],
          query => [["paas_guard_build_info{$gateway}", '']] },
    ],
);

sub text { return $french ? $_[0][1] : $_[0][0] }

sub source { return { type => 'prometheus', uid => '${datasource}' } }

sub target {
    my ($panel, $n) = @_;
    my ($expr, $legend) = @{ $panel->{query}[$n] };
    my $now = $panel->{type} eq 'timeseries' ? JSON::PP::false : JSON::PP::true;
    return {
        refId => chr(ord('A') + $n), datasource => source(), expr => $expr,
        legendFormat => $legend, instant => $now, range => $now ? JSON::PP::false : JSON::PP::true,
        format => $panel->{type} eq 'table' ? 'table' : 'time_series', editorMode => 'code',
    };
}

sub field {
    my ($panel) = @_;
    my $thresholds = $panel->{thresholds} // [[undef, 'green']];
    my %field = (
        unit => $panel->{unit}, min => 0,
        thresholds => { mode => 'absolute', steps => [map { { value => $_->[0], color => $_->[1] } } @$thresholds] },
        color => { mode => $panel->{type} eq 'timeseries' ? 'palette-classic' : 'thresholds' },
    );
    $field{max} = $panel->{max} if defined $panel->{max};
    $field{decimals} = $panel->{decimals} if defined $panel->{decimals};
    delete $field{min} if $panel->{type} ne 'timeseries';
    $field{custom} = {
        drawStyle => $panel->{bars} ? 'bars' : 'line', fillOpacity => $panel->{stack} ? 30 : 0,
        stacking => { mode => $panel->{stack} ? 'normal' : 'none', group => 'A' },
        showPoints => 'never', spanNulls => JSON::PP::false,
    } if $panel->{type} eq 'timeseries';
    return { defaults => \%field, overrides => [] };
}

my %options = (
    timeseries => { legend => { displayMode => 'list', placement => 'bottom', showLegend => JSON::PP::true, calcs => [] },
                    tooltip => { mode => 'multi', sort => 'desc' } },
    stat       => { reduceOptions => { calcs => ['lastNotNull'], fields => '', values => JSON::PP::false },
                    colorMode => 'value', graphMode => 'none', textMode => 'auto', orientation => 'auto',
                    justifyMode => 'auto' },
    table      => { showHeader => JSON::PP::true, cellHeight => 'sm' },
);

my (@panels, $x, $y, $high);
$y = 0;

for my $row (@rows) {
    my ($en, $fr, @of) = @$row;
    push @panels, { id => @panels + 1, type => 'row', title => $french ? $fr : $en, collapsed => JSON::PP::false,
        panels => [], gridPos => { x => 0, y => $y++, w => 24, h => 1 } };
    ($x, $high) = (0, 0);

    for my $panel (@of) {
        ($x, $y, $high) = (0, $y + $high, 0) if $x + $panel->{w} > 24;
        push @panels, {
            id => @panels + 1, type => $panel->{type}, title => text($panel->{title}),
            description => $panel->{about} ? text($panel->{about}) : '', datasource => source(),
            gridPos => { x => $x, y => $y, w => $panel->{w}, h => $panel->{h} },
            fieldConfig => field($panel), options => $options{ $panel->{type} },
            targets => [map { target($panel, $_) } 0 .. $#{ $panel->{query} }],
        };
        $x += $panel->{w};
        $high = $panel->{h} if $panel->{h} > $high;
    }

    $y += $high;
}

sub variable {
    my ($name, $label, $query) = @_;
    return { name => $name, type => 'query', label => text($label), datasource => source(),
        definition => $query, query => { query => $query, refId => $name, qryType => 1 }, refresh => 2, sort => 1,
        multi => JSON::PP::true, includeAll => JSON::PP::true, allValue => '.*', hide => 0,
        current => { text => ['All'], value => ['$__all'] } };
}

my $dashboard = {
    title => $french ? 'PaaS guard (français)' : 'PaaS guard', uid => 'paas-guard-' . ($french ? 'fr' : 'en'),
    tags => ['paas_guard', 'nginx'], schemaVersion => 39, version => 1, editable => JSON::PP::true, id => undef,
    graphTooltip => 1, timezone => 'browser', refresh => '30s', time => { from => 'now-6h', to => 'now' },
    annotations => { list => [] }, links => [], panels => \@panels,
    templating => { list => [
        { name => 'datasource', type => 'datasource', query => 'prometheus', label => $french ? 'Source' : 'Data source',
          refresh => 1, hide => 0, current => {}, multi => JSON::PP::false, includeAll => JSON::PP::false },
        variable('job', ['Job', 'Job'], 'label_values(paas_guard_build_info, job)'),
        variable('instance', ['Gateway', 'Passerelle'], 'label_values(paas_guard_build_info{job=~"$job"}, instance)'),
        variable('zone', ['Zone', 'Zone'], "label_values(paas_guard_zone_bytes{$gateway}, zone)"),
        variable('service', ['Service', 'Service'], "label_values(paas_guard_requests_total{$zone}, service)"),
        variable('indicator', ['Indicator', 'Indicateur'], "label_values(paas_guard_sla_target_ratio{$zone}, indicator)"),
    ] },
};

binmode STDOUT;
print JSON::PP->new->utf8->canonical->indent->indent_length(1)->space_after->encode($dashboard);
