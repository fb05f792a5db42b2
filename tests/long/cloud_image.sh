#!/usr/bin/env bash
# The real cloud-init on an image like the published ones: GPT with two partitions, an ext4 root with a grub.cfg, compressed
# qcow2; nothing of PearVisor's sets it up. Imported, and created with a user, a key, a name and a larger disk, cloud-init makes it
# what was asked for. Needs the host's Debian mirror, or the one that PEARVISOR_MIRROR names.
. "$(dirname "$0")/../guest/lib.sh"
export HOME=$work/home XDG_DATA_HOME= PEARVISOR_CACHE=$cache
mkdir -p "$HOME"
PATH=$PATH:/usr/sbin:/sbin
pv() { timeout 1500 "$top/pearvisor" "$@" </dev/null; }
trap 'pv stop my-cloud --force 2>/dev/null; rm -rf "$work"' EXIT

# --- the image: a Debian with cloud-init, without what `image build` adds
pv image build debian:13 base --packages cloud-init,cloud-guest-utils,netplan.io || fail "build"
root=$work/root
pv disk convert "$HOME/.local/share/pearvisor/images/base/disk.img" "$root" --format raw || fail "the root"
pv image remove base
e2fsck -fp "$root" >"$work/fsck" 2>&1 || fail "the root is not clean" "$work/fsck"
kernel=$(debugfs -R 'ls -p /boot' "$root" 2>/dev/null | grep -o 'vmlinuz-[^/]*') || fail "no kernel"
uuid=$(tune2fs -l "$root" | sed -n 's/^Filesystem UUID: *//p')
cat >"$work/grub.cfg" <<G
set default="0"
menuentry 'Debian GNU/Linux' --class debian {
	search --no-floppy --fs-uuid --set=root $uuid
	linux /boot/$kernel root=UUID=$uuid ro console=tty0 console=ttyAMA0
	initrd /boot/initrd.img-${kernel#vmlinuz-}
}
G
echo "UUID=$uuid / ext4 rw,discard,errors=remount-ro 0 1" >"$work/fstab"
debugfs -w -f - "$root" >"$work/debugfs" 2>&1 <<D
rm /boot/extlinux/extlinux.conf
rmdir /boot/extlinux
rm /vmlinuz
rm /initrd.img
mkdir /boot/grub
cd /boot/grub
write $work/grub.cfg grub.cfg
cd /etc
rm fstab
write $work/fstab fstab
rm hostname
rm systemd/network/10-dhcp.network
rm systemd/system/multi-user.target.wants/pearvisor-seed.service
D
e2fsck -fp "$root" >"$work/fsck" 2>&1
[ $? -le 1 ] || fail "the root is damaged" "$work/fsck"
size=$(stat -c %s "$root")
truncate -s $((size + (130 << 20))) "$work/gpt"
printf 'label: gpt\n14: start=2048, size=3M, type=21686148-6449-6e6f-744e-656564454649\n1: start=128M, size=%sK, type=b921b045-1df0-41c3-af44-4c6f280d3fae\n' $((size / 1024)) |
    sfdisk -q "$work/gpt" || fail "sfdisk"
dd if="$root" of="$work/gpt" bs=1M seek=128 conv=notrunc,sparse status=none || fail "dd"
pv disk convert "$work/gpt" "$work/cloud.qcow2" --compress zlib || fail "convert"
rm "$root" "$work/gpt"

# --- as a user would
ssh-keygen -q -t ed25519 -N '' -f "$work/key"
pv image import "$work/cloud.qcow2" cloud || fail "import"
pv create my-cloud --image cloud --user me --ssh-key "$work/key.pub" --disk-size 9G --memory 1G --gpu off --engine "${PEARVISOR_ENGINE:-auto}" || fail "create"
! grep -E '^(kernel|firmware)' "$HOME/.local/share/pearvisor/vms/my-cloud/config" || fail "it does not boot from its disk"
pv start my-cloud || fail "start"
pv ssh --timeout 600 my-cloud 'cloud-init status --wait --long; cloud-init query platform; id -un; id -Gn; hostname; sudo -n id -u
    cat /proc/cmdline; df --output=source,size -BM / | tail -1; networkctl --no-pager list; systemctl is-system-running --wait; systemctl --failed
    ls /usr/lib/systemd/system/multi-user.target.wants /etc/systemd/system/multi-user.target.wants' >"$work/said" 2>"$work/err" || cat "$work/err"
cat "$work/said"
expect_lines "$work/said" '^status: done$' 'NoCloud' '^me$' '^me .*sudo' '^my-cloud$' '^0$' "root=UUID=$uuid" '^/dev/vda1 +8[5-9][0-9][0-9]M$' \
    'configured' '^running$'
! grep -q pearvisor "$work/said" || fail "PearVisor's own service is there"
port=$(pv status my-cloud --json | grep -oE '"ssh_port":[0-9]+' | cut -d: -f2)
ssh -i "$work/key" -p "$port" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null me@127.0.0.1 'echo by the key' \
    >"$work/said" 2>"$work/err" || fail "the key" "$work/err"
grep -qx 'by the key' "$work/said" || fail "the key"

# --- larger again, and a clone, which is another machine to cloud-init, too
pv stop my-cloud || fail "stop"
pv disk resize "$HOME/.local/share/pearvisor/vms/my-cloud/disk.qcow2" 10G && pv clone my-cloud other || fail "clone"
pv start my-cloud && pv start other || fail "start again"
trap 'pv stop my-cloud --force 2>/dev/null; pv stop other --force 2>/dev/null; rm -rf "$work"' EXIT
for name in my-cloud other; do
    pv ssh --timeout 600 $name 'cloud-init status --wait; hostname; df --output=size -BM / | tail -1; sha256sum </etc/ssh/ssh_host_ed25519_key.pub' \
        >"$work/$name" 2>"$work/err" || cat "$work/err"
    expect_lines "$work/$name" '^status: done$' "^$name\$" '^ *9[5-9][0-9][0-9]M$'
done
[ "$(tail -1 "$work/my-cloud")" != "$(tail -1 "$work/other")" ] || fail "the clone has the same host key" "$work/other"
for name in my-cloud other; do pv stop $name && pv delete $name || fail "the end of $name"; done
pv image remove cloud || fail "remove"
