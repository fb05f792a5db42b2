#!/usr/bin/env bash
# The window shows the guest's pixels, the counters over them when asked to, and the guest follows when the window is resized.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/program.sh"
for tool in Xvfb xdotool; do
    command -v $tool >/dev/null || { echo "no $tool here"; exit 77; }
done
mkdir "$work/screen"
Xvfb -displayfd 3 -screen 0 1400x1000x24 -fbdir "$work/screen" 3>"$work/number" 2>/dev/null &
await_file "$work/number"
export DISPLAY=:$(cat "$work/number")
unset WAYLAND_DISPLAY

window_shows() { # SIZE
    await "SHOWN $1"
    sleep 2 # until it is on the screen
    eval "$(xdotool getwindowgeometry --shell "$window")"
    "$here/screen_png.py" "$work/screen/Xvfb_screen0" "$work/window.png" $X $Y $WIDTH $HEIGHT
    "$here/check_pattern.py" "$work/window.png" "$1" || fail "the window, $1" "$work/out"
}

start() { # PROGRAM ARGUMENT: in a window, $window
    start_program "$1" "$2" --display window --screenshot "$work/a.png"
    await "SHOWN 1280x800"
    grep -q 'no window' "$work/out" && { tail -n 1 "$work/out"; exit 77; }
    window=$(xdotool search --sync --onlyvisible --name PearVisor | head -n 1)
    xdotool mousemove 2 2 # away from the picture
}

# The panel of counters, dark, with light letters, or the guest's pixels again.
press_counters() { # SHOWN
    xdotool windowfocus --sync "$window" key ctrl+alt+s
    sleep 2
    eval "$(xdotool getwindowgeometry --shell "$window")"
    "$here/screen_png.py" "$work/screen/Xvfb_screen0" "$work/panel.png" $X $Y $WIDTH $HEIGHT
    PYTHONPATH=$top/tests/support python3 - "$work/panel.png" "$1" <<'P' || fail "the counters, $1" "$work/out"
import sys
from png import read_png
width, height, rows = read_png(sys.argv[1])
panel = [p for row in rows[:158] for p in row[:524]]
dark, light = panel.count((0x10, 0x14, 0x18)), panel.count((0xe8, 0xec, 0xe8))
assert (dark > 50000 and light > 2000) == (sys.argv[2] == "shown"), (dark, light)
P
}

screenshot_of() { # CHECK...
    kill -TERM $vm
    wait $vm
    "$@" || fail "the screenshot of a resized screen"
}

start drm_pattern --follow
window_shows 1280x800
xdotool windowsize "$window" 1111 701
window_shows 1111x701
press_counters shown
press_counters gone
window_shows 1111x701
screenshot_of "$here/check_pattern.py" "$work/a.png" 1111x701

# The kernel's console keeps its rows and columns and its buffer: a smaller screen shows the top left of it.
start text_console ""
xdotool windowsize "$window" 1000 650
sleep 5
screenshot_of "$here/check_console.py" "$work/a.png" 1000x650 "$work/out"
