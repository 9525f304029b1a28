#include "harness.h"

#include "cli/commands.h"
#include "cli/options.h"

#include <stdlib.h>
#include <string.h>

struct args {
    struct vf_common_args common;
    char *name, *pair[2];
    size_t limit;
    const char *choice;
    bool dry_run;
};

#define FIELD(field) offsetof(struct args, field)

static int parse_pair(
    const struct vf_option *option, char *const *values, void *field, struct vf_err *err)
{
    (void)option, (void)err;
    memcpy(field, values, 2 * sizeof *values);
    return 0;
}

static const size_t max_limit = 1000;
static const char *const choices[] = {"red", "green", "blue", NULL};

static const struct vf_option options[] = {
    {"limit", 'l', "N", "at most N", vf_parse_count, FIELD(limit), &max_limit, false},
    {"language", '\0', "L", "which", vf_parse_text, FIELD(name), NULL, false},
    {"range", '\0', "A B", "from to", parse_pair, FIELD(pair), NULL, false},
    {"colour", '\0', "C", "which", vf_parse_choice, FIELD(choice), choices, true},
    {"dry-run", 'n', NULL, "do nothing", vf_parse_flag, FIELD(dry_run), NULL, false},
};

static const struct vf_option_group groups[] = {{options, VF_COUNT(options), 0}};

static const struct vf_command command = {
    .name = "paint",
    .operands = "FILE...",
    .summary = "Paints.",
    .max_operands = 2,
    .groups = groups,
    .n_groups = 1,
    .args_size = sizeof(struct args),
};

/* Parses words separated by single spaces; "_" is an empty string. */
static int parse(const char *line, struct args *args, struct vf_err *err)
{
    static char copy[256];
    static char *argv[32];
    size_t n = 0;
    char *state = NULL;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok_r(copy, " ", &state); word; word = strtok_r(NULL, " ", &state))
        argv[n++] = strcmp(word, "_") == 0 ? word + 1 : word;
    *args = (struct args){.common.quiet = false};
    *err = (struct vf_err){0};
    return vf_options_parse(&command, argv, n, args, err);
}

static void test_accepts(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        size_t limit;
        const char *name, *first, *second, *choice;
        bool dry_run;
        size_t n_operands;
    } rows[] = {
        {"", 0, NULL, NULL, NULL, NULL, false, 0},
        {"--limit 5", 5, NULL, NULL, NULL, NULL, false, 0},
        {"--limit=5", 5, NULL, NULL, NULL, NULL, false, 0},
        {"-l 7", 7, NULL, NULL, NULL, NULL, false, 0},
        {"-l7", 7, NULL, NULL, NULL, NULL, false, 0},
        {"-nl7", 7, NULL, NULL, NULL, NULL, true, 0},
        {"--limit 5 --limit 6", 6, NULL, NULL, NULL, NULL, false, 0},
        {"--limit 1000", 1000, NULL, NULL, NULL, NULL, false, 0},
        {"--language de", 0, "de", NULL, NULL, NULL, false, 0},
        {"--language -x", 0, "-x", NULL, NULL, NULL, false, 0},
        {"--language=--x", 0, "--x", NULL, NULL, NULL, false, 0},
        {"--range a b", 0, NULL, "a", "b", NULL, false, 0},
        {"--range=a b", 0, NULL, "a", "b", NULL, false, 0},
        {"--colour blue", 0, NULL, NULL, NULL, "blue", false, 0},
        {"x --dry-run y", 0, NULL, NULL, NULL, NULL, true, 2},
        {"-- --dry-run", 0, NULL, NULL, NULL, NULL, false, 1},
        {"-n -", 0, NULL, NULL, NULL, NULL, true, 1},
    };
    for (size_t i = 0; i < VF_COUNT(rows); i++) {
        struct args args;
        struct vf_err err;
        int rc = parse(rows[i].line, &args, &err);
        vf_check(rc == 0, "%s: %s", rows[i].line, err.msg);
        vf_check(args.limit == rows[i].limit, "%s", rows[i].line);
        vf_check(args.dry_run == rows[i].dry_run, "%s", rows[i].line);
        vf_check(args.common.n_operands == rows[i].n_operands, "%s", rows[i].line);
        const char *got[] = {args.name, args.pair[0], args.pair[1], args.choice};
        const char *want[] = {rows[i].name, rows[i].first, rows[i].second, rows[i].choice};
        for (size_t j = 0; j < VF_COUNT(got); j++)
            vf_check(got[j] == want[j] || (got[j] && want[j] && strcmp(got[j], want[j]) == 0),
                "%s: value %zu", rows[i].line, j);
    }
}

static void test_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *line, *msg, *hint;
    } rows[] = {
        {"--limit 0", "--limit expects a whole number from 1 to 1000, not '0'", ""},
        {"--limit -1", "not '-1'", ""},
        {"--limit +1", "not '+1'", ""},
        {"--limit 1e3", "not '1e3'", ""},
        {"--limit 1001", "not '1001'", ""},
        {"--limit 99999999999999999999", "not '99999999999999999999'", ""},
        {"--limit 18446744073709551617", "not '18446744073709551617'", ""},
        {"--limit _", "not ''", ""},
        {"--limit= 3", "not ''", ""},
        {"--limit", "--limit needs a value: N", "at most N"},
        {"--limit --dry-run", "--limit needs a value: N", "at most N"},
        {"--range a", "--range needs two values: A B", "from to"},
        {"--language _", "--language expects a L, not nothing", ""},
        {"--colour pink", "--colour expects red, green or blue, not 'pink'", ""},
        {"--dry-run=yes", "--dry-run takes no value", ""},
        {"--limt 5", "unknown option --limt", "did you mean --limit?"},
        {"--lim 5", "unknown option --lim", "did you mean --limit?"},
        {"--lnaguage x", "unknown option --lnaguage", "did you mean --language?"},
        {"--limt=5", "unknown option --limt", "did you mean --limit?"},
        {"--zzzzzz", "unknown option --zzzzzz", "'vecfill paint --help' lists"},
        {"-z", "unknown option -z", "'vecfill paint --help' lists"},
        {"a b c", "paint takes", "--help"},
    };
    for (size_t i = 0; i < VF_COUNT(rows); i++) {
        struct args args;
        struct vf_err err;
        int rc = parse(rows[i].line, &args, &err);
        vf_check(rc == VF_ERR_USAGE, "%s: %d", rows[i].line, rc);
        vf_check(strstr(err.msg, rows[i].msg), "%s: %s", rows[i].line, err.msg);
        vf_check(strstr(err.hint, rows[i].hint), "%s: %s", rows[i].line, err.hint);
    }
}

static void test_help_needs_no_operands(void **state)
{
    (void)state;
    static char word[] = "--help";
    char *argv[] = {word};
    struct vf_command strict = command;
    struct args args = {.dry_run = false};
    struct vf_err err;
    strict.min_operands = 1;
    assert_int_equal(vf_options_parse(&strict, argv, 1, &args, &err), 0);
    assert_true(args.common.help);
}

static void test_edit_distance(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        size_t distance;
    } rows[] = {{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1},
        {"limit", "limt", 1}, {"limit", "limmit", 1}, {"kitten", "sitting", 3}};
    for (size_t i = 0; i < VF_COUNT(rows); i++) {
        vf_check(vf_edit_distance(rows[i].a, rows[i].b) == rows[i].distance, "%s %s", rows[i].a,
            rows[i].b);
        vf_check(vf_edit_distance(rows[i].b, rows[i].a) == rows[i].distance, "%s %s", rows[i].b,
            rows[i].a);
    }
}

/* Every command's help names each of its options and fits a screen. */
static void test_help_fits(void **state)
{
    (void)state;
    for (size_t i = 0; vf_commands[i]; i++) {
        char *help = NULL, *names = NULL;
        size_t n_help = 0, n_names = 0, lines = 0;
        FILE *out = open_memstream(&help, &n_help);
        FILE *list = open_memstream(&names, &n_names);
        assert_non_null(out);
        assert_non_null(list);
        vf_options_print_help(vf_commands[i], out);
        vf_options_print_names(vf_commands[i], list);
        fclose(out);
        fclose(list);
        char *next = NULL;
        for (char *name = strtok_r(names, "\n", &next); name; name = strtok_r(NULL, "\n", &next)) {
            name[strcspn(name, "\t")] = '\0';
            vf_check(strstr(help, name), "%s: %s", vf_commands[i]->name, name);
        }
        for (char *line = help; *line; lines++) {
            size_t length = strcspn(line, "\n");
            vf_check(
                length <= VF_HELP_COLUMNS, "%s: %.*s", vf_commands[i]->name, (int)length, line);
            line += length + 1;
        }
        vf_check(lines <= VF_HELP_LINES, "%s: %zu lines", vf_commands[i]->name, lines);
        free(help);
        free(names);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_help_needs_no_operands),
        cmocka_unit_test(test_edit_distance),
        cmocka_unit_test(test_help_fits),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
