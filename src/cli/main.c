#include "cli/commands.h"
#include "cli/message.h"
#include "cli/signals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vecfill/vecfill.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

/* The name under which the program is the backfill alone. */
#define BACKFILL_NAME "backfill_text_embeddings"

static void print_usage(FILE *out)
{
    fprintf(out, "Usage: vecfill COMMAND [OPTION]...\n"
                 "Fills databases with text embeddings.\n\nCommands:\n");
    for (size_t i = 0; vf_commands[i]; i++)
        if (!vf_commands[i]->hidden)
            fprintf(out, "  %-12s %s\n", vf_commands[i]->name, vf_commands[i]->summary);
    fprintf(out, "\n'vecfill COMMAND --help' shows its options, vecfill(1) tells the rest;\n"
                 "'vecfill --version' prints the version.\n");
}

static int fail_command(char *const *argv, size_t n, struct vf_err *err)
{
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    if (n == 0) {
        vf_fail(err, VF_ERR_USAGE, "no command");
        vf_hint(err, "'vecfill --help' lists the commands");
        return VF_ERR_USAGE;
    }
    vf_fail(
        err, VF_ERR_USAGE, "unknown %s '%s'", argv[0][0] == '-' ? "option" : "command", argv[0]);
    for (size_t i = 0; vf_commands[i]; i++)
        if (!vf_commands[i]->hidden && vf_is_nearer(argv[0], vf_commands[i]->name, &best))
            nearest = vf_commands[i]->name;
    if (nearest)
        vf_hint(err, "did you mean '%s'? 'vecfill --help' lists the commands", nearest);
    else
        vf_hint(err, "'vecfill --help' lists the commands");
    return VF_ERR_USAGE;
}

/* Results that could not be written are a failure like any other. */
static int check_output(struct vf_err *err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    vf_fail(err, VF_ERR_IO, "cannot write to standard output: %s", strerror(errno));
    vf_hint(err, "see that its disk is not full and its reader is still there");
    return VF_ERR_IO;
}

static void set_manners(struct vf_console *console, const struct vf_common_args *common)
{
    console->quiet = common->quiet;
    console->verbose = common->verbose && !common->quiet;
    console->color = console->color && !common->no_color;
    console->json = common->log_format && strcmp(common->log_format, "json") == 0;
    console->is_terminal = console->is_terminal && !console->json;
}

static int run_command(struct vf_console *console, const struct vf_command *command, char **argv,
    size_t n, struct vf_err *err)
{
    struct vf_common_args *common = calloc(1, command->args_size);
    if (!common)
        return vf_fail_memory(err, "the options");
    int rc = vf_options_parse(command, argv, n, common, err);
    if (rc == VF_ERR_USAGE && !err->hint[0])
        vf_hint(err, "'vecfill %s --help' shows what it accepts", command->name);
    set_manners(console, common);
    if (rc == 0 && common->help) {
        vf_options_print_help(command, stdout);
    } else if (rc == 0) {
        vf_console_log(console, VF_LOG_INFO, "started",
            json_pack("{s:s, s:s, s:i}", "command", command->name, "version", vf_version(), "pid",
                (int)getpid()),
            NULL);
        rc = command->run(console, common, err);
    }
    free(common);
    if (rc >= 0) {
        int written = check_output(err);
        rc = written ? written : rc;
    }
    return rc;
}

static int dispatch(struct vf_console *console, char **argv, size_t n, struct vf_err *err)
{
    if (strcmp(console->program, BACKFILL_NAME) == 0)
        return run_command(console, &vf_cmd_backfill, argv, n, err);
    size_t n_words = 0;
    const struct vf_command *command = vf_command_find(argv, n, &n_words);
    if (command)
        return run_command(console, command, argv + n_words, n - n_words, err);
    return fail_command(argv, n, err);
}

/* Memory holds passwords and tokens as long as connections may have to be opened again: a released
 * program leaves no core file, and is not to be traced by others. */
static void keep_memory_private(void)
{
#if defined(__linux__) && defined(NDEBUG)
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
    struct vf_console console;
    struct vf_err err = {0};
    const char *program = argc > 0 ? base_name(argv[0]) : "vecfill";
    size_t n = argc > 0 ? (size_t)argc - 1 : 0;
    keep_memory_private();
    vf_console_init(&console, program);

    const char *first = n > 0 ? argv[1] : "";
    int rc;
    if (strcmp(first, "--version") == 0) {
        printf("%s %s\n", program, vf_version());
        rc = check_output(&err);
    } else if (strcmp(program, BACKFILL_NAME) != 0 &&
               (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0)) {
        print_usage(stdout);
        rc = check_output(&err);
    } else {
        rc = dispatch(&console, argv + (argc > 0), n, &err);
    }
    int status =
        rc == VF_ERR_INTERRUPTED && vf_signals_status() ? vf_signals_status() : vf_exit_status(rc);
    if (rc < 0)
        vf_console_error(&console, &err);
    vf_console_finish(&console, status);
    return status;
}
