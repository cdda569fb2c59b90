#!/bin/bash
# Builds the packages, judges them by lintian, installs, upgrades and removes them, on several
# Debian releases, each in roots of its own: tools/test-package.sh SUITE...
# Leaves build/package/SUITE/*.deb. Needs root.
set -euo pipefail
cd "$(dirname "$0")/.."

build='export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq --no-install-recommends install dpkg-dev lintian
    ln -sfn packaging/debian debian
    apt-get -qq --no-install-recommends build-dep .
    rm debian
    tools/package.sh build/package'

# Also what it deems a matter of taste; but the same files are for three releases, each with
# a policy and a debhelper of its own, and fields that only the first one needs.
judge='lintian --allow-root --display-info --pedantic --fail-on=none build/package/*.changes'
apart='newer-standards-version|out-of-date-standards-version'
apart="$apart|package-uses-old-debhelper-compat-version"
apart="$apart|redundant-priority-optional-field|redundant-rules-requires-root-no-field"

for suite; do
    echo "package: $suite"
    log=build/root/$suite-package.log
    out=build/package/$suite
    mkdir -p build/root
    rm -rf "$out"
    mkdir -p "$out"
    {
        tools/root.sh make "$suite-package" \
            && tools/root.sh copy "$suite-package" \
            && tools/root.sh run "$suite-package" sh -euc "$build"
    } > "$log" 2>&1 || { tail -n 30 "$log"; exit 1; }
    dir=$(tools/root.sh path "$suite-package")
    cp "$dir"/src/build/package/*.deb "$out"
    (cd "$out" && ls -l -- *.deb | sed 's/^/    /')

    tools/root.sh run "$suite-package" sh -euc "$judge" > "$log.lintian" 2>&1 \
        || { cat "$log.lintian"; exit 1; }
    if grep -vE "^[IPWE]: ngx-paas-guard source: ($apart)( |$)" "$log.lintian"; then
        echo "package: $suite is not clean by lintian" >&2
        exit 1
    fi
    echo "    lintian: clean"

    # nothing is there but what the packages ask for
    tools/root.sh drop "$suite-install"
    tools/root.sh make "$suite-install"
    dir=$(tools/root.sh path "$suite-install")
    mkdir -p "$dir/src/build"
    cp "$out"/*.deb packaging/test.sh "$dir/src/build"
    tools/root.sh run "$suite-install" sh -euc 'apt-get -qq update; build/test.sh build' \
        | sed 's/^/    /'
    tools/root.sh drop "$suite-install"
    echo "package: $suite passed"
done
