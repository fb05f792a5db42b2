# A guest that runs one of the programs beside this file and nothing else. A test sources it after lib.sh.

# Starts it in the background, as process $vm; what it prints goes to $work/out.
start_program() { # PROGRAM ARGUMENT PEARVISOR-OPTIONS...
    local program=$1 argument=$2
    shift 2
    if [ ! -e "$work/$program.initrd" ]; then
        echo true >"$work/suite.sh"
        use_guest suite small "$work/suite.sh"
        guest_program "$program" "$work/overlay/program" -static
        cat >"$work/overlay/program_init" <<'S'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc; $b mount -t sysfs sys /sys; $b mount -t devtmpfs dev /dev
while read -r module; do $b insmod /mod/$module; done </mod/order
n=0
while [ ! -e /dev/dri/card0 ] && [ $n -lt 100 ]; do $b usleep 50000; n=$((n + 1)); done
/program $($b sed -n 's/.*argument=\([^ ]*\).*/\1/p' /proc/cmdline)
$b poweroff -f
S
        chmod +x "$work/overlay/program_init"
        (gzip -dc "$guest/initrd"; cd "$work/overlay" && find . | cpio -o -H newc --quiet) >"$work/$program.initrd"
    fi
    : >"$work/out" # of the one before, which await() must not find
    "${boot[@]}" --initrd "$work/$program.initrd" --memory 512M --net off --timeout 240 --stats \
        --append "console=ttyAMA0 quiet rdinit=/program_init argument=$argument" "$@" >"$work/out" 2>&1 </dev/null &
    vm=$!
}

await() { # LINE
    local i
    for ((i = 0; i < 2000; i++)); do
        grep -qE "^$1" "$work/out" && return
        kill -0 $vm 2>/dev/null || break
        sleep 0.1
    done
    fail "no line '$1'" "$work/out"
}

await_file() { # PATH
    local i
    for ((i = 0; i < 300; i++)); do
        [ -s "$1" ] && return
        sleep 0.1
    done
    fail "no $1"
}
