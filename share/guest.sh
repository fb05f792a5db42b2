# Parts of making an ARM64 Debian from its packages, for scripts that source it: $root is the guest's tree, and MODULES="a b"
# names more modules for the initrd. Nothing of the guest's runs on the host, and no emulation is needed.

# OUT/initrd: busybox, and the modules that find the disk and bring up the GPU, in dependency order. OUT/kernel.
make_initrd() { # OUT
    local release tree
    release=$(ls "$root/usr/lib/modules")
    [ -e "$root/usr/lib/modules/$release/modules.dep.bin" ] || depmod -b "$root" "$release"
    tree=$(mktemp -d)
    mkdir -p "$tree"/{bin,dev,mod,mnt,proc,sys}
    cp "$root/usr/bin/busybox" "$tree/bin/"
    for module in virtio_mmio virtio_blk crc32c_generic ext4 virtio_gpu virtio_input evdev virtio_net virtio_rng ${MODULES:-}; do
        # A kernel that has it built in, or no longer, has no such module.
        { modprobe -D -d "$root" -S "$release" "$module" 2>/dev/null || true; } | awk '$1 == "insmod" { print $2 }'
    done | awk '!seen[$0]++' | while read -r path; do
        name=$(basename "$path")
        case $path in
        *.xz) xz -dc "$path" >"$tree/mod/${name%.xz}" ;;
        *.zst) zstd -qdc "$path" >"$tree/mod/${name%.zst}" ;;
        *) cp "$path" "$tree/mod/" ;;
        esac
        name=${name%.xz}
        echo "${name%.zst}"
    done >"$tree/mod/order"
    cat >"$tree/init" <<'EOF'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc; $b mount -t sysfs sys /sys; $b mount -t devtmpfs dev /dev
while read -r module; do $b insmod /mod/$module; done </mod/order
n=0
while [ ! -b /dev/vda ] && [ $n -lt 100 ]; do $b usleep 50000; n=$((n + 1)); done
$b mount -t ext4 -o "$($b grep -qw ro /proc/cmdline && echo ro || echo rw)" /dev/vda /mnt ||
    { echo "initrd: no root disk"; $b poweroff -f; }
for d in dev proc sys; do $b mount --move /$d /mnt/$d; done
next=/sbin/init
[ -x /mnt/init ] && next=/init
exec $b switch_root /mnt $next
EOF
    chmod +x "$tree/init"
    (cd "$tree" && find . | LC_ALL=C sort | cpio -o -H newc --quiet --reproducible | gzip -1) >"$1/initrd"
    rm -rf "$tree"
    cp "$(ls "$root"/boot/vmlinuz-* "$root"/usr/lib/modules/*/vmlinuz 2>/dev/null | head -n 1)" "$1/kernel" # newer packages: beside the modules
}

# Enters the packages in the dpkg database as unpacked.
record_packages() { # DIRECTORY, of the .deb files
    find "$1" -name '*.deb' | LC_ALL=C sort | xargs "$(dirname "${BASH_SOURCE[0]}")/dpkg-record" "$root"
}

# What the maintainer scripts do, in the guest itself: its first init, once. Shell commands on the standard input follow them;
# the guest says CONFIGURED when all have worked.
write_first_boot() {
    cat >"$root/configure"
    cat >"$root/init" <<'END'
#!/bin/sh
export PATH=/usr/sbin:/usr/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
mount -t tmpfs run /run
[ -e /usr/bin/awk ] || ln -s mawk /usr/bin/awk
cd /var/lib/dpkg/info
for script in base-passwd.preinst *.preinst; do
    package=${script%.preinst}
    DPKG_MAINTSCRIPT_NAME=preinst DPKG_MAINTSCRIPT_PACKAGE=${package%:*} DPKG_MAINTSCRIPT_ARCH=arm64 \
        ./$script install || echo "FAILED: $script"
done
cd /
dpkg --force-unsafe-io --configure -a && [ -z "$(dpkg --audit)" ] && sh -e /configure && rm /init /configure && echo CONFIGURED
# Whole without its journal, which who reads the kernel on it does not look at. This script, removed and open, would keep it writable.
exec busybox sh -c 'sync; busybox mount -o remount,ro /dev/vda /; busybox poweroff -f'
END
    chmod +x "$root/init"
}
