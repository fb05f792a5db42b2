#!/usr/bin/env bash
# What a guest draws is in the screenshot to the pixel: by DRM in the mode that the GPU proposes, in another resolution,
# and in a mode of the guest's own choice; and the text on the kernel's framebuffer console.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/program.sh"

screenshots() { # SIZE CHECK...: one by SIGUSR1, one at exit
    local size=$1
    shift
    await "SHOWN $size"
    kill -USR1 $vm
    await_file "$work/a.png"
    "$@" || fail "the screenshot by SIGUSR1, $size"
    rm "$work/a.png"
    kill -TERM $vm
    wait $vm
    "$@" || fail "the screenshot at exit, $size"
    rm "$work/a.png"
}

draws() { # SIZE PATTERN-ARGUMENT PEARVISOR-OPTIONS...
    local size=$1 argument=$2
    shift 2
    start_program drm_pattern "$argument" --display none --screenshot "$work/a.png" "$@"
    screenshots "$size" "$here/check_pattern.py" "$work/a.png" "$size"
    tail -n 1 "$work/out" | python3 -c 'import json, sys; s = json.load(sys.stdin)["gpu"]
assert s["frames"] > 0 and s["errors"] == 0 and s["commands"]["UPDATE_CURSOR"] > 0' || fail "--stats" "$work/out"
}

writes() { # SIZE
    start_program text_console "" --display none --screenshot "$work/a.png" --resolution "$1"
    screenshots "$1" "$here/check_console.py" "$work/a.png" "$1" "$work/out"
}

several() { # The console on two outputs, and nothing on the third file's place.
    start_program text_console "" --display none --screenshot "$work/a.png" --resolution 1280x800 --gpu 2d,outputs=2
    await "SHOWN 1280x800"
    kill -TERM $vm
    wait $vm
    for file in a a-2; do
        "$here/check_console.py" "$work/$file.png" 1280x800 "$work/out" || fail "the screenshot $file of two outputs"
    done
    [ ! -e "$work/a-3.png" ] || fail "a screenshot of a third output"
    rm "$work"/a*.png
}

draws 1280x800 --follow
draws 1366x768 --follow --resolution 1366x768
draws 800x600 800x600
writes 1280x800
writes 1366x768
several
