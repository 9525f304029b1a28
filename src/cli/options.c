#include "cli/options.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The longest "  -x, --name ARGUMENT" that has its help beside it in --help. */
enum { NAME_COLUMN = 28 };

static const char *const log_formats[] = {"text", "json", NULL};

static const struct vf_option common_options[] = {
    {"quiet", 'q', NULL, "say nothing but warnings and errors", vf_parse_flag,
        offsetof(struct vf_common_args, quiet), NULL, true},
    {"verbose", 'v', NULL, "say more about what is used", vf_parse_flag,
        offsetof(struct vf_common_args, verbose), NULL, true},
    {"no-color", '\0', NULL, "no colours (as with NO_COLOR)", vf_parse_flag,
        offsetof(struct vf_common_args, no_color), NULL, true},
    {"log-format", '\0', "F", "messages as text or json [text]", vf_parse_choice,
        offsetof(struct vf_common_args, log_format), log_formats, true},
    {"help", 'h', NULL, "show this help", vf_parse_flag, offsetof(struct vf_common_args, help),
        NULL, true},
};

const struct vf_option_group vf_common_options = {common_options, COUNT(common_options), 0};

static size_t n_arguments(const struct vf_option *option)
{
    if (!option->argument)
        return 0;
    return strchr(option->argument, ' ') ? 2 : 1;
}

/* ---- walking over the options of a command ---- */

struct cursor {
    const struct vf_command *command;
    size_t group, index;
    const struct vf_option_group *at; /* the group of the option returned last */
};

static const struct vf_option *next_option(struct cursor *c)
{
    while (c->group <= c->command->n_groups) {
        c->at =
            c->group < c->command->n_groups ? &c->command->groups[c->group] : &vf_common_options;
        if (c->index < c->at->n)
            return &c->at->options[c->index++];
        c->group++;
        c->index = 0;
    }
    return NULL;
}

/* ---- nearest name ---- */

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t vf_edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n > VF_NAME_MAX || m > VF_NAME_MAX)
        return SIZE_MAX;
    /* Rows of the table of distances between prefixes: two before the current one. */
    size_t rows[3][VF_NAME_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= m; j++)
        last[j] = j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = min_size(replaced, min_size(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = min_size(row[j], before[j - 2] + 1);
        }
        size_t *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[m];
}

bool vf_is_nearer(const char *name, const char *candidate, size_t *best)
{
    size_t length = strlen(name);
    size_t distance = vf_edit_distance(name, candidate);
    if (length >= 2 && strncmp(name, candidate, length) == 0)
        distance = min_size(distance, 1);
    if (distance >= *best || distance > 1 + length / 3)
        return false;
    *best = distance;
    return true;
}

/* ---- parsing ---- */

static int fail_unknown(const struct vf_command *command, const char *name, struct vf_err *err)
{
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    struct cursor c = {.command = command};
    for (const struct vf_option *o; (o = next_option(&c));)
        if (name[0] == '-' && name[1] == '-' && vf_is_nearer(name + 2, o->name, &best))
            nearest = o->name;
    vf_fail(err, VF_ERR_USAGE, "unknown option %s", name);
    if (nearest)
        vf_hint(err, "did you mean --%s? 'vecfill %s --help' lists all options", nearest,
            command->name);
    else
        vf_hint(err, "'vecfill %s --help' lists all options", command->name);
    return VF_ERR_USAGE;
}

struct parser {
    const struct vf_command *command;
    char **argv;
    size_t n, next;
    char *args;
    struct vf_err *err;
};

static const struct vf_option *find_long(
    const struct vf_command *command, const char *name, size_t length, size_t *ret_offset)
{
    struct cursor c = {.command = command};
    for (const struct vf_option *o; (o = next_option(&c));)
        if (strlen(o->name) == length && memcmp(o->name, name, length) == 0) {
            *ret_offset = c.at->offset;
            return o;
        }
    return NULL;
}

static const struct vf_option *find_short(
    const struct vf_command *command, char letter, size_t *ret_offset)
{
    struct cursor c = {.command = command};
    for (const struct vf_option *o; (o = next_option(&c));)
        if (o->letter == letter && letter) {
            *ret_offset = c.at->offset;
            return o;
        }
    return NULL;
}

/* Reads the arguments of `option`: `attached` (after "=" or a letter) if not NULL, then the next
 * strings of argv. */
static int take(
    struct parser *p, const struct vf_option *option, size_t group_offset, char *attached)
{
    char *values[2] = {NULL, NULL};
    size_t wanted = n_arguments(option);
    if (wanted == 0 && attached)
        return vf_fail(p->err, VF_ERR_USAGE, "--%s takes no value", option->name);
    for (size_t i = 0; i < wanted; i++) {
        if (i == 0 && attached) {
            values[i] = attached;
        } else if (p->next == p->n || strncmp(p->argv[p->next], "--", 2) == 0) {
            vf_fail(p->err, VF_ERR_USAGE, "--%s needs %s %s", option->name,
                wanted == 2 ? "two values:" : "a value:", option->argument);
            vf_hint(p->err, "--%s %s: %s", option->name, option->argument, option->help);
            return VF_ERR_USAGE;
        } else {
            values[i] = p->argv[p->next++];
        }
    }
    return option->parse(option, values, p->args + group_offset + option->offset, p->err);
}

static int parse_long(struct parser *p, char *word)
{
    char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    size_t offset = 0;
    const struct vf_option *option = find_long(p->command, word + 2, length - 2, &offset);
    if (!option) {
        if (equals)
            *equals = '\0';
        return fail_unknown(p->command, word, p->err);
    }
    return take(p, option, offset, equals ? equals + 1 : NULL);
}

/* "-k5", "-k 5", or flags together as in "-qv". */
static int parse_short(struct parser *p, char *word)
{
    for (char *letter = word + 1; *letter; letter++) {
        size_t offset = 0;
        const struct vf_option *option = find_short(p->command, *letter, &offset);
        if (!option)
            return fail_unknown(p->command, word, p->err);
        if (n_arguments(option) > 0)
            return take(p, option, offset, letter[1] ? letter + 1 : NULL);
        int rc = take(p, option, offset, NULL);
        if (rc)
            return rc;
    }
    return 0;
}

static int check_operands(
    const struct vf_command *command, const struct vf_common_args *common, struct vf_err *err)
{
    if (common->n_operands >= command->min_operands && common->n_operands <= command->max_operands)
        return 0;
    if (common->n_operands < command->min_operands)
        vf_fail(err, VF_ERR_USAGE, "%s needs %s", command->name, command->operands);
    else if (command->max_operands == 0)
        vf_fail(err, VF_ERR_USAGE, "%s takes options only, not '%s'", command->name,
            common->operands[0]);
    else
        vf_fail(err, VF_ERR_USAGE, "%s takes one %s, not %zu", command->name, command->operands,
            common->n_operands);
    if (command->max_operands == 1 && common->n_operands > 1)
        vf_hint(err, "put quotes around words that belong together");
    else
        vf_hint(err, "'vecfill %s --help' shows how it is used", command->name);
    return VF_ERR_USAGE;
}

int vf_options_parse(
    const struct vf_command *command, char **argv, size_t n, void *args, struct vf_err *err)
{
    struct parser p = {command, argv, n, 0, args, err};
    struct vf_common_args *common = args;
    common->operands = argv;
    bool ended = false;
    while (p.next < n) {
        char *word = argv[p.next++];
        int rc = 0;
        if (ended || word[0] != '-' || word[1] == '\0')
            argv[common->n_operands++] = word;
        else if (strcmp(word, "--") == 0)
            ended = true;
        else if (word[1] == '-')
            rc = parse_long(&p, word);
        else
            rc = parse_short(&p, word);
        if (rc)
            return rc;
    }
    return common->help ? 0 : check_operands(command, common, err);
}

/* ---- help ---- */

static int format_name(const struct vf_option *option, char *ret, size_t size)
{
    char letter[5] = "";
    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    return snprintf(ret, size, "%s--%s%s%s", letter, option->name, option->argument ? " " : "",
        option->argument ? option->argument : "");
}

static void print_line(const struct vf_option *option, FILE *out)
{
    char name[96];
    format_name(option, name, sizeof name);
    fprintf(out, "  %-*s  %s\n", NAME_COLUMN - 4, name, option->help);
}

/* Prints the name of an option at `column` or on the next line; returns the column after it. */
static size_t print_word(const char *name, size_t column, FILE *out)
{
    size_t width = strlen(" --;") + strlen(name);
    if (column + width > VF_HELP_COLUMNS) {
        fprintf(out, "\n     ");
        column = strlen("     ");
    }
    fprintf(out, " --%s;", name);
    return column + width;
}

/* The minor options of a long list: their names alone, filled into lines. */
static void print_minor(const struct vf_command *command, FILE *out)
{
    static const char begin[] = "Also:", end[] = "see vecfill(1)";
    size_t column = strlen(begin);
    fputs(begin, out);
    struct cursor c = {.command = command};
    for (const struct vf_option *o; (o = next_option(&c));) {
        if (o->minor)
            column = print_word(o->name, column, out);
    }
    fprintf(out, column + strlen(end) < VF_HELP_COLUMNS ? " %s\n" : "\n      %s\n", end);
}

void vf_options_print_help(const struct vf_command *command, FILE *out)
{
    size_t n_options = 0;
    struct cursor c = {.command = command};
    while (next_option(&c))
        n_options++;
    size_t n_lines = n_options + (command->details ? 4 : 3);
    bool all = n_lines <= VF_HELP_LINES;

    fprintf(out, "Usage: vecfill %s%s%s [OPTION]...\n%s.\n", command->name,
        command->operands[0] ? " " : "", command->operands, command->summary);
    if (command->details)
        fprintf(out, "%s\n", command->details);
    fputc('\n', out);
    c = (struct cursor){.command = command};
    for (const struct vf_option *o; (o = next_option(&c));)
        if (all || !o->minor)
            print_line(o, out);
    if (!all)
        print_minor(command, out);
}

void vf_options_print_names(const struct vf_command *command, FILE *out)
{
    struct cursor c = {.command = command};
    for (const struct vf_option *o; (o = next_option(&c));) {
        const char *argument = o->argument ? o->argument : "";
        if (o->letter)
            fprintf(out, "-%c\t%s\t%s\n", o->letter, argument, o->help);
        fprintf(out, "--%s\t%s\t%s\n", o->name, argument, o->help);
    }
}

/* ---- parsers ---- */

int vf_parse_flag(
    const struct vf_option *option, char *const *values, void *field, struct vf_err *err)
{
    (void)option, (void)values, (void)err;
    *(bool *)field = true;
    return 0;
}

int vf_parse_text(
    const struct vf_option *option, char *const *values, void *field, struct vf_err *err)
{
    if (values[0][0] == '\0')
        return vf_fail(
            err, VF_ERR_USAGE, "--%s expects a %s, not nothing", option->name, option->argument);
    *(char **)field = values[0];
    return 0;
}

bool vf_parse_size(const char *text, size_t min, size_t max, size_t *ret)
{
    size_t value = 0;
    if (text[0] == '\0')
        return false;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9')
            return false;
        size_t digit = (size_t)(*p - '0');
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    if (value < min || value > max)
        return false;
    *ret = value;
    return true;
}

int vf_parse_count(
    const struct vf_option *option, char *const *values, void *field, struct vf_err *err)
{
    size_t max = *(const size_t *)option->detail;
    if (!vf_parse_size(values[0], 1, max, field))
        return vf_fail(err, VF_ERR_USAGE, "--%s expects a whole number from 1 to %zu, not '%s'",
            option->name, max, values[0]);
    return 0;
}

int vf_parse_duration(
    const struct vf_option *option, char *const *values, void *field, struct vf_err *err)
{
    static const struct {
        char unit;
        size_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    size_t n = strlen(values[0]), count;
    char digits[8] = "";
    if (n >= 2 && n <= sizeof digits)
        memcpy(digits, values[0], n - 1);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (n >= 2 && values[0][n - 1] == units[i].unit &&
            vf_parse_size(digits, 1, 9999999, &count)) {
            *(size_t *)field = count * units[i].seconds;
            return 0;
        }
    }
    return vf_fail(err, VF_ERR_USAGE, "--%s expects a time such as 90s, 30m, 2h or 1d, not '%s'",
        option->name, values[0]);
}

int vf_parse_memory(
    const struct vf_option *option, char *const *values, void *field, struct vf_err *err)
{
    static const char units[] = "KMGT";
    size_t n = strlen(values[0]), count;
    char digits[8] = "";
    const char *unit = n > 0 ? strchr(units, values[0][n - 1]) : NULL;
    if (unit && n - 1 < sizeof digits)
        memcpy(digits, values[0], n - 1);
    if (!unit || !vf_parse_size(digits, 1, 9999999, &count))
        return vf_fail(err, VF_ERR_USAGE, "--%s expects a size such as 500M or 2G, not '%s'",
            option->name, values[0]);
    *(size_t *)field = count << (10 * (unit - units + 1));
    return 0;
}

int vf_parse_choice(
    const struct vf_option *option, char *const *values, void *field, struct vf_err *err)
{
    const char *const *choices = option->detail;
    char list[128] = "";
    size_t used = 0;
    for (size_t i = 0; choices[i]; i++) {
        if (strcmp(values[0], choices[i]) == 0) {
            *(const char **)field = choices[i];
            return 0;
        }
        const char *joint = i == 0 ? "" : choices[i + 1] ? ", " : " or ";
        int n = snprintf(list + used, sizeof list - used, "%s%s", joint, choices[i]);
        used = min_size(used + (size_t)n, sizeof list - 1);
    }
    return vf_fail(err, VF_ERR_USAGE, "--%s expects %s, not '%s'", option->name, list, values[0]);
}
