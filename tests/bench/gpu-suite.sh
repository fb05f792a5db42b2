# The GPU suite: programs of the distribution, none written for this. Small frames, where the way from the guest to the GPU
# is what is measured, and large ones, where the GPU is. Sourced by the guest's init (tools/guest) and, for native figures,
# by tests/bench/gpu, which sets GLMARK2 to the program and options that give the same size without a screen.
# Prints "BENCH NAME FRAMES-A-SECOND".
guest=${GLMARK2:+no}
if [ -z "$guest" ]; then
    export VK_DRIVER_FILES=$(echo /usr/share/vulkan/icd.d/virtio_icd*.json)
    mkfifo keep # kmscube ends when its input does
    sleep 10000 >keep &
    eglinfo -B -p gbm 2>/dev/null | sed -n 's/^OpenGL ES profile renderer: /GL /p'
    vulkaninfo --summary 2>/dev/null | sed -n 's/^\s*deviceName *= /VK /p'
fi
cube() { # NAME OPTION...
    kmscube "${@:2}" <keep 2>&1 | sed -n "s/^Rendered .*(\([0-9.]*\) fps)/BENCH kmscube-$1 \1/p" | tail -n 1
}
scenes() { # NAME COMMAND...: what glmark2 and vkmark say of their scenes
    "${@:2}" 2>&1 | sed -nE "s/.*Surface Size: *([0-9x]+).*/SIZE \1/p; s/^\[([a-z]+)\].* FPS: ([0-9]+).*/BENCH $1-\1 \2/p"
}
if [ -z "$guest" ]; then
    cube 800x600 -v 800x600 -c 1000
    cube 800x600-atomic -v 800x600 -c 1000 -A
    cube 1920x1080 -v 1920x1080 -c 500
fi
for scene in clear cube vertex texture shading; do
    scenes vkmark vkmark --winsys headless -s 800x600 -b $scene:duration=2
done
scenes vkmark-1920x1080 vkmark --winsys headless -s 1920x1080 -b shading:duration=3
for scene in build texture shading:shading=phong terrain; do
    scenes glmark2 ${GLMARK2:-glmark2-es2-drm --off-screen} -b $scene:duration=3
done
