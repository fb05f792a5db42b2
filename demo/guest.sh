# What the demo's guest does: one program, by the screen that the kernel's command line asks for, measured and then left running.
export VK_DRIVER_FILES=$(echo /usr/share/vulkan/icd.d/virtio_icd*.json)
timed() { # FRAMES COMMAND...: frames a second, start included
    local start=$EPOCHREALTIME
    "${@:2}" >/tmp/log 2>&1 && echo "FPS $(echo "$1 / ($EPOCHREALTIME - $start)" | bc)"
}
mkfifo /tmp/keep # kmscube ends when its input does
sleep 1000 >/tmp/keep &
case $(cat /proc/cmdline) in
*demo=opengl*)
    eglinfo -B -p gbm 2>/dev/null | sed -n 's/^OpenGL ES profile renderer: /GPU /p'
    timed 2000 kmscube -c 2000 </tmp/keep
    kmscube -c 1000000 </tmp/keep >/dev/null 2>&1 &
    ;;
*demo=vulkan*)
    vulkaninfo --summary 2>/dev/null | sed -n 's/^\s*deviceName *= /GPU /p'
    LIBSEAT_BACKEND=builtin weston --backend=drm --renderer=gl --continue-without-input --shell=kiosk --drm-device=card0 \
        --socket=w >/tmp/weston.log 2>&1 &
    while kill -0 $! && [ ! -e /tmp/w ]; do sleep 0.1; done
    export WAYLAND_DISPLAY=w
    timed 300 vkcube --wsi wayland --c 300
    vkcube --wsi wayland >/dev/null 2>&1 &
    ;;
esac
sleep 3
