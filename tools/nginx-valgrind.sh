#!/bin/sh
# nginx under memcheck; a log for each process in VALGRIND_LOGS.
tests=$(cd "$(dirname "$0")/../tests" && pwd)

exec valgrind -q --tool=memcheck --leak-check=full --show-leak-kinds=definite \
    --errors-for-leak-kinds=definite --num-callers=20 \
    --suppressions="$tests/valgrind.supp" --gen-suppressions=all \
    --log-file="$VALGRIND_LOGS/%p.log" \
    "${TEST_NGINX_REAL:-/usr/sbin/nginx}" "$@"
