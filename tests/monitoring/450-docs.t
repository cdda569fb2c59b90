# What the documentation names exists: files of the table of clauses, and links
# between documents, programs.

use strict;
use warnings;

use Test::More;
use File::Basename qw(dirname);

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
