#!/usr/bin/env bash
# A kept machine whose guest writes and flushes is killed with SIGKILL, at PEARVISOR_KILLS (200) random moments of its boot and
# its work, and goes on with the same disk each time. After each: the image is consistent, the file system needs no more than
# its journal, and what the guest was told is flushed is there.
. "$(dirname "$0")/../guest/lib.sh"
kills=${PEARVISOR_KILLS:-200}
export XDG_DATA_HOME=$work/data HOME=$work
vm=$XDG_DATA_HOME/pearvisor/vms/it
pv() { timeout 120 "$top/pearvisor" "$@" </dev/null; }
trap 'pv stop it --force 2>/dev/null; rm -rf "$work"' EXIT

echo true >"$work/suite.sh"
use_guest suite small "$work/suite.sh"
here=$top/tests/long guest_program record "$work/overlay/record" -static
cat >"$work/overlay/record_init" <<'S'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc; $b mount -t sysfs sys /sys; $b mount -t devtmpfs dev /dev
while read -r module; do case $module in virtio_gpu*|drm*|virtio_net*) ;; *) $b insmod /mod/$module;; esac; done </mod/order
n=0
while [ ! -b /dev/vda ] && [ $n -lt 100 ]; do $b usleep 50000; n=$((n + 1)); done
$b mount -t ext4 -o discard /dev/vda /mnt && /record /mnt
$b poweroff -f
S
chmod +x "$work/overlay/record_init"
(gzip -dc "$guest/initrd"; cd "$work/overlay" && find . | cpio -o -H newc --quiet) >"$work/initrd"
mke2fs -q -F -t ext4 "$work/root" 128M
pv image import "$work/root" root --kernel "$guest/kernel" --initrd "$work/initrd" --append "console=ttyAMA0 quiet rdinit=/record_init" &&
    pv create it --image root --memory 256M --disk-size 128M --gpu off --net off --engine "${PEARVISOR_ENGINE:-auto}" || fail "create"

told() { grep -ac '^told' "$vm/console.log" 2>/dev/null || true; }

# At some moment: while it boots, or after it has said something, up to a second later.
await_moment() {
    local i
    if [ $((RANDOM % 8)) = 0 ]; then
        sleep "$((RANDOM % 2)).$(printf %03d $((RANDOM % 1000)))"
        return
    fi
    for ((i = 0; i < 1200 && $(told) == 0; i++)); do sleep 0.05; done
    [ "$i" -lt 1200 ] || fail "the guest writes nothing" "$vm/console.log"
    sleep "0.$(printf %03d $((RANDOM % 1000)))"
}

check() {
    qemu-img check "$vm/disk.qcow2" >"$work/check" 2>&1
    local status=$?
    # 3: no errors, but clusters that nothing uses, which stay until they are repaired.
    [ $status = 0 ] || [ $status = 3 ] || fail "kill $n: qemu-img check: $status" "$work/check"
    leaks=$(sed -n 's/^\([0-9]*\) leaked clusters were found.*/\1/p' "$work/check")
    qemu-img convert -q -O raw "$vm/disk.qcow2" "$work/raw" || fail "kill $n: it cannot be read"
    e2fsck -y -E journal_only "$work/raw" >"$work/check" 2>&1
    e2fsck -fn "$work/raw" >"$work/check" 2>&1 || fail "kill $n: the file system" "$work/check"
    rm -f "$work/records"
    grep -a '^told' "$vm/console.log" >>"$work/told"
    debugfs -R "dump /records $work/records" "$work/raw" >"$work/check" 2>&1
    [ -e "$work/records" ] || : >"$work/records"
    python3 "$top/tests/long/kill.py" "$work/records" "$work/told" >"$work/last" 2>&1 || fail "kill $n" "$work/last"
}

leaks=
for ((n = 1; n <= kills; n++)); do
    rm -f "$vm"/console.log*
    pv start it 2>"$work/err" || fail "kill $n: start" "$work/err"
    await_moment
    kill -9 "$(pv status it --json | sed 's/.*"pid":\([0-9]*\).*/\1/')" || fail "kill $n: the machine had ended" "$vm/log"
    while pv status it | grep -q running; do sleep 0.02; done
    check
    [ $((n % 20)) != 0 ] || echo "$n kills, $(cat "$work/last") records told, ${leaks:-0} clusters that nothing uses"
done
pv start it 2>"$work/err"
grep -q 'killed or crashed' "$work/err" || fail "start says nothing about the crash" "$work/err"
pv stop it --force && pv delete it || fail "delete"
echo "$kills kills, $(cat "$work/last") records told, ${leaks:-0} clusters that nothing uses"
