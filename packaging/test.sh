#!/bin/bash
# Installs, upgrades, removes and purges the packages, on a Debian that has none of them:
#   packaging/test.sh DIR      (with the .deb files; as root, in a root made for it)
set -euo pipefail
cd "$1"

export DEBIAN_FRONTEND=noninteractive
module=libnginx-mod-http-paas-guard
state=/var/lib/nginx/paas_guard
enabled=/etc/nginx/modules-enabled/50-mod-http-paas-guard.conf
failed=0

check() {  # what, command...
    if "${@:2}"; then
        echo "ok      $1"
    else
        echo "FAILED  $1"
        failed=1
    fi
}
not() { ! "$@"; }
is() { [ "$1" = "$2" ] || { echo "        got \"$1\", not \"$2\""; return 1; }; }
give_up() { echo "FAILED  $1"; exit 1; }
quietly() { "$@" > out 2>&1 || { tail -n 20 out; return 1; }; }
apt() { quietly apt-get -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@"; }
status() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || :; }
version() { dpkg-query -W -f '${Version}' "$1"; }

deb() { set -- "$1"_*.deb; echo "$PWD/$1"; }
guard=$(deb $module)
audit=$(deb paas-guard-audit)
new=$(dpkg-deb -f "$guard" Version)

# the same package as an older one, to upgrade from
dpkg-deb -R "$guard" old
sed -i "s/^Version: .*/Version: 0.0~$new/" old/DEBIAN/control
dpkg-deb --root-owner-group -b old old.deb > /dev/null

# --- installed: enabled, and nginx takes it

apt install ./old.deb nginx curl || give_up "installs"
check "the module's file is there" test -f /usr/lib/nginx/modules/ngx_paas_guard_module.so
check "it is enabled" test -L $enabled
check "it depends on the nginx that it was built for" \
    grep -q 'nginx-abi-' <(dpkg-deb -f "$guard" Depends)
check "the state's directory is the workers' own" is "$(stat -c '%U %a' $state)" "www-data 700"
check "the logs' directory is not" is "$(stat -c '%U %G %a' /var/log/nginx/paas_guard)" "root adm 755"
check "what is in it is rotated" grep -q '^/var/log/nginx/paas_guard/audit.log' /etc/logrotate.d/$module

cat > /etc/nginx/conf.d/guard.conf <<CONF
paas_guard_zone zone=z:1m state=$state/z;
server {
    listen 127.0.0.1:8098;
    location / { paas_guard zone=z; proxy_pass http://127.0.0.1:8099; }
    location = /metrics { paas_guard_metrics; }
}
server {
    listen 127.0.0.1:8099;
    location / { return 200; }
}
CONF
rm -f /etc/nginx/sites-enabled/default
check "nginx -t" quietly nginx -t

answer() {  # the status of two identical requests
    curl -s -o /dev/null -o /dev/null -w '%{http_code} ' "http://127.0.0.1:8098/$1" \
        "http://127.0.0.1:8098/$1"
}
nginx
check "guards" is "$(answer first)" "200 429 "

# --- upgraded under a running nginx, which the package then has reloaded

pid=$(cat /run/nginx.pid)
check "upgrades" apt install "$guard"
check "is the new version" is "$(version $module)" "$new"
check "is still enabled" test -L $enabled
kill -HUP "$pid"
sleep 1
check "guards after a reload" is "$(answer second)" "200 429 "
kill -QUIT "$pid"
for _ in {1..100}; do [ -e /run/nginx.pid ] || break; sleep 0.1; done
check "nginx has ended" not test -e /run/nginx.pid
nginx
check "guards after a restart" is "$(answer third)" "200 429 "
check "says its version" grep -q "paas_guard_build_info{version=\"$new\"" \
    <(curl -s http://127.0.0.1:8098/metrics)
kill -QUIT "$(cat /run/nginx.pid)"
for _ in {1..100}; do [ -e /run/nginx.pid ] || break; sleep 0.1; done
check "nothing is wrong in the error log" not grep -E '\[(error|alert|crit|emerg)\]' \
    /var/log/nginx/error.log

# --- a module that the operator has disabled stays so

rm $enabled
check "installs again" apt install --reinstall "$guard"
check "stays disabled" not test -e $enabled
ln -s /usr/share/nginx/modules-available/mod-http-paas-guard.conf $enabled

# --- removed

mv /etc/nginx/conf.d/guard.conf .
touch $state/z
check "removes" apt remove $module
check "the module's file is gone" not test -e /usr/lib/nginx/modules/ngx_paas_guard_module.so
check "it is not enabled" not test -e $enabled
check "the state is kept" test -e $state/z
check "nginx -t without it" quietly nginx -t
check "installs after it was removed" apt install "$guard"
check "is enabled again" test -L $enabled

# --- purged

check "purges" apt purge $module
check "nothing is left" is \
    "$(find / -xdev \( -path /src -o -path /proc \) -prune -o -name '*paas*guard*' -print)" ""
check "nginx -t after it was purged" quietly nginx -t

# --- paas-guard-audit, by itself

check "paas-guard-audit installs" apt install "$audit"
check "runs" is "$(paas-guard-audit --version)" "paas-guard-audit $new"
check "has its man page" test -f /usr/share/man/man1/paas-guard-audit.1.gz
check "needs no nginx" not grep -q nginx <(dpkg-deb -f "$audit" Depends)
check "purges" apt purge paas-guard-audit
check "is gone" is "$(status paas-guard-audit)" ""

[ $failed = 0 ] || { echo "packages: FAILED"; exit 1; }
echo "packages: all passed"
