#!/usr/bin/env bash
# Piglit's quick_gl in the guest through virgl: PEARVISOR_PIGLIT (1000) of its tests, evenly spread over its sorted list, against
# the same Debian's llvmpipe run natively by chroot (which takes root). Lists what differs, and what share passes of those that
# are not skipped, as piglit counts. Fails if that is more than one per cent lower in the guest, or if a test crashes or hangs in
# the guest only, or passes natively only and is not known to (docs/gpu.md has the causes, which are virglrenderer's).
. "$(dirname "$0")/../guest/lib.sh"
need_virglrenderer
packages=piglit,python3,mesa-utils,libegl1,libegl-mesa0,libgles2,libgl1,libglx-mesa0,libgl1-mesa-dri,libgbm1
native=$cache/guests/piglit-native
"$top/tools/guest" native "$native" "dash,bash,coreutils,grep,sed,libc-bin,$packages" >"$work/build.log" 2>&1 ||
    fail "cannot unpack the native programs" "$work/build.log"

mkdir -p "$work/overlay"
python3 - "$native"/root/usr/lib/*/piglit/tests/quick_gl.xml.gz "${PEARVISOR_PIGLIT:-1000}" >"$work/overlay/tests" <<'P'
import gzip, sys, xml.etree.ElementTree as tree
names = sorted(test.get("name") for test in tree.parse(gzip.open(sys.argv[1])).getroot())
wanted = int(sys.argv[2])
print("\n".join(names[i * len(names) // wanted] for i in range(wanted)))
P
cat >"$work/suite.sh" <<'S'
export USER=root # there is no passwd
export PIGLIT_NO_WINDOW=1 # there are none: tests that draw to one would crash
renderer=$(eglinfo -B -p surfaceless 2>/dev/null | sed -n "s/^OpenGL core profile renderer: //p")
echo "RENDERER $renderer"
start=$(date +%s)
piglit run -p surfaceless_egl -j 2 -l dummy --timeout 300 --test-list /tests quick_gl /tmp/results >/tmp/piglit.log 2>&1 || tail -n 20 /tmp/piglit.log
echo "SECONDS $(($(date +%s) - start))"
python3 - <<'P'
import bz2, glob, gzip, json, lzma
path, = glob.glob("/tmp/results/results.json*")
opened = {"bz2": bz2, "gz": gzip, "xz": lzma}.get(path.rsplit(".", 1)[1])
with (opened.open if opened else open)(path, "rt") as results:
    for name, test in json.load(results)["tests"].items():
        print("RESULT", test["result"], name)
P
S
natively() {
    cp "$work/suite.sh" "$work/overlay/tests" "$native/root/"
    unshare -m sh -c 'mount --bind /dev "$0/dev" && mount -t proc proc "$0/proc" && mount -t tmpfs tmp "$0/tmp" && ldconfig -r "$0" &&
        exec chroot "$0" env PATH=/usr/bin:/usr/sbin HOME=/tmp XDG_RUNTIME_DIR=/tmp LC_ALL=C.UTF-8 bash /suite.sh' "$native/root"
}
natively >"$work/native" 2>&1 || fail "the native run" "$work/native"
OVERLAY=$work/overlay EXTRA=$packages SIZE=6G use_guest suite piglit "$work/suite.sh"
"${boot[@]}" --disk "$work/disk" --net off --display none --gpu 3d --append "console=ttyAMA0 quiet" --memory 3G --cpus 2 \
    --timeout "${PEARVISOR_LIMIT:-7200}" --stats </dev/null >"$work/out" 2>&1 || fail "exit status $?" "$work/out"
expect_lines "$work/out" '^RENDERER virgl' '^GUEST-DONE'
tr -d '\r' <"$work/out" >"$work/guest"
[ -n "${PEARVISOR_RESULTS:-}" ] && cp "$work/native" "$work/guest" "$PEARVISOR_RESULTS/"
python3 - "$work/native" "$work/guest" <<'P' || fail "piglit"
import collections, re, sys
texts = [open(path, errors="replace").read() for path in sys.argv[1:]]
native, guest = ({name: result for result, name in re.findall(r"^RESULT (\S+) (.+)$", text, re.M)} for text in texts)
for label, text, results in ("native", texts[0], native), ("guest", texts[1], guest):
    counts = collections.Counter(results.values())
    print(f"{label}: {re.search('^RENDERER (.*)', text, re.M)[1]}, {re.search('^SECONDS (.*)', text, re.M)[1]} s: "
          + ", ".join(f"{count} {result}" for result, count in counts.most_common()))
missing = native.keys() ^ guest.keys()
for name in sorted(native.keys() & guest.keys()):
    if native[name] != guest[name]:
        print(f"differs: {native[name]} natively, {guest[name]} in the guest: {name}")
known = """
shaders@glsl-uniform-interstage-limits@subdivide 5, statechanges
shaders@point-vertex-id gl_instanceid
spec@!opengl 1.0@gl-1.0-edgeflag
spec@arb_blend_func_extended@arb_blend_func_extended-fbo-extended-blend-pattern_gles2
spec@arb_clear_texture@arb_clear_texture-depth
spec@arb_get_texture_sub_image@arb_get_texture_sub_image-getcompressed
spec@ext_framebuffer_multisample@no-color 2 depth single
spec@ext_packed_depth_stencil@fbo-depthstencil-gl_depth24_stencil8-drawpixels-32f_24_8_rev
""".strip().split("\n")
good = ("pass", "warn")
ran = [[name for name in results if results[name] != "skip"] for results in (native, guest)]
rates = [100 * sum(results[name] in good for name in names) / len(names) for results, names in zip((native, guest), ran)]
bad = [name for name in ran[1] if guest[name] not in good and name not in known
       and (native.get(name) in good or guest[name] in ("crash", "timeout") and native.get(name) != guest[name])]
print(f"of those that ran {rates[0]:.2f} % pass natively, {rates[1]:.2f} % in the guest; newly failing there: {bad or 'none'}")
sys.exit(bool(missing or bad) or rates[1] < rates[0] - 1 or len(native) < 10)
P
