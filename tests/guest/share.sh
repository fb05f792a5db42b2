#!/usr/bin/env bash
# A host directory in the guest: what either side writes, the other reads; read-only stays so; nothing leads out of it.
. "$(dirname "$0")/lib.sh"
mkdir -p "$work/both" "$work/fixed"
head -c 3000000 /dev/urandom >"$work/both/random"
echo fixed >"$work/fixed/file"
echo secret >"$work/secret"
ln -s ../secret "$work/both/out"

cat >"$work/suite.sh" <<'S'
check() { "$@" && echo "OK $*" || echo "WRONG $*"; }
refused() { ! "$@" 2>/dev/null && echo "OK refused $*" || echo "WRONG done $*"; }
sums() { (cd "$1" && find . -type f -exec sha256sum {} + -o -type l -printf '%p %l\n' | sort | sha256sum); }
mkdir -p /tmp/both /tmp/fixed
check mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 both /tmp/both
check mount -t 9p -o trans=virtio,version=9p2000.L renamed /tmp/fixed
cd /tmp/both
echo "SUM $(sha256sum <random)"
refused cat out
check cp random copy
mkdir -p deep/er && check tar -C /usr -cf deep/er/sbin.tar sbin
check tar -C /tmp/both/deep -xf deep/er/sbin.tar
check [ "$(sums /usr/sbin)" = "$(sums deep/sbin)" ]
for i in $(seq 200); do echo $i >file-$i; done
check [ "$(ls file-* | wc -l)" = 200 ]
check [ "$(cat file-* | sort -n | tail -1)" = 200 ]
mv file-1 deep/moved && rm file-2 && ln file-3 hard && ln -s file-3 soft && chmod 600 file-4
check busybox cmp soft hard
check truncate -s 5 file-5
echo more >>file-6
check dd if=/dev/zero of=big bs=1M count=64 conv=fsync status=none
refused mknod device c 1 3
check flock file-7 true
rm -r deep/sbin
check [ "$(cat /tmp/fixed/file)" = fixed ]
refused touch /tmp/fixed/new
refused rm /tmp/fixed/file
cd / && check umount /tmp/both
S
export MODULES="9p 9pnet_virtio"
use_guest suite share "$work/suite.sh"
timeout 240 "${boot[@]}" --disk "$work/disk" --memory 512M --net off --gpu off --display none --append "console=ttyAMA0 quiet" \
    --share "$work/both" --share "$work/fixed,renamed,ro" >"$work/out" 2>&1 </dev/null || fail "the run" "$work/out"
grep -a WRONG "$work/out" && fail "in the guest" "$work/out"
[ "$(grep -ac ^OK "$work/out")" = 18 ] || fail "$(grep -ac ^OK "$work/out") checks passed, not 18" "$work/out"
expect_lines "$work/out" "^SUM $(sha256sum <"$work/both/random" | cut -d' ' -f1)"
cd "$work/both" || exit 1
cmp random copy && [ "$(cat deep/moved)" = 1 ] && [ ! -e file-2 ] && [ file-3 -ef hard ] && [ "$(readlink soft)" = file-3 ] &&
    [ "$(stat -c %a file-4)" = 600 ] && [ "$(stat -c %s file-5)" = 5 ] && [ "$(cat file-6)" = $'6\nmore' ] &&
    [ "$(stat -c %s big)" = 67108864 ] && [ ! -e deep/sbin ] && [ "$(cat ../secret)" = secret ] || fail "what the host sees" "$work/out"
