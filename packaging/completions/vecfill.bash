# bash completion for vecfill and backfill_text_embeddings. The program itself names its commands
# and options.

_vecfill()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local program=${COMP_WORDS[0]} command=
    COMPREPLY=()
    case ${program##*/} in
    backfill_text_embeddings)
        program=vecfill command=backfill ;;
    *)
        if ((COMP_CWORD > 1)); then
            command=${COMP_WORDS[1]}
        fi
        if [[ $command == model ]] && ((COMP_CWORD > 2)); then
            command="model ${COMP_WORDS[2]}"
        fi ;;
    esac

    local words
    case $previous in
    --refresh) words='changed missing all' ;;
    --device) words='auto cpu' ;;
    --precision) words='fp32 bf16 int8' ;;
    --log-format) words='text json' ;;
    --long-text) words='truncate chunk-mean' ;;
    --vector-type) words='bytea vector halfvec real[]' ;;
    --format) words='jsonl npy' ;;
    *)
        if [[ -z $command ]]; then
            words=$("$program" complete 2>/dev/null | cut -f 1 | cut -d ' ' -f 1 | uniq)
        elif [[ $command == model ]]; then
            words='show fetch'
        elif [[ $current == -* ]]; then
            # shellcheck disable=SC2086 # a command may have two words
            words=$("$program" complete $command 2>/dev/null | cut -f 1)
        else
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
        fi ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -o filenames -F _vecfill vecfill backfill_text_embeddings
