#!/usr/bin/env bash
# A real game in the guest through virgl: OpenArena plays the first PEARVISOR_DEMO_BYTES (60000) of the demo that it comes with
# as fast as it can, in a window PEARVISOR_GAME_SIZE (800x600) large of weston, whose OpenGL goes through virgl too. Its frames
# a second beside those of the same game on the host with llvmpipe, by chroot (which takes root) under Xvfb. Fails unless all
# frames are drawn and the largest of the screenshots is a scene of thousands of colours; PEARVISOR_PICTURE names a file to keep
# it in. Without a compositor SDL takes a format with alpha, which the guest kernel's primary plane does not have.
. "$(dirname "$0")/../guest/lib.sh"
need_virglrenderer
size=${PEARVISOR_GAME_SIZE:-800x600}
packages=openarena,libegl1,libegl-mesa0,libgles2,libgl1,libglx-mesa0,libgl1-mesa-dri,libgbm1
native=$cache/guests/game-native
"$top/tools/guest" native "$native" "dash,bash,coreutils,grep,sed,libc-bin,$packages,xvfb,xkb-data,x11-xkb-utils" >"$work/build.log" 2>&1 ||
    fail "cannot unpack the native programs" "$work/build.log"

mkdir -p "$work/overlay/usr/lib/openarena/baseoa/demos"
python3 - "$native/root/usr/share/games/openarena/baseoa/pak6-patch088.pk3" "${PEARVISOR_DEMO_BYTES:-60000}" \
    >"$work/overlay/usr/lib/openarena/baseoa/demos/short.dm_71" <<'P' || fail "no demo"
import sys, zipfile
sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read("demos/demo088-test1.dm_71")[:int(sys.argv[2])])
P
cp -r "$work/overlay/." "$native/root/"
# Each recorded snapshot is one frame: "N frames S seconds F fps ..." at the end.
cat >"$work/play.sh" <<S
play() {
    openarena +set r_fullscreen \$1 +set r_mode -1 +set r_customwidth ${size%x*} +set r_customheight ${size#*x} +set r_swapInterval 0 \\
        +set com_maxfps 0 +set com_hunkMegs 512 +set s_initsound 0 +set com_ansiColor 0 +set timedemo 1 +set nextdemo quit +demo short </dev/null
}
export PATH=\$PATH:/usr/games
S
cp "$work/play.sh" "$native/root/play.sh"
cat >"$native/root/native.sh" <<'S'
. /play.sh
export DISPLAY=:84
mkdir -p /tmp/.X11-unix
Xvfb :84 -screen 0 1280x1024x24 >/dev/null 2>&1 & screen=$!
sleep 2
play 0
kill $screen
S
unshare -m sh -c 'mount --bind /dev "$0/dev" && mount -t proc proc "$0/proc" && mount -t tmpfs tmp "$0/tmp" && ldconfig -r "$0" &&
    exec chroot "$0" env PATH=/usr/bin:/usr/sbin HOME=/tmp LC_ALL=C.UTF-8 bash /native.sh' "$native/root" >"$work/native" 2>&1 </dev/null
expect_lines "$work/native" '^GL_RENDERER: llvmpipe' '^[0-9]+ frames'

cat "$work/play.sh" - >"$work/suite.sh" <<'S'
LIBSEAT_BACKEND=builtin weston --backend=drm --renderer=gl --continue-without-input --shell=kiosk --drm-device=card0 --socket=w --log=/tmp/weston.log &
while [ ! -e /tmp/w ] && sleep 0.2; do :; done
export SDL_VIDEODRIVER=wayland WAYLAND_DISPLAY=w
echo PLAYING
play 0
echo PLAYED
S
OVERLAY=$work/overlay EXTRA=$packages,weston,libwayland-egl1,libwayland-cursor0,libxkbcommon0,xkb-data SIZE=4G use_guest suite game "$work/suite.sh"
"${boot[@]}" --disk "$work/disk" --net off --display none --resolution "$size" --gpu 3d --append "console=ttyAMA0 quiet" --memory 2G \
    --cpus 2 --screenshot "$work/screen.png" --timeout 1500 --stats </dev/null >"$work/out" 2>&1 &
vm=$!
pictures=0
while kill -0 $vm 2>/dev/null; do
    sleep 5
    grep -q '^PLAYED' "$work/out" && break
    grep -q '^PLAYING' "$work/out" && kill -USR1 $vm 2>/dev/null || continue
    sleep 1
    cp "$work/screen.png" "$work/$((++pictures)).png"
done
wait $vm || fail "exit status $?" "$work/out"
expect_lines "$work/out" '^GL_RENDERER: virgl' '^[0-9]+ frames'
cp "$(ls -S "$work"/[0-9]*.png | head -n 1)" "${PEARVISOR_PICTURE:-$work/picture.png}" || fail "no picture" "$work/out"
PYTHONPATH=$top/tests/support python3 - "$work/native" "$work/out" "$size" "${PEARVISOR_PICTURE:-$work/picture.png}" <<'P' || fail "the game"
import re, sys
from png import read_png
pattern = r"^(\d+) frames,? +([0-9.]+) seconds,? +([0-9.]+) fps"
native, guest = (re.search(pattern, open(path, errors="replace").read(), re.M) for path in sys.argv[1:3])
print(f"{sys.argv[3]}: {native[3]} frames a second natively, {guest[3]} in the guest ({100 * float(guest[3]) / float(native[3]):.0f} %)")
assert native[1] == guest[1] and int(guest[1]) > 100, (native[0], guest[0])
width, height, rows = read_png(sys.argv[4])
assert f"{width}x{height}" == sys.argv[3]
colours = len({pixel for row in rows for pixel in row})
print(f"{guest[1]} frames, {colours} colours in the picture")
assert colours > 5000
P
