#!/usr/bin/env bash
# pearvisor disk: create, info, resize, convert, check; what it makes is what qemu-img reads.
. "$(dirname "$0")/lib.sh"
pv() { "$top/pearvisor" disk "$@"; }
cd "$work" || exit 1

refuses() { # PATTERN ARGUMENT...
    local pattern=$1 status=0
    shift
    "$top/pearvisor" disk "$@" >out 2>&1 </dev/null || status=$?
    [ $status = 2 ] && [ "$(wc -l <out)" = 1 ] && grep -qE "$pattern" out || fail "disk $*: status $status" out
}

pv create a.qcow2 64M || fail create
pv create a.raw 64M || fail create
[ "$(stat -c %s a.raw)" = 67108864 ] || fail "the size of a raw disk"
qemu-img check -q a.qcow2 || fail "qemu-img check of a new image"
qemu-img info a.qcow2 | grep -q '64 MiB (67108864 bytes)' || fail "the size of a new image"
refuses 'a.qcow2: File exists' create a.qcow2 1G
refuses 'size such as' create b.qcow2 lots
refuses 'argument is missing' create b.qcow2
refuses 'unknown option' create b.qcow2 1G --shrink
refuses 'expected raw or qcow2' create b.qcow2 1G --format vmdk
[ ! -e b.qcow2 ] || fail "b.qcow2 was made"

# Data, back and forth.
truncate -s 20M data
for at in 0 5 11 19; do head -c 300000 /dev/urandom | dd of=data bs=1M seek=$at conv=notrunc status=none; done
seq 1 200000 | dd of=data bs=1M seek=12 conv=notrunc status=none
for how in "" "--compress zlib" "--compress zstd"; do
    # shellcheck disable=SC2086
    pv convert data c.qcow2 $how || fail "convert $how"
    qemu-img check -q c.qcow2 || fail "qemu-img check after convert $how"
    qemu-img compare -q -f raw -F qcow2 data c.qcow2 || fail "convert $how: not the same"
    pv check c.qcow2 >/dev/null || fail "check after convert $how"
    pv convert c.qcow2 back || fail "convert back"
    cmp data back || fail "convert back: not the same"
    [ "$(du -k back | cut -f 1)" -le $(($(du -k data | cut -f 1) + 64)) ] || fail "holes were filled"
    size=$(stat -c %s c.qcow2)
    rm -f c.qcow2 back
done
[ "$size" -lt 2000000 ] || fail "compressed: $size bytes"

# Growing and shrinking.
pv convert data c.qcow2
truncate -s 20M small && cp data small
for size in 100M 30M 5000G; do
    shrink=""
    [ $size = 30M ] && shrink=--shrink && refuses 'cut off' resize c.qcow2 30M
    # shellcheck disable=SC2086
    pv resize c.qcow2 $size $shrink || fail "resize $size"
    qemu-img check -q c.qcow2 || fail "qemu-img check after resize $size"
done
pv resize c.qcow2 20M --shrink && qemu-img compare -q -F raw c.qcow2 data || fail "resized: not the same"
pv resize c.qcow2 10M --shrink && pv resize c.qcow2 20M || fail "shrink and grow"
truncate -s 10M small && truncate -s 20M small
qemu-img compare -q -F raw c.qcow2 small || fail "what was cut off came back"
qemu-img check -q c.qcow2 || fail "qemu-img check after shrinking"
pv resize a.raw 70M && [ "$(stat -c %s a.raw)" = 73400320 ] || fail "resize of a raw disk"

# Overlays.
mkdir sub
pv create sub/over.qcow2 --backing ../data --backing-format raw || fail overlay
qemu-img compare -q -F raw sub/over.qcow2 data || fail "the overlay is not the same"
pv info --json sub/over.qcow2 | python3 -c 'import json, sys
i = json.load(sys.stdin)
assert i["backing"] == "../data" and i["backing_format"] == "raw" and i["size"] == 20 << 20, i' || fail "info --json"
pv create short.qcow2 30M --backing data && pv resize short.qcow2 10M --shrink && pv resize short.qcow2 20M &&
    qemu-img compare -q -F raw short.qcow2 small || fail "the backing file came back"
refuses 'nowhere' create x.qcow2 --backing nowhere
pv create loop.qcow2 --backing data
qemu-img rebase -u -F qcow2 -b loop.qcow2 loop.qcow2
refuses 'its own backing file' check loop.qcow2

# What is not for us.
qemu-img create -q -f qcow2 -o extended_l2=on e.qcow2 1M && refuses 'extended L2' check e.qcow2
qemu-img create -q -f qcow2 -o data_file=d.raw d.qcow2 1M && refuses 'another file' check d.qcow2
cp a.qcow2 f.qcow2
printf '\x80' | dd of=f.qcow2 bs=1 seek=78 conv=notrunc status=none
refuses 'features that this program does not know' check f.qcow2
# A raw disk whose guest wrote a qcow2 header stays raw, or is refused.
cp a.qcow2 guest.img
refuses 'say which it is' check guest.img
refuses 'say which it is' convert guest.img x.qcow2
pv check --format raw guest.img >/dev/null || fail "as a raw disk"

# Damage and leaks.
pv create g.qcow2 8M
truncate -s 8M reference
"$exercise" random g.qcow2 qcow2 reference 3 200 || fail "random requests"
cp g.qcow2 leak.qcow2
python3 - <<'P' || fail "no free cluster"
import struct
f = open("leak.qcow2", "r+b"); data = f.read()
table, = struct.unpack_from(">Q", data, 48); block, = struct.unpack_from(">Q", data, table)
index = 20000  # of clusters, behind the file's end
f.seek(block + 2 * index); f.write(b"\0\1")
f.truncate((index + 1) << 16)
g = open("bad.qcow2", "w+b"); g.write(data); g.seek(block + 2 * 3); g.write(b"\0\0")
P
pv check leak.qcow2 >out; [ $? = 3 ] || fail "a leak" out
pv check --repair leak.qcow2 >out || fail "check --repair" out
qemu-img check -q leak.qcow2 || fail "the leak was not repaired"
pv check bad.qcow2 >out; [ $? = 1 ] || fail "a refcount of 0" out
pv check --repair bad.qcow2 >out || fail "check --repair" out
qemu-img check -q bad.qcow2 || fail "the refcount was not repaired"
echo ok
