# bash completion for pearvisor
_pearvisor() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    if [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "create clone delete set edit list status start stop pause resume reset console ssh forward screenshot logs run disk image gpu-replay doctor --help --version" -- "$current")
        return
    fi
    if [ "${COMP_WORDS[1]}" = disk ]; then
        case $COMP_CWORD:$previous in
        2:*) mapfile -t COMPREPLY < <(compgen -W "create info resize convert check --help" -- "$current") ;;
        *:--format | *:--backing-format | *:--from-format) mapfile -t COMPREPLY < <(compgen -W "raw qcow2" -- "$current") ;;
        *:--compress) mapfile -t COMPREPLY < <(compgen -W "zlib zstd" -- "$current") ;;
        *) mapfile -t COMPREPLY < <(compgen -f -W "--format --backing --backing-format --json --shrink --from-format \
            --compress --repair --help" -- "$current") ;;
        esac
        return
    fi
    if [ "${COMP_WORDS[1]}" = gpu-replay ]; then
        case $previous in
        --gpu) mapfile -t COMPREPLY < <(compgen -W "2d virgl 3d" -- "$current") ;;
        *) mapfile -t COMPREPLY < <(compgen -f -W "--gpu --screenshot --stats --help" -- "$current") ;;
        esac
        return
    fi
    if [ "${COMP_WORDS[1]}" = image ]; then
        case $COMP_CWORD:${COMP_WORDS[2]}:$previous in
        2:*) mapfile -t COMPREPLY < <(compgen -W "list build pull import remove --help" -- "$current") ;;
        3:build:*) mapfile -t COMPREPLY < <(compgen -W "debian:13 debian:13-desktop" -- "$current") ;;
        3:pull:*) mapfile -t COMPREPLY < <(compgen -W "debian:13 debian:12 ubuntu:24.04" -- "$current") ;;
        3:remove:*) mapfile -t COMPREPLY < <(compgen -W "$(pearvisor image list | cut -d' ' -f1)" -- "$current") ;;
        *) mapfile -t COMPREPLY < <(compgen -f -W "--kernel --initrd --append --checksum --packages --json --help" -- "$current") ;;
        esac
        return
    fi
    if [ "${COMP_WORDS[1]}" = forward ]; then
        case $COMP_CWORD in
        2) mapfile -t COMPREPLY < <(compgen -W "$(pearvisor list | tail -n +2 | cut -d' ' -f1)" -- "$current") ;;
        3) mapfile -t COMPREPLY < <(compgen -W "list add remove" -- "$current") ;;
        4) mapfile -t COMPREPLY < <(compgen -W "tcp: udp:" -- "$current") ;;
        esac
        return
    fi
    local machine= options=
    case ${COMP_WORDS[1]} in
    clone | delete | set | edit | pause | resume | reset | console | screenshot) machine=yes ;;
    status) machine=yes options=--json ;;
    start) machine=yes options=--attach ;;
    stop) machine=yes options="--force --timeout" ;;
    ssh) machine=yes options=--timeout ;;
    logs) machine=yes options=--console ;;
    list) mapfile -t COMPREPLY < <(compgen -W --json -- "$current"); return ;;
    create) options="--image --disk-size --user --ssh --ssh-key" ;;
    esac
    if [ -n "$machine" ]; then
        [ "$COMP_CWORD" -gt 2 ] || options+=" $(pearvisor list | awk 'NR > 1 { print $1 }')"
        mapfile -t COMPREPLY < <(compgen -f -W "$options" -- "$current")
        return
    fi
    case $previous in
    --kernel | --initrd | --disk | --screenshot | --profile | --gpu-trace | --ssh-key) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    --share) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    --firmware) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    --engine) mapfile -t COMPREPLY < <(compgen -W "auto soft" -- "$current") ;;
    --gpu) mapfile -t COMPREPLY < <(compgen -W "auto off 2d virgl venus 3d" -- "$current") ;;
    --net) mapfile -t COMPREPLY < <(compgen -W "off user isolated" -- "$current") ;;
    --serial | --console) mapfile -t COMPREPLY < <(compgen -W "stdio file: unix: none" -- "$current") ;;
    --image) mapfile -t COMPREPLY < <(compgen -f -W "$(pearvisor image list | cut -d' ' -f1)" -- "$current") ;;
    --ssh) mapfile -t COMPREPLY < <(compgen -W "auto off" -- "$current") ;;
    --display) mapfile -t COMPREPLY < <(compgen -W "none window" -- "$current") ;;
    --append | --cpus | --memory | --resolution | --timeout | --disk-size | --user) ;;
    *)
        mapfile -t COMPREPLY < <(compgen -W "$options --kernel --initrd --append --firmware --disk --share --cpus --memory --engine --gpu --net \
            --serial --console --display --resolution --screenshot --timeout --profile --gpu-trace --stats --no-reboot --help" -- "$current")
        ;;
    esac
}
complete -o filenames -F _pearvisor pearvisor
