#!/bin/bash
# Builds and tests on several Debian releases, each in a root of its own: tools/matrix.sh SUITE...
# As a dynamic module, and compiled in where nginx's source is to be had, or NGINX_SOURCE is a
# directory with it. Needs root. MATRIX_TARGETS: of make, to do these instead.
set -euo pipefail
cd "$(dirname "$0")/.."

whole='make -s test
    rc=0
    tools/nginx.sh build/static || rc=$?
    case $rc in
        0) make -s test-static ;;
        3) echo "matrix: NOT compiled in (NGINX_SOURCE=directory takes another source)" ;;
        *) exit $rc ;;
    esac'
inside=${MATRIX_TARGETS:+make -s $MATRIX_TARGETS}
inside=${inside:-$whole}

# A source from elsewhere, for tools/nginx.sh in the root.
give_source() {
    [ -n "${NGINX_SOURCE:-}" ] || return 0
    local src
    src=$(tools/root.sh path "$suite-test")/src/build
    rm -rf "$src/nginx-source" "$src/static"
    mkdir -p "$src"
    cp -a "$NGINX_SOURCE" "$src/nginx-source" || return
    inside="export NGINX_SOURCE=/src/build/nginx-source; $inside"
}

# What the log says in short: what was skipped, and why, too.
summary() {
    grep -E '^matrix:|^nginx:|^unit tests:|^Files=|^Result:|^ok .*# skip' "$1" | sed 's/^/    /'
}

for suite; do
    log=build/root/$suite-test.log
    mkdir -p build/root
    echo "matrix: $suite"
    began=$SECONDS
    if tools/root.sh make "$suite-test" > "$log" 2>&1 \
        && tools/root.sh copy "$suite-test" >> "$log" 2>&1 && give_source \
        && tools/root.sh run "$suite-test" sh -euc "$inside" >> "$log" 2>&1; then
        summary "$log"
        without=$(! grep -q '^matrix: NOT' "$log" || echo ', as a dynamic module only')
        echo "matrix: $suite passed in $((SECONDS - began)) s$without"
    else
        tail -n 60 "$log"
        echo "matrix: $suite FAILED: see $log"
        exit 1
    fi
done
