/* The commands of vecfill, one file each. */
#ifndef VF_CLI_COMMANDS_H
#define VF_CLI_COMMANDS_H

#include "cli/options.h"

extern const struct vf_command vf_cmd_backfill;
extern const struct vf_command vf_cmd_bench;
extern const struct vf_command vf_cmd_complete;
extern const struct vf_command vf_cmd_embed;
extern const struct vf_command vf_cmd_import;
extern const struct vf_command vf_cmd_init;
extern const struct vf_command vf_cmd_model_fetch;
extern const struct vf_command vf_cmd_model_show;
extern const struct vf_command vf_cmd_search;
extern const struct vf_command vf_cmd_status;
extern const struct vf_command vf_cmd_tokenize;
extern const struct vf_command vf_cmd_verify;

/* All of them, in the order of --help; ends with NULL. */
extern const struct vf_command *const vf_commands[];

/* The command whose name is the first word of `argv`, or its first two. *ret_n_words tells how
 * many; NULL when there is none. */
const struct vf_command *vf_command_find(char *const *argv, size_t n, size_t *ret_n_words);

#endif
