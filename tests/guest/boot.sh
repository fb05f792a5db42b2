#!/usr/bin/env bash
# A stock Debian kernel and root disk boot on 1, 2 and 4 CPUs, run programs, keep what they write, and power off.
. "$(dirname "$0")/lib.sh"
cat >"$work/suite.sh" <<'S'
[ -e /kept ] && echo "KEPT $(cat /kept)"
echo "CPUS $(nproc)"
echo "SUM $(head -c 4M /usr/lib/aarch64-linux-gnu/libc.so.6 | sha256sum | cut -c1-16) $(seq 1 2000 | busybox awk '{s+=1.0/($1*$1)} END {printf "%.6f", s}')"
gzip -9 </usr/bin/bash | gunzip | busybox cmp - /usr/bin/bash && echo GZIP-OK
mount -o remount,rw / && echo "run $(nproc)" >/kept && dd if=/dev/urandom of=/big bs=1M count=16 2>/dev/null && sync
sum=$(md5sum </big); echo 3 >/proc/sys/vm/drop_caches; [ "$sum" = "$(md5sum </big)" ] && echo DISK-OK
S
use_guest suite small "$work/suite.sh"
sum=$(head -c 4M "$guest/root/usr/lib/aarch64-linux-gnu/libc.so.6" | sha256sum | cut -c1-16)
root_sum=$(python3 -c 's = 0.0
for i in range(1, 2001): s += 1.0 / (i * i)
print("%.6f" % s)')
previous=
for cpus in 1 2 4; do
    "${boot[@]}" --disk "$work/disk" --memory 512M --cpus $cpus \
        --append "console=ttyAMA0 quiet" --display none --timeout 240 --stats >"$work/out" 2>"$work/err" </dev/null ||
        fail "exit status $? with $cpus CPUs" "$work/out"
    expect_lines "$work/out" '^GUEST-UP [0-9.]+' "^CPUS $cpus" "^SUM $sum $root_sum" '^GZIP-OK' '^DISK-OK' '^GUEST-DONE' \
        "${previous:+^KEPT $previous}"
    python3 -c 'import json, sys; s = json.loads(sys.stdin.readlines()[-1]); assert s["instructions"] > 1e8 and s["disks"][0]["reads"] > 100' \
        <"$work/err" || fail "--stats" "$work/err"
    previous="run $cpus"
done
e2fsck -fn "$work/disk" >"$work/fsck" 2>&1 || fail "the disk is not clean" "$work/fsck"
