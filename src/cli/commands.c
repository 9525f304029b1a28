#include "cli/commands.h"

#include <string.h>

const struct vf_command *const vf_commands[] = {
    &vf_cmd_backfill,
    &vf_cmd_init,
    &vf_cmd_import,
    &vf_cmd_status,
    &vf_cmd_verify,
    &vf_cmd_search,
    &vf_cmd_embed,
    &vf_cmd_tokenize,
    &vf_cmd_model_show,
    &vf_cmd_model_fetch,
    &vf_cmd_bench,
    &vf_cmd_complete,
    NULL,
};

/* Words of `name` when argv begins with them all, else 0. */
static size_t match_words(const char *name, char *const *argv, size_t n)
{
    size_t i = 0;
    for (const char *word = name; word; i++) {
        const char *space = strchr(word, ' ');
        size_t length = space ? (size_t)(space - word) : strlen(word);
        if (i == n || strlen(argv[i]) != length || memcmp(argv[i], word, length) != 0)
            return 0;
        word = space ? space + 1 : NULL;
    }
    return i;
}

const struct vf_command *vf_command_find(char *const *argv, size_t n, size_t *ret_n_words)
{
    for (size_t i = 0; vf_commands[i]; i++) {
        *ret_n_words = match_words(vf_commands[i]->name, argv, n);
        if (*ret_n_words > 0)
            return vf_commands[i];
    }
    return NULL;
}
