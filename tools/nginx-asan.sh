#!/bin/sh
# nginx, for a module that was built with the sanitizers: their libraries must
# be loaded first, and leaks of nginx itself, which was not, are no news.  Or
# an nginx that was, with the module in it: TEST_NGINX_REAL.
tests=$(cd "$(dirname "$0")/../tests" && pwd)

exec env \
    LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
    LSAN_OPTIONS="suppressions=$tests/lsan.supp:print_suppressions=0" \
    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
    "${TEST_NGINX_REAL:-/usr/sbin/nginx}" "$@"
