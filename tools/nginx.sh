#!/bin/bash
# Builds nginx itself, from the source of this Debian release, with the module compiled in:
#   tools/nginx.sh OUTDIR [cc-opt] [ld-opt]
# Leaves OUTDIR/nginx; exit status 3 if there is no source. NGINX_SOURCE names an unpacked source to take instead. Needs what
# tools/setup.sh build installs, and no root.
set -euo pipefail
cd "$(dirname "$0")/.."

src=$PWD
mkdir -p "$1"
out=$(realpath "$1")
cc_opt=${2:-}
ld_opt=${3:-}

# Fetched with lists of its own, so that the system's stay as they are.
fetch() {
    local codename version site key lists=$out/apt
    codename=$(. /etc/os-release; echo "$VERSION_CODENAME")
    version=$(dpkg-query -W -f '${source:Version}' nginx-dev)
    site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' \
        "Codename: $codename" | head -1)
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial"
    echo "deb-src [signed-by=$key] $site $codename main" > "$lists/list"
    set -- -qq -o Dir::Etc::sourcelist="$lists/list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$lists/lists" -o Dir::Cache="$lists/cache" \
        -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root
    apt-get "$@" update
    # of a security update only the release's own source may be at hand: the code is nearly the same
    (cd "$lists" && { apt-get "$@" --only-source source "nginx=$version" \
        || apt-get "$@" --only-source source nginx; } > "$out/fetch.log" 2>&1) || {
        tail -n 3 "$out/fetch.log" >&2
        echo "nginx: the source of nginx $version is not to be had" >&2
        exit 3
    }
    rm -rf "$out/source"
    mv "$lists"/nginx-*/ "$out/source"
    rm -rf "$lists"
}

source=${NGINX_SOURCE:-$out/source}
[ -e "$source/configure" ] || [ -e "$source/auto/configure" ] || fetch
configure=./configure
[ -e "$source/configure" ] || configure=auto/configure

. /usr/share/nginx/src/conf_flags
flags=()
for flag in "${NGX_CONF_FLAGS[@]}"; do
    case $flag in
        *=dynamic) ;;           # no module of the package's own, but ours
        --override-*) ;;        # only Debian's nginx knows it
        *) flags+=("$flag") ;;
    esac
done

export DEB_BUILD_MAINT_OPTIONS=hardening=+bindnow
cflags="$(dpkg-buildflags --get CFLAGS) -fPIC $(dpkg-buildflags --get CPPFLAGS) $cc_opt"
ldflags="$(dpkg-buildflags --get LDFLAGS) -fPIC $ld_opt"

stamp=$(cat config; echo "${flags[*]}"
        ls "$PWD"/*.c src/core/*.[ch] src/nginx/*.[ch]
        gcc --version
        echo "$source $cflags $ldflags")

if [ "$stamp" != "$(cat "$out/configured" 2>/dev/null)" ]; then
    rm -f "$out/configured"
    (cd "$source" && $configure "${flags[@]}" --with-cc-opt="$cflags" --with-ld-opt="$ldflags" \
        --add-module="$src" --builddir="$out/obj") > "$out/configure.log" || {
        tail -n 5 "$out/configure.log" >&2
        exit 1
    }
    printf '%s\n' "$stamp" > "$out/configured"
fi

make -s -j"$(nproc)" -f "$out/obj/Makefile" -C "$source" binary
cmp -s "$out/obj/nginx" "$out/nginx" || { cp "$out/obj/nginx" "$out/nginx.new"; mv "$out/nginx.new" "$out/nginx"; }
