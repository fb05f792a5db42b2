#!/usr/bin/env bash
# A kept machine with a real guest: created from a kernel and a disk, started, used on its console, paused, shot, stopped by
# its power key, started again with its data, and deleted.
. "$(dirname "$0")/lib.sh"
use_guest systemd systemd
export XDG_DATA_HOME=$work/data
pv() { timeout 120 "$top/pearvisor" "$@" </dev/null; }
trap 'pv stop it --force 2>/dev/null; rm -rf "$work"' EXIT
session() { PYTHONPATH=$top/tests/support python3 "$here/manage_session.py" "$top/pearvisor" "$XDG_DATA_HOME/pearvisor/vms/it" "$@" || exit 1; }

pv create it --kernel "$guest/kernel" --initrd "$guest/initrd" --image "$work/disk" --memory 1G \
    --append "console=ttyAMA0 root=/dev/vda quiet" --engine "${PEARVISOR_ENGINE:-auto}" --net user || fail "create"
rm "$work/disk"
pv start it || fail "start"
session first
pv screenshot it "$work/shot.png" || fail "screenshot"
PYTHONPATH=$top/tests/support python3 -c 'import sys; from png import read_png; w, h, rows = read_png(sys.argv[1]); assert (w, h) == (1280, 800)' \
    "$work/shot.png" || fail "the screenshot"
pv stop it || fail "stop"
pv status it --json | grep -q '"state":"stopped"' || fail "not stopped"
e2fsck -fn "$XDG_DATA_HOME/pearvisor/vms/it/disk.img" >"$work/fsck" 2>&1 || fail "the disk is not clean" "$work/fsck"
pv start it || fail "start again"
session second
pv stop it || fail "stop again"
pv logs it --console | grep -q 'login:' || fail "the console's log"
pv delete it || fail "delete"
[ -z "$(find "$XDG_DATA_HOME" -mindepth 3 -not -name .lock)" ] || fail "something is left"
