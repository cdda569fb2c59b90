# Secrets are in no memory that a core dump would hold, in no log, answer or
# metric; and a file of one that is open to all is told.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;

use Digest::SHA qw(hmac_sha256);
use Test::More;

my $dir = $ENV{TEST_NGINX_DIR};
my $load = join "\n", map { "load_module $_;" } split ' ', $ENV{TEST_NGINX_LOAD_MODULES};

sub file {
    my ($name, $text, $mode) = @_;
    open my $out, '>', "$dir/$name" or die "$dir/$name: $!";
    print $out $text;
    close $out;
    chmod $mode // 0600, "$dir/$name";
    return "$dir/$name";
}

sub hex_of { join '', map { sprintf '%02x', int rand 256 } 1 .. $_[0] }

# What a core dump would hold of a process: each mapping that can be read and
# is not marked "dd"; of files, what was changed. Where that can't be told
# apart, a file's too: our secrets are in none that is mapped.
sub dumped {
    my ($pid, $look) = @_;
    open my $maps, '<', "/proc/$pid/smaps" or return;
    open my $mem, '<:raw', "/proc/$pid/mem" or return;
    my ($from, $to, $read, $hidden, $seen, %found) = (0) x 5;
    my $take = sub {
        for (my $at = $from; $read && $at < $to; $at += 1 << 20) {
            my $n = $to - $at < (1 << 20) + 64 ? $to - $at : (1 << 20) + 64;
            sysseek $mem, $at, 0 or last;
            $n = sysread $mem, my $bytes, $n or last;
            $seen += $n;
            index($bytes, $look->{$_}) >= 0 and $found{$_}++ for keys %$look;
        }
    };
    while (<$maps>) {
        if (/^([0-9a-f]+)-([0-9a-f]+) (r?)/) {
            no warnings 'portable';
            ($from, $to, $read) = (hex $1, hex $2, $3 && !/\[v/);
        } elsif (/^VmFlags:(.*)/ && $1 !~ /\bdd\b/) {
            $take->();
        } elsif (/^VmFlags:/) {
            $hidden++;
        }
    }
    return { found => \%found, seen => $seen, hidden => $hidden };
}

sub nowhere {
    my ($what, $gateway, %look) = @_;

    # that this finds anything: a name that is in the configuration
    $look{canary} = 'a-canary-of-the-configuration';

    for my $pid ($gateway->pid, $gateway->workers) {
        my $got = dumped($pid, \%look);
        if (!$got) {
            SKIP: { skip "the memory of $pid can't be read", 3 }
            next;
        }
        my $who = $pid == $gateway->pid ? 'master' : 'worker';
        ok delete $got->{found}{canary}, "$what: the $who\'s memory was read";
        ok $got->{hidden}, "$what: some of the $who\'s is hidden";
        is join(' ', sort keys %{ $got->{found} }), '', "$what: no secret in the rest of the $who\'s";
    }
}

sub keys_of {
    my $secret = shift;
    return (
        secret => $secret,
        map { my $n = $_; ("key of $n" => hmac_sha256("paas_guard $n\x01", $secret)) }
            qw(hmac xxh3 audit)
    );
}

# --- a secret file, and a Redis with a password

my $secret   = hex_of(32);
my $password = 'pw-' . hex_of(16);
my $redis = redis_start(args => ["--requirepass" => $password]);

my $gateway = gateway_start(
    workers => 2,
    http    => 'paas_guard_zone zone=z:1m;'
        . 'paas_guard_secret_file ' . file('the_secret', "$secret\n") . ';'
        . 'paas_guard_redis ' . $redis->url . ' password_file=' . file('the_password', "$password\n") . ' timeout=2s;'
        . 'log_format store "$paas_guard_store";',
    conf    => <<'_EOC_',
        location / { paas_guard zone=z; add_header X-Store $paas_guard_store; proxy_pass http://backend; }
        location = /metrics { paas_guard_metrics; }
        location = /canary { return 200 "a-canary-of-the-configuration"; }
        location /status/ { paas_guard_status; }
_EOC_
);
my $n = 0;
ok wait_for(sub { ($gateway->get('/' . $n++)->{headers}{'x-store'} // '') eq 'redis' }), 'Redis answers';
ok wait_for(sub { $redis->pid }), 'it is there';
$gateway->get('/' . $n++) for 1 .. 50;

nowhere('secret file', $gateway, keys_of($secret), password => $password);

# a reload leaves nothing of the old configuration
$gateway->reload;
ok wait_for(sub { ($gateway->get('/' . $n++)->{headers}{'x-store'} // '') eq 'redis' }), 'Redis answers again';
nowhere('after a reload', $gateway, keys_of($secret), password => $password);

# nor does a Redis that goes, whose password is then no more sent
$redis->kill;
ok wait_for(sub { ($gateway->get('/' . $n++)->{headers}{'x-store'} // '') eq 'degraded' }), 'Redis is gone';
nowhere('without Redis', $gateway, keys_of($secret), password => $password);

my $told = join '', $gateway->error_log, map { $gateway->get($_)->{body} // '' }
    qw(/metrics /status/api/1/zones /status/ /1);
$told .= $gateway->access_log;
cmp_ok length $told, '>', 1000, 'something is told';
unlike $told, qr/\Q$secret\E|\Q$password\E/, 'the secrets are in no log, metric or answer';
$gateway->stop(allow => qr/redis|No such file|Connection refused/);

# --- the zone's own secret, which its state keeps

my $own = gateway_start(
    http => 'paas_guard_zone zone=z:1m state=%DIR%/state;'
        . 'paas_guard_hammer_rule few key=$remote_addr window=10s limit=2;',
    conf => <<'_EOC_',
        location / { paas_guard zone=z; paas_guard_hammer few; proxy_pass http://backend; }
        location = /canary { return 200 "a-canary-of-the-configuration"; }
_EOC_
);
$own->get("/$_") for 1 .. 5;
my $state = $own->dir . '/state';
ok wait_for(sub { -s $state }), 'the state was written';
open my $in, '<:raw', $state or die "$state: $!";
my $bytes = do { local $/; <$in> };

# after the magic and the time: its length, and the zone's secret; see pguard_state.c
my $length = unpack 'Q<', substr $bytes, 16, 8;
is $length, 64, 'the file has the secret';
my $inside = substr $bytes, 24 + 24, 16;
nowhere('own secret', $own, 'secret of the zone' => $inside);
$own->stop;

# --- modes of files

sub said {
    my $conf = file('modes.conf', "$load\npid $dir/modes.pid;\nerror_log stderr;\nevents {}\nhttp {\n"
        . "client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;\n"
        . "uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5; access_log off;\n"
        . "paas_guard_zone zone=z:1m; $_[0]\nserver { listen 127.0.0.1:1; } }\n");
    my $out = `$ENV{TEST_NGINX_BINARY} -t -c $conf 2>&1`;
    is $? >> 8, 0, 'nginx -t passes';
    return join "\n", grep { /\[warn\]/ } split /\n/, $out;
}

for my $mode (0600, 0400, 0640) {
    my $open = file("secret$mode", "$secret\n", $mode);
    is said("paas_guard_secret_file $open;"), '', sprintf 'a secret of mode %04o is right', $mode;
}
for my $mode (0644, 0602) {
    my $open = file("secret$mode", "$secret\n", $mode);
    like said("paas_guard_secret_file $open;"),
        qr/"paas_guard_secret_file \Q$open\E" is a file that all users may read or write: a mode of 0600 would be right in/,
        sprintf 'of one of mode %04o, nginx -t warns', $mode;
}
my $closed = file('closed', "$secret\n");
my $open   = file('password', "$password\n", 0644);
like said("paas_guard_secret_file $closed; paas_guard_redis redis://127.0.0.1:1/0 password_file=$open;"),
    qr/"password_file=\Q$open\E" is a file that all users may read or write/, 'and of a password';

done_testing;
