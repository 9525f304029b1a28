/* A model directory to a checked description and its tensors.
 *
 * vf_model_open() reads config.json, modules.json, the pooling's config.json,
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
#include "model/network.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vf_pooling { VF_POOL_MEAN, VF_POOL_CLS, VF_POOL_MAX };

/* What the files say, checked. */
struct vf_model_config {
    struct vf_network network;
    enum vf_pooling pooling;
    bool normalize;        /* modules.json has Normalize: vectors are divided by their norm */
    bool has_modules;      /* modules.json exists; without it: mean pooling, no Normalize */
    bool do_lower_case;    /* sentence_bert_config.json: lower-case before the tokenizer */
    size_t max_seq_length; /* by transformers' rule: model_max_length capped by positions */
    const char *max_seq_length_source; /* the file that says so; static string */
    size_t st_max_seq_length; /* sentence_bert_config.json's max_seq_length; 0 when not given */
};

struct vf_model;

/* Opens the model in `directory`. With `with_weights` false only the small files are read and
 * vf_model_tensors() gives NULL. On success the caller owns *ret. */
VF_MUST_CHECK int vf_model_open(
    const char *directory, bool with_weights, struct vf_model **ret, struct vf_err *err);

/* Unmaps the weights. Accepts NULL. */
void vf_model_close(struct vf_model *model);

const struct vf_model_config *vf_model_config(const struct vf_model *model);

/* Borrowed; NULL when opened without weights. */
const struct vf_network_tensors *vf_model_tensors(const struct vf_model *model);

/* Numbers in the tensors that are used; 0 without weights. */
uint64_t vf_model_parameters(const struct vf_model *model);

/* Bytes of the files of the weights; 0 without them. */
uint64_t vf_model_file_bytes(const struct vf_model *model);

const char *vf_pooling_name(enum vf_pooling pooling);

#endif
