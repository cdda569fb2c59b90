#!/bin/bash
# Starts the guarded gateway in the foreground, until Ctrl-C; see "make help".
set -euo pipefail
cd "$(dirname "$0")/.."

port=${PORT:-8080}
upstream=${UPSTREAM:-http://unix:api.sock:}
redis=${REDIS:-}
run=$PWD/build/run
url=http://127.0.0.1:$port

if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    echo "run: 127.0.0.1:$port is taken: choose another port with PORT=" >&2
    exit 1
fi

tools/build.sh build
mkdir -p "$run"
cd "$run"

if [ ! -s secret ]; then
    (umask 077; od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > secret)
fi

[ -z "$redis" ] || redis="paas_guard_redis $redis;"

# the workers of a root's nginx must be able to reach this directory
user=
[ "$(id -u)" != 0 ] || user="user $(stat -c '%U %G' .);"

sed -e "s|@USER@|$user|" -e "s|@MODULE@|$run/../ngx_paas_guard_module.so|" \
    -e "s|@REDIS@|$redis|" -e "s|@PORT@|$port|" -e "s|@UPSTREAM@|$upstream|" \
    ../../demo/nginx.conf.in > nginx.conf

# relative, as the path of a socket has at most 107 bytes; left by a kill -9
rm -f api.sock
nginx=$(PATH=$PATH:/usr/sbin command -v nginx)
"$nginx" -q -t -p "$run" -e stderr -c "$run/nginx.conf"
rm -f api.sock

cat <<END

guarded gateway   $url  (before ${UPSTREAM:-a demo API})
status page       $url/status/
metrics           $url/metrics
report            $url/status/api/1/sla/IC-PAAS_SNC-01?format=html
logs              build/run/access.log, build/run/audit.log

a duplicate is refused:    curl -i $url/api/vms $url/api/vms
an upstream that fails:    curl -i $url/api/broken
hammering is blocked:      curl -s -o /dev/null -w '%{http_code} ' '$url/api/vms?n=[1-60]'
what the guard counted:    curl -s $url/metrics
who was blocked, sealed:   build/paas-guard-audit verify --secret build/run/secret build/run/audit.log

Ctrl-C stops it.
END

# not exec: a terminal that is closed sends HUP, at which nginx alone would stay
"$nginx" -p "$run" -e stderr -c "$run/nginx.conf" &
stopped=
trap 'stopped=yes; kill $! 2>/dev/null || :' INT TERM HUP
wait $! || { [ -n "$stopped" ] && wait $!; }
