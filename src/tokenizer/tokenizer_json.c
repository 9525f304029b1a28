#include "tokenizer/bert_pretokenizer.h"
#include "tokenizer/tokenizer_impl.h"

#include <stdio.h>
#include <string.h>

#define MAX_FILE_BYTES ((size_t)64 << 20)

static const char *const none[] = {NULL};
static const char *const only_type[] = {"type", NULL};

static int read_type(const json_t *json, const char *where, const char *wanted, struct vf_err *err)
{
    const char *type;
    int rc = vf_json_get_string(json, "type", where, "(none)", &type, err);
    if (rc == 0 && strcmp(type, wanted) != 0)
        rc = vf_tokenizer_fail_kind(type, where, err);
    return rc;
}

/* Missing or null means that text stays as it is. */
static int read_normalizer(
    const json_t *json, const char *where, struct vf_bert_normalizer *ret, struct vf_err *err)
{
    *ret = (struct vf_bert_normalizer){0};
    if (!json || json_is_null(json))
        return 0;
    int rc = read_type(json, where, "BertNormalizer", err);
    return rc ? rc : vf_bert_normalizer_read(json, where, ret, err);
}

static int read_pretokenizer(const json_t *json, const char *where, struct vf_err *err)
{
    int rc = read_type(json, where, "BertPreTokenizer", err);
    return rc ? rc : vf_tokenizer_check_keys(json, where, only_type, none, err);
}

/* Early files have no "type" and are WordPiece by their keys, which are checked all the same. */
static int read_model(
    const json_t *json, const char *where, struct vf_wordpiece *model, struct vf_err *err)
{
    int rc = json_object_get(json, "type") ? read_type(json, where, "WordPiece", err) : 0;
    return rc ? rc : vf_wordpiece_read(json, where, model, err);
}

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

int vf_tokenizer_build(
    const json_t *root, const char *path, struct vf_tokenizer *t, struct vf_err *err)
{
    static const struct vf_bert_normalizer keep = {0};
    char where[VF_WHERE_BYTES];
    struct vf_bert_normalizer normalizer;
    int rc;
    VF_TRY(check_top(root, path, err));
    const json_t *part = enter(root, path, "normalizer", where);
    VF_TRY(read_normalizer(part, where, &normalizer, err));
    part = enter(root, path, "pre_tokenizer", where);
    VF_TRY(read_pretokenizer(part, where, err));
    VF_TRY(vf_char_table_init(&t->table, &normalizer, vf_bert_classify, err));
    part = enter(root, path, "model", where);
    VF_TRY(read_model(part, where, &t->model, err));
    part = enter(root, path, "added_tokens", where);
    if (part && !json_is_array(part)) {
        rc = vf_fail(err, VF_ERR_DATA, "%s: not an array", where);
        goto out;
    }
    VF_TRY(vf_added_tokens_read(part, where, t, err));
    if (t->normal.tokens)
        VF_TRY(vf_char_table_init(&t->plain, &keep, vf_bert_classify, err));
    part = enter(root, path, "post_processor", where);
    if (part && !json_is_null(part))
        VF_TRY(vf_template_read(part, where, t, err));
out:
    return rc;
}

int vf_tokenizer_read(const char *path, struct vf_tokenizer *tokenizer, struct vf_err *err)
{
    json_t *root = NULL;
    int rc = vf_json_load(path, MAX_FILE_BYTES, &root, err);
    if (rc == 0)
        rc = vf_tokenizer_build(root, path, tokenizer, err);
    json_decref(root);
    return rc;
}
