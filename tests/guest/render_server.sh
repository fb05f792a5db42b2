#!/usr/bin/env bash
# A render server that is killed or stops answering, as a whole or the process of one context, in the middle of a guest's
# Vulkan programs: those fail, the machine goes on, and the next ones work.
. "$(dirname "$0")/lib.sh"
need_virglrenderer

cat >"$work/suite.sh" <<'E2'
export VK_DRIVER_FILES=$(echo /usr/share/vulkan/icd.d/virtio_icd*.json)
for ((i = 1; ; i++)); do
    result=failed
    timeout 90 vulkaninfo >/tmp/log 2>&1 && grep -q 'Virtio-GPU Venus' /tmp/log && result=works
    echo "RUN $i $result"
done
E2
use_gpu_guest "$work/suite.sh"
"${boot[@]}" --disk "$work/disk" --net off --display none --gpu venus --append "console=ttyAMA0 quiet" --timeout 500 --stats \
    >"$work/out" 2>&1 </dev/null &
vm=$!

runs() {
    grep -c '^RUN' "$work/out"
}

works_again() { # SITUATION
    local i before
    before=$(runs)
    for ((i = 0; i < 1500; i++)); do
        # The first one to end may have been at work before.
        grep '^RUN' "$work/out" | tail -n +$((before + 2)) | grep -q works && return
        kill -0 $vm 2>/dev/null || fail "the machine ends, $1" "$work/out"
        sleep 0.1
    done
    fail "Vulkan does not work again, $1" "$work/out"
}

hit() { # SIGNAL server|worker
    local i pid
    for ((i = 0; i < 300; i++)); do
        pid=$(pgrep -P $vm -f virgl_render_server)
        [ "$2" = worker ] && [ -n "$pid" ] && pid=$(pgrep -P "$pid")
        [ -n "$pid" ] && kill "-$1" $pid && return
        sleep 0.02
    done
    fail "no $2 to hit" "$work/out"
}

works_again "at the start"
hit KILL server
works_again "after the server was killed"
hit KILL worker
works_again "after a worker was killed"
hit STOP worker
works_again "after a worker was stopped"
hit STOP server
works_again "after the server was stopped"
kill -TERM $vm
wait $vm
[ $? = 1 ] || fail "exit status" "$work/out"
tail -n 1 "$work/out" | python3 -c 'import json, sys; c = json.load(sys.stdin)["gpu"]["commands"]; assert c["CTX_CREATE"] >= 5' ||
    fail "--stats" "$work/out"
[ "$(runs)" -gt "$(grep -c '^RUN.*failed' "$work/out")" ]
