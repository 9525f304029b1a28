/* A model directory to a checked description and its tensors.
 *
 * vf_model_open() reads config.json, modules.json, each module's config.json,
 * sentence_bert_config.json, tokenizer_config.json and config_sentence_transformers.json, checks
 * each value, and refuses what it does not know by file and key. With weights, their files
 * (checkpoint.h) are mapped, not copied, and every tensor that the architecture needs is checked
 * for name, shape and dtype, so that the encoder may rely on all of it.
 *
 * Immutable after opening; any number of threads may read it. It must outlive every tensor
 * pointer taken from it.
 */
#ifndef VF_MODEL_MODEL_H
#define VF_MODEL_MODEL_H

#include "base/error.h"
#include "model/sentence_head.h"
#include "model/st_prompts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the files say, checked. */
struct vf_model_config {
    struct vf_network network;
    struct vf_sentence_head head;
    bool has_modules;      /* modules.json exists; without it head is one pooling alone */
    bool is_causal_lm;     /* config.json: made to tell the next token */
    bool do_lower_case;    /* sentence_bert_config.json: lower-case before the tokenizer */
    size_t max_seq_length; /* by transformers' rule: model_max_length capped by positions */
    const char *max_seq_length_source; /* the file that says so; static string */
    size_t st_max_seq_length; /* sentence_bert_config.json's max_seq_length; 0 when not given */
    size_t truncate_dim; /* floats of the vector that are kept, at most head.dimensions; 0: all */
};

struct vf_model;

/* Opens the model in `directory`, with the adapter to `task` if it has adapters, else with NULL;
 * VF_ERR_CONFIG when these do not fit. With `with_weights` false only the small files are read and
 * vf_model_tensors() gives NULL. On success the caller owns *ret. */
VF_MUST_CHECK int vf_model_open(const char *directory, const char *task, bool with_weights,
    struct vf_model **ret, struct vf_err *err);

/* Unmaps the weights. Accepts NULL. */
void vf_model_close(struct vf_model *model);

const struct vf_model_config *vf_model_config(const struct vf_model *model);

/* Borrowed; NULL when opened without weights. */
const struct vf_network_tensors *vf_model_tensors(const struct vf_model *model);

/* Numbers in the tensors that are used; 0 without weights. */
uint64_t vf_model_parameters(const struct vf_model *model);

/* Bytes of the files of the weights; 0 without them. */
uint64_t vf_model_file_bytes(const struct vf_model *model);

/* Borrowed; those of config_sentence_transformers.json, none without modules.json. */
const struct vf_prompts *vf_model_prompts(const struct vf_model *model);

typedef int vf_path_visitor(void *context, const char *path, struct vf_err *err);

/* Calls `visit` with each file of the weights, always in the same order: those of the network, then
 * those of each Dense. They need not be open. VF_ERR_NOT_FOUND when there are none. */
VF_MUST_CHECK int vf_model_visit_weights(
    const struct vf_model *model, vf_path_visitor *visit, void *context, struct vf_err *err);

#endif
