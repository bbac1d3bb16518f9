# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# bash completion for sealwatchctl

_sealwatchctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} word verb='' words=
    local verbs='status events log attest evidence seal release secrets lock detach drill reload policy blob'

    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case " $verbs " in *" $word "*) verb=$word; break ;; esac
    done
    case $previous in
        --snapshot | --parts | --config-dir | --directory) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
        --output) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
        --format) mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$current"); return ;;
    esac
    case $verb in
        '') words="$verbs --json --bus --config-dir --help --version" ;;
        events) words='--since --follow --format' ;;
        log) words=--snapshot ;;
        lock) words=--reason ;;
        drill) words='--directory' ;;
        detach) words='--reason --force --bpf-dir' ;;
        policy) words='check learn --output' ;;
        release) words="--output $(sealwatchctl secrets 2>/dev/null | cut -d' ' -f1)" ;;
        blob | seal) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _sealwatchctl sealwatchctl
