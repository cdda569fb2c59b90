#!/bin/sh
# nginx, for a module that was built with the sanitizers: their libraries must
# be loaded first, and leaks of nginx itself, which was not, are no news.  Or
# an nginx that was, with the module in it: TEST_NGINX_REAL.
tests=$(cd "$(dirname "$0")/../tests" && pwd)

# nginx -t leaves all that it has read to the end of its process
leaks=1
for arg; do
    case $arg in -t|-T) leaks=0 ;; esac
done

exec env \
    LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
    LSAN_OPTIONS="suppressions=$tests/lsan.supp:print_suppressions=0" \
    ASAN_OPTIONS="detect_leaks=$leaks" \
    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
    "${TEST_NGINX_REAL:-/usr/sbin/nginx}" "$@"
