# What the demo's guest does: says something about itself on its text console, then paints.
show() { # COMMAND
    printf '\033[1m# %s\033[0m\n' "$1"
    eval "$1"
}
{
    show 'uname -srm'
    show "grep -E '^Mem(Total|Free)' /proc/meminfo"
    show 'grep -c ^processor /proc/cpuinfo'
    show 'grep -m 1 Features /proc/cpuinfo | fold -s -w 64'
} >/dev/tty1 2>&1
/demo >/tmp/demo &
while ! grep -q DRAWN /tmp/demo; do
    kill -0 $! || break
    sleep 0.2
done
cat /tmp/demo
