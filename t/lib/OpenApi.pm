package OpenApi;

=head1 Answers against an OpenAPI 3.1 file

    my $api = OpenApi->new('docs/openapi.json');
    my @wrong = $api->check('GET', '/api/1/zones?x=1', $answer);   # sentences; none: as documented
    my @unseen = $api->unseen;                                     # "GET /api/1/zones 400"

C<$answer> has C<status>, C<headers> (lower case) and C<body>.  Of JSON Schema it knows what the file
uses, and dies of any other word, so that no part of a schema is passed over.

=cut

use strict;
use warnings;

use B ();
use JSON::PP;

my %annotations = map { $_ => 1 } qw(description default);

sub new {
    my ($class, $file) = @_;
    open my $in, '<', $file or die "$file: $!";
    local $/ = undef;
    my $self = bless { doc => decode_json(<$in>), seen => {} }, $class;
    $self->_known($_) for values %{ $self->{doc}{components}{schemas} };
    return $self;
}

# Are all words of a schema known here?
sub _known {
    my ($self, $schema) = @_;
    for my $word (keys %$schema) {
        next if $annotations{$word};
        die "schema: unknown word $word\n" if !OpenApi->can("_word_$word") && $word !~ /^(?:required|additionalProperties)$/;
    }
    $self->_known($_) for values %{ $schema->{properties} // {} }, @{ $schema->{anyOf} // [] }, $schema->{items} // ();
    die "schema: an object with additional properties\n"
        if $schema->{properties} && ($schema->{additionalProperties} // 1);
    return;
}

sub operation {
    my ($self, $method, $path) = @_;
    $path =~ s/\?.*//s;
    for my $template (sort { length $a <=> length $b } keys %{ $self->{doc}{paths} }) {
        my $pattern = join '[^/]+', map { quotemeta } split /\{[^}]*\}/, $template, -1;
        my $operation = $self->{doc}{paths}{$template}{ lc($method eq 'HEAD' ? 'get' : $method) };
        return ($template, $operation) if $path =~ /^$pattern$/ && $operation;
    }
    return;
}

sub check {
    my ($self, $method, $path, $answer) = @_;
    my ($template, $operation) = $self->operation($method, $path);
    return "$method $path is not documented" if !$operation;
    my $response = $operation->{responses}{ $answer->{status} } // return "$method $template: $answer->{status} is not documented";
    $self->{seen}{"$method $template $answer->{status}"} = 1;

    (my $type = $answer->{headers}{'content-type'} // '') =~ s/;.*//;
    my $content = $response->{content}{$type} // return "$method $template $answer->{status}: $type is not documented";
    return if $type !~ /json/;
    my $json = eval { decode_json($answer->{body}) };
    return "$method $template: not JSON: $@" if !defined $json;
    my @wrong = $self->errors($content->{schema}, $json, 'answer');
    push @wrong, "status $json->{status}" if $type =~ /problem/ && $json->{status} != $answer->{status};
    return map { "$method $template $answer->{status}: $_" } @wrong;
}

# Does a body of a request fit?  For those that are accepted.
sub check_request {
    my ($self, $method, $path, $json) = @_;
    my ($template, $operation) = $self->operation($method, $path);
    return $self->errors($operation->{requestBody}{content}{'application/json'}{schema}, $json, 'body');
}

sub unseen {
    my $self = shift;
    my @all;
    for my $template (sort keys %{ $self->{doc}{paths} }) {
        for my $method (grep { $_ ne 'parameters' } sort keys %{ $self->{doc}{paths}{$template} }) {
            push @all, map { uc($method) . " $template $_" } sort keys %{ $self->{doc}{paths}{$template}{$method}{responses} };
        }
    }
    return grep { !$self->{seen}{$_} } @all;
}

sub errors {
    my ($self, $schema, $value, $at) = @_;
    return map { my $check = "_word_$_"; $self->$check($schema, $value, $at) }
        grep { OpenApi->can("_word_$_") } sort keys %$schema;
}

sub type_of {
    my $value = shift;
    return 'null' if !defined $value;
    return 'boolean' if JSON::PP::is_bool($value);
    return ref $value eq 'HASH' ? 'object' : 'array' if ref $value;
    my $flags = B::svref_2object(\$value)->FLAGS;
    return 'string' if !($flags & (B::SVf_IOK | B::SVf_NOK)) || $flags & B::SVf_POK;
    return $value =~ /^-?\d+$/ ? 'integer' : 'number';
}

sub _word_type {
    my ($self, $schema, $value, $at) = @_;
    my $is   = type_of($value);
    my @may  = ref $schema->{type} ? @{ $schema->{type} } : $schema->{type};
    return if grep { $_ eq $is || ($_ eq 'number' && $is eq 'integer') } @may;
    return "$at: $is, not @may";
}

sub _word_properties {
    my ($self, $schema, $value, $at) = @_;
    return if ref $value ne 'HASH';
    my %may = %{ $schema->{properties} };
    return (map({ "$at.$_ is missing" } grep { !exists $value->{$_} } @{ $schema->{required} // [] }),
        map({ "$at.$_ is not documented" } grep { !$may{$_} } sort keys %$value),
        map({ $self->errors($may{$_}, $value->{$_}, "$at.$_") } grep { $may{$_} } sort keys %$value));
}

sub _word_items {
    my ($self, $schema, $value, $at) = @_;
    return if ref $value ne 'ARRAY';
    return map { $self->errors($schema->{items}, $value->[$_], "${at}[$_]") } 0 .. $#$value;
}

sub _word_anyOf {
    my ($self, $schema, $value, $at) = @_;
    my @errors;
    for my $one (@{ $schema->{anyOf} }) {
        my @wrong = $self->errors($one, $value, $at) or return;
        push @errors, @wrong;
    }
    return @errors;
}

sub _word_enum {
    my ($self, $schema, $value, $at) = @_;
    return if grep { $_ eq ($value // '') } @{ $schema->{enum} };
    return "$at: $value is none of @{ $schema->{enum} }";
}

sub _word_const   { my ($self, $s, $v, $at) = @_; return $v eq $s->{const} ? () : "$at: not $s->{const}" }
sub _word_pattern { my ($self, $s, $v, $at) = @_; return ref $v || !defined $v || $v =~ /$s->{pattern}/ ? () : "$at: $v does not match" }
sub _word_minimum { my ($self, $s, $v, $at) = @_; return !defined $v || $v >= $s->{minimum} ? () : "$at: $v is too small" }
sub _word_maximum { my ($self, $s, $v, $at) = @_; return !defined $v || $v <= $s->{maximum} ? () : "$at: $v is too large" }
sub _word_minLength { my ($self, $s, $v, $at) = @_; return length $v >= $s->{minLength} ? () : "$at: too short" }
sub _word_maxLength { my ($self, $s, $v, $at) = @_; return length $v <= $s->{maxLength} ? () : "$at: too long" }

sub _resolve {
    my ($self, $schema, $value, $at) = @_;
    my ($name) = $schema->{'$ref'} =~ m{^#/components/schemas/(\w+)$} or die "bad \$ref\n";
    return $self->errors($self->{doc}{components}{schemas}{$name} // die("no schema $name\n"), $value, $at);
}

{
    no strict 'refs';
    *{'_word_$ref'} = \&_resolve;
}

1;
