#!/usr/bin/env bash
# Vulkan in an unmodified Debian: what its Mesa needs for a swapchain is there, compute is right, the Khronos validation
# layer has nothing to say, vkmark runs, a Wayland compositor shows a swapchain's pictures, and devices that come and go
# leave nothing behind (PEARVISOR_VULKAN_DEVICES of them: 30).
. "$(dirname "$0")/lib.sh"
[ -e "${PEARVISOR_BUILD:-$top/build}/src/gpu/layer/render-server" ] || { echo "built without the Vulkan layer"; exit 77; }

mkdir -p "$work/overlay/usr/local/bin"
build_vulkan_work aarch64-linux-gnu-gcc "$work/overlay/usr/local/bin/vulkan_work"
cat >"$work/suite.sh" <<'S'
export PATH=$PATH:/usr/local/bin VK_DRIVER_FILES=$(echo /usr/share/vulkan/icd.d/virtio_icd*.json)
vulkaninfo >/tmp/info 2>&1
grep -E 'deviceName|VK_(KHR_swapchain|KHR_synchronization2|KHR_external_semaphore_fd|KHR_external_fence_fd|EXT_external_memory_dma_buf|EXT_image_drm_format_modifier) ' /tmp/info
vulkan_work compute 20
vulkan_work submit 500
vulkan_work map 20
vulkan_work devices 2
echo BEFORE-DEVICES; sleep 1
vulkan_work devices DEVICES
echo AFTER-DEVICES; sleep 1
[ -e /usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json ] && echo VALIDATION
export VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation
for work in 'compute 3' 'submit 5' 'map 2' 'devices 2'; do vulkan_work $work >/tmp/log 2>&1; grep -v '^[a-z]* count' /tmp/log; done
unset VK_INSTANCE_LAYERS
echo VALIDATED
vkmark --winsys headless -s 320x240 -b clear:duration=1 -b cube:duration=1 -b vertex:duration=1 -b texture:duration=1 -b shading:duration=1
LIBSEAT_BACKEND=builtin weston --backend=drm --renderer=gl --continue-without-input --shell=kiosk --drm-device=card0 --socket=w --log=/tmp/weston.log &
while [ ! -e /tmp/w ] && sleep 0.2; do :; done
WAYLAND_DISPLAY=w WAYLAND_DEBUG=1 vkcube --wsi wayland >/tmp/log 2>&1 &
sleep 4
grep -q 'zwp_linux_buffer_params_v1.*create' /tmp/log && echo PRESENTED
echo DRAWING
sleep 1000
S
sed -i "s/DEVICES\$/${PEARVISOR_VULKAN_DEVICES:-30}/" "$work/suite.sh"
OVERLAY=$work/overlay use_gpu_guest "$work/suite.sh"
"${boot[@]}" --disk "$work/disk" --net off --display none --gpu 3d --append "console=ttyAMA0 quiet" --memory 2G \
    --screenshot "$work/a.png" --timeout 500 --stats >"$work/out" 2>&1 </dev/null &
vm=$!

await() { # LINE
    local i
    for ((i = 0; i < 4000; i++)); do
        grep -q "^$1" "$work/out" && return
        kill -0 $vm 2>/dev/null || break
        sleep 0.1
    done
    fail "no line '$1'" "$work/out"
}

# What the VMM and the render server hold: descriptors, mappings of memory, kilobytes.
holds() {
    local pid fds=0 maps=0 memory=0
    for pid in $vm $(pgrep -P $vm); do
        fds=$((fds + $(ls "/proc/$pid/fd" | wc -l)))
        maps=$((maps + $(grep -c memfd: "/proc/$pid/maps")))
        memory=$((memory + $(awk '/^RssAnon/ { print $2 }' "/proc/$pid/status")))
    done
    echo $fds $maps $memory
}

await BEFORE-DEVICES
sleep 0.5
before=($(holds))
await AFTER-DEVICES
sleep 0.5
after=($(holds))
echo "descriptors, mappings, KiB: ${before[*]} before, ${after[*]} after"
[ "${after[0]}" -le "${before[0]}" ] && [ "${after[1]}" -le "${before[1]}" ] && [ "${after[2]}" -le $((before[2] + 8192)) ] ||
    fail "devices leave something behind: ${before[*]} before, ${after[*]} after"
await DRAWING
expect_lines "$work/out" 'deviceName += Virtio-GPU Venus' 'VK_KHR_swapchain ' 'VK_KHR_synchronization2 ' 'VK_KHR_external_semaphore_fd ' \
    'VK_KHR_external_fence_fd ' 'VK_EXT_external_memory_dma_buf ' 'VK_EXT_image_drm_format_modifier ' \
    '^compute count=5' '^submit count=500' '^map count=20' '^devices count=' '^VALIDATION' '^PRESENTED'
[ "$(sed -n '/^VALIDATION/,/^VALIDATED/p' "$work/out" | wc -l)" = 2 ] || fail "the validation layer speaks" "$work/out"
for scene in clear cube vertex texture shading; do
    expect_lines "$work/out" "^\\[$scene\\].* FPS: [1-9]"
done
kill -TERM $vm
wait $vm
grep '^{' "$work/out" | tail -n 1 | # the render server may say something after it
    python3 -c 'import json, sys; s = json.load(sys.stdin)["gpu"]; assert s["errors"] == s["bytes_uploaded"] == 0' || fail "--stats" "$work/out"

# vkcube: a cube with a logo in the middle of a dark grey square, which is in the middle of the screen.
PYTHONPATH=$top/tests/support python3 - "$work/a.png" <<'P' || fail "the picture"
import sys
from png import read_png
width, height, rows = read_png(sys.argv[1])
assert (width, height) == (1280, 800)
square = [rows[y][390:890] for y in range(150, 650)]
assert all(square[y][x] == (51, 51, 51) for x in (5, 250, 494) for y in (5, 494)), [square[y][x] for x in (5, 250, 494) for y in (5, 494)]
cube = [p for row in square for p in row if p != (51, 51, 51)]
assert 0.1 < len(cube) / 250000 < 0.6 and len(set(cube)) > 300, (len(cube), len(set(cube)))
assert rows[75][640] == rows[725][640] == (0, 0, 0)
P
