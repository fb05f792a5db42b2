#!/usr/bin/env bash
# A program that writes to a qcow2 image is killed at random moments: each time the image is consistent for
# qemu-img check, and holds what was flushed. PEARVISOR_KILLS says how often (20).
. "$(dirname "$0")/lib.sh"
kills=${PEARVISOR_KILLS:-20}

crash() { # OPTIONS: makes an image, kills a writer, judges, and goes on with the same image four times
    rm -f "$work/image.qcow2"
    # shellcheck disable=SC2086
    qemu-img create -q -f qcow2 $1 "$work/image.qcow2" 24M || fail "qemu-img create $1"
    for ((again = 0; again < 4 && done < kills; again++, done++)); do
        rm -f "$work/journal.0" "$work/journal.1"
        qemu-img convert -q -O raw "$work/image.qcow2" "$work/before" || fail "cannot convert"
        "$exercise" crash "$work/image.qcow2" qcow2 "$work/journal" $RANDOM >"$work/out" 2>&1 &
        local writer=$!
        until [ -s "$work/journal.0" ] && [ -s "$work/journal.1" ]; do
            kill -0 $writer 2>/dev/null || fail "the writer ended" "$work/out"
            sleep 0.01
        done
        sleep "0.$(printf %03d $((RANDOM % 300 + 20)))"
        kill -9 $writer 2>/dev/null || fail "the writer ended" "$work/out"
        wait $writer 2>/dev/null
        local status=0
        qemu-img check -q "$work/image.qcow2" >"$work/check" 2>&1 || status=$?
        [ $status = 0 ] || [ $status = 3 ] || fail "kill $done ($1): qemu-img check: $status" "$work/check"
        status=0
        "$top/pearvisor" disk check "$work/image.qcow2" >"$work/check" 2>&1 || status=$?
        [ $status = 0 ] || [ $status = 3 ] || fail "kill $done ($1): disk check: $status" "$work/check"
        qemu-img convert -q -O raw "$work/image.qcow2" "$work/raw" || fail "cannot convert"
        python3 "$here/crash.py" "$work/raw" "$work/journal" "$work/before" >"$work/out" 2>&1 ||
            fail "kill $done ($1)" "$work/out"
        flushed=$((flushed + $(cat "$work/out")))
    done
}

done=0 flushed=0
while [ $done -lt $kills ]; do
    crash "-o cluster_size=64k"
    crash "-o cluster_size=4k,refcount_bits=8"
    crash "-o cluster_size=512"
    crash "-o cluster_size=2M,lazy_refcounts=on"
done
[ $flushed -gt 0 ] || fail "nothing was ever flushed"
echo "$done kills, $flushed blocks acknowledged"
