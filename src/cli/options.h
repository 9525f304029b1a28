/* The options of a command as tables, from which the parser, --help and the shell completion are
 * made.
 *
 * A command has one argument struct, zeroed before parsing, and lists groups of options. Each
 * option names the offset of its field within the group's part of that struct, so that groups that
 * several commands share are written once. Forms: --name VALUE, --name=VALUE, -x VALUE, -xVALUE;
 * names are not abbreviated; "--" ends the options; options and operands may come in any order; of
 * an option given twice the last counts.
 */
#ifndef VF_CLI_OPTIONS_H
#define VF_CLI_OPTIONS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define VF_HELP_LINES 24
#define VF_HELP_COLUMNS 80

struct vf_option;

/* Reads `values` (as many as the option has arguments) into `field`. */
typedef int vf_option_parser(
    const struct vf_option *option, char *const *values, void *field, struct vf_err *err);

struct vf_option {
    const char *name;     /* long, without the dashes */
    char letter;          /* of the short form, or '\0' */
    const char *argument; /* its name in --help, two words for two arguments; NULL: a flag */
    const char *help;     /* one line */
    vf_option_parser *parse;
    size_t offset;      /* of the field in the group's struct */
    const void *detail; /* what the parser says it is */
    bool minor;         /* named without its help where --help would not fit a screen */
};

struct vf_option_group {
    const struct vf_option *options;
    size_t n;
    size_t offset; /* of the group's struct in the argument struct */
};

/* Where each operand and message option of every command goes: the first member of every argument
 * struct. */
struct vf_common_args {
    char **operands; /* pointers into argv */
    size_t n_operands;
    bool quiet, verbose, no_color, help;
    const char *log_format; /* "text" or "json"; NULL: text */
};

/* --quiet, --verbose, --no-color, --log-format, --help; part of every command. */
extern const struct vf_option_group vf_common_options;

struct vf_console;

struct vf_command {
    const char *name;     /* as it is typed, e.g. "backfill" or "model show" */
    const char *operands; /* for the usage line, or "" */
    const char *summary;  /* one line, beside the name in a list of commands */
    const char *details;  /* a line more in the command's own help, or NULL */
    size_t min_operands, max_operands;
    const struct vf_option_group *groups; /* its own first; without vf_common_options */
    size_t n_groups;
    size_t args_size;
    bool hidden; /* not listed by --help */
    /* Runs it. Returns 0, a vf_code with *err filled, or an exit status over 0. */
    int (*run)(struct vf_console *console, void *args, struct vf_err *err);
};

/* Reads `argv` (n strings, without the command's name) into `args`, which has args_size zeroed
 * bytes. Sorts the operands to the front of `argv`. VF_ERR_USAGE says what would be accepted. The
 * number of operands is checked unless --help was given. */
VF_MUST_CHECK int vf_options_parse(
    const struct vf_command *command, char **argv, size_t n, void *args, struct vf_err *err);

/* Prints what --help says, at most VF_HELP_LINES lines. */
void vf_options_print_help(const struct vf_command *command, FILE *out);

/* Prints one line an option: "--name", its argument or nothing, its help, separated by tabs; and a
 * line "-x" before it where it has a letter. */
void vf_options_print_names(const struct vf_command *command, FILE *out);

/* ---- nearest name ---- */

/* Edits (insert, delete, replace, swap neighbours) that turn `a` into `b`. Names longer than
 * VF_NAME_MAX bytes have distance SIZE_MAX. */
#define VF_NAME_MAX 63
size_t vf_edit_distance(const char *a, const char *b);

/* True when `name` is close enough to `candidate` to be suggested; *best is the distance of the
 * best so far (SIZE_MAX at first) and is lowered. */
bool vf_is_nearer(const char *name, const char *candidate, size_t *best);

/* ---- parsers ---- */

vf_option_parser vf_parse_flag;     /* bool: set to true */
vf_option_parser vf_parse_text;     /* char *: not empty, pointer into argv */
vf_option_parser vf_parse_count;    /* size_t from 1 to *(const size_t *)detail */
vf_option_parser vf_parse_duration; /* size_t: seconds; written 90s, 30m, 2h or 1d */
vf_option_parser vf_parse_memory;   /* size_t: bytes; written 500M or 2G */
vf_option_parser vf_parse_choice;   /* const char *: one of the NULL-terminated strings of detail */

/* A whole number in decimal digits from `min` to `max`; false for anything else. */
bool vf_parse_size(const char *text, size_t min, size_t max, size_t *ret);

#endif
