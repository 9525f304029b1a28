#include "embed/embedder.h"

#include "base/buf.h"
#include "cpu/cpu.h"
#include "embed/prompt.h"
#include "embed/int8_cache.h"
#include "hub/hub_fetch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *vf_version(void)
{
    return VF_VERSION;
}

void vf_options_init(struct vf_options *options)
{
    *options = (struct vf_options){.chunk_overlap = VF_CHUNK_OVERLAP_AUTO};
}

const struct vf_model_info *vf_info(const struct vf_embedder *embedder)
{
    return &embedder->info;
}

static int check_options(const struct vf_options *options, struct vf_err *err)
{
    if (!options->model || !*options->model)
        return vf_fail(err, VF_ERR_USAGE, "no model was named");
    if (options->precision < VF_PRECISION_FP32 || options->precision > VF_PRECISION_INT8)
        return vf_fail(err, VF_ERR_USAGE, "unknown precision %d", (int)options->precision);
    if (options->long_text != VF_LONG_TEXT_TRUNCATE &&
        options->long_text != VF_LONG_TEXT_CHUNK_MEAN)
        return vf_fail(
            err, VF_ERR_USAGE, "unknown treatment of long texts %d", (int)options->long_text);
    return 0;
}

/* What tokenizer and encoder must have in common. */
static int check_model(const struct vf_embedder *e, struct vf_err *err)
{
    const struct vf_model_config *config = vf_model_config(e->model);
    size_t n_tokens = vf_tokenizer_vocab_size(e->tokenizer);
    if (n_tokens > config->network.vocab_size)
        return vf_fail(err, VF_ERR_DATA,
            "%s: tokenizer.json has %zu tokens, the model has embeddings for %zu",
            e->location.directory, n_tokens, config->network.vocab_size);
    return 0;
}

/* The prompt and the number of its tokens: those before the last special token, if the tokenizer
 * puts one behind a text. */
static int choose_prompt(
    struct vf_embedder *e, const struct vf_options *options, struct vf_err *err)
{
    struct vf_chosen_prompt chosen;
    size_t n;
    int rc = vf_prompt_choose(options, vf_model_prompts(e->model), &chosen, err);
    if (rc)
        return rc;
    e->info.misses_prompt = chosen.is_missing;
    e->prompt = chosen.text ? strdup(chosen.text) : NULL;
    e->prompt_name = chosen.name ? strdup(chosen.name) : NULL;
    if (!e->prompt != !chosen.text || !e->prompt_name != !chosen.name)
        return vf_fail_memory(err, "the prompt");
    if (!e->prompt)
        return 0;
    rc = vf_tokenizer_count(e->tokenizer, e->prompt, strlen(e->prompt), &n, err);
    if (rc == 0)
        e->n_prompt = n - vf_tokenizer_specials(e->tokenizer);
    return rc;
}

/* The longest input: the option, else what the model's files say. */
static int choose_limit(struct vf_embedder *e, size_t wanted, struct vf_err *err)
{
    const struct vf_model_config *config = vf_model_config(e->model);
    size_t limit = wanted ? wanted : config->max_seq_length;
    size_t least = vf_tokenizer_specials(e->tokenizer) + e->n_prompt + 1;
    if (limit > config->network.max_positions) {
        vf_fail(err, VF_ERR_CONFIG, "a longest input of %zu tokens is more than the %zu of %s",
            limit, config->network.max_positions, e->name);
        vf_hint(err, "ask for at most %zu", config->network.max_positions);
        return VF_ERR_CONFIG;
    }
    if (limit < least) {
        vf_fail(err, VF_ERR_CONFIG, "a longest input of %zu tokens leaves no room for text", limit);
        vf_hint(
            err, "ask for at least %zu: %zu are special tokens or the prompt", least, least - 1);
        return VF_ERR_CONFIG;
    }
    e->info.max_seq_length = limit;
    e->info.limit_source = wanted ? "the option max_seq_length" : config->max_seq_length_source;
    return 0;
}

/* How texts over the limit are treated. */
static int choose_long_text(
    struct vf_embedder *e, const struct vf_options *options, struct vf_err *err)
{
    enum { AUTO_SHARE = 8 };
    struct vf_model_info *info = &e->info;
    size_t most = info->max_seq_length - vf_tokenizer_specials(e->tokenizer) - e->n_prompt - 1;
    size_t overlap = options->chunk_overlap, share = info->max_seq_length / AUTO_SHARE;
    info->long_text = options->long_text;
    if (info->long_text == VF_LONG_TEXT_TRUNCATE)
        return 0;
    if (overlap == VF_CHUNK_OVERLAP_AUTO)
        overlap = share < most ? share : most;
    if (overlap > most) {
        vf_fail(err, VF_ERR_CONFIG,
            "windows of %zu tokens that share %zu do not get on through a text",
            info->max_seq_length, overlap);
        vf_hint(err, "let them share at most %zu", most);
        return VF_ERR_CONFIG;
    }
    info->chunk_overlap = overlap;
    return 0;
}

/* How many floats of a vector are kept. */
static int choose_dimensions(struct vf_embedder *e, size_t wanted, struct vf_err *err)
{
    const struct vf_model_config *config = vf_model_config(e->model);
    size_t all = config->head.dimensions;
    if (wanted > all) {
        vf_fail(
            err, VF_ERR_CONFIG, "%zu dimensions are more than the %zu of %s", wanted, all, e->name);
        vf_hint(err, "ask for at most %zu", all);
        return VF_ERR_CONFIG;
    }
    e->info.all_dimensions = all;
    e->info.dimensions = wanted ? wanted : config->truncate_dim ? config->truncate_dim : all;
    return 0;
}

/* Pooling and what follows it in words; normalisation has a field of its own. */
static int describe_pooling(struct vf_embedder *e, struct vf_err *err)
{
    const struct vf_sentence_head *head = &vf_model_config(e->model)->head;
    struct vf_buf text = {0};
    int rc = 0;
    for (size_t i = 0; i < head->n_poolings; i++)
        VF_TRY(vf_buf_printf(&text, err, "%s%s", i ? "+" : "", vf_pooling_name(head->poolings[i])));
    if (!head->include_prompt)
        VF_TRY(vf_buf_append_string(&text, " without prompt", err));
    for (size_t i = 0; i < head->n_steps; i++) {
        const struct vf_head_step *step = &head->steps[i];
        if (step->kind == VF_HEAD_DENSE)
            VF_TRY(vf_buf_printf(&text, err, ", dense %zu %s%s", step->outputs,
                vf_dense_activation_name(step->activation), step->adds_input ? " residual" : ""));
        else if (i + 1 < head->n_steps)
            VF_TRY(vf_buf_append_string(&text, ", normalize", err));
    }
    e->pooling = vf_buf_detach(&text);
    rc = e->pooling ? 0 : vf_fail_memory(err, "the description of a model");
out:
    vf_buf_release(&text);
    return rc;
}

static void describe(struct vf_embedder *e, const struct vf_options *options)
{
    const struct vf_model_config *config = vf_model_config(e->model);
    const struct vf_network *network = &config->network;
    struct vf_model_info *info = &e->info;
    info->name = e->name;
    info->directory = e->location.directory;
    info->revision = e->location.commit;
    info->architecture = network->architecture;
    info->pooling = e->pooling;
    info->prompt = e->prompt;
    info->prompt_name = e->prompt_name;
    info->task = e->task;
    info->normalized = config->head.normalized;
    info->has_modules = config->has_modules;
    info->st_max_seq_length = config->st_max_seq_length;
    info->precision = options->precision;
    info->threads = options->threads ? options->threads : vf_cpu_threads();
    info->max_positions = network->max_positions;
    info->hidden_size = network->hidden_size;
    info->intermediate_size = network->intermediate_size;
    info->layers = network->layers;
    info->heads = network->heads;
    info->vocab_size = network->vocab_size;
    info->parameters = vf_model_parameters(e->model);
}

static int start_encoder(
    struct vf_embedder *e, const struct vf_options *options, struct vf_err *err)
{
    int rc = 0;
    struct vf_int8_weights int8 = {0};
    if (options->precision == VF_PRECISION_INT8)
        VF_TRY(vf_int8_obtain(e, &int8, err));
    const struct vf_encoder_options encoder_options = {.threads = e->info.threads,
        .precision = options->precision,
        .int8 = options->precision == VF_PRECISION_INT8 ? &int8 : NULL,
        .max_isa = options->max_isa,
        .max_tokens = e->info.max_seq_length,
        .dimensions = e->info.dimensions};
    VF_TRY(vf_encoder_new(e->model, &encoder_options, &e->encoder, err));
    e->info.isa = vf_encoder_isa(e->encoder);
    e->info.worker_bytes = vf_encoder_worker_bytes(e->encoder);
out:
    vf_int8_weights_release(&int8);
    return rc;
}

static struct vf_hub_request hub_request(const struct vf_options *options)
{
    return (struct vf_hub_request){.name = options->model,
        .revision = options->revision,
        .cache_dir = options->cache_dir,
        .offline = options->offline,
        .progress = options->fetch_progress,
        .context = options->fetch_context};
}

int vf_fetch(const struct vf_options *options, struct vf_location *ret, struct vf_err *err)
{
    struct vf_hub_location location = {0};
    int rc = check_options(options, err);
    if (rc)
        return rc;
    const struct vf_hub_request request = hub_request(options);
    rc = vf_hub_fetch(&request, &location, err);
    if (rc == 0)
        *ret = (struct vf_location){.directory = location.directory, .revision = location.commit};
    return rc;
}

void vf_location_release(struct vf_location *location)
{
    if (!location)
        return;
    free(location->directory);
    free(location->revision);
    *location = (struct vf_location){0};
}

int vf_open(const struct vf_options *options, struct vf_embedder **ret, struct vf_err *err)
{
    int rc = check_options(options, err);
    if (rc)
        return rc;
    struct vf_embedder *e = calloc(1, sizeof *e);
    if (!e || !(e->name = strdup(options->model)) ||
        (options->task && !(e->task = strdup(options->task)))) {
        vf_close(e);
        return vf_fail_memory(err, "a model");
    }
    const struct vf_hub_request request = hub_request(options);
    VF_TRY(vf_hub_obtain(&request, &e->location, err));
    VF_TRY(vf_model_open(
        e->location.directory, options->task, !options->tokenizer_only, &e->model, err));
    VF_TRY(vf_tokenizer_open(
        e->location.directory, vf_model_config(e->model)->do_lower_case, &e->tokenizer, err));
    VF_TRY(check_model(e, err));
    VF_TRY(choose_prompt(e, options, err));
    VF_TRY(choose_dimensions(e, options->dimensions, err));
    VF_TRY(describe_pooling(e, err));
    VF_TRY(choose_limit(e, options->max_seq_length, err));
    VF_TRY(choose_long_text(e, options, err));
    describe(e, options);
    if (!options->tokenizer_only)
        VF_TRY(start_encoder(e, options, err));
    *ret = e;
    e = NULL;
out:
    vf_close(e);
    return rc;
}

void vf_close(struct vf_embedder *embedder)
{
    if (!embedder)
        return;
    vf_encoder_free(embedder->encoder);
    vf_tokenizer_close(embedder->tokenizer);
    vf_model_close(embedder->model);
    vf_hub_location_release(&embedder->location);
    free(embedder->name);
    free(embedder->pooling);
    free(embedder->prompt);
    free(embedder->prompt_name);
    free(embedder->task);
    free(embedder);
}
