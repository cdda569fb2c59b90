#!/bin/sh
# Writes nginx.conf from its template and the environment, and becomes nginx.
# Arguments are nginx's: "-t" checks the configuration.
set -eu
export LC_ALL=C

template=/etc/paas_guard/nginx.conf.in
conf=/tmp/nginx.conf
secret=/run/secrets/paas_guard_secret
password=/run/secrets/redis_password

fail() {
    echo "entrypoint: $*" >&2
    exit 1
}

# No value gets into nginx.conf that could be more than one parameter there.
# None is told: there may be a password in it.
case ${UPSTREAM:-} in
    *[!]A-Za-z0-9._:/[-]*) fail "UPSTREAM must be like http://host:port" ;;
    http://?* | https://?*) ;;
    *) fail "UPSTREAM must be set, like http://host:port" ;;
esac

case ${REDIS:-} in
    *[!]A-Za-z0-9._:/@,+%[-]*) fail "REDIS must be like redis://host:port/db" ;;
esac

case ${ZONE_SIZE:=32m} in
    *[!0-9km]* | *[km]?* | [!1-9]*) fail "ZONE_SIZE must be like 32m" ;;
esac

case ${STATE:-} in
    *[!A-Za-z0-9._/-]*) fail "STATE must be a path, like /var/lib/paas_guard/state" ;;
    '' | /*) ;;
    *) fail "STATE must be a path, like /var/lib/paas_guard/state" ;;
esac

line_secret=
line_redis=
if [ -e $secret ]; then
    [ -r $secret ] || fail "$secret is not readable for user $(id -u)"
    line_secret="paas_guard_secret_file $secret;"
fi
if [ -n "${REDIS:-}" ]; then
    [ -n "$line_secret" ] || fail "REDIS needs the secret of all gateways, mounted at $secret"
    line_redis="paas_guard_redis $REDIS"
    [ ! -e $password ] || line_redis="$line_redis password_file=$password"
    line_redis="$line_redis;"
fi

umask 077
sed -e "s|@UPSTREAM@|$UPSTREAM|" \
    -e "s|@ZONE@|$ZONE_SIZE${STATE:+ state=$STATE}|" \
    -e "s|@SECRET@|$line_secret|" -e "s|@REDIS@|$line_redis|" \
    $template > $conf

exec /usr/sbin/nginx -e stderr -c $conf -g 'daemon off;' "$@"
