#!/usr/bin/perl
# What of nginx's style a program can tell of C files: tools/style.pl FILE...
# Prints what is not so as file:line, and fails then.

use strict;
use warnings;

my $string = qr/"(?:\\.|[^"\\])*"/;

my @everywhere = (
    [qr/\t/      => 'a tab'],
    [qr/[ \r]$/  => 'a blank at the end'],
);

# of code, without what is in strings
my @of_code = (
    [qr/^.{81}/                                       => 'more than 80 columns'],
    [qr{//}                                           => 'a comment of C++'],
    [qr/\b(?:if|for|while|switch)\(/                  => 'no blank before ('],
    [qr/^\s*(?:if|else|while)\b[^;]*;$/               => 'a body without braces'],
    [qr/^(?: {4})* {1,3}(?:if|for|while|switch|return|break|continue|goto)\b/ => 'not indented by 4'],
    [qr/^[a-z]\w*\([^;]*\)\s*\{/                      => 'the brace of a function not on its own line'],
);

my $wrong = 0;

sub check {
    my ($name, $line, $text, @rules) = @_;
    for my $rule (@rules) {
        next if $text !~ $rule->[0];
        print "$name:$line: $rule->[1]\n";
        $wrong++;
    }
}

# Between functions are two empty lines, and nowhere more.
sub gaps {
    my ($name, @lines) = @_;
    for my $i (0 .. $#lines - 1) {
        my $gap = 0;
        $gap++ while $i + $gap < $#lines && $lines[$i + $gap + 1] eq '';
        my $next = $lines[$i + $gap + 1] // '';
        if ($gap > 2 && $lines[$i] ne '') {
            print "$name:@{[ $i + 1 ]}: $gap empty lines\n";
            $wrong++;
        }
        if ($lines[$i] eq '}' && $gap != 2 && $next ne '' && $next !~ /^#/) {
            print "$name:@{[ $i + 1 ]}: no two empty lines after a function\n";
            $wrong++;
        }
    }
}

for my $name (@ARGV) {
    open my $in, '<', $name or die "$name: $!\n";
    chomp(my @lines = <$in>);
    gaps($name, @lines);

    my $comment = 0;
    for my $i (0 .. $#lines) {
        check($name, $i + 1, $lines[$i], @everywhere);
        $comment ||= $lines[$i] =~ m{^\s*/\*};
        my $code = $lines[$i] =~ s/$string/""/gr =~ s{/\*.*?\*/}{}gr;
        check($name, $i + 1, $code, @of_code) if !$comment;
        $comment &&= $lines[$i] !~ m{\*/};
    }
}

exit($wrong ? 1 : 0);
