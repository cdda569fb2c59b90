# What the documentation names exists: files of the table of clauses, and links
# between documents, programs.

use strict;
use warnings;

use Test::More;
use Cwd qw(abs_path);
use File::Basename qw(dirname);

my $root = abs_path(dirname(__FILE__) . '/../..');

sub slurp {
    my ($path) = @_;
    open my $in, '<', $path or die "$path: $!";
    local $/;
    return <$in>;
}

# headings as their anchors
sub anchors {
    my ($path) = @_;
    return map { (my $t = lc) =~ s/[^\w\x80-\xff -]//g; $t =~ s/ /-/g; $t => 1 } slurp($path) =~ /^#+ (.*)$/mg;
}


# Clauses

{
    my @rows = slurp('docs/clauses.md') =~ /^\| (?!clause|---)(.*) \|$/mg;
    cmp_ok scalar(@rows), '>=', 15, 'clauses: found';
    for (@rows) {
        my ($clause, undef, $code, $tests) = split / \| /;
        $clause = substr $clause, 0, 40;
        my @code  = $code  =~ /`([^`]+)`/g;
        my @tests = $tests =~ /`([^`]+)`/g;
        ok @code && @tests, "$clause: has code and tests";
        is join(' ', grep { !-e } @code, @tests), '', "$clause: all of it is there";
        is join(' ', grep { !m{^(?:t|tests/\w+)/[\w-]+\.[tc]\z} } @tests), '', "$clause: the tests are tests";
    }
}


# Links

my @documents = grep { -e } glob '*.md docs/*.md monitoring/*.md monitoring/*/*.md docker/*.md packaging/*.md';
for my $document (@documents) {
    my ($text, $wrong) = (slurp($document), '');
    $text =~ s/^ *```.*?^ *```$//msg;
    for my $link ($text =~ /\]\(([^)\s]+)\)/g) {
        next if $link =~ m{^(?:https?|mailto):};
        my ($path, $anchor) = split /#/, $link;
        $path = length $path ? dirname($document) . "/$path" : $document;
        $wrong .= "$link: no such file\n" and next if !-e $path;
        my %anchors = defined $anchor ? anchors($path) : ();
        $wrong .= "$link: no such heading\n" if defined $anchor && !$anchors{$anchor};
    }
    is $wrong, '', "$document: its links lead somewhere";
}

# Logs and addresses: all that is told goes with the README's configuration

my ($config) = slurp('README.md') =~ /^```nginx\n(.*?)^```$/ms;
my @logs = sort $config =~ m{(/var/log/nginx/\S+?)[ ;]}g;
my $rotate = slurp('packaging/debian/libnginx-mod-http-paas-guard.logrotate');

{
    is scalar(@logs), 2, 'README: logs';
    is join(' ', grep { m{^/var/log/nginx/[^/]*\z} } @logs), '', "README: nginx's own logrotate takes none of them";
    is join(' ', sort $rotate =~ /^(\S+) \{$/mg), "@logs", 'logrotate: takes them';
    like slurp('docs/audit-log.md'), qr/^```\n\Q$rotate\E```$/m, 'logrotate: audit-log.md has what is packaged';
    like slurp($_), qr{^ *(?:sudo )?install -d .* /var/log/nginx/paas_guard$}m, "$_: makes their directory"
        for 'README.md', 'docs/audit-log.md', 'packaging/debian/libnginx-mod-http-paas-guard.postinst';
}

for my $document (@documents, 'monitoring/rsyslog/gateway.conf') {
    my %known = map { $_ => 1 } @logs, '/var/log/nginx/error.log';
    my $text  = slurp($document);
    my @other = grep { !$known{$_} } $text =~ m{(/var/log/nginx/[\w/]*\.\w+)}g;
    is "@other", '', "$document: logs as the README has them";
    @other = grep { $_ ne 'http://127.0.0.1:9145/guard/' } $text =~ m{(http://127[\d.:]+/guard/)}g;
    is "@other", '', "$document: the API is where the README has it";
}

{
    my ($logrotate) = grep { -x } "$root/.deps/usr/sbin/logrotate", '/usr/sbin/logrotate';
    local $ENV{LD_LIBRARY_PATH} = join ':', glob("$root/.deps/usr/lib/*-linux-gnu*"), $ENV{LD_LIBRARY_PATH} // ();

    require File::Temp;
    my $dir = File::Temp->newdir('pguard-logrotate-XXXXXX', TMPDIR => 1);
    chmod 0755, $dir;
    mkdir "$dir/$_" or die $! for qw(nginx nginx/paas_guard);
    my $stock = "/var/log/nginx/*.log {\n daily\n rotate 14\n}\n";      # as of Debian
    my @all = ('/var/log/nginx/error.log', @logs);
    for ([conf => "$stock$rotate"], map { [s{^/var/log/}{}r => 'x'] } @all) {
        my ($name, $text) = @$_;
        open my $out, '>', "$dir/$name" or die "$dir/$name: $!";
        print $out $text =~ s{/var/log}{$dir}gr;
        close $out or die "$dir/$name: $!";
    }
    chmod 0644, "$dir/conf";
    my $said = `'$logrotate' -d -s $dir/state $dir/conf 2>&1`;
    unlike $said, qr/^error/m, 'logrotate: takes it beside the stock configuration' or diag $said;
    is join(' ', sort $said =~ /^considering log \Q$dir\E(\S+)$/mg), join(' ', map { s{^/var/log}{}r } @all),
        'logrotate: each log once';
}


# What "make run" tells to run, it has built; what the README says to try, it tells

{
    delete local @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
    my %programs = map { $_ => 1 } slurp('tools/run.sh') =~ m{\b(build/paas-guard-\w+)\b}g;
    my $made = `make -nB run`;
    ok scalar(keys %programs), 'make run: tells of programs';
    like $made, qr/-o \Q$_\E /, "make run: builds $_" for sort keys %programs;

    my $try = join q{}, slurp('README.md') =~ /^(    curl .*8080.*\n)/gm;
    my ($told) = slurp('tools/run.sh') =~ /^(a duplicate is refused:.*?)^what/ms;
    is $told =~ s/^.*?: +/    /mgr, $try =~ s{http://127\.0\.0\.1:8080}{\$url}gr,
        'make run: tells what the README says to try';
    unlike $try, qr/\[1-\d+\].*\n./, 'README: what blocks the client comes last';
}

done_testing;
