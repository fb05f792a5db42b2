#!/usr/bin/env bash
# From an empty home to a shell: an image is built (or comes from the cache), a machine is made of it, started, used by ssh,
# stopped, cloned and deleted; by an ordinary user where this one is root and others may read the tree.
. "$(dirname "$0")/lib.sh"
export HOME=$work/home XDG_DATA_HOME= XDG_CACHE_HOME= PEARVISOR_CACHE=$cache
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
trap 'pv stop it --force 2>/dev/null; rm -rf "$work"' EXIT

pv image build debian:13 || fail "build"
cmp -s "$PEARVISOR_CACHE/images/debian:13/stamp" "$cache/images/debian:13/stamp" ||
    { rm -rf "$cache/images/debian:13"; cp -r --sparse=always "$work/cache/images/debian:13" "$cache/images/"; }
start=$SECONDS
pv image build debian:13 second || fail "build from the cache"
[ $((SECONDS - start)) -lt 20 ] || fail "the cache took $((SECONDS - start)) s"
pv image remove second || fail "remove"

pv create it --image debian:13 --user me --disk-size 6G --memory 1G --engine "${PEARVISOR_ENGINE:-auto}" --gpu off || fail "create"
pv image remove debian:13 2>"$work/err" && fail "an image in use was removed"
grep -q "the disk of 'it' needs it" "$work/err" || fail "another reason" "$work/err"
pv start it || fail "start"
pv ssh --timeout 120 it 'id -un; hostname; sudo -n id -u; df --output=size -BM / | tail -1; systemctl is-system-running --wait' >"$work/said" 2>"$work/err"
expect_lines "$work/said" '^me$' '^it$' '^0$' '^ *5[5-9][0-9][0-9]M$' '^running$'
pv ssh it 'cloud=$(sudo blkid -L CIDATA) && sudo mount -o ro $cloud /mnt && ls /mnt && cat /mnt/meta-data && head -1 /mnt/user-data' >"$work/seed" 2>&1
expect_lines "$work/seed" '^meta-data$' '^user-data$' '^instance-id: "it-' '^#cloud-config$'
pv ssh it 'sudo sh -c "echo kept >/etc/kept"; sync'
pv stop it || fail "stop"
pv disk check "$HOME/.local/share/pearvisor/vms/it/disk.qcow2" >"$work/check" || fail "the disk is damaged" "$work/check"
pv clone it two || fail "clone"
pv delete it && pv delete two || fail "delete"
pv image remove debian:13 || fail "remove"
[ -z "$(find "$HOME/.local/share/pearvisor" -mindepth 2 -not -name '.lock')" ] || fail "something is left: $(find "$HOME")"
