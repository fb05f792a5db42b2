#!/usr/bin/env bash
# Work that is bound by the GPU takes a guest no longer: a compute shader of 50 ms and more a dispatch, every word of its
# result checked, in the guest and natively in turn, PEARVISOR_TURNS (8) times of five dispatches. Fails where the guest
# has less than 95 % of native. The driver is VK_DRIVER_FILES's, or else the one that ./pearvisor takes; on a GPU of
# two cores, lavapipe, the figures need a machine that does nothing else.
. "$(dirname "$0")/../guest/lib.sh"
[ -e "${PEARVISOR_BUILD:-$top/build}/src/gpu/layer/render-server" ] || { echo "built without the Vulkan layer"; exit 77; }

mkdir -p "$work/overlay/usr/local/bin"
build_vulkan_work aarch64-linux-gnu-gcc "$work/overlay/usr/local/bin/vulkan_work"
build_vulkan_work gcc "$work/vulkan_work"
sysroot=$top/.cache/sysroot
loader=()
if [ -e "$sysroot/.complete" ]; then
    loader=("$sysroot/usr/lib64/ld-linux-x86-64.so.2" --library-path "$sysroot/usr/lib/x86_64-linux-gnu")
    export VK_DRIVER_FILES=${VK_DRIVER_FILES:-$sysroot/vulkan/lvp_icd.json}
fi

natively() { # ROUNDS: the median in us
    "${loader[@]}" "$work/vulkan_work" compute "$1" | tee -a "$work/native" | sed -nE 's/^compute .*median_us=([0-9]+).*/\1/p'
}

rounds=100
for _ in 1 2 3 4 5; do # until a dispatch takes 80 ms, in steps that no driver's limit of a dispatch's time minds
    us=$(natively $rounds)
    [ -n "$us" ] || fail "no native Vulkan" "$work/native"
    [ "$us" -gt 70000 ] && [ "$us" -lt 120000 ] && break
    step=$((rounds * 80000 / (us > 0 ? us : 1)))
    rounds=$((step > rounds * 20 ? rounds * 20 : step))
done
echo "$rounds rounds: $us us natively"

cat >"$work/suite.sh" <<'S'
export VK_DRIVER_FILES=$(echo /usr/share/vulkan/icd.d/virtio_icd*.json)
stty -echo
vulkaninfo --summary 2>/dev/null | sed -n 's/^\s*deviceName *= /VK /p'
echo TURN
while read -r rounds; do
    /usr/local/bin/vulkan_work compute $rounds
    echo TURN
done
S
OVERLAY=$work/overlay use_gpu_guest "$work/suite.sh"
mkfifo "$work/in"
exec 3<>"$work/in"
"${boot[@]}" --disk "$work/disk" --net off --display none --gpu 3d --append "console=ttyAMA0 quiet" --memory 1G \
    --timeout 600 <&3 >"$work/out" 2>&1 &
vm=$!

await_turn() { # NUMBER
    local i
    for ((i = 0; i < 1200; i++)); do
        [ "$(grep -c '^TURN' "$work/out")" -ge "$1" ] && return
        kill -0 $vm 2>/dev/null || break
        sleep 0.1
    done
    fail "the guest does not come to turn $1" "$work/out"
}

turns=${PEARVISOR_TURNS:-8}
await_turn 1
: >"$work/native"
for ((turn = 1; turn <= turns; turn++)); do
    natively "$rounds" >"$work/us"
    echo "$rounds" >&3
    await_turn $((turn + 1))
done
grep -h FAILED "$work/out" "$work/native" && fail "a wrong result"
grep '^VK' "$work/out"
python3 - "$work/native" "$work/out" "$turns" <<'P' || fail "less than 95 % of native"
import re, statistics, sys
native, guest = ([float(m) for m in re.findall(r"^compute .*median_us=([0-9.]+)", open(path).read(), re.M)] for path in sys.argv[1:3])
assert len(native) == len(guest) == int(sys.argv[3]), (native, guest)
for name, times in ("native", native), ("guest", guest):
    print(f"{name}: " + " ".join(f"{t / 1000:.1f}" for t in times) + f" ms, median {statistics.median(times) / 1000:.1f}")
share = 100 * statistics.median(native) / statistics.median(guest)
print(f"the guest has {share:.1f} % of native")
sys.exit(share < 95)
P
