#!/usr/bin/env bash
# A machine of `image build` gets another kernel by apt, over NAT, boots it after a reboot from within, and after a start, and
# the one before when that is removed. Needs the host's Debian mirror, or the one that PEARVISOR_MIRROR names.
. "$(dirname "$0")/../guest/lib.sh"
export HOME=$work/home XDG_DATA_HOME= PEARVISOR_CACHE=$cache
mkdir -p "$HOME"
pv() { timeout 900 "$top/pearvisor" "$@" </dev/null; }
trap 'pv stop it --force 2>/dev/null; rm -rf "$work"' EXIT
runs() { # PATTERN: the kernel's release
    pv ssh --timeout 200 it 'uname -r; systemctl is-system-running --wait' >"$work/said" 2>"$work/err" || fail "ssh" "$work/err"
    expect_lines "$work/said" "$1" '^running$'
}
reboot() {
    local booted
    booted=$(pv ssh it 'cat /proc/sys/kernel/random/boot_id; sudo systemctl reboot' | head -1)
    for _ in $(seq 200); do
        [ "$(pv ssh --timeout 200 it 'cat /proc/sys/kernel/random/boot_id' 2>/dev/null)" = "$booted" ] || return
        sleep 0.2
    done
    fail "no reboot"
}

pv image build debian:13 || fail "build"
pv create it --image debian:13 --engine "${PEARVISOR_ENGINE:-auto}" --gpu off || fail "create"
pv start it || fail "start"
runs '^[0-9.]+\+deb[0-9]+-arm64$'
pv ssh it 'sudo sh -c "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y linux-image-rt-arm64"' >"$work/apt" 2>&1 ||
    fail "apt-get install" "$work/apt"
reboot
runs '^[0-9.]+\+deb[0-9]+-rt-arm64$'
pv stop it && pv start it || fail "another start"
runs '^[0-9.]+\+deb[0-9]+-rt-arm64$'
pv ssh it 'sudo DEBIAN_FRONTEND=noninteractive apt-get -q purge -y "linux-image-*rt-arm64"' >"$work/apt" 2>&1 || fail "apt-get purge" "$work/apt"
reboot
runs '^[0-9.]+\+deb[0-9]+-arm64$'
pv stop it && pv delete it || fail "stop"
