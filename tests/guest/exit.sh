#!/usr/bin/env bash
# The ways that a run ends, other than poweroff: the time limit, signals, a reset.
. "$(dirname "$0")/lib.sh"
cat >"$work/suite.sh" <<'S'
[ -e /once ] && echo AGAIN && return
mount -o remount,rw / && touch /once && sync
echo READY
grep -qw wait /proc/cmdline && sleep 1000
busybox reboot -f
S
use_guest suite small "$work/suite.sh"

start() { # APPEND PEARVISOR-OPTIONS...: in the background, as process $vm
    local append=$1
    shift
    "${boot[@]}" --disk "$work/disk" --memory 512M --net off \
        --append "console=ttyAMA0 quiet $append" --display none "$@" >"$work/out" 2>&1 </dev/null &
    vm=$!
}

ends() { # STATUS WHEN
    local status=0
    wait $vm || status=$?
    [ $status = "$1" ] || fail "exit status $status, not $1, $2" "$work/out"
}

start "" --timeout 1
ends 124 "at the time limit"

start wait --timeout 240
while ! grep -q READY "$work/out"; do
    kill -0 $vm || fail "no READY" "$work/out"
    sleep 0.2
done
kill -TERM $vm
ends 1 "after SIGTERM"

fresh_disk
start "" --timeout 240 --no-reboot
ends 3 "after a reset with --no-reboot"
expect_lines "$work/out" '^READY'

fresh_disk
start "" --timeout 240
ends 0 "after a reset and poweroff"
expect_lines "$work/out" '^READY' '^AGAIN' '^GUEST-DONE'
