#!/usr/bin/env bash
# The same frame of the same programs in a guest and natively, by the same Debian's Mesa on llvmpipe and lavapipe: glmark2's
# scenes by OpenGL ES, vkcube by Vulkan. The pictures are the same but for the last bits of colours and for pixels
# on edges. What a program draws depends on frames, not on time (freeze.c). Native programs are run by chroot (which takes root).
. "$(dirname "$0")/../guest/lib.sh"
. "$here/program.sh"
command -v Xvfb >/dev/null || { echo "no Xvfb here"; exit 77; }
[ -e "${PEARVISOR_BUILD:-$top/build}/src/gpu/layer/render-server" ] || { echo "built without the Vulkan layer"; exit 77; }
packages=vulkan-tools,mesa-vulkan-drivers,libgl1-mesa-dri,libgles2,libegl1,libegl-mesa0
size=800x600
keep=${PEARVISOR_PICTURES:-} # a folder for the pictures

cat >"$work/programs" <<'S'
# NAME, what it is in the guest, and natively, where vkcube's window is at 100,100
build     | glmark2-es2-wayland --fullscreen -b build:duration=1000 | glmark2-es2 -s 800x600 -b build:duration=1000
texture   | glmark2-es2-wayland --fullscreen -b texture:duration=1000 | glmark2-es2 -s 800x600 -b texture:duration=1000
phong     | glmark2-es2-wayland --fullscreen -b shading:shading=phong:duration=1000 | glmark2-es2 -s 800x600 -b shading:shading=phong:duration=1000
bump      | glmark2-es2-wayland --fullscreen -b bump:duration=1000 | glmark2-es2 -s 800x600 -b bump:duration=1000
pulsar    | glmark2-es2-wayland --fullscreen -b pulsar:duration=1000 | glmark2-es2 -s 800x600 -b pulsar:duration=1000
vkcube    | vkcube --wsi wayland --width 800 --height 600 | vkcube --wsi xcb --width 800 --height 600
S

# Sourced on both sides: starts each program and leaves it frozen until the picture is taken.
cat >"$work/each.sh" <<'S'
each() { # FIELD
    grep -v '^#' /tmp/programs | while IFS='|' read -r name command native; do
        [ "$1" = native ] && command=$native
        rm -f /tmp/frozen
        LD_PRELOAD=/tmp/freeze.so FREEZE_FILE=/tmp/frozen $command >/tmp/log 2>&1 </dev/null &
        program=$!
        for i in $(seq 300); do [ -e /tmp/frozen ] || ! kill -0 $program 2>/dev/null || sleep 0.1; done
        [ -e /tmp/frozen ] || { echo "FAILED $name"; cat /tmp/log; }
        sleep 1
        echo "FROZEN $name"
        taken
        kill -9 $program
        wait $program
        sleep 1
    done 2>/dev/null
}
S

# --- the guest

mkdir -p "$work/overlay/files"
cp "$work"/{programs,each.sh} "$work/overlay/files/"
aarch64-linux-gnu-gcc -std=gnu17 -O2 -shared -fPIC "$top/tests/long/freeze.c" -o "$work/overlay/files/freeze.so" || fail "freeze.c"
cat >"$work/suite.sh" <<'S'
cp /files/* /tmp
export VK_DRIVER_FILES=$(echo /usr/share/vulkan/icd.d/virtio_icd*.json)
LIBSEAT_BACKEND=builtin weston --backend=drm --renderer=gl --continue-without-input --shell=kiosk --drm-device=card0 \
    --socket=w --log=/tmp/weston.log >/dev/null 2>&1 &
while [ ! -e /tmp/w ] && kill -0 $!; do sleep 0.1; done
export WAYLAND_DISPLAY=w
taken() { sleep 3; }
. /tmp/each.sh
each guest
S
export EXTRA=$packages,weston,glmark2-es2-wayland OVERLAY=$work/overlay
use_guest suite pictures "$work/suite.sh"
"${boot[@]}" --disk "$work/disk" --net off --display none --gpu 3d --append "console=ttyAMA0 quiet rdinit=/init" --memory 2G \
    --resolution $size --screenshot "$work/guest.png" --timeout 900 >"$work/out" 2>&1 </dev/null &
vm=$!
names=$(sed -n 's/^\([a-z]\+\) .*/\1/p' "$work/programs")
for name in $names; do
    await "FROZEN $name"
    rm -f "$work/guest.png"
    kill -USR1 $vm
    await_file "$work/guest.png"
    sleep 0.5 # written as a whole
    mv "$work/guest.png" "$work/$name-guest.png"
done
kill -TERM $vm
wait $vm
grep -A20 FAILED "$work/out" && fail "a program in the guest"

# --- natively

native=$cache/guests/pictures-native
EXTRA='' OVERLAY='' "$top/tools/guest" native "$native" "dash,bash,coreutils,grep,sed,libc-bin,procps,$packages,glmark2-es2-x11,libxcb1" \
    >"$work/build.log" 2>&1 || fail "cannot build $native" "$work/build.log"
gcc -std=gnu17 -O2 -shared -fPIC "$top/tests/long/freeze.c" -o "$native/root/tmp/freeze.so" || fail "freeze.c"
cp "$work"/{programs,each.sh} "$native/root/tmp/"
mkdir -p "$work/screen" "$native/root/tmp/.X11-unix"
Xvfb -displayfd 3 -screen 0 900x700x24 -fbdir "$work/screen" 3>"$work/number" 2>/dev/null &
await_file "$work/number"
number=$(cat "$work/number")
cat >"$native/root/tmp/native.sh" <<S
export PATH=/usr/bin DISPLAY=:$number VK_DRIVER_FILES=\$(echo /usr/share/vulkan/icd.d/lvp_icd*.json)
taken() { touch /tmp/wanted; while [ -e /tmp/wanted ]; do sleep 0.1; done; }
. /tmp/each.sh
each native
S
mounts="mount --bind /dev $native/root/dev; mount -t proc proc $native/root/proc; mount --bind /tmp/.X11-unix $native/root/tmp/.X11-unix"
rm -f "$native/root/tmp/wanted"
unshare -m sh -c "$mounts; ldconfig -r $native/root; exec chroot $native/root bash /tmp/native.sh" >"$work/native.out" 2>&1 &
for name in $names; do
    for ((i = 0; i < 600; i++)); do [ -e "$native/root/tmp/wanted" ] && break; sleep 0.1; done
    at=0
    [ $name = vkcube ] && at=100
    "$here/screen_png.py" "$work/screen/Xvfb_screen0" "$work/$name-native.png" $at $at ${size%x*} ${size#*x}
    rm -f "$native/root/tmp/wanted"
done
wait $! 2>/dev/null
grep -A20 FAILED "$work/native.out" && fail "a native program"
[ -n "$keep" ] && cp "$work"/*-guest.png "$work"/*-native.png "$keep/"

# --- the pictures

PYTHONPATH=$top/tests/support python3 - "$work" $names <<'P' || fail "the pictures differ"
import sys
from png import read_png

def close(a, b):
    return max(abs(x - y) for x, y in zip(a, b)) <= 4


worst = 0
for name in sys.argv[2:]:
    (width, height, ours), (_, _, theirs) = (read_png(f"{sys.argv[1]}/{name}-{side}.png") for side in ("guest", "native"))
    pairs = [pair for rows in zip(ours, theirs) for pair in zip(*rows)]
    colours = len({b for _, b in pairs})
    same = sum(a == b for a, b in pairs) / len(pairs)
    off = sum(not close(a, b) for a, b in pairs) / len(pairs)
    print(f"{name}: {100 * same:.2f} % the same, {100 * off:.3f} % off by more than 4 of 255, {colours} colours")
    assert colours > 50, "nothing was drawn"
    worst = max(worst, off)
sys.exit(worst > 0.005)
P
