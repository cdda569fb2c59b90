#!/bin/bash
# Brings the demonstration up with the Docker engine that is there, checks what
# README.md promises, and takes it down: docker/test.sh
# Needs docker with "docker compose", and curl. BASE: as in Dockerfile.
set -uo pipefail
cd "$(dirname "$0")" || exit 1

work=$(mktemp -d)
export COMPOSE_PROJECT_NAME=paas-guard-test-$$
export PORT_A=0 PORT_B=0 PORT_PROMETHEUS=0       # whichever are free
export SECRET_FILE=$work/secret
failed=0

compose() { timeout -k 5 "$1" docker compose "${@:2}"; }
ask() { timeout 60 curl -sS --max-time 10 "$@"; }

down() {
    trap '' INT TERM HUP
    if [ $failed != 0 ]; then
        compose 20 logs --no-color --tail 8 2>&1 | cut -c1-300
    fi
    compose 120 down -t 5 -v --remove-orphans > "$work/down" 2>&1 || { cat "$work/down"; failed=1; }
    rm -rf "$work"
    [ $failed = 0 ] || { echo "docker: FAILED"; exit 1; }
}
trap down EXIT
trap 'failed=1; exit 1' INT TERM HUP

check() {  # what, command...
    if "${@:2}"; then
        echo "ok      $1"
    else
        echo "FAILED  $1"
        failed=1
    fi
}
give_up() { echo "FAILED  $1"; failed=1; exit 1; }

for tool in docker curl; do
    command -v $tool >/dev/null || give_up "$tool is missing"
done
timeout 20 docker info >/dev/null 2>&1 || give_up "no Docker engine answers"
timeout 20 docker compose version >/dev/null 2>&1 || give_up "docker has no compose plugin"

# The directory is closed to others; in the container, its user reads the file.
(umask 022; od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > "$SECRET_FILE")

for service in gateway-a store prometheus; do
    timeout -k 5 900 docker compose build $service > "$work/build" 2>&1 \
        || { tail -n 25 "$work/build"; give_up "builds: $service"; }
    echo "ok      builds: $service"
done

compose 180 up -d --wait --wait-timeout 120 > "$work/up" 2>&1 \
    || { tail -n 20 "$work/up"; give_up "becomes healthy"; }
echo "ok      becomes healthy"

id_a=$(compose 20 ps -q gateway-a)
url() { echo "http://$(compose 20 port "$1" "$2")"; }
a=$(url gateway-a 8080) b=$(url gateway-b 8080) prometheus=$(url prometheus 9090)

# the answer's status and reason
answer() {
    ask "$@" -o "$work/body" -w '%{http_code}' > "$work/status"
    echo "$(cat "$work/status")$(sed -n 's/.*"reason": *"\([a-z_]*\)".*/ \1/p' "$work/body")"
}
is() { [ "$1" = "$2" ] || { echo "        got \"$1\", not \"$2\""; return 1; }; }

# --- health is asked of the gateway: it goes when the gateway does not answer

inside() { timeout -k 5 "$1" docker exec "$id_a" "${@:2}"; }
workers() {  # signal; the brackets keep the shell itself out
    inside 20 sh -c \
        'kill -'"$1"' $(grep -al "nginx[:] worker" /proc/[0-9]*/cmdline | cut -d/ -f3)'
}
sick() {
    local rc=0
    workers STOP || return 1
    ! inside 3 healthcheck.sh || rc=1
    workers CONT || rc=1
    return $rc
}
check "is healthy by its own answer" inside 10 healthcheck.sh
check "is not healthy when its workers hang" sick

# --- privileges

unprivileged() {
    local ids
    ids=$(inside 20 sh -c 'cat /proc/[0-9]*/status 2>/dev/null' \
        | awk '$1 == "Uid:" || $1 == "Gid:" || $1 == "CapEff:"') || return 1
    [ "$(grep -c '^Uid' <<<"$ids")" -ge 2 ] || return 1
    ! awk '$1 == "CapEff:" { if ($2 ~ /[^0]/) print; next }
           { for (i = 2; i <= 5; i++) if ($i == 0) print }' <<<"$ids" | grep .
}
check "no process of the gateway is root or has a capability" unprivileged

# --- duplicates

# both by one process, as the second comes too late after a second
twice() {  # query: both answers' status
    ask -H 'Host: api' -w '%{http_code} ' -o /dev/null "$a/vms?$1" -o "$work/body" "$b/vms?$1" > "$work/status"
    echo "$(cat "$work/status")$(sed -n 's/.*"reason": *"\([a-z_]*\)".*/\1/p' "$work/body")"
}
refused_by_b() {
    local n got
    for n in {1..5}; do             # on a machine that is slow
        got=$(twice "first=$n")
        [ "$got" != "200 429 duplicate_throttled" ] || return 0
    done
    is "$got" "200 429 duplicate_throttled"
}
check "A lets the first request through, B refuses the same" refused_by_b
check "B lets another through" is "$(answer "$b/vms?second")" "200"

# --- blocks, in Prometheus

query() {  # expression: its value, or nothing
    ask -G "$prometheus/api/v1/query" --data-urlencode "query=$1" \
        | sed -n 's/.*"value":\[[0-9.]*,"\([^"]*\)"\].*/\1/p'
}
query_is() {  # within 30 s
    for _ in {1..30}; do
        [ "$(query "$1")" != "$2" ] || return 0
        sleep 1
    done
    echo "        got \"$(query "$1")\", not \"$2\""
    return 1
}
check "Prometheus scrapes both gateways" query_is 'sum(up{job="paas_guard"})' 2
check "no block is in Prometheus yet" query_is 'sum(paas_guard_blocks_total{rule="client"})' 0
ask -o /dev/null "$a/vms?n=[1-320]" -H 'X-API-Key: one'
check "A blocks a client that hammers" is "$(answer "$a/vms?a" -H 'X-API-Key: one')" "429 hammering_blocked"
check "B blocks it too" is "$(answer "$b/vms?b" -H 'X-API-Key: one')" "429 hammering_blocked"
check "neither blocks another" is "$(answer "$b/vms?c" -H 'X-API-Key: two')" "200"
check "the block is in Prometheus" query_is 'sum(paas_guard_blocks_total{rule="client"})' 1
check "it is in force on both gateways" query_is 'sum(paas_guard_blocks_active)' 2
check "the alert fires" query_is 'max(ALERTS{alertname="PaasGuardClientBlocked",alertstate="firing"})' 1

# --- docker stop

drains() {
    local began slow rc took
    curl -sS --max-time 60 -o "$work/slow" -w '%{http_code} %{size_download}' "$a/slow" \
        > "$work/slow.status" 2>"$work/slow.error" &
    slow=$!
    sleep 2
    kill -0 $slow || { echo "        the slow answer was not slow"; return 1; }
    began=$SECONDS
    timeout -k 5 90 docker stop -t 60 "$id_a" >/dev/null || return 1
    took=$((SECONDS - began))
    wait $slow
    rc=$?
    is "$rc $(cat "$work/slow.status")" \
        "0 200 $(compose 20 exec -T api stat -c %s /usr/share/common-licenses/GPL-3)" || {
        cat "$work/slow.error"; return 1; }
    is "$(timeout 20 docker inspect -f '{{.State.ExitCode}}' "$id_a")" 0 || return 1
    if [ $took -lt 2 ] || [ $took -gt 45 ]; then
        echo "        it took $took s"
        return 1
    fi
}
check "docker stop lets a running request finish" drains
check "B goes on" is "$(answer "$b/vms?third")" "200"

# --- logs

compose 20 logs --no-color gateway-a gateway-b > "$work/logs" 2>&1
secret_kept() { ! grep -F "$(cat "$SECRET_FILE")" "$work/logs"; }
clean() { ! grep -E '\[(error|alert|crit|emerg)\]' "$work/logs"; }
check "requests are logged" grep -q '"verdict":"throttled"' "$work/logs"
check "the secret is in no log" secret_kept
check "nothing is wrong in the error log" clean

[ $failed != 0 ] || echo "docker: all passed"
