/* vecfill bench: tokens per second of tokenizing, of encoding, and of both. */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/json_text.h"
#include "cli/model_args.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/text_input.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_SECONDS = 5, DEFAULT_TOKENS = 128, GENERATED_TEXTS = 64 };

/* Texts between two looks at the clock. */
enum { WINDOW = 2048 };

/* Texts that a bench keeps in memory, at most. */
#define MAX_TEXTS ((size_t)100000)

struct bench_args {
    struct vf_common_args common;
    struct vf_model_args model;
    char *texts;
    size_t tokens, seconds;
    bool json;
};

static const size_t max_tokens = 1000000;
static const size_t max_seconds = 86400;

static const struct vf_option options[] = {
    {"texts", '\0', "FILE", "texts of JSON Lines, as embed reads them", vf_parse_text,
        offsetof(struct bench_args, texts), NULL, false},
    {"tokens", '\0', "N", "else generated texts of N tokens [128]", vf_parse_count,
        offsetof(struct bench_args, tokens), &max_tokens, false},
    {"seconds", '\0', "N", "for each stage [5]", vf_parse_count,
        offsetof(struct bench_args, seconds), &max_seconds, false},
    {"json", '\0', NULL, "report as a JSON object", vf_parse_flag,
        offsetof(struct bench_args, json), NULL, false},
};

static const struct vf_option_group groups[] = {
    {options, sizeof options / sizeof options[0], 0},
    {vf_model_options, VF_N_MODEL_OPTIONS, offsetof(struct bench_args, model)},
};

/* What is measured, side by side: the texts, their ids, and room for a window's vectors. */
struct corpus {
    struct vf_embedder *embedder;
    struct vf_text *texts;
    struct vf_tokens *tokens;
    struct vf_sequence *sequences;
    size_t n, capacity;
    uint64_t n_tokens; /* of one pass over all texts */
    float *vectors;
};

enum stage { TOKENIZE, ENCODE, EMBED, N_STAGES };
static const char *const stage_names[N_STAGES] = {"tokenize", "encode", "embed"};

struct measure {
    uint64_t texts, tokens;
    double seconds;
};

/* ---- texts ---- */

static int add_text(struct corpus *corpus, struct vf_text text, struct vf_err *err)
{
    if (corpus->n == corpus->capacity) {
        size_t capacity = corpus->capacity ? 2 * corpus->capacity : 256;
        struct vf_text *grown = realloc(corpus->texts, capacity * sizeof *grown);
        if (!grown)
            return vf_fail_memory(err, "texts");
        corpus->texts = grown;
        corpus->capacity = capacity;
    }
    char *copy = malloc(text.n_bytes + 1);
    if (!copy)
        return vf_fail_memory(err, "texts");
    if (text.n_bytes > 0)
        memcpy(copy, text.bytes, text.n_bytes);
    corpus->texts[corpus->n++] = (struct vf_text){copy, text.n_bytes};
    return 0;
}

static int read_texts(struct corpus *corpus, char *path, struct vf_err *err)
{
    struct vf_json_lines lines;
    bool at_end = false;
    int rc = 0;
    vf_json_lines_init(&lines, &path, 1);
    while (rc == 0 && !at_end && corpus->n < MAX_TEXTS) {
        struct vf_text_item item = {0};
        rc = vf_text_input_next(&lines, &item, &at_end, err);
        if (rc == 0 && !at_end)
            rc = add_text(corpus, item.text, err);
        vf_text_item_release(&item);
    }
    vf_json_lines_release(&lines);
    if (rc == 0 && corpus->n == 0)
        rc = vf_fail(err, VF_ERR_DATA, "%s holds no text", path);
    return rc;
}

/* Writes words drawn by `*state`, most of which are one token, until the text has `n_tokens`. */
static int write_text(const struct corpus *corpus, size_t n_tokens, uint32_t *state,
    struct vf_buf *text, struct vf_err *err)
{
    static const char *const words[] = {"the", "market", "rose", "after", "report", "of", "bank",
        "shares", "and", "government", "price", "quarter", "said", "company", "in", "new", "growth",
        "trade", "on", "week", "oil", "board", "plan", "for"};
    size_t have = 0;
    int rc = 0;
    vf_buf_clear(text);
    VF_TRY(vf_count_tokens(corpus->embedder, (struct vf_text){NULL, 0}, &have, err));
    while (have < n_tokens) {
        for (; have < n_tokens; have++) {
            *state = *state * 1664525u + 1013904223u;
            const char *word = words[(*state >> 16) % (sizeof words / sizeof words[0])];
            VF_TRY(vf_buf_printf(text, err, "%s%s", text->size ? " " : "", word));
        }
        const struct vf_text view = {text->data, text->size};
        VF_TRY(vf_count_tokens(corpus->embedder, view, &have, err));
    }
out:
    return rc;
}

static int generate_texts(struct corpus *corpus, size_t n_tokens, struct vf_err *err)
{
    struct vf_buf text = {0};
    uint32_t state = 1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < GENERATED_TEXTS; i++) {
        rc = write_text(corpus, n_tokens, &state, &text, err);
        if (rc == 0)
            rc = add_text(corpus, (struct vf_text){text.data, text.size}, err);
    }
    vf_buf_release(&text);
    return rc;
}

static int prepare(struct corpus *corpus, const struct bench_args *args, struct vf_err *err)
{
    const struct vf_model_info *info = vf_info(corpus->embedder);
    size_t limit = info->max_seq_length;
    size_t n_tokens = args->tokens ? args->tokens : limit < DEFAULT_TOKENS ? limit : DEFAULT_TOKENS;
    int rc;
    if (args->texts)
        VF_TRY(read_texts(corpus, args->texts, err));
    else
        VF_TRY(generate_texts(corpus, n_tokens, err));
    corpus->tokens = calloc(corpus->n, sizeof *corpus->tokens);
    corpus->sequences = calloc(corpus->n, sizeof *corpus->sequences);
    corpus->vectors = malloc(WINDOW * info->dimensions * sizeof *corpus->vectors);
    if (!corpus->tokens || !corpus->sequences || !corpus->vectors)
        return vf_fail_memory(err, "the texts' tokens");
    for (size_t i = 0; i < corpus->n; i++) {
        VF_TRY(vf_tokenize(corpus->embedder, corpus->texts[i], &corpus->tokens[i], err));
        corpus->sequences[i] = (struct vf_sequence){corpus->tokens[i].ids, corpus->tokens[i].n_ids};
        corpus->n_tokens += corpus->tokens[i].n_ids;
    }
out:
    return rc;
}

static void release(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->n; i++) {
        free((void *)(uintptr_t)corpus->texts[i].bytes);
        if (corpus->tokens)
            vf_tokens_release(&corpus->tokens[i]);
    }
    free(corpus->texts);
    free(corpus->tokens);
    free(corpus->sequences);
    free(corpus->vectors);
    vf_close(corpus->embedder);
}

/* ---- measuring ---- */

/* One stage over texts `from` to `from + n`. */
static int run_stage(
    struct corpus *corpus, enum stage stage, size_t from, size_t n, struct vf_err *err)
{
    int rc = 0;
    if (stage == ENCODE)
        return vf_encode(corpus->embedder, corpus->sequences + from, n, corpus->vectors, err);
    if (stage == EMBED)
        return vf_embed(corpus->embedder, corpus->texts + from, n, corpus->vectors, NULL, err);
    for (size_t i = from; rc == 0 && i < from + n; i++)
        rc = vf_tokenize(corpus->embedder, corpus->texts[i], &corpus->tokens[i], err);
    return rc;
}

/* Whole passes over all texts, so that their mixture is measured as it is, until the time is up;
 * after a first window to warm up. */
static int measure(struct corpus *corpus, enum stage stage, double seconds, struct measure *ret,
    struct vf_err *err)
{
    size_t window = corpus->n < WINDOW ? corpus->n : WINDOW;
    int rc = run_stage(corpus, stage, 0, window, err);
    int64_t begin = vf_now_ns();
    *ret = (struct measure){0};
    while (rc == 0 && ret->seconds < seconds) {
        for (size_t from = 0; rc == 0 && from < corpus->n; from += window) {
            size_t left = corpus->n - from, n = left < window ? left : window;
            rc = run_stage(corpus, stage, from, n, err);
            for (size_t i = from; i < from + n; i++)
                ret->tokens += corpus->tokens[i].n_ids;
            ret->texts += n;
            if (rc == 0)
                rc = vf_signals_check(err);
        }
        ret->seconds = vf_seconds_since(begin);
    }
    return rc;
}

static int print_json(
    const struct corpus *corpus, const struct measure measures[N_STAGES], struct vf_err *err)
{
    const struct vf_model_info *info = vf_info(corpus->embedder);
    json_t *stages = json_object();
    for (size_t i = 0; stages && i < N_STAGES; i++) {
        const struct measure *m = &measures[i];
        json_t *stage = json_pack("{s:I, s:I, s:f, s:f, s:f}", "texts", (json_int_t)m->texts,
            "tokens", (json_int_t)m->tokens, "seconds", m->seconds, "tokens_per_second",
            (double)m->tokens / m->seconds, "texts_per_second", (double)m->texts / m->seconds);
        if (!stage || json_object_set_new(stages, stage_names[i], stage)) {
            json_decref(stages);
            stages = NULL;
        }
    }
    return vf_json_print(
        json_pack("{s:s, s:s, s:i, s:I, s:f, s:o}", "model", info->name, "isa", info->isa,
            "threads", (int)info->threads, "texts", (json_int_t)corpus->n, "mean_tokens",
            (double)corpus->n_tokens / (double)corpus->n, "stages", stages),
        stdout, err);
}

static void print_table(const struct corpus *corpus, const struct measure measures[N_STAGES])
{
    const struct vf_model_info *info = vf_info(corpus->embedder);
    printf("%s, %u threads, kernels %s\n%zu texts of %.1f tokens on average\n", info->name,
        info->threads, info->isa, corpus->n, (double)corpus->n_tokens / (double)corpus->n);
    printf("%-10s %12s %12s %9s\n", "stage", "tokens/s", "texts/s", "seconds");
    for (size_t i = 0; i < N_STAGES; i++) {
        const struct measure *m = &measures[i];
        char tokens[16], texts[16];
        vf_format_rate((double)m->tokens / m->seconds, tokens, sizeof tokens);
        vf_format_rate((double)m->texts / m->seconds, texts, sizeof texts);
        printf("%-10s %12s %12s %9.1f\n", stage_names[i], tokens, texts, m->seconds);
    }
}

static int run(struct vf_console *console, void *data, struct vf_err *err)
{
    const struct bench_args *args = data;
    double seconds = (double)(args->seconds ? args->seconds : DEFAULT_SECONDS);
    struct measure measures[N_STAGES] = {{0}};
    struct corpus corpus = {0};
    int rc;
    if (args->texts && args->tokens)
        return vf_fail(err, VF_ERR_USAGE, "--tokens is for generated texts: give it or --texts");
    if (args->tokens && args->model.max_seq_length)
        return vf_fail(err, VF_ERR_USAGE, "--tokens sets --max-seq-length: give one of them");
    /* Generated texts have the tokens asked for or some more, which the limit cuts off. */
    struct vf_model_args model = args->model;
    if (args->tokens)
        model.max_seq_length = args->tokens;
    VF_TRY(vf_model_args_open(&model, console, false, &corpus.embedder, err));
    VF_TRY(prepare(&corpus, args, err));
    vf_signals_catch();
    for (size_t i = 0; i < N_STAGES; i++) {
        vf_console_note(console, "measuring %s for %.0f s", stage_names[i], seconds);
        VF_TRY(measure(&corpus, (enum stage)i, seconds, &measures[i], err));
    }
    if (args->json)
        rc = print_json(&corpus, measures, err);
    else
        print_table(&corpus, measures);
out:
    release(&corpus);
    return rc;
}

const struct vf_command vf_cmd_bench = {
    .name = "bench",
    .operands = "",
    .summary = "Measures tokens per second of each stage",
    .groups = groups,
    .n_groups = sizeof groups / sizeof groups[0],
    .args_size = sizeof(struct bench_args),
    .run = run,
};
