# The README's configuration is accepted as it stands, but for its paths, and
# the reference has all that there is.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;
use File::Temp ();
use Test::More;

sub text {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!";
    local $/;
    return <$file>;
}

my $dir = File::Temp->newdir('pguard-docs-XXXXXX', TMPDIR => 1);
mkdir "$dir/$_" for qw(logs logs/paas_guard state tls);

my ($config) = text('README.md') =~ /^```nginx\n(.*?)^```$/ms;
like $config, qr/^http \{/m, 'the README has a configuration';

# the module and its secret, the places of files, and a port that needs no root
my $module = $ENV{TEST_NGINX_LOAD_MODULES} // 'build/ngx_paas_guard_module.so';
chomp(my $here = `pwd`);
$module = "$here/$module" if $module =~ m{^[^/]};
my $load = $module && "load_module $module;";       # none, if it is compiled in
is $config =~ s{load_module modules/ngx_paas_guard_module\.so;}{$load}, 1, 'which loads the module';
is $config =~ s{/etc/nginx/paas_guard\.secret}{$dir/secret}, 1, 'has a secret';
is $config =~ s{/var/lib/nginx/paas_guard}{$dir/state}, 1, 'a state';
ok $config =~ s{/var/log/nginx}{$dir/logs}g, 'logs';
ok $config =~ s{/etc/nginx/tls}{$dir/tls}g, 'and certificates';
my $socket = 0;
is $config =~ s{listen (?:443|127\.0\.0\.1:9145)}{'listen unix:' . $dir . '/s' . ++$socket}ge, 2, 'and two servers';
$config =~ s{^http \{}{http \{ client_body_temp_path $dir/b; proxy_temp_path $dir/p; fastcgi_temp_path $dir/f;
    uwsgi_temp_path $dir/u; scgi_temp_path $dir/s;}m;

open my $file, '>', "$dir/nginx.conf" or die $!;
print $file "pid $dir/pid; error_log stderr;\n$config";
close $file;
open $file, '>', "$dir/secret" or die $!;
chmod 0600, "$dir/secret";
print $file 'a secret of the docs test';
close $file;
is system("openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=example -keyout $dir/tls/example.key "
    . "-out $dir/tls/example.crt 2>$dir/openssl.log"), 0, 'a certificate';

my $nginx = $ENV{TEST_NGINX_BINARY} // 'nginx';
my $said = `'$nginx' -t -p '$dir' -c '$dir/nginx.conf' 2>&1`;
is $?, 0, 'it is accepted' or diag $said;
unlike $said, qr/\[(?:warn|error|alert|crit|emerg)\]/, 'without a word' or diag $said;

my $reference = text('docs/reference.md');
my @directives = text('ngx_paas_guard_module.c') =~ /ngx_string\("(paas_guard\w*)"\)/g;
cmp_ok scalar @directives, '>', 20, 'directives';
like $reference, qr/`$_(?: |`)/, "the reference has the directive $_" for @directives;

my @variables = map { "paas_guard_$_" }
    text('src/nginx/ngx_paas_guard_variables.c') =~ /^ +ngx_paas_guard_variable\("(\w+)"/mg;
cmp_ok scalar @variables, '>', 10, 'variables';
like $reference, qr/`\$$_`/, "the reference has the variable \$$_" for @variables;

my $gateway = gateway_start(
    http => 'paas_guard_zone zone=z:1m; paas_guard_indicator i target=99%; paas_guard_hammer_rule r key=$uri window=1s limit=1;',
    conf => 'location /t { paas_guard zone=z; paas_guard_sla i; paas_guard_hammer r; proxy_pass http://backend; }
        location = /metrics { paas_guard_metrics; }');
my %metrics = map { $_ => 1 } $gateway->get('/metrics')->{body} =~ /^# TYPE (\w+)/mg;
$gateway->stop;
cmp_ok scalar keys %metrics, '>', 15, 'metrics';
like $reference, qr/`$_(?:\{|`)/, "the reference has the metric $_" for sort keys %metrics;

done_testing;
