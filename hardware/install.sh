#!/bin/sh
# Installs stadtsinn on Debian 12 or 13 or Raspberry Pi OS (64 bit), as root. The guide is docs/install.md.
#
#   install.sh KIND DIST    KIND: cloud, edge, or edge-small (512 MB, without numba); DIST: the folder of `make wheel`
#   install.sh back         the release before this one again
#
# Run it as often as you like: what is there already stays, a newer DIST becomes a release beside the old one.
# Configuration and data are never overwritten.
set -eu
umask 022
unset PYTHONPATH PYTHONHOME

opt=/opt/stadtsinn
etc=/etc/stadtsinn
state=/var/lib/stadtsinn
units=/etc/systemd/system
broker=/etc/mosquitto/conf.d
left=""

fail() {
    echo "install.sh: $1" >&2
    exit 1
}

usage() {
    fail "call it as 'install.sh cloud DIST', 'install.sh edge DIST', 'install.sh edge-small DIST' or 'install.sh back'"
}

# Runs systemctl, or keeps the command for the end where systemd does not run (a container, a chroot).
service() {
    if [ -d /run/systemd/system ]; then
        systemctl "$@"
    else
        left="$left
  systemctl $*"
    fi
}

as_stadtsinn() {
    runuser -u stadtsinn -- env NUMBA_CACHE_DIR=/var/cache/stadtsinn/numba "$@"
}

install_packages() {
    missing=""
    for package in ca-certificates curl mosquitto python3-venv; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "packages   $missing"
    apt-get update -q >/dev/null
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing >/dev/null
}

make_user_and_folders() {
    id stadtsinn >/dev/null 2>&1 ||
        useradd --system --user-group --home-dir "$state" --shell /usr/sbin/nologin stadtsinn
    install -d -o root -g stadtsinn -m 0750 "$etc"
    install -d -o stadtsinn -g stadtsinn -m 0750 "$state"
    install -d -o stadtsinn -g stadtsinn -m 0755 /var/cache/stadtsinn
    install -d -m 0755 "$opt" "$opt/releases"
}

# The folder's name tells versions apart, and also two builds of one version, kinds, and Pythons: after an
# upgrade of Debian the old release's Python is gone.
name_release() {
    version=$(basename "$wheel" | cut -d - -f 2)
    hash=$({
        echo "$kind${EXTRAS:+ $EXTRAS}"
        python3 -V
        find "$dist" -type f ! -name '*.md' -exec sha256sum {} + | cut -d ' ' -f 1 | sort
    } | sha256sum | cut -c 1-8)
    release=$opt/releases/$version-$hash
}

lay_release() {
    [ ! -e "$release/complete" ] || return 0
    echo "release     $release (some minutes)"
    rm -rf "$release"
    python3 -m venv "$release"
    # Debian 12's pip would build what is no wheel in a way that is gone since.
    "$release/bin/pip" install -q --disable-pip-version-check --use-pep517 -c "$dist/constraints.txt" "$wheel[$extras]" ||
        fail "pip could not install it (above); nothing was changed, run this again"
    mkdir "$release/files"
    cp "$dist/$files"/* "$release/files/"
    cp "$dist/install.sh" "$release/files/"
    echo "$kind" >"$release/kind"
    "$release/bin/stadtsinn" --version >/dev/null || fail "the new release does not start (above); nothing was changed"
    : >"$release/complete"
}

write_configuration() {
    config=$etc/$part.toml
    [ ! -e "$config" ] || return 0
    echo "writes      $config: an example, edit it"
    "$release/bin/stadtsinn" "$part" config-example >"$config.part"
    if [ "$part" = cloud ]; then # all that it writes is where its service may write
        sed -i -e "s|^url = \"sqlite:///|&$state/|" -e "s|^folder = \"|&$state/|" "$config.part"
    fi
    chown root:stadtsinn "$config.part"
    chmod 0640 "$config.part"
    mv "$config.part" "$config"
}

# Beside a network server on the same machine; on the town's broker there is another file.
configure_local_broker() {
    [ "$part" = edge ] || return 0
    [ ! -e "$broker/stadtsinn.conf" ] || return 0
    ours=$broker/stadtsinn-edge.conf
    if [ ! -e "$ours" ]; then
        cp "$release/files/mosquitto-local.conf" "$ours"
        service restart mosquitto
    elif ! cmp -s "$release/files/mosquitto-local.conf" "$ours"; then
        echo "kept        $ours, which differs from $release/files/mosquitto-local.conf"
    fi
}

check() {
    as_stadtsinn "$1/bin/stadtsinn" "$part" check --config "$etc/$part.toml"
}

# The new release has to find no more wrong than the one that runs.
check_before_switch() {
    [ -e "$opt/current" ] && [ -e "$etc/$part.toml" ] || return 0
    [ "$(readlink "$opt/current")" != "$release" ] || return 0
    echo "checks      $etc/$part.toml with the new release"
    if ! said=$(check "$release" 2>&1); then
        echo "$said"
        check "$opt/current" >/dev/null 2>&1 &&
            fail "the new release finds this wrong and the old one does not: it goes on as it was. Mend it, run this again"
        echo "That was so before: going on."
    fi
}

# Changed in one step, so that there is always a release.
link() {
    ln -sfn "$2" "$1.new"
    mv -T "$1.new" "$1"
}

install_unit() {
    unit=stadtsinn-$part.service
    cmp -s "$1/files/$unit" "$units/$unit" 2>/dev/null && return 0
    mkdir -p "$units"
    install -m 0644 "$1/files/$unit" "$units/$unit"
    service daemon-reload
}

switch() {
    install_unit "$release"
    link /usr/local/bin/stadtsinn "$opt/current/bin/stadtsinn"
    now=$(readlink "$opt/current" 2>/dev/null || true)
    [ "$now" != "$release" ] || return 0
    if [ -n "$now" ]; then
        link "$opt/previous" "$now"
    fi
    link "$opt/current" "$release"
    # A card has no room for every release that there ever was.
    for old in "$opt"/releases/*; do
        [ "$old" = "$release" ] || [ "$old" = "$now" ] || rm -rf "$old"
    done
    if [ -n "$now" ]; then
        service try-restart "stadtsinn-$part"
    fi
}

kind_of() {
    part=$1 extras=cli,$1${EXTRAS:+,$EXTRAS} files=edge-agent
    case $1 in
    cloud) files=cloud ;;
    edge) ;;
    edge-small) part=edge ;;
    *) usage ;;
    esac
}

go_back() {
    [ -e "$opt/previous/complete" ] || fail "there is no release before this one"
    release=$(readlink "$opt/previous")
    now=$(readlink "$opt/current")
    kind_of "$(cat "$release/kind")"
    install_unit "$release"
    link "$opt/previous" "$now"
    link "$opt/current" "$release"
    echo "current     $release"
    if ! check "$release"; then
        service stop "stadtsinn-$part"
        say_what_is_left
        fail "the release before finds this wrong. A database that the newer version has changed needs its backup from before: restore it (docs/backup.md), then 'systemctl start stadtsinn-$part'. 'install.sh back' again returns to the newer release"
    fi
    echo "A database that the newer version has changed needs its backup from before (docs/backup.md)."
    service try-restart "stadtsinn-$part"
}

say_what_is_left() {
    [ -z "$left" ] || echo "systemd does not run here. Left to do:$left"
}

[ "$(id -u)" = 0 ] || fail "it needs root: sudo"
[ $# -gt 0 ] || usage
if [ "$1" = back ]; then
    [ $# = 1 ] || usage
    go_back
    say_what_is_left
    exit
fi
[ $# = 2 ] || usage
kind=$1
kind_of "$kind"
[ -d "$2" ] || fail "there is no folder $2: it is made by 'make wheel' in a checkout"
dist=$(cd "$2" && pwd)
set -- "$dist"/stadtsinn-*.whl
[ $# = 1 ] && [ -f "$1" ] || fail "$dist has to hold one stadtsinn-….whl: make it anew by 'make wheel'"
wheel=$1
for file in constraints.txt install.sh "$files/stadtsinn-$part.service"; do
    [ -f "$dist/$file" ] || fail "$dist/$file is missing: make the folder anew by 'make wheel', copy all of it"
done
command -v apt-get >/dev/null || fail "it needs a Debian or Raspberry Pi OS"
[ "$(getconf LONG_BIT)" = 64 ] || fail "it needs a 64-bit system"
if [ -e "$opt/current/kind" ]; then
    here=$(cat "$opt/current/kind")
    [ "${here%-small}" = "$part" ] || fail "this machine has the kind '$here'; one machine has one kind"
fi

install_packages
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "it needs Python 3.11: Debian 12 or newer"
make_user_and_folders
name_release
lay_release
check_before_switch
write_configuration
configure_local_broker
switch
echo "current     $(readlink "$opt/current")"
say_what_is_left
