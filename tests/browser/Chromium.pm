package Chromium;

=head1 NAME

Chromium - a headless browser, driven through two pipes

=head1 SYNOPSIS

    my $browser = Chromium->start;                 # undef: there is none
    my $page = $browser->page(width => 390, height => 844, mobile => 1, dark => 1, lang => 'fr');
    $page->open('http://127.0.0.1:8080/status/');
    $page->eval('document.title');                 # a value; promises are waited for
    $page->wait('document.querySelector("#say").textContent', 10);
    $page->screenshot('a.png');
    $page->complaints;                             # errors, warnings, violations of the policy
    $browser->stop;

=cut

use strict;
use warnings;

use Fcntl        qw(F_SETFD);
use File::Temp   ();
use IO::Select   ();
use JSON::PP     ();
use MIME::Base64 qw(decode_base64);
use POSIX        ();
use Time::HiRes  qw(sleep time);

my $json = JSON::PP->new->utf8;

sub program {
    for my $name ($ENV{PGUARD_CHROMIUM} // (), qw(chromium chromium-browser google-chrome)) {
        for my $dir (split /:/, $ENV{PATH}) {
            return "$dir/$name" if -x "$dir/$name";
        }
    }
    return;
}

# The browser reads commands from descriptor 3 and writes to descriptor 4.
sub start {
    my $class   = shift;
    my $program = program() or return;
    my $dir     = File::Temp->newdir('pguard-chromium-XXXXXX', TMPDIR => 1);

    pipe my $in,  my $to   or die "pipe: $!";
    pipe my $from, my $out or die "pipe: $!";

    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        my @safe = map { POSIX::dup2(fileno $_->[0], $_->[1]) } [$in, 103], [$out, 104];
        POSIX::dup2(103, 3);
        POSIX::dup2(104, 4);
        POSIX::close($_) for 103, 104;
        open STDOUT, '>', "$dir/log";
        open STDERR, '>&', \*STDOUT;
        no warnings 'exec';
        local $ENV{HOME} = "$dir";
        exec $program, qw(--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage
            --remote-debugging-pipe --no-first-run --disable-extensions --disable-background-networking
            --disable-component-update --disable-sync --hide-scrollbars --mute-audio),
            "--user-data-dir=$dir/profile";
        POSIX::_exit(127);
    }

    close $in;
    close $out;
    $to->autoflush(1);
    return bless {
        pid => $pid, dir => $dir, to => $to, from => $from, buffer => q{}, id => 0,
        events => [], owner => $$,
    }, $class;
}

sub read_message {
    my ($self, $until) = @_;
    my $end;
    while (($end = index $self->{buffer}, "\0") < 0) {
        my $left = $until - time;
        die "the browser does not answer\n" if $left <= 0 || !IO::Select->new($self->{from})->can_read($left);
        sysread $self->{from}, $self->{buffer}, 1 << 16, length $self->{buffer}
            or die "the browser has ended\n";
    }
    my $message = substr $self->{buffer}, 0, $end;
    substr($self->{buffer}, 0, $end + 1) = q{};
    return $json->decode($message);
}

sub call {
    my ($self, $method, $params, $session) = @_;
    my $id = ++$self->{id};
    my $message = $json->encode({ id => $id, method => $method, params => $params // {},
        $session ? (sessionId => $session) : () });
    print { $self->{to} } $message, "\0";
    my $until = time + 60;
    while (1) {
        my $answer = $self->read_message($until);
        if (($answer->{id} // 0) == $id) {
            die "$method: $answer->{error}{message}\n" if $answer->{error};
            return $answer->{result};
        }
        push @{ $self->{events} }, $answer if $answer->{method};
    }
}

sub page {
    my ($self, %opt) = @_;
    my $target  = $self->call('Target.createTarget', { url => 'about:blank' })->{targetId};
    my $session = $self->call('Target.attachToTarget', { targetId => $target, flatten => JSON::PP::true })->{sessionId};
    my $page = bless { browser => $self, target => $target, session => $session }, 'Chromium::Page';
    $page->call("$_.enable") for qw(Page Runtime Log Network);
    $page->call('Emulation.setDeviceMetricsOverride', { width => $opt{width} // 1280, height => $opt{height} // 900,
        deviceScaleFactor => $opt{scale} // 1, mobile => $opt{mobile} ? JSON::PP::true : JSON::PP::false });
    $page->call('Emulation.setEmulatedMedia', { features => [
        { name => 'prefers-color-scheme', value => $opt{dark} ? 'dark' : 'light' }] });
    $page->call('Network.setExtraHTTPHeaders', { headers => { 'Accept-Language' => $opt{lang} } }) if $opt{lang};
    $page->call('Emulation.setScriptExecutionDisabled', { value => JSON::PP::true }) if $opt{no_script};
    return $page;
}

sub stop {
    my $self = shift;
    my $pid = delete $self->{pid} or return;
    eval { $self->call('Browser.close') };
    for (1 .. 50) {
        return if waitpid($pid, POSIX::WNOHANG) == $pid;
        sleep 0.1;
    }
    kill KILL => $pid;
    waitpid $pid, 0;
    return;
}

sub DESTROY {
    my $self = shift;
    local ($@, $?);
    $self->stop if $self->{owner} == $$;
    return;
}


package Chromium::Page;

use MIME::Base64 qw(decode_base64);
use Time::HiRes  qw(sleep time);

sub call {
    my ($self, $method, $params) = @_;
    return $self->{browser}->call($method, $params, $self->{session});
}

sub open {
    my ($self, $url) = @_;
    my $result = $self->call('Page.navigate', { url => $url });
    die "$url: $result->{errorText}\n" if $result->{errorText};
    $self->wait('document.readyState === "complete" && location.href !== "about:blank"', 30);
    return;
}

sub eval {
    my ($self, $expression) = @_;
    my $result = $self->call('Runtime.evaluate', { expression => $expression, returnByValue => JSON::PP::true,
        awaitPromise => JSON::PP::true });
    die "$expression: $result->{exceptionDetails}{exception}{description}\n" if $result->{exceptionDetails};
    return $result->{result}{value};
}

# True as soon as the expression is, within so many seconds.
sub wait {
    my ($self, $expression, $seconds) = @_;
    my $until = time + $seconds;
    while (1) {
        return 1 if CORE::eval { $self->eval($expression) };
        return 0 if time > $until;
        sleep 0.1;
    }
}

sub key {
    my ($self, $key, $code) = @_;
    $self->call('Input.dispatchKeyEvent', { type => $_, key => $key, code => $key, windowsVirtualKeyCode => $code,
        $key eq 'Enter' && $_ eq 'keyDown' ? (text => "\r") : () }) for qw(keyDown keyUp);
    return;
}

sub screenshot {
    my ($self, $path, $whole) = @_;
    my $size = $self->call('Page.getLayoutMetrics')->{cssContentSize};
    my $shot = $self->call('Page.captureScreenshot', { format => 'png',
        $whole ? (captureBeyondViewport => JSON::PP::true, clip => { x => 0, y => 0, width => $size->{width},
            height => $size->{height}, scale => 1 }) : () });
    CORE::open my $file, '>:raw', $path or die "$path: $!\n";
    print $file decode_base64($shot->{data});
    close $file or die "$path: $!\n";
    return;
}

# What the browser has complained of since the last call.
sub complaints {
    my $self = shift;
    $self->eval('1');
    my (@mine, @others, @found);
    push @{ ($_->{sessionId} // q{}) eq $self->{session} ? \@mine : \@others }, $_ for @{ $self->{browser}{events} };
    $self->{browser}{events} = \@others;
    for (@mine) {
        my $p = $_->{params};
        push @found, join q{ }, "$p->{entry}{level}:", $p->{entry}{text}, $p->{entry}{url} // ()
            if $_->{method} eq 'Log.entryAdded' && $p->{entry}{level} =~ /^(?:error|warning)$/;
        push @found, 'console: ' . join q{ }, map { $_->{value} // $_->{description} // q{} } @{ $p->{args} }
            if $_->{method} eq 'Runtime.consoleAPICalled' && $p->{type} =~ /^(?:error|warning|assert)$/;
        push @found, "exception: $p->{exceptionDetails}{text} "
            . ($p->{exceptionDetails}{exception}{description} // q{}) if $_->{method} eq 'Runtime.exceptionThrown';
    }
    return @found;
}

1;
