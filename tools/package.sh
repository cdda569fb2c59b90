#!/bin/bash
# Builds the Debian packages for the release of this machine: tools/package.sh OUTDIR
# Leaves OUTDIR/*.deb; needs the build dependencies of packaging/debian/control, and no root.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^#define PGUARD_VERSION  *"\(.*\)"$/\1/p' src/core/pguard.h)
packaged=$(dpkg-parsechangelog -l packaging/debian/changelog -S Version)
if [ "$version" != "$packaged" ]; then
    echo "package: packaging/debian/changelog is of version $packaged, the code of $version" >&2
    exit 1
fi

rm -rf "$1"
mkdir -p "$1/ngx-paas-guard-$version"
out=$(realpath "$1")
cp -a LICENSE Makefile README.md config docs ngx_paas_guard_module.c src packaging/debian \
    "$out/ngx-paas-guard-$version"
chmod -R go=u-w "$out/ngx-paas-guard-$version"
cd "$out/ngx-paas-guard-$version"

dpkg-buildpackage -us -uc > "$out/build.log" 2>&1 || { tail -n 30 "$out/build.log" >&2; exit 1; }

if grep -n 'warning:' "$out/build.log" >&2; then
    echo "package: built, but not without a warning" >&2
    exit 1
fi
rm -rf "$out/ngx-paas-guard-$version"
