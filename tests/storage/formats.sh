#!/usr/bin/env bash
# Images that qemu-img made, of many kinds, under random requests on several threads, compared with a raw file that
# gets the same; then qemu-img check has nothing to say and qemu-img compare finds them equal.
. "$(dirname "$0")/lib.sh"
requests=${PEARVISOR_REQUESTS:-600}

judge() { # IMAGE WHAT
    qemu-img check -q "$1" >"$work/check" 2>&1 || fail "$2: qemu-img check" "$work/check"
    "$top/pearvisor" disk check --format qcow2 "$1" >"$work/check" 2>&1 || fail "$2: disk check" "$work/check"
    qemu-img compare -q -f qcow2 -F raw "$1" "$work/reference" || fail "$2: not what was written"
}

exercise() { # IMAGE WHAT
    qemu-img convert -q -f qcow2 -O raw "$1" "$work/reference" || fail "$2: qemu-img convert"
    "$exercise" random "$1" qcow2 "$work/reference" $RANDOM "$requests" >"$work/out" 2>&1 || fail "$2" "$work/out"
    judge "$1" "$2"
}

# Something to begin with: text, holes, noise.
truncate -s 9M "$work/data"
for at in 0 3 6; do
    head -c 700000 /dev/urandom | dd of="$work/data" bs=1M seek=$at conv=notrunc status=none
    seq 1 90000 | dd of="$work/data" bs=1M seek=$((at + 1)) conv=notrunc status=none
done

for options in cluster_size=512 cluster_size=1k,refcount_bits=1 cluster_size=4k,refcount_bits=2 \
    cluster_size=8k,refcount_bits=4 cluster_size=16k,compat=0.10 cluster_size=32k,refcount_bits=8 cluster_size=64k \
    cluster_size=64k,refcount_bits=64,lazy_refcounts=on cluster_size=128k,refcount_bits=32 \
    cluster_size=512,refcount_bits=64 cluster_size=2M cluster_size=2M,compat=0.10 \
    cluster_size=64k,preallocation=metadata; do
    rm -f "$work/image.qcow2"
    qemu-img convert -q -f raw -O qcow2 -o $options "$work/data" "$work/image.qcow2" || fail "qemu-img: $options"
    exercise "$work/image.qcow2" "$options"
done

for options in compression_type=zlib compression_type=zstd compression_type=zlib,cluster_size=4k \
    compression_type=zstd,cluster_size=1M compat=0.10; do
    qemu-img convert -q -c -f raw -O qcow2 -o $options "$work/data" "$work/image.qcow2" || fail "qemu-img: $options"
    exercise "$work/image.qcow2" "compressed, $options"
done

# Upon raw and qcow2, shorter and longer, by relative names; the lower images stay as they are.
cp "$work/data" "$work/base.raw"
qemu-img create -q -f qcow2 -F raw -b base.raw "$work/one.qcow2" 12M
exercise "$work/one.qcow2" "upon raw"
qemu-img convert -q -c -f raw -O qcow2 "$work/data" "$work/base.qcow2"
qemu-img create -q -f qcow2 -F qcow2 -b base.qcow2 -o compat=0.10,cluster_size=4k "$work/one.qcow2" 10M
exercise "$work/one.qcow2" "upon a compressed one"
qemu-img create -q -f qcow2 -F qcow2 -b one.qcow2 -o cluster_size=128k "$work/two.qcow2" 8M
sums=$(sha256sum "$work/base.qcow2" "$work/one.qcow2")
exercise "$work/two.qcow2" "upon two"
[ "$sums" = "$(sha256sum "$work/base.qcow2" "$work/one.qcow2")" ] || fail "a backing file was changed"

# With a snapshot: what it holds stays.
qemu-img convert -q -f raw -O qcow2 "$work/data" "$work/image.qcow2"
qemu-img snapshot -c before "$work/image.qcow2"
exercise "$work/image.qcow2" "with a snapshot"
qemu-img convert -q -l before -O raw "$work/image.qcow2" "$work/snapshot"
cmp "$work/snapshot" "$work/data" || fail "the snapshot was changed"

# Refcounts of an image that was left dirty.
qemu-img create -q -f qcow2 -o lazy_refcounts=on "$work/image.qcow2" 8M
(qemu-io -f qcow2 -c "write -P 7 1M 2M" -c abort "$work/image.qcow2") >/dev/null 2>&1
"$top/pearvisor" disk info --json "$work/image.qcow2" | grep -q '"dirty":true' || fail "qemu-io left nothing dirty"
qemu-img convert -q -U -f qcow2 -O raw "$work/image.qcow2" "$work/reference"
"$exercise" random "$work/image.qcow2" qcow2 "$work/reference" 1 100 >"$work/out" 2>&1 || fail "dirty" "$work/out"
judge "$work/image.qcow2" "left dirty"

# An image larger than its refcount table counts: the table moves.
qemu-img create -q -f qcow2 -o cluster_size=512,refcount_bits=64 "$work/image.qcow2" 20M
truncate -s 20M "$work/reference"
requests=3000 exercise "$work/image.qcow2" "a table that grows"
echo ok
