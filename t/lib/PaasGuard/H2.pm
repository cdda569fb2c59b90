package PaasGuard::H2;

=head1 NAME

PaasGuard::H2 - HTTP/2 frame by frame, as a client or as an upstream

    my $h2 = PaasGuard::H2->new($socket);           # client: sends preface and settings
    my $h2 = PaasGuard::H2->new($socket, 1);        # upstream: reads the preface
    $h2->headers($stream, $end, ':method' => 'POST', ...);
    $h2->data($stream, $end, $bytes);
    my $frame = $h2->next($seconds);                # { type, flags, stream, payload }, or undef

Settings, pings and window updates are answered or passed over; windows are so
large that nobody waits.  Headers are written without a table and without
Huffman codes, and of those read only the status is understood.

=cut

use strict;
use warnings;

use IO::Select;

our %type = (DATA => 0, HEADERS => 1, RST => 3, SETTINGS => 4, PING => 6, GOAWAY => 7, WINDOW => 8);
my %status = (8 => 200, 9 => 204, 10 => 206, 11 => 304, 12 => 400, 13 => 404, 14 => 500);

use constant { END_STREAM => 1, END_HEADERS => 4, ACK => 1, LARGE => 2**31 - 1 };

sub new {
    my ($class, $socket, $server) = @_;
    my $self = bless { socket => $socket, got => '' }, $class;
    binmode $socket;
    $socket->autoflush(1);
    if ($server) {
        $self->fill(24, 10) or return;
        substr $self->{got}, 0, 24, '';
    } else {
        print $socket "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    }
    $self->frame(SETTINGS => 0, 0, pack 'nN', 4, LARGE);
    $self->frame(WINDOW => 0, 0, pack 'N', LARGE - 65535);
    return $self;
}

sub frame {
    my ($self, $type, $flags, $stream, $payload) = @_;
    print { $self->{socket} } substr(pack('N', length $payload), 1), pack('CCN', $type{$type}, $flags, $stream), $payload;
}

sub headers {
    my ($self, $stream, $end, @headers) = @_;
    my $block = '';
    while (my ($name, $value) = splice @headers, 0, 2) {
        $block .= pack 'CC/aC/a', 0, $name, $value;
    }
    $self->frame(HEADERS => END_HEADERS | ($end ? END_STREAM : 0), $stream, $block);
}

sub data {
    my ($self, $stream, $end, $bytes) = @_;
    $self->frame(DATA => $end ? END_STREAM : 0, $stream, $bytes);
}

sub fill {
    my ($self, $n, $seconds) = @_;
    my $select = IO::Select->new($self->{socket});
    while (length $self->{got} < $n) {
        $select->can_read($seconds) or return 0;
        $self->{socket}->sysread($self->{got}, 65536, length $self->{got}) or return 0;
    }
    return 1;
}

sub next {
    my ($self, $seconds) = @_;
    while ($self->fill(9, $seconds // 10)) {
        my ($length, $type, $flags, $stream) = unpack 'NCCN', "\0" . substr $self->{got}, 0, 9;
        $self->fill(9 + $length, 10) or return;
        substr $self->{got}, 0, 9, '';
        my $payload = substr $self->{got}, 0, $length, '';

        if ($type == $type{SETTINGS} || $type == $type{PING}) {
            my ($name) = grep { $type{$_} == $type } keys %type;
            $self->frame($name, ACK, 0, $type == $type{PING} ? $payload : '') if !($flags & ACK);
        } elsif ($type != $type{WINDOW}) {
            ($type) = grep { $type{$_} == $type } keys %type;
            return { type => $type, flags => $flags, stream => $stream, payload => $payload, end => $flags & END_STREAM };
        }
    }
    return;
}

# nginx's header blocks begin with the status, after an update of the table's size.
sub status {
    my ($self, $frame) = @_;
    my $block = $frame->{payload} =~ s/^[\x20-\x3f]//r;
    my $first = ord $block;
    return $first & 0x80 ? $status{$first & 0x7f} : substr $block, 2, 3;
}

1;
