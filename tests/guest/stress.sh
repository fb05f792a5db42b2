#!/usr/bin/env bash
# stress-ng checks its own results in the guest, on 2 and 4 CPUs, PEARVISOR_STRESS_SECONDS (5) for each kind of load.
# PEARVISOR_STRESS_ALL=1: every one of its CPU methods once, too.
. "$(dirname "$0")/lib.sh"
seconds=${PEARVISOR_STRESS_SECONDS:-5}
cat >"$work/suite.sh" <<S
echo "CPUS \$(nproc)"
load() { # NAME STRESS-NG-OPTIONS...
    local name=\$1
    shift
    stress-ng --temp-path /tmp --metrics-brief --timeout $seconds "\$@" 2>&1 && echo "PASSED \$name" || echo "FAILED \$name"
}
load cpu --cpu 4 --verify
load vm --vm 2 --vm-bytes 256M --verify
load futex --futex 4
load fork --fork 4
if [ -n "${PEARVISOR_STRESS_ALL:-}" ]; then
    start=\$(cut -d. -f1 /proc/uptime)
    stress-ng --temp-path /tmp --cpu 1 --cpu-method all --verify --cpu-ops 200 2>&1 && echo "PASSED cpu-method all"
    echo "ALL \$((\$(cut -d. -f1 /proc/uptime) - start)) s"
fi
dmesg | grep -E 'BUG|WARNING|Oops|stall|segfault|unhandled' && echo "FAILED the kernel complains"
S
EXTRA=stress-ng use_guest suite stress "$work/suite.sh"
for cpus in ${PEARVISOR_STRESS_CPUS:-2 4}; do
    "${boot[@]}" --disk "$work/disk" --memory 1G --cpus "$cpus" --net off \
        --append "console=ttyAMA0 quiet ro" --display none --timeout $((3600)) >"$work/out" 2>&1 </dev/null ||
        fail "exit status $? with $cpus CPUs" "$work/out"
    cat "$work/out"
    grep -q FAILED "$work/out" && fail "stress-ng on $cpus CPUs" "$work/out"
    expect_lines "$work/out" "^CPUS $cpus" '^PASSED cpu' '^PASSED vm' '^PASSED futex' '^PASSED fork' '^GUEST-DONE' \
        ${PEARVISOR_STRESS_ALL:+'^PASSED cpu-method all'}
done
