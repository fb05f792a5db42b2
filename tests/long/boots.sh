#!/usr/bin/env bash
# Boots the small guest PEARVISOR_BOOTS (20) times with each of PEARVISOR_BOOT_CPUS ("1 2 4") CPUs: races between CPUs
# show up late.
. "$(dirname "$0")/../guest/lib.sh"
use_guest suite small "$top/tests/long/boots.suite"
for cpus in ${PEARVISOR_BOOT_CPUS:-1 2 4}; do
    for n in $(seq "${PEARVISOR_BOOTS:-20}"); do
        "${boot[@]}" --disk "$work/disk" --memory 512M --cpus "$cpus" --append "console=ttyAMA0 quiet ro" --display none \
            --timeout 240 >"$work/out" 2>&1 </dev/null || fail "boot $n with $cpus CPUs: exit status $?" "$work/out"
        expect_lines "$work/out" '^GUEST-UP' "^CPUS $cpus" '^SAME' '^GUEST-DONE'
        grep -aE 'BUG|WARNING|Oops|stall|segfault|unhandled' "$work/out" && fail "boot $n with $cpus CPUs" "$work/out"
    done
    echo "$n boots with $cpus CPUs"
done
