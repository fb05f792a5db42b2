#!/usr/bin/env bash
# An unmodified Debian's Mesa finds the host's GL driver (virgl) and Vulkan driver (Venus), and what OpenGL draws is in
# the screenshot; queries are answered, and what only OpenGL's compatibility profile has is drawn.
. "$(dirname "$0")/lib.sh"
need_virglrenderer

guest_program gl_query "$work/overlay/usr/local/bin/gl_query"
guest_program gl_clamp "$work/overlay/usr/local/bin/gl_clamp"
cat >"$work/suite.sh" <<'E2'
timeout 150 /usr/local/bin/gl_query
timeout 150 /usr/local/bin/gl_clamp
dmesg | grep -E 'drm. (features|Host memory window)'
eglinfo -B -p gbm
VK_DRIVER_FILES=$(echo /usr/share/vulkan/icd.d/virtio_icd*.json) vulkaninfo --summary
mkfifo keep # kmscube ends when its input does
sleep 1000 >keep &
kmscube -c 100000 <keep >/tmp/kmscube.log 2>&1 &
sleep 3
echo DRAWING
sleep 1000
E2
OVERLAY=$work/overlay use_gpu_guest "$work/suite.sh"
"$top/pearvisor" run --kernel "$guest/kernel" --initrd "$guest/initrd" --disk "$work/disk" --net off --display none --gpu 3d \
    --append "console=ttyAMA0 quiet" --screenshot "$work/a.png" --timeout 300 --stats >"$work/out" 2>&1 </dev/null &
vm=$!
for ((i = 0; i < 3000; i++)); do
    grep -q ^DRAWING "$work/out" && break
    kill -0 $vm 2>/dev/null || break
    sleep 0.1
done
expect_lines "$work/out" '\+virgl .*\+resource_blob \+host_visible' '\+context_init' 'renderer: virgl \(' \
    'deviceName += Virtio-GPU Venus' '^QUERIES 20' '^CLAMP 12[78] 12[78] 0' '^DRAWING'
kill -TERM $vm
wait $vm
grep -o '{"seconds.*' "$work/out" | python3 -c 'import json, sys; s = json.load(sys.stdin)["gpu"]; c = s["commands"]
assert s["errors"] == 0 and c["SUBMIT_3D"] > 50 and c["RESOURCE_MAP_BLOB"] == c["RESOURCE_UNMAP_BLOB"] > 0' || fail "--stats" "$work/out"

# kmscube: one cube with a colour at each corner, in the middle of a grey screen.
PYTHONPATH=$top/tests/support python3 - "$work/a.png" <<'E2' || fail "the picture"
import sys
from png import read_png
width, height, rows = read_png(sys.argv[1])
assert (width, height) == (1280, 800)
grey = (128, 128, 128)
assert all(rows[y][x] == grey for x in (2, width // 2, width - 3) for y in (2, height - 3))
cube = [rows[y][x] for x in range(0, width, 8) for y in range(0, height, 8) if rows[y][x] != grey]
assert 0.05 < len(cube) / (width * height / 64) < 0.5 and len(set(cube)) > 500, (len(cube), len(set(cube)))
E2
