/* What the shell completions ask: the names of the commands, or the options of one. */
#include "cli/commands.h"

static const struct vf_option_group no_groups[] = {{NULL, 0, 0}};

static int run(struct vf_console *console, void *args, struct vf_err *err)
{
    (void)console;
    const struct vf_common_args *common = args;
    size_t n_words = 0;
    if (common->n_operands == 0) {
        for (size_t i = 0; vf_commands[i]; i++)
            if (!vf_commands[i]->hidden)
                printf("%s\t\t%s\n", vf_commands[i]->name, vf_commands[i]->summary);
        return 0;
    }
    const struct vf_command *command =
        vf_command_find(common->operands, common->n_operands, &n_words);
    if (!command || n_words != common->n_operands)
        return vf_fail(err, VF_ERR_USAGE, "no such command");
    vf_options_print_names(command, stdout);
    return 0;
}

const struct vf_command vf_cmd_complete = {
    .name = "complete",
    .operands = "[COMMAND]",
    .summary = "Names of the commands, or the options of one, for shell completion",
    .max_operands = 2,
    .groups = no_groups,
    .n_groups = 0,
    .args_size = sizeof(struct vf_common_args),
    .hidden = true,
    .run = run,
};
