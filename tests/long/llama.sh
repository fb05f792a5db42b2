#!/usr/bin/env bash
# llama.cpp's Vulkan backend (Debian testing's package) in the guest, on Venus: a small model with random weights says the same
# tokens as on the guest's CPUs, chosen greedily. Everything is in 32 bits: with random weights the best two of 1283 tokens
# are often so close that the roundings of 16 bits, which differ between llama.cpp's two backends, would choose.
. "$(dirname "$0")/../guest/lib.sh"
[ -e "${PEARVISOR_BUILD:-$top/build}/src/gpu/layer/render-server" ] || { echo "built without the Vulkan layer"; exit 77; }

mkdir -p "$work/overlay"
python3 "$top/tests/long/make_model.py" "$work/overlay/model.gguf" || fail "no model"
cat >"$work/suite.sh" <<'S'
export VK_DRIVER_FILES=$(echo /usr/share/vulkan/icd.d/virtio_icd*.json) GGML_VK_VISIBLE_DEVICES=0 GGML_VK_DISABLE_F16=1 # lavapipe is no GPU to it
vulkaninfo --summary 2>/dev/null | sed -n 's/^\s*deviceName *= /VK /p'
speak() { # NAME PROMPT OPTION...
    llama-completion -m /model.gguf -p "$2" -n 64 --temp 0 --ignore-eos -no-cnv --simple-io -t 2 -ctk f32 -ctv f32 -fa off -v "${@:3}" >/tmp/$1 2>/tmp/$1.log </dev/null ||
        { echo "FAILED $1"; tail -n 20 /tmp/$1.log; }
    sed -nE "s/.*(prompt) eval time = .*, *([0-9.]+ tokens per second).*/SPEED $1 \1: \2/p; t; s/.* eval time = .*, *([0-9.]+ tokens per second).*/SPEED $1: \1/p" /tmp/$1.log
    grep -hoE '(CPU|Vulkan0)(_Mapped)? model buffer size.*' /tmp/$1.log | sed "s/^/BUFFER $1 /"
}
for prompt in 'bada gudo kela' 'The pear is a fruit of late summer, and keeps for weeks in a cool cellar if nobody eats it before.'; do
    speak cpu "$prompt" --device none
    speak gpu "$prompt" --device Vulkan0 -ngl 99
    echo "CPU $(od -An -tx1 -v /tmp/cpu | tr -d ' \n' | sha256sum | cut -c1-16) $(wc -c </tmp/cpu) bytes"
    echo "GPU $(od -An -tx1 -v /tmp/gpu | tr -d ' \n' | sha256sum | cut -c1-16) $(wc -c </tmp/gpu) bytes"
    echo "TEXT $(tr -d '\n' </tmp/gpu | cut -c1-300)"
done
S
RELEASE=forky EXTRA=llama.cpp-tools,libggml0-backend-vulkan,mesa-vulkan-drivers,vulkan-tools OVERLAY=$work/overlay \
    use_guest suite llama "$work/suite.sh"
"${boot[@]}" --disk "$work/disk" --net off --display none --gpu 3d --append "console=ttyAMA0 quiet" --memory 3G --cpus 2 \
    --timeout 1500 --stats </dev/null >"$work/out" 2>&1 || fail "exit status $?" "$work/out"
grep -aE '^(VK|CPU|GPU|SPEED|TEXT|BUFFER|FAILED)' "$work/out"
expect_lines "$work/out" '^VK Virtio-GPU Venus' '^BUFFER gpu Vulkan0 ' '^GUEST-DONE'
grep -aq '^FAILED' "$work/out" && fail "llama.cpp" "$work/out"
python3 - "$work/out" <<'P' || fail "other tokens on the GPU than on the CPU" "$work/out"
import re, sys
text = open(sys.argv[1], errors="replace").read()
cpu, gpu = (re.findall(rf"^{name} (\w+ \d+) bytes", text, re.M) for name in ("CPU", "GPU"))
assert len(cpu) == 2 and cpu == gpu and all(int(said.split()[1]) > 100 for said in cpu), (cpu, gpu)
P
