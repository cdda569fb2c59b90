#!/bin/bash
# Builds and tests on several Debian releases, each in a root of its own: tools/matrix.sh SUITE...
# As a dynamic module, and compiled in where nginx's source is to be had. Needs root. MATRIX_TARGETS:
# of make, to do these instead.
set -euo pipefail
cd "$(dirname "$0")/.."

whole='make -s test
    rc=0
    tools/nginx.sh build/static || rc=$?
    case $rc in
        0) make -s test-static ;;
        3) echo "matrix: the source of nginx is not to be had here: not compiled in" ;;
        *) exit $rc ;;
    esac'
inside=${MATRIX_TARGETS:+make -s $MATRIX_TARGETS}
inside=${inside:-$whole}

for suite; do
    log=build/root/$suite-test.log
    mkdir -p build/root
    echo "matrix: $suite"
    began=$SECONDS
    if tools/root.sh make "$suite-test" > "$log" 2>&1 \
        && tools/root.sh copy "$suite-test" >> "$log" 2>&1 \
        && tools/root.sh run "$suite-test" sh -euc "$inside" >> "$log" 2>&1; then
        grep -E '^matrix:|^unit tests:|^Files=|^Result:|^[0-9. ]+$' "$log" | sed 's/^/    /'
        echo "matrix: $suite passed in $((SECONDS - began)) s"
    else
        tail -n 60 "$log"
        echo "matrix: $suite FAILED: see $log"
        exit 1
    fi
done
