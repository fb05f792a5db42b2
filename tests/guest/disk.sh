#!/usr/bin/env bash
# A guest on a qcow2 overlay writes and is killed, comes up again on what was flushed, and powers off; the image is
# consistent, and the one below is as it was.
. "$(dirname "$0")/lib.sh"
command -v qemu-img >/dev/null || { echo "qemu-img is not installed"; exit 77; }
cat >"$work/suite.sh" <<'S'
mount -o remount,rw /
if [ -e /flushed ]; then
    sha256sum -c /flushed && echo STILL-THERE
    return
fi
dd if=/dev/urandom of=/file bs=64k count=320 2>/dev/null
sha256sum /file >/flushed
sync
echo FLUSHED
while :; do dd if=/dev/urandom of=/more bs=16k count=500 conv=fsync 2>/dev/null; rm /more; done
S
use_guest suite small "$work/suite.sh"
sum=$(sha256sum <"$work/disk")
"$top/pearvisor" disk create "$work/vm.qcow2" --backing disk --backing-format raw || fail "disk create"

start() {
    "${boot[@]}" --disk "$work/vm.qcow2" --memory 512M --net off --gpu off --append "console=ttyAMA0 quiet" \
        --timeout 240 >"$work/out" 2>&1 </dev/null &
    vm=$!
}

check() { # WHEN
    local status=0
    qemu-img check -q "$work/vm.qcow2" >"$work/check" 2>&1 || status=$?
    [ $status = 0 ] || [ $status = 3 ] || fail "qemu-img check $1: $status" "$work/check"
}

start
while ! grep -q FLUSHED "$work/out"; do
    kill -0 $vm || fail "no FLUSHED" "$work/out"
    sleep 0.2
done
sleep 1
kill -9 $vm
wait $vm 2>/dev/null
check "after kill -9"
start
wait $vm || fail "the second boot" "$work/out"
expect_lines "$work/out" '^STILL-THERE'
check "after poweroff"
[ "$sum" = "$(sha256sum <"$work/disk")" ] || fail "the backing file was changed"
