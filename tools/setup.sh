#!/bin/sh
# Installs what a task needs and this machine lacks: tools/setup.sh [build|run|test|bench|compare|fuzz|chaos|lint|tidy|root|emulate|browser]
set -eu
cd "$(dirname "$0")/.."

build='build-essential nginx nginx-dev libhiredis-dev libxxhash-dev libpcre2-dev libssl-dev
    zlib1g-dev'
perl='libfilter-perl libhttp-message-perl libipc-run-perl liblist-moreutils-perl
    libtest-base-perl libtest-longstring-perl libtext-diff-perl liburi-perl libwww-perl
    libyaml-pp-perl'

case ${1:-run} in
    build) want=$build ;;
    run)   want="$build curl" ;;
    test)  want="$build bsdutils curl faketime iproute2 jq libcmocka-dev perl procps redis-server
                tzdata $perl" ;;
    bench) want="$build perl valgrind" ;;
    compare) want="$build perl redis-server haproxy libnginx-mod-http-lua" ;;
    fuzz)  want="$build clang libclang-rt-dev libcmocka-dev" ;;
    chaos) want="$build curl openssl python3 redis-server" ;;
    lint)  want="$build cppcheck" ;;
    browser) want=chromium ;;
    tidy)  want="$build clang-tidy" ;;
    root)  want="mmdebstrap util-linux" ;;
    emulate) want="arch-test binfmt-support qemu-user-static" ;;
    *)     echo "usage: $0 [build|run|test|bench|compare|fuzz|chaos|lint|tidy|root|emulate|browser]" >&2; exit 2 ;;
esac

deps=$PWD/.deps

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "setup: root or sudo is needed to install packages" >&2
        exit 1
    fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o DPkg::Lock::Timeout=400 -o Dpkg::Use-Pty=0 "$@"
}

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

known() {
    apt-get -s --no-install-recommends install "$@" >/dev/null 2>&1
}

install_packages() {
    echo "installing: $*"
    as_root true
    known "$@" || apt update

    # Debian starts a server as soon as it is installed, on ports that may be
    # wanted: only the programs are needed here, so a service that comes with
    # them is neither started now nor at boot.
    policy=/usr/sbin/policy-rc.d
    if [ -e $policy ]; then
        policy=
    else
        trap 'as_root rm -f $policy' EXIT
        trap 'exit 1' HUP INT TERM
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod 755 $policy
    fi

    # lists that are too old name packages that are gone: fetch them again
    apt install --no-install-recommends "$@" >/dev/null || {
        apt update
        apt install --no-install-recommends "$@" >/dev/null
    }

    if [ -n "$policy" ]; then
        as_root rm -f $policy
        trap - EXIT HUP INT TERM
    fi

    for service in nginx redis-server haproxy; do
        case " $* " in
            *" $service "*)
                if command -v systemctl >/dev/null; then
                    as_root systemctl disable -q $service 2>/dev/null || :
                fi ;;
        esac
    done
}

# One path of a package, below .deps: for what is not to be installed.
unpack() {  # package path apt-option...
    package=$1 path=$2; shift 2
    echo "fetching into .deps: $package"
    rm -f "$deps/$package"_*.deb
    (cd "$deps" && apt-get -qq -o APT::Sandbox::User=root "$@" download "$package" >/dev/null)
    dpkg-deb --fsys-tarfile "$deps/$package"_*.deb | tar -x -C "$deps" "./$path"
    rm -f "$deps/$package"_*.deb
}

missing=
for package in $want; do
    installed "$package" || missing="$missing $package"
done
# shellcheck disable=SC2086
[ -z "$missing" ] || install_packages $missing

[ "${1:-run}" = test ] || exit 0

# Modules that ours is tested beside, where this release has them.
missing=
for package in libnginx-mod-http-headers-more-filter libnginx-mod-http-lua libnginx-mod-http-perl; do
    installed $package || ! known $package || missing="$missing $package"
done
# shellcheck disable=SC2086
[ -z "$missing" ] || install_packages $missing

# Debian 12 and 13 have no Test::Nginx: it is taken from the release after
# them, with lists of its own, so that the system's stay as they are.
if ! perl -I"$deps/usr/share/perl5" -MTest::Nginx::Util -e 1 2>/dev/null; then
    if known libtest-nginx-perl; then
        install_packages libtest-nginx-perl
    else
        suite=$(. /etc/os-release; echo "$VERSION_CODENAME")
        sites() {
            apt-get indextargets --format '$(SITE)' 'Created-By: Packages' \
                "Codename: $suite" | head -1
        }
        [ -n "$(sites)" ] || apt update
        mkdir -p "$deps/lists/partial" "$deps/cache/archives/partial"
        key=/usr/share/keyrings/debian-archive-keyring.gpg
        echo "deb [signed-by=$key] $(sites) forky main" > "$deps/forky.list"
        set -- -o Dir::Etc::sourcelist="$deps/forky.list" \
            -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$deps/lists" \
            -o Dir::Cache="$deps/cache" -o Acquire::Check-Valid-Until=false \
            -o APT::Sandbox::User=root
        apt-get -qq "$@" update
        unpack libtest-nginx-perl usr/share/perl5 "$@"
        rm -rf "$deps/lists" "$deps/cache" "$deps/forky.list"
    fi
fi

# Prometheus is wanted without its service, which would scrape this machine
if ! command -v prometheus >/dev/null && [ ! -x "$deps/usr/bin/prometheus" ]; then
    mkdir -p "$deps"
    known prometheus || apt update
    unpack prometheus usr/bin/prometheus
fi

# rsyslog for the test of the relay, which does without where there is none; with the
# libraries that this release's needs
if [ ! -x /usr/sbin/rsyslogd ] && [ ! -x "$deps/usr/sbin/rsyslogd" ]; then
    mkdir -p "$deps"
    if known rsyslog rsyslog-gnutls; then
        for package in $(apt-get -s --no-install-recommends install rsyslog rsyslog-gnutls \
            | awk '$1 == "Inst" { print $2 }'); do
            unpack "$package" usr/lib 2>/dev/null || :
        done
        unpack rsyslog usr/sbin || :
    fi
fi

# logrotate without its timer, and the one library that is seldom there
if [ ! -x /usr/sbin/logrotate ] && [ ! -x "$deps/usr/sbin/logrotate" ]; then
    mkdir -p "$deps"
    known logrotate || apt update
    unpack libpopt0 usr/lib
    unpack logrotate usr/sbin
fi

if ! command -v promtool >/dev/null && [ ! -x "$deps/usr/bin/promtool" ]; then
    mkdir -p "$deps"
    known prometheus || apt update
    if known promtool; then package=promtool; else package=prometheus; fi
    unpack $package usr/bin/promtool
fi
