#!/bin/sh
# nginx, for a module that was built with the sanitizers: their libraries must
# be loaded first.  Or an nginx that was, with the module in it: TEST_NGINX_REAL.
tests=$(cd "$(dirname "$0")/../tests" && pwd)

# leaks of nginx itself are no news; but one that was not built so has names for
# few of its functions, and what went through these it hides of ours, too
leaked=lsan.supp
[ -n "$TEST_NGINX_REAL" ] || leaked=lsan-stock.supp

# nginx -t leaves all that it has read to the end of its process
leaks=1
for arg; do
    case $arg in -t|-T) leaks=0 ;; esac
done

exec env \
    LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
    LSAN_OPTIONS="suppressions=$tests/$leaked:print_suppressions=0" \
    ASAN_OPTIONS="detect_leaks=$leaks" \
    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
    "${TEST_NGINX_REAL:-/usr/sbin/nginx}" "$@"
