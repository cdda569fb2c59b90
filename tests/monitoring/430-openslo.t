# The OpenSLO documents have what the specification (v1) asks for, refer to what
# is there, and count what the module's own rules count.

use strict;
use warnings;

use Test::More;
use YAML::PP;

my $number = qr/\A\d+(?:\.\d+)?\z/;
my $name   = qr/\A[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\z/;

# Of each kind: where a value must be, and what it must look like.
my %required = (
    Service    => [],
    DataSource => [['spec.type', qr/\APrometheus\z/], ['spec.connectionDetails.url', qr{\Ahttps?://}]],
    SLI        => [
        ['spec.ratioMetric.counter', qr/\A(?:1|)\z/],
        map { (["spec.ratioMetric.$_.metricSource.type", qr/\APrometheus\z/],
               ["spec.ratioMetric.$_.metricSource.metricSourceRef", $name],
               ["spec.ratioMetric.$_.metricSource.spec.query", qr/\S/]) } qw(good total)
    ],
    SLO => [
        ['spec.service', $name], ['spec.indicatorRef', $name],
        ['spec.timeWindow.0.duration', qr/\A[1-9]\d*[mhdwMQY]\z/],
        ['spec.timeWindow.0.isRolling', qr/\A\z/],
        ['spec.timeWindow.0.calendar.startTime', qr/\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\z/],
        ['spec.timeWindow.0.calendar.timeZone', qr{\A[A-Z]\w+/[A-Z]\w+\z}],
        ['spec.budgetingMethod', qr/\A(?:Occurrences|Timeslices)\z/],
        ['spec.objectives.0.target', qr/\A0\.\d+\z/],
    ],
);

sub at {
    my ($value, $path) = @_;
    for (split /\./, $path) {
        $value = ref $value eq 'ARRAY' ? $value->[$_] : ref $value eq 'HASH' ? $value->{$_} : undef;
    }
    return $value;
}

# What is wrong with the documents of a file, a line each.
sub wrong {
    my (@documents) = @_;
    my (%there, $wrong);

    $there{ $_->{kind} // '' }{ $_->{metadata}{name} // '' } = $_ for @documents;

    for my $d (@documents) {
        my $what = join ' ', map { $_ // '?' } $d->{kind}, $d->{metadata}{name};
        $wrong .= "$what: version\n" if ($d->{apiVersion} // '') ne 'openslo/v1';
        $wrong .= "$what: name\n" if ($d->{metadata}{name} // '') !~ $name;
        my $fields = $required{ $d->{kind} // '' };
        $wrong .= "$what: kind\n" if !$fields;
        for (@{ $fields // [] }) {
            my $value = at($d, $_->[0]);
            $wrong .= "$what: $_->[0]\n" if !defined $value || ref $value || $value !~ $_->[1];
        }
        next if ($d->{kind} // '') ne 'SLO';
        $wrong .= "$what: no such service\n" if !$there{Service}{ $d->{spec}{service} // '' };
        $wrong .= "$what: no such indicator\n" if !$there{SLI}{ $d->{spec}{indicatorRef} // '' };
        $wrong .= "$what: not one window\n" if @{ $d->{spec}{timeWindow} } != 1;
        for (@{ $d->{spec}{objectives} }) {
            next if $d->{spec}{budgetingMethod} ne 'Timeslices';
            $wrong .= "$what: slices\n" if ($_->{timeSliceTarget} // '') !~ $number
                || ($_->{timeSliceWindow} // '') !~ /\A[1-9]\d*[mhd]\z/;
        }
    }

    return $wrong // '';
}

my $file = 'monitoring/openslo/IC-PAAS_SNC-01.yml';
open my $in, '<', $file or die "$file: $!";
my $text = do { local $/; <$in> };
my @documents = YAML::PP->new(boolean => 'perl')->load_string($text);

cmp_ok scalar(@documents), '>=', 4, 'documents: found';
is wrong(@documents), '', 'documents: as the specification asks';

for (['budgetingMethod: Timeslices', 'budgetingMethod: Slices'], ['timeSliceWindow: 1m', 'x: 1m'],
     ['indicatorRef: ', 'indicatorRef: x-'], ['apiVersion: openslo/v1', 'apiVersion: openslo/v0'],
     ['counter: true', 'counter: 7'], ['total:', 'all:'], ["'2026-01-01 00:00:00'", "'2026'"])
{
    my ($from, $to) = @$_;
    (my $other = $text) =~ s/\Q$from/$to/ or die "no $from";
    isnt wrong(YAML::PP->new(boolean => 'perl')->load_string($other)), '', "$to: is found out";
}

my ($sli) = grep { $_->{kind} eq 'SLI' } @documents;
like at($sli, 'spec.ratioMetric.good.metricSource.spec.query'), qr/class="good"/, 'good: is good';
like at($sli, 'spec.ratioMetric.total.metricSource.spec.query'), qr/class=~"good\|failed"/,
    'total: neither what is excluded nor what is ignored';
is at($_, 'spec.objectives.0.target'), '0.999', "$_->{metadata}{name}: the agreement's target"
    for grep { $_->{kind} eq 'SLO' } @documents;

done_testing;
