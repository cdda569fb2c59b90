#!/bin/bash
# Builds the module against the nginx of this system: tools/build.sh OUTDIR [cc-opt] [ld-opt]
# Leaves OUTDIR/ngx_paas_guard_module.so; needs nginx-dev, and no root.
set -euo pipefail
cd "$(dirname "$0")/.."

src=$PWD
nginx=/usr/share/nginx/src
module=ngx_paas_guard_module
mkdir -p "$1"
out=$(realpath "$1")
cc_opt=${2:-}
ld_opt=${3:-}

[ -r $nginx/conf_flags ] || { echo "build: nginx-dev is missing: run tools/setup.sh" >&2; exit 1; }
. $nginx/conf_flags

# Inlined from file to file, a request costs 8 % less; sanitizers do without.
export DEB_BUILD_MAINT_OPTIONS=hardening=+bindnow
[ -n "$cc_opt" ] || DEB_BUILD_MAINT_OPTIONS+=" optimize=+lto"
cflags="$(dpkg-buildflags --get CFLAGS) -fno-fat-lto-objects -fPIC $(dpkg-buildflags --get CPPFLAGS) $cc_opt"
ldflags="$(dpkg-buildflags --get LDFLAGS) -fPIC $ld_opt"

# configure is most of the work, and its result changes only with these
stamp=$(cat config $nginx/conf_flags $nginx/src/core/nginx.h
        ls "$PWD"/*.c src/core/*.[ch] src/nginx/*.[ch]
        gcc --version
        echo "$cflags $ldflags")

if [ "$stamp" != "$(cat "$out/configured" 2>/dev/null)" ]; then
    rm -f "$out/configured"
    # The flags come first: newer ones hold a --with-cc-opt, and the last one wins.
    (cd $nginx && ./configure "${NGX_CONF_FLAGS[@]}" \
        --with-cc-opt="$cflags" --with-ld-opt="$ldflags" \
        --add-dynamic-module="$src" --builddir="$out/obj") > "$out/configure.log" || {
        tail -n 5 "$out/configure.log" >&2
        exit 1
    }
    printf '%s\n' "$stamp" > "$out/configured"
fi

make -s -j"$(nproc)" -f "$out/obj/Makefile" -C $nginx modules

# never over a file that a running nginx has mapped: that kills it
if ! cmp -s "$out/obj/$module.so" "$out/$module.so"; then
    cp "$out/obj/$module.so" "$out/$module.so.new"
    mv "$out/$module.so.new" "$out/$module.so"
fi
