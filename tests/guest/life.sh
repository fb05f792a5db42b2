#!/usr/bin/env bash
# A machine's whole life, from an empty home, by an ordinary user where this one is root and others may read the tree: an image
# is built (or comes from the cache), a machine is made of it and started, used by ssh, paused, shot, cloned and given a larger disk
# while it runs, stopped, started again and deleted.
. "$(dirname "$0")/lib.sh"
export HOME=$work/home XDG_DATA_HOME= XDG_CACHE_HOME= PEARVISOR_CACHE=$cache
vms=$HOME/.local/share/pearvisor/vms
mkdir -p "$HOME" "$cache/images"
as=()
if [ "$(id -u)" = 0 ] && runuser -u nobody -- test -x "${PEARVISOR_BUILD:-$top/build}/src/cli/pearvisor" 2>/dev/null; then
    # What nobody may write to; what is built there goes into the cache afterwards.
    export PEARVISOR_CACHE=$work/cache
    mkdir -p "$work/cache/images"
    [ ! -e "$cache/images/debian:13" ] || cp -r --sparse=always --reflink=auto "$cache/images/debian:13" "$work/cache/images/"
    chown -R nobody "$work"
    as=(runuser -u nobody -- env HOME="$HOME")
fi
pv() { timeout 570 "${as[@]}" "$top/pearvisor" "$@" </dev/null; }
trap 'pv stop it --force 2>/dev/null; pv stop two --force 2>/dev/null; rm -rf "$work"' EXIT
step() { echo "$SECONDS s: $1"; }

pv image build debian:13 || fail "build"
cmp -s "$PEARVISOR_CACHE/images/debian:13/stamp" "$cache/images/debian:13/stamp" ||
    { rm -rf "$cache/images/debian:13"; cp -r --sparse=always "$work/cache/images/debian:13" "$cache/images/"; }
start=$SECONDS
pv image build debian:13 second || fail "build from the cache"
[ $((SECONDS - start)) -lt 20 ] || fail "the cache took $((SECONDS - start)) s"
pv image remove second || fail "remove"
step built

pv create it --image debian:13 --user me --disk-size 6G --memory 1G --engine "${PEARVISOR_ENGINE:-auto}" --gpu 2d || fail "create"
pv image remove debian:13 2>"$work/err" && fail "an image in use was removed"
grep -q "the disk of 'it' needs it" "$work/err" || fail "another reason" "$work/err"
pv start it || fail "start"
pv ssh --timeout 120 it 'id -un; hostname; sudo -n id -u; df --output=size -BM / | tail -1; systemctl is-system-running --wait
    ping -q -c 1 10.0.2.2; cat /proc/cmdline; readlink -f /vmlinuz; dpkg -S "$(readlink -f /vmlinuz)"; grep append /boot/extlinux/extlinux.conf' \
    >"$work/said" 2>"$work/err"
expect_lines "$work/said" '^me$' '^it$' '^0$' '^ *5[5-9][0-9][0-9]M$' '^running$' ' 1 received' '^root=/dev/vda ro console=ttyAMA0 quiet$' \
    '^linux-image-[0-9].*: /boot/vmlinuz' 'append root=/dev/vda ro console=ttyAMA0 quiet$'
grep -E '^(kernel|initrd|append)' "$vms/it/config" && fail "it does not boot from its disk"
pv ssh it 'cloud=$(sudo blkid -L CIDATA) && sudo mount -o ro $cloud /mnt && ls /mnt && cat /mnt/meta-data && head -1 /mnt/user-data' >"$work/seed" 2>&1
expect_lines "$work/seed" '^meta-data$' '^user-data$' '^instance-id: "it-' '^#cloud-config$'
step "logged in"

PYTHONPATH=$top/tests/support "${as[@]}" python3 "$here/life_session.py" "$top/pearvisor" it "$work/home/shot.png" || exit 1
step "paused and shot"

# The guest goes on writing: what was written to the disk before is in the clone, and a journal makes it whole.
pv ssh it 'sudo sh -c "head -c 24000000 /dev/urandom >/etc/kept; md5sum /etc/kept >/etc/sums; sync
    (while :; do head -c 200000 /dev/zero >/var/tmp/busy; sync; done) >/dev/null 2>&1 & echo \$! >/run/busy"' || fail "write"
before=$(date +%s%N)
pv clone it two || fail "clone"
step "cloned in $((($(date +%s%N) - before) / 1000000)) ms"
[ "$(date +%s%N)" -lt $((before + 3000000000)) ] || fail "the clone took too long"
cmp -s "$vms"/it/base-* "$vms"/two/base-* || fail "the disk was copied"
pv disk resize "$vms/it/disk.qcow2" 7G || fail "resize"
pv ssh it 'cat /sys/block/vda/size; sudo resize2fs /dev/vda 2>&1; df --output=size -BM / | tail -1; md5sum -c /etc/sums
    sudo sh -c "kill \$(cat /run/busy); wait; rm /var/tmp/busy"; sudo dmesg | grep -c "I/O error"' >"$work/grown" 2>&1
expect_lines "$work/grown" '^14680064$' '^ *6[4-9][0-9][0-9]M$' '^/etc/kept: OK$' '^0$'
step "a larger disk"

pv stop it || fail "stop"
pv disk check "$vms/it/disk.qcow2" >"$work/check" || fail "the disk is damaged" "$work/check"
pv disk convert "$vms/it/disk.qcow2" "$HOME/raw" --format raw && e2fsck -fn "$HOME/raw" >"$work/check" 2>&1 || fail "the root is not clean" "$work/check"
rm "$HOME/raw"
step stopped

pv disk resize "$vms/it/disk.qcow2" 8G || fail "resize"
pv start it && pv start two || fail "start again"
who='hostname; cat /etc/machine-id; sha256sum </etc/ssh/ssh_host_ed25519_key.pub; md5sum -c /etc/sums'
size='df --output=size -BM / | tail -1'
ended='journalctl -q -b -1 -o cat -n 400 | grep -E "Power key pressed|Reached target.*([Pp]ower-*[Oo]ff)|Journal stopped"
    journalctl -b 0 | grep -E "uncleanly|recovery complete|orphan"'
pv ssh --timeout 120 it "$who; $size; $ended" >"$work/it" 2>"$work/err"
pv ssh --timeout 120 two "$who; $size" >"$work/two" 2>"$work/err"
expect_lines "$work/it" '^it$' '^/etc/kept: OK$' '^ *7[4-9][0-9][0-9]M$' 'Power key pressed' 'Reached target' 'Journal stopped'
grep -E 'uncleanly|recovery complete|orphan' "$work/it" && fail "the shutdown was not clean" "$work/it"
expect_lines "$work/two" '^two$' '^/etc/kept: OK$' '^ *5[5-9][0-9][0-9]M$'
grep -vE '^/etc/kept' "$work/two" | grep -xF -f - "$work/it" && fail "the clone is the same machine" "$work/two"
step "started again"

pv stop it && pv stop two || fail "stop again"
pv delete it && pv delete two || fail "delete"
pv image remove debian:13 || fail "remove"
[ -z "$(find "$HOME/.local/share/pearvisor" -mindepth 2 -not -name '.lock')" ] || fail "something is left: $(find "$HOME")"
step deleted
