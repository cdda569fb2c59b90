# The status page in a browser: it loads without a complaint in each language,
# light, dark and narrow; refreshes itself; and writes, by keyboard, too.
#
#     make test-browser                              # SHOTS=directory keeps screenshots

use strict;
use warnings;

use lib 't/lib', 'tests/browser';
use PaasGuard;
use Chromium;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

my $browser = Chromium->start;
plan skip_all => 'no Chromium: apt-get install chromium' if !$browser;

my $redis = redis_start();
my $http = <<"_EOC_";
    paas_guard_zone zone=paas:10m;
    paas_guard_secret_file @{[ secret_file() ]};
    paas_guard_redis @{[ $redis->url ]} timeout=2s;
    paas_guard_hammer_rule api_client  key=\$paas_guard_client_id window=10s limit=50   block=5m block_max=1h;
    paas_guard_hammer_rule address     key=\$http_x_address       window=10s limit=2000 block=10m scope=zone;
    paas_guard_hammer_rule failed_auth key=\$http_x_address       window=5m  limit=20   count=status:401,403
                                       block=30m scope=zone reason=lockout;
    paas_guard_indicator IC-PAAS_SNC-01 target=99.9% min_requests=1000000 timezone=Europe/Paris;
    paas_guard_indicator console target=97% min_requests=1000000 conditional;
    upstream b { server unix:%DIR%/b.sock; }
    server { listen unix:%DIR%/b.sock; location / { return 200 "x"; } location /compute/auth { return 401; } }
_EOC_
my $conf = <<'_EOC_';
    paas_guard zone=paas;
    paas_guard_client $http_x_client;
    add_header X-Client $paas_guard_client_id always;
    location /compute/ { paas_guard_service compute; paas_guard_hammer api_client address failed_auth; paas_guard_sla IC-PAAS_SNC-01; proxy_pass http://b; }
    location /console/ { paas_guard_service console; paas_guard_hammer address; paas_guard_sla console; proxy_pass http://b; }
    location /trial/ { paas_guard_service trial; paas_guard_dry_run on; paas_guard_hammer api_client; proxy_pass http://b; }
    location /status/ { paas_guard off; paas_guard_status; }
    location /admin/ {
        if ($cookie_login = ended) { return 401; }
        if ($cookie_login = elsewhere) { return 302 /login; }
        if ($cookie_login = broken) { return 502; }
        paas_guard off; paas_guard_status write=on;
    }
    location = /login { default_type text/html; return 200 "<form>who are you?</form>"; }
_EOC_

my $one = gateway_start(http => $http, conf => $conf, workers => 2);
my $base = 'http://127.0.0.1:' . $one->port;
my $targets = 0;

sub send_n {
    my ($n, $client, %opt) = @_;
    my $place = $opt{place} // 'compute';
    my $answer;
    $answer = $one->get("/$place/" . ($opt{same} // ++$targets), 'X-Client' => $client, 'X-Address' => "a $client") for 1 .. $n;
    return $answer->{headers}{'x-client'};
}

sub fine { my ($page, $what) = @_; is_deeply [$page->complaints], [], "$what: no complaint"; return }

sub shot {
    my ($page, $name) = @_;
    $page->screenshot("$ENV{SHOTS}/$name.png", 1) if $ENV{SHOTS};
    return;
}

# All text that can be seen: contrast by WCAG, against what is behind it.
my $contrast = <<'_EOC_';
(function () {
  function rgba(s) { var c = s.match(/[\d.]+/g).map(Number); return c.length > 3 ? c : c.concat(1); }
  function light(c) { return c.slice(0, 3).map(function (x) { x /= 255; return x <= .03928 ? x / 12.92 : Math.pow((x + .055) / 1.055, 2.4); })
    .reduce(function (s, x, i) { return s + x * [.2126, .7152, .0722][i]; }, 0); }
  function behind(e) { for (; e; e = e.parentElement) { var b = rgba(getComputedStyle(e).backgroundColor); if (b[3] === 1) { return b; } } return [255, 255, 255, 1]; }
  var worst = [99, ''], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), n, e, a, b, r;
  while ((n = walk.nextNode())) {
    e = n.parentElement;
    if (!n.data.trim() || !e.offsetParent || /SCRIPT|STYLE|NOSCRIPT/.test(e.tagName)) { continue; }
    a = light(rgba(getComputedStyle(e).color)); b = light(behind(e));
    r = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (r < worst[0]) { worst = [r, n.data.trim().slice(0, 40)]; }
  }
  return worst;
}())
_EOC_

send_n(40, 'calm', place => 'console');
send_n(5, 'twice', same => 'x');
my $blocked = send_n(70, 'hammer');
send_n(45, 'near');
send_n(60, 'trial', place => 'trial');


# In each language and form

my %forms = (
    'en'         => { lang => 'en' },
    'fr'         => { lang => 'fr' },
    'dark'       => { lang => 'en', dark => 1 },
    'phone'      => { lang => 'fr', width => 360, height => 780, mobile => 1, scale => 2 },
    'phone-dark' => { lang => 'en', width => 390, height => 844, mobile => 1, scale => 2, dark => 1 },
);

for my $name (sort keys %forms) {
    my $page = $browser->page(%{ $forms{$name} });
    $page->open("$base/admin/");
    fine($page, $name);
    is $page->eval('document.documentElement.lang'), $forms{$name}{lang}, "$name: the language";
    my $width = $forms{$name}{width} // 1280;
    is $page->eval('document.documentElement.scrollWidth'), $width, "$name: nothing is wider than the screen";
    my $worst = $page->eval($contrast);
    cmp_ok $worst->[0], '>=', 4.5, "$name: contrast ('$worst->[1]')";
    is $page->eval(<<~'_EOC_'), q{}, "$name: no label runs into its value";
        [].filter.call(document.querySelectorAll('td'), function (e) {
            var label = getComputedStyle(e, '::before');
            return label.content !== 'none' && parseFloat(label.width) > parseFloat(getComputedStyle(e).paddingLeft);
        }).map(function (e) { return e.dataset.label; }).join()
        _EOC_
    is $page->eval('getComputedStyle(document.querySelector("#blocks button")).display !== "none"'), JSON::PP::true,
        "$name: there are buttons";
    is $page->eval(<<~'_EOC_'), 0, "$name: each control has a name";
        [].filter.call(document.querySelectorAll('button, input, select, a, [role=region], nav, section'), function (e) {
            var by = e.getAttribute('aria-labelledby'), label = e.closest('label');
            return !(e.textContent.trim() || e.getAttribute('aria-label') || (label && label.textContent.trim())
                     || (by && document.getElementById(by).textContent.trim()));
        }).length
        _EOC_
    shot($page, $name);
}


# Without a script

{
    my $page = $browser->page(no_script => 1);
    $page->open("$base/admin/");
    my $body = $page->call('DOM.getDocument', { depth => 0 });
    my $node = sub { $page->call('DOM.querySelector', { nodeId => $body->{root}{nodeId}, selector => shift })->{nodeId} };
    my $box = sub { eval { $page->call('DOM.getBoxModel', { nodeId => $node->(shift) }) } ? 1 : 0 };
    is $box->('#blocks table'), 1, 'no script: it can be read';
    is $box->('noscript p'), 1, 'it says that it is not refreshed';
    is $box->('#pause'), 0, 'nothing to pause';
    is $box->('#blocks button'), 0, 'nothing to write with';
    fine($page, 'no script');
    shot($page, 'no-script');
}


# It refreshes itself, and keeps the focus

my $page = $browser->page(lang => 'en');
$page->open("$base/admin/");

{
    $page->eval('document.getElementById("top-t").focus(); window.mark = 1');
    my $client = send_n(9, 'later', same => 'z');
    ok $page->wait("document.getElementById('top').textContent.includes('$client')", 30), 'what is new comes by itself';
    is $page->eval('document.activeElement.id'), 'top-t', 'the focus stays';
    is $page->eval('window.mark'), 1, 'and the page was not loaded anew';
    like $page->eval('document.getElementById("say").textContent'), qr/every 5 seconds/, 'it says so';

    $page->eval('document.getElementById("pause").focus()');
    $page->key('Enter', 13);
    is $page->eval('document.getElementById("pause").getAttribute("aria-pressed")'), 'true', 'it can be paused';
    like $page->eval('document.getElementById("say").textContent'), qr/paused/, 'and says that, too';
    my $before = $page->eval('document.getElementById("at").textContent');
    sleep 7;
    is $page->eval('document.getElementById("at").textContent'), $before, 'then it stays as it is';
    $page->key('Enter', 13);
    ok $page->wait(qq{document.getElementById("at").textContent !== "$before"}, 30), 'and goes on';
    fine($page, 'refreshing');
}


# It writes

sub active { return @{ decode_json($one->get('/admin/api/1/blocks')->{body})->{blocks} } }

sub fill {
    my ($dialog, %value) = @_;
    for my $name (sort keys %value) {
        my $text = JSON::PP->new->allow_nonref->encode($value{$name});
        $page->eval("document.querySelector('#$dialog [name=$name]').value = $text");
    }
    $page->eval("document.querySelector('#$dialog .go').focus()");
    return;
}

sub open_dialog {
    my ($dialog, $selector) = @_;
    ok $page->wait("document.querySelector('$selector') !== null", 30), "a button for $dialog";
    $page->eval("document.querySelector('$selector').focus()");
    $page->key('Enter', 13);
    ok $page->eval("document.getElementById('$dialog').open"), 'opens a dialog';
    return;
}

sub closed {
    my $dialog = shift;
    return $page->wait("!document.getElementById('$dialog').open", 30);
}

{
    my ($block) = active();
    open_dialog('lift', "#b-lift-$block->{id}");
    shot($page, 'lift');
    $page->key('Enter', 13);
    fill('lift', who => 'op');
    $page->key('Enter', 13);
    ok $page->eval('document.getElementById("lift").open'), 'no reason, no lifting';
    is scalar(grep { $_->{id} eq $block->{id} } active()), 1, 'the block is there';
    fill('lift', why => 'it was a test', who => 'op');
    $page->key('Enter', 13);
    ok closed('lift'), 'lifted';
    is scalar(grep { $_->{id} eq $block->{id} } active()), 0, 'the block is gone';
    ok $page->wait('document.getElementById("say").textContent === "Done."', 10), 'it says so';
    ok $page->wait("!document.querySelector('#b-lift-$block->{id}')", 30), 'and it is gone here';
}

{
    open_dialog('block', '#b-block-');
    fill('block', client => 'nobody', why => 'abuse', who => 'op', seconds => 10);
    $page->key('Enter', 13);
    ok $page->wait('document.querySelector("#block [role=alert]").textContent !== ""', 30), 'what is wrong is said';
    like $page->eval('document.querySelector("#block [role=alert]").textContent'), qr/client/, 'in words';
    shot($page, 'error');
    $page->eval('document.querySelector("#block [data-close]").click()');
    ok !$page->eval('document.getElementById("block").open'), 'it can be left';

    open_dialog('block', "#b-block-$blocked");
    is $page->eval('document.querySelector("#block [name=client]").value'), $blocked, 'the client of the row';
    fill('block', why => 'abuse', who => 'op', seconds => 10);
    $page->key('Enter', 13);
    ok closed('block'), 'blocked';
    is_deeply [map { $_->{key} } grep { $_->{reason} eq 'operator_blocked' } active()], [$blocked], 'that one';
    is $one->get('/console/' . ++$targets, 'X-Client' => 'hammer')->{status}, 429, 'and refused';
}

{
    open_dialog('declare', '#b-declare-IC-PAAS_SNC-01');
    shot($page, 'declare');
    my @then = gmtime(time - 600);
    my $at = sprintf '%04d-%02d-%02dT%02d:%02d', $then[5] + 1900, $then[4] + 1, @then[3, 2, 1];
    $page->eval("var e = document.querySelector('#declare [name=detected_at]'), d = new Date('${at}Z');"
        . 'd.setMinutes(d.getMinutes() - d.getTimezoneOffset()); e.value = d.toISOString().slice(0, 16)');
    fill('declare', cause => 'the <b>database</b>', why => 'ticket 4711', who => 'op');
    $page->key('Enter', 13);
    ok closed('declare'), 'an outage is declared';
    ok $page->wait('document.getElementById("slas").textContent.includes("the <b>database</b>")', 30), 'and shown, as text';
    shot($page, 'outage');

    my $report = decode_json($one->get('/admin/api/1/sla/IC-PAAS_SNC-01')->{body});
    my ($outage) = @{ $report->{declared} };
    is substr($outage->{start}, 0, 16), $at, 'since then';

    open_dialog('restore', '#slas button[data-dialog=restore]');
    $page->eval('document.querySelector("#restore [name=restored_at]").value ='
        . ' (function (d) { d.setMinutes(d.getMinutes() - d.getTimezoneOffset()); return d.toISOString().slice(0, 16) }(new Date()))');
    fill('restore', confirmed_by => 'user', confirmer => 'client 7', why => 'called', who => 'op');
    $page->key('Enter', 13);
    ok closed('restore'), 'and closed';
    ok $page->wait('!document.querySelector("#slas button[data-dialog=restore]")', 30), 'here, too';
    ($outage) = @{ decode_json($one->get('/admin/api/1/sla/IC-PAAS_SNC-01')->{body})->{declared} };
    ok $outage->{end}, 'it has an end';
}
is_deeply [grep { !/status of 4\d\d/ } $page->complaints], [], 'writing: no complaint but of the call that was wrong';


# The login ends: the page says so, and does not take a login page for an answer

for (['ended', 'refuses access'], ['elsewhere', 'refuses access'], ['broken', 'error: 502']) {
    my ($login, $says) = @$_;
    $page->open("$base/admin/");
    $page->eval("document.cookie = 'login=$login; path=/'");
    ok $page->wait("document.getElementById('say').textContent.includes('$says')", 30), "login $login: it says so";
    like $page->eval('document.getElementById("say").textContent'), qr/Figures as of 20\d\d-/, 'and how old it is';
    open_dialog('declare', '#b-declare-IC-PAAS_SNC-01');
    fill('declare', cause => 'x', why => 'x', who => 'op');
    $page->eval('document.querySelector("#declare [name=detected_at]").value = "2026-11-22T00:00"');
    $page->key('Enter', 13);
    ok $page->wait("document.querySelector('#declare [role=alert]').textContent.includes('$says')", 30), 'nor was that written';
    $page->eval("document.querySelector('#declare [data-close]').click(); document.cookie = 'login=; path=/'");
    ok $page->wait('document.getElementById("say").textContent.includes("every 5 seconds")', 30), 'it goes on by itself after a login';
}
$page->complaints;


# The policy holds: neither a style nor a script gets in

{
    $page->eval(<<~'_EOC_');
        var s = document.createElement('script'); s.textContent = 'window.stolen = 1'; document.body.append(s);
        var i = document.createElement('p'); i.innerHTML = '<i style="color:red" onclick="window.stolen = 1">x</i>';
        document.body.append(i); i.firstChild.click();
        _EOC_
    is $page->eval('window.stolen === undefined'), JSON::PP::true, 'no script gets in';
    cmp_ok scalar(grep { /Content Security Policy/ } $page->complaints), '>=', 2, 'and the browser says why';
}


# The gateway goes away

{
    $page->open("$base/admin/");
    $one->stop;
    ok $page->wait('document.getElementById("say").textContent.includes("does not answer")', 30), 'a gateway that is gone is told';
    $one->start;
    ok $page->wait('document.getElementById("say").textContent.includes("every 5 seconds")', 30), 'and one that is back';
}

$one->stop;
$browser->stop;
done_testing;
