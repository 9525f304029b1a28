/* Reading config.json: values checked against what the arithmetic can take. A getter's error names
 * the file and the key; a key that is null counts as missing. */
#ifndef VF_MODEL_CONFIG_JSON_H
#define VF_MODEL_CONFIG_JSON_H

#include "base/json.h"
#include "model/network.h"

/* Sanity limits: far beyond every encoder, small enough that no product of two overflows. */
enum {
    VF_MAX_HIDDEN_SIZE = 1 << 14,
    VF_MAX_INTERMEDIATE_SIZE = 1 << 17,
    VF_MAX_VOCAB_SIZE = 1 << 22,
    VF_MAX_TYPE_VOCAB_SIZE = 1 << 10,
    VF_MAX_POSITIONS = 1 << 20
};

struct vf_config_json {
    const json_t *json;
    const char *path;  /* names the file in messages */
    const char *task;  /* whose adapter is wanted; NULL: none */
    bool with_weights; /* which need a task where there are adapters */
};

/* Refuses a file without the key. */
VF_MUST_CHECK int vf_config_require(
    const struct vf_config_json *config, const char *key, struct vf_err *err);

/* A size in [1, max] that must be there. */
VF_MUST_CHECK int vf_config_size(const struct vf_config_json *config, const char *key, size_t max,
    size_t *ret, struct vf_err *err);

/* A size in [0, max]; `fallback` where there is none. */
VF_MUST_CHECK int vf_config_size_or(const struct vf_config_json *config, const char *key,
    size_t fallback, size_t max, size_t *ret, struct vf_err *err);

VF_MUST_CHECK int vf_config_flag(const struct vf_config_json *config, const char *key,
    bool fallback, bool *ret, struct vf_err *err);

VF_MUST_CHECK int vf_config_number(const struct vf_config_json *config, const char *key,
    double fallback, double *ret, struct vf_err *err);

/* The eps of the norms, in (0, 0.1]. */
VF_MUST_CHECK int vf_config_eps(const struct vf_config_json *config, const char *key,
    double fallback, float *ret, struct vf_err *err);

/* By the names of transformers; "gelu" where there is none. */
VF_MUST_CHECK int vf_config_activation(const struct vf_config_json *config, const char *key,
    enum vf_activation *ret, struct vf_err *err);

/* Positions that count from behind the padding token's id, which is `fallback` where `key` is
 * missing, or NULL. Takes them off max_positions; position_rows and vocab_size must be filled. */
VF_MUST_CHECK int vf_config_padding(const struct vf_config_json *config, const char *key,
    size_t fallback, struct vf_network *network, struct vf_err *err);

/* Refuses a string other than `known`, which is also what a missing one means. */
VF_MUST_CHECK int vf_config_expect(
    const struct vf_config_json *config, const char *key, const char *known, struct vf_err *err);

/* Refuse a key that is true, or there at all: it makes a network that is not computed here. */
VF_MUST_CHECK int vf_config_refuse_true(
    const struct vf_config_json *config, const char *key, struct vf_err *err);
VF_MUST_CHECK int vf_config_refuse_present(
    const struct vf_config_json *config, const char *key, struct vf_err *err);

/* VF_ERR_DATA: the key's value is not one of `known`. */
int vf_config_fail_value(const struct vf_config_json *config, const char *key, const char *value,
    const char *known, struct vf_err *err);

#endif
