#!/usr/bin/env bash
# A full Debian 13 with systemd: login on both consoles, DHCP, apt through NAT, a forwarded port, reboot, and a disk that
# keeps what was written and is clean after poweroff.
. "$(dirname "$0")/lib.sh"
use_guest systemd systemd
port=$(free_port)

start() { # PEARVISOR-OPTIONS...: in the background, as process $vm
    "${boot[@]}" --disk "$work/disk" --cpus 2 --memory 1G \
        --append "console=ttyAMA0 quiet" --serial "unix:$work/ttyAMA0" --console "unix:$work/hvc0" --display none \
        --net "user,forward=tcp:$port-8000" --timeout 500 "$@" >"$work/out" 2>&1 </dev/null &
    vm=$!
}

ends() { # STATUS
    local status=0
    wait $vm || status=$?
    [ $status = "$1" ] || fail "exit status $status, not $1" "$work/out"
}

session() { # STEP
    WORK=$work PORT=$port PYTHONPATH=$top/tests/support python3 "$here/systemd_session.py" "$1" || exit 1
}

start
session first
ends 0
e2fsck -fn "$work/disk" >"$work/fsck" 2>&1 || fail "the disk is not clean" "$work/fsck"
start --no-reboot
session second
ends 3
