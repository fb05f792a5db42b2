#!/usr/bin/env bash
# What a guest drew is drawn again from its trace, without the guest: the pictures are the same, in 2D and through virgl.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/program.sh"

replays() { # NAME: $work/a.png is the guest's picture, $work/trace its trace
    "$top/pearvisor" gpu-replay "$work/trace" --screenshot "$work/b.png" --stats >"$work/replay" 2>"$work/stats" ||
        fail "gpu-replay, $1" "$work/stats"
    expect_lines "$work/replay" ' commands in [0-9.]+ s .* frames: [1-9][0-9.]* a second' '^RESOURCE_FLUSH +[1-9]'
    grep -q otherwise "$work/replay" && fail "other answers, $1" "$work/replay"
    PYTHONPATH=$top/tests/support python3 - "$work/a.png" "$work/b.png" <<'P' || fail "the picture of the replay, $1"
import sys
from png import read_png
original, replayed = (read_png(path) for path in sys.argv[1:])
assert original == replayed, "they differ"
assert len({pixel for row in original[2] for pixel in row}) > 3, "nothing was drawn"
P
    rm "$work"/{a,b}.png "$work/trace"
}

start_program drm_pattern --follow --display none --gpu 2d --screenshot "$work/a.png" --gpu-trace "$work/trace"
await "SHOWN 1280x800"
kill -TERM $vm
wait $vm
cp "$work/trace" "$work/whole"
replays "2D"

# One byte less, and other things than traces.
head -c -1 "$work/whole" >"$work/trace"
"$top/pearvisor" gpu-replay "$work/trace" >/dev/null || fail "a trace that ends early"
for bad in /dev/null "$here/gpu_trace.sh"; do
    "$top/pearvisor" gpu-replay "$bad" >"$work/replay" 2>&1
    [ $? = 2 ] && [ "$(wc -l <"$work/replay")" = 1 ] || fail "gpu-replay $bad" "$work/replay"
done

grep -q libvirglrenderer "${PEARVISOR_BUILD:-$top/build}/src/cli/pearvisor" || exit 0
cat >"$work/suite.sh" <<'S'
mkfifo keep # kmscube ends when its input does
sleep 1000 >keep &
kmscube -c 100000 <keep >/tmp/kmscube.log 2>&1 &
sleep 3
kill -STOP %2
sleep 1
echo STOPPED
sleep 1000
S
use_gpu_guest "$work/suite.sh"
"${boot[@]}" --disk "$work/disk" --net off --display none --gpu virgl --append "console=ttyAMA0 quiet" \
    --screenshot "$work/a.png" --gpu-trace "$work/trace" --timeout 200 >"$work/out" 2>&1 </dev/null &
vm=$!
await STOPPED
kill -TERM $vm
wait $vm
replays "virgl"
