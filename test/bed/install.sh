# SPDX-License-Identifier: BSD-2-Clause
# Sourced by test/run and contrib/quickstart: Debian packages, and nothing started by them.

build_packages="gcc libc6-dev meson ninja-build pkg-config libhiredis-dev libevent-dev libgmime-3.0-dev libpcre2-dev libyaml-dev \
    libidn2-dev libunistring-dev libpsl-dev libsodium-dev zlib1g-dev libmilter-dev libsystemd-dev"
bed_packages="redis-server redis-tools postfix python3"

installed() {
    dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# install_packages NAME...: those that are missing, without what they recommend. Redis, Postfix and OpenDKIM are needed as programs,
# not as services: where we bring them they are neither started nor configured nor enabled. What is there already stays as it is.
install_packages() {
    missing=
    for package; do
        installed "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "installing:$missing"

    export DEBIAN_FRONTEND=noninteractive
    policy=/usr/sbin/policy-rc.d # asked by each package's installation whether it may start its service; 101 is no
    if [ -e "$policy" ]; then
        policy=
    else
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT INT TERM
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    case $missing in
    *" postfix"*) echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections ;;
    esac

    # shellcheck disable=SC2086 # a list of words
    apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null
    status=$?

    for service in redis-server postfix opendkim; do
        case $missing in
        *" $service"*) [ ! -d /run/systemd/system ] || systemctl disable --quiet "$service" || true ;;
        esac
    done
    if [ -n "$policy" ]; then
        rm -f "$policy"
        trap - EXIT INT TERM
    fi
    return $status
}
