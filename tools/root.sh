#!/bin/bash
# Roots of Debian releases, below build/root, for what is to be tried on all of them:
#   tools/root.sh make NAME              makes build/root/NAME, or finds it made
#   tools/root.sh copy NAME              puts this tree into it, as /src
#   tools/root.sh run NAME COMMAND...    runs a command there, in /src
#   tools/root.sh path NAME              tells where it is
#   tools/root.sh drop NAME              removes it
# NAME is SUITE-USE: a copy of the bare SUITE (12 or bookworm, 13 or trixie, forky) for some use
# of it, or SUITE+ARCH-USE: the same of another architecture, as 12+arm64-test. Needs root.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n '3,7s/^# *//p' "$0" >&2; exit 2; }

[ $# -ge 2 ] || usage
what=$1
name=$2
shift 2
release=${name%%-*}
case $release in
    *+?*) arch=${release#*+} ;;
    *)    arch= ;;
esac
case ${release%%+*} in
    12|bookworm) suite=bookworm ;;
    13|trixie)   suite=trixie ;;
    forky)       suite=forky ;;
    *)           usage ;;
esac
case $name in
    ?*-?*) ;;
    *)     usage ;;
esac
bare=$PWD/build/root/$suite${arch:+"+$arch"}
root=$bare-${name#*-}

[ "$(id -u)" = 0 ] || { echo "root: a root can be made and entered by root only" >&2; exit 1; }

# A kernel that hands programs of $arch to QEMU: by itself, where systemd runs.
emulate() {
    tools/setup.sh emulate
    arch-test "$arch" >/dev/null && return
    mount -t binfmt_misc none /proc/sys/fs/binfmt_misc 2>/dev/null || :
    update-binfmts --enable >/dev/null 2>&1 || :
    arch-test "$arch" >/dev/null || { echo "root: this machine runs no programs of $arch" >&2; exit 1; }
}

# where this machine has its Debian from
site() {
    apt-get indextargets --format '$(SITE)' 'Created-By: Packages' \
        "Codename: $(. /etc/os-release; echo "$VERSION_CODENAME")" | head -1
}

make_bare() {
    [ ! -e "$bare.made" ] || return 0
    tools/setup.sh root
    mirror=$(site)
    [ -n "$mirror" ] || { apt-get -qq update; mirror=$(site); }
    rm -rf "$bare"
    mkdir -p "$(dirname "$bare")"

    # a release that is not out yet may have been signed a while ago
    mmdebstrap --quiet --mode=root --variant=apt ${arch:+"--architectures=$arch"} \
        --aptopt='Acquire::Check-Valid-Until "false"' \
        --include=ca-certificates,make,procps "$suite" "$bare" \
        "deb $mirror $suite main" "deb-src $mirror $suite main"

    apt-config dump | grep -i '^Acquire::[a-z:]*Proxy' > "$bare/etc/apt/apt.conf.d/90proxy" || :

    # nothing that is installed there is started
    printf '#!/bin/sh\nexit 101\n' > "$bare/usr/sbin/policy-rc.d"
    chmod 755 "$bare/usr/sbin/policy-rc.d"
    touch "$bare.made"
}

make_root() {
    make_bare
    [ ! -e "$root.made" ] || return 0
    rm -rf "$root"
    cp -a --reflink=auto "$bare" "$root"
    touch "$root.made"
}

drop_root() {
    rm -rf --one-file-system "$root" "$root.made"
}

# What was built there from files that did not change stays.
copy_tree() {
    mkdir -p "$root/src"
    find "$root/src" -mindepth 1 -maxdepth 1 ! -name build ! -name .deps -exec rm -rf {} +
    tar -c --exclude=./build --exclude=./.deps --exclude=./.git --exclude='./t/servroot*' . \
        | tar -x -C "$root/src" --no-same-owner
}

# Mounts and processes of its own, so that nothing stays when the command ends.
run() {
    cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || :
    exec unshare --mount --pid --fork --kill-child bash -euc '
        root=$1; shift
        mount --bind "$root" "$root"        # for tests that want a mount at /
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
        mount -t tmpfs -o mode=1777,size=4g tmpfs "$root/tmp"
        exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
            ${http_proxy:+http_proxy="$http_proxy"} \
            sh -c "cd /src && exec \"\$@\"" sh "$@"
    ' bash "$root" "$@"
}

[ -z "$arch" ] || emulate

case $what in
    make) make_root ;;
    copy) copy_tree ;;
    run)  run "$@" ;;
    path) echo "$root" ;;
    drop) drop_root ;;
    *)    usage ;;
esac
