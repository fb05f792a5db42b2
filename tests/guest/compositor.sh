#!/usr/bin/env bash
# Two programs at once under a Wayland compositor in an unmodified Debian: vkcube by Vulkan (Venus) and es2gears by OpenGL
# (virgl), which the compositor draws with OpenGL of its own. Programs come and go while others draw. Vulkan's buffers are
# copied, as on hosts whose EGL does not import them; venus.sh has them as they are.
. "$(dirname "$0")/lib.sh"
[ -e "${PEARVISOR_BUILD:-$top/build}/src/gpu/layer/render-server" ] || { echo "built without the Vulkan layer"; exit 77; }

cat >"$work/suite.sh" <<'S2'
export VK_DRIVER_FILES=$(echo /usr/share/vulkan/icd.d/virtio_icd*.json) XDG_CONFIG_HOME=/tmp WAYLAND_DISPLAY=w
printf '%s\n' '[core]' idle-time=0 '[shell]' panel-position=none background-color=0xff204060 background-type=tile \
    animation=none startup-animation=none close-animation=none focus-animation=none >/tmp/weston.ini
LIBSEAT_BACKEND=builtin weston --backend=drm --renderer=gl --continue-without-input --shell=desktop --drm-device=card0 \
    --socket=w --log=/tmp/weston.log >/dev/null 2>&1 &
weston=$!
while [ ! -e /tmp/w ] && kill -0 $weston; do sleep 0.1; done
sleep 1
for i in 1 2 3; do
    vkcube --wsi wayland --c 20 >/dev/null 2>&1 &
    timeout 1 es2gears_wayland >/dev/null 2>&1
    kill -0 $weston || { echo WESTON-CRASHED; cat /tmp/weston.log; }
done
vkcube --wsi wayland >/dev/null 2>&1 &
sleep 2 # the gears are in front
es2gears_wayland >/dev/null 2>&1 &
sleep 3
kill -0 $weston && echo DRAWING
sleep 1000
S2
use_gpu_guest "$work/suite.sh"
export PEARVISOR_GL_COPIES=1
"${boot[@]}" --disk "$work/disk" --net off --display none --gpu 3d --append "console=ttyAMA0 quiet" --memory 2G \
    --screenshot "$work/a.png" --timeout 300 --stats >"$work/out" 2>&1 </dev/null &
vm=$!
for ((i = 0; i < 2000; i++)); do
    grep -q ^DRAWING "$work/out" && break
    kill -0 $vm 2>/dev/null || break
    sleep 0.1
done
expect_lines "$work/out" '^DRAWING'
kill -TERM $vm
wait $vm
grep -E 'virglrenderer|WESTON-CRASHED' "$work/out" && fail "the renderer refuses something" "$work/out"
grep '^{' "$work/out" | tail -n 1 | # the render server may say something after it
    python3 -c 'import json, sys; s = json.load(sys.stdin)["gpu"]; assert s["errors"] == 0 and s["bytes_uploaded"] > 50e6' || fail "--stats" "$work/out"

# es2gears: black, 300 pixels each way, with a red, a green and a blue wheel. vkcube: dark grey, 500 each way.
PYTHONPATH=$top/tests/support python3 - "$work/a.png" <<'P' || fail "the picture"
import sys
from png import read_png
width, height, rows = read_png(sys.argv[1])
black, grey, background = (0, 0, 0), (51, 51, 51), (0x20, 0x40, 0x60)


def gears_corner():
    for y in range(height - 299):
        x = 0
        while x <= width - 300:
            run = 0
            while x + run < width and rows[y][x + run] == black:
                run += 1
            if run >= 300:
                return x, y
            x += run + 1
    sys.exit("no window of es2gears")


left, top = gears_corner()
gears = [rows[y][left:left + 300] for y in range(top, top + 300)]
assert gears[299] == [black] * 300 and all(row[0] == row[299] == black for row in gears)
for name, strong in ("red", 0), ("green", 1), ("blue", 2):
    wheel = [p for row in gears for p in row if p[strong] > 60 and all(p[strong] > 2 * p[i] for i in range(3) if i != strong)]
    assert len(wheel) > 1000, (name, len(wheel))
rest = [rows[y][x] for y in range(height) for x in range(width) if not (left <= x < left + 300 and top <= y < top + 300)]
assert rest.count(background) > width * height / 3 and rest.count(grey) > 60000
cube = [p for p in rest if p not in (background, grey)]
assert 10000 < len(cube) < 150000 and len(set(cube)) > 300, (len(cube), len(set(cube)))
P
