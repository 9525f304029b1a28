# fish completion. The program itself names its commands and options.

function __vecfill_command
    set -l words (commandline -opc)
    if string match -q '*backfill_text_embeddings' -- $words[1]
        echo backfill
    else if test (count $words) -gt 2; and test "$words[2]" = model
        echo model
        echo $words[3]
    else if test (count $words) -gt 1
        echo $words[2]
    end
end

function __vecfill_complete
    set -l command (__vecfill_command)
    if test (count $command) -eq 0
        vecfill complete 2>/dev/null | string replace -r '^(\S+)[^\t]*\t\t' '$1\t'
    else if test "$command" = model
        printf 'show\tShows what a model is and where its files lie\n'
        printf 'fetch\tFetches a model of the Hub into its cache\n'
    else
        vecfill complete $command 2>/dev/null | string replace -r '^(\S+)\t[^\t]*\t' '$1\t'
    end
end

complete -c vecfill -a '(__vecfill_complete)'
complete -c backfill_text_embeddings -a '(__vecfill_complete)'
