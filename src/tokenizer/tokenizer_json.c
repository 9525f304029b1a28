#include "tokenizer/bert_steps.h"
#include "tokenizer/tokenizer_config.h"
#include "tokenizer/tokenizer_impl.h"

#include <stdio.h>
#include <string.h>

static int check_top(const json_t *root, const char *path, struct vf_err *err)
{
    static const char *const required[] = {"model", NULL};
    /* The limit is an argument of vecfill, and its batches have no padding. */
    static const char *const optional[] = {"version", "truncation", "padding", "added_tokens",
        "normalizer", "pre_tokenizer", "post_processor", "decoder", NULL};
    const char *version;
    int rc;
    VF_TRY(vf_tokenizer_check_keys(root, path, required, optional, err));
    VF_TRY(vf_json_get_string(root, "version", path, "1.0", &version, err));
    if (strcmp(version, "1.0") != 0) {
        rc = vf_fail(err, VF_ERR_DATA, "%s: unknown \"version\": %s", path, version);
        vf_hint(err, "vecfill reads version 1.0; a newer vecfill may read this one");
    }
out:
    return rc;
}

/* The value under `key`, and "PATH: KEY" in `where`. */
static const json_t *enter(
    const json_t *root, const char *path, const char *key, char where[VF_WHERE_BYTES])
{
    (void)snprintf(where, VF_WHERE_BYTES, "%s: %s", path, key);
    return json_object_get(root, key);
}

/* Finds out whether the quicker way of BERT is open. */
static void look_for_bert(struct vf_tokenizer *t)
{
    const struct vf_normalizer_step *normalizer = t->normalizer.steps;
    const struct vf_pretokenizer_step *pretokenizer = t->pretokenizer.steps;
    bool is_bert = t->normalizer.n <= 1 &&
                   (t->normalizer.n == 0 || normalizer->kind == &vf_bert_normalizer) &&
                   t->pretokenizer.n == 1 && pretokenizer->kind == &vf_bert_pretokenizer &&
                   t->model.kind == &vf_wordpiece_model;
    if (!is_bert)
        return;
    t->wordpiece = t->model.self;
    t->plain = vf_bert_step_table(pretokenizer->self);
    t->table = t->normalizer.n == 1 ? vf_bert_step_table(normalizer->self) : t->plain;
}

int vf_tokenizer_build(const json_t *root, struct vf_model_tables *tables, const char *path,
    bool lowercase, struct vf_tokenizer *t, struct vf_err *err)
{
    char where[VF_WHERE_BYTES];
    int rc;
    VF_TRY(check_top(root, path, err));
    VF_TRY(vf_workspace_pool_new(&t->pool, err));
    if (lowercase)
        vf_normalizer_lowercase(&t->normalizer);
    const json_t *part = enter(root, path, "normalizer", where);
    VF_TRY(vf_normalizer_read(part, where, &t->normalizer, err));
    part = enter(root, path, "pre_tokenizer", where);
    VF_TRY(vf_pretokenizer_read(part, where, &t->pretokenizer, err));
    part = enter(root, path, "model", where);
    VF_TRY(vf_token_model_read(part, tables, where, &t->model, err));
    look_for_bert(t);
    part = enter(root, path, "added_tokens", where);
    if (part && !json_is_array(part)) {
        rc = vf_fail(err, VF_ERR_DATA, "%s: not an array", where);
        goto out;
    }
    VF_TRY(vf_added_tokens_read(part, where, t, err));
    part = enter(root, path, "post_processor", where);
    if (part && !json_is_null(part))
        VF_TRY(vf_template_read(part, where, t, err));
out:
    return rc;
}

int vf_tokenizer_parse(char *text, size_t n, const char *path, const json_t *config, bool lowercase,
    struct vf_tokenizer *tokenizer, struct vf_err *err)
{
    struct vf_model_tables tables = {0};
    json_t *root = NULL;
    int rc;
    VF_TRY(vf_json_cut(text, n, path, &tables, &root, err));
    VF_TRY(vf_tokenizer_config_apply(config, root, err));
    VF_TRY(vf_tokenizer_build(root, &tables, path, lowercase, tokenizer, err));
out:
    vf_model_tables_release(&tables);
    json_decref(root);
    return rc;
}
