/* Metaspace: writes blanks as a character that can be seen, one of them before the text, and cuts
 * before each. */
#include "base/checked.h"
#include "base/utf8.h"
#include "tokenizer/split_behavior.h"

#include <stdlib.h>
#include <string.h>

enum scheme { NEVER, FIRST, ALWAYS };

struct metaspace {
    uint8_t mark[4]; /* what stands for a blank */
    size_t mark_n;
    enum scheme prepends;
    bool splits;
};

/* Early files have "add_prefix_space" in place of "prepend_scheme". */
static int read_scheme(const json_t *json, const char *where, enum scheme *ret, struct vf_err *err)
{
    static const char *const names[] = {"never", "first", "always"};
    bool adds;
    const char *name;
    int rc;
    VF_TRY(vf_json_get_bool(json, "add_prefix_space", where, true, &adds, err));
    VF_TRY(
        vf_json_get_string(json, "prepend_scheme", where, adds ? "always" : "never", &name, err));
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum scheme)i;
            return 0;
        }
    }
    rc = vf_fail(err, VF_ERR_DATA, "%s: unknown \"prepend_scheme\": %s", where, name);
out:
    return rc;
}

static int read(const json_t *json, const char *where, void **ret, struct vf_err *err)
{
    static const char *const required[] = {"type", "replacement", NULL};
    static const char *const optional[] = {
        "add_prefix_space", "prepend_scheme", "split", "str_rep", NULL};
    struct metaspace *metaspace = calloc(1, sizeof *metaspace);
    const char *mark;
    uint32_t c;
    int rc;
    if (!metaspace)
        return vf_fail_memory(err, "the tokenizer");
    VF_TRY(vf_tokenizer_check_keys(json, where, required, optional, err));
    VF_TRY(vf_json_get_string(json, "replacement", where, "", &mark, err));
    VF_TRY(read_scheme(json, where, &metaspace->prepends, err));
    VF_TRY(vf_json_get_bool(json, "split", where, true, &metaspace->splits, err));
    metaspace->mark_n = strlen(mark);
    if (!*mark || vf_utf8_decode((const uint8_t *)mark, (const uint8_t *)mark + metaspace->mark_n,
                      &c) != metaspace->mark_n) {
        rc = vf_fail(err, VF_ERR_DATA, "%s: \"replacement\" is not one character", where);
        goto out;
    }
    memcpy(metaspace->mark, mark, metaspace->mark_n);
    *ret = metaspace;
out:
    if (rc)
        free(metaspace);
    return rc;
}

static bool begins_with_mark(const struct metaspace *metaspace, const uint8_t *p, size_t n)
{
    return n >= metaspace->mark_n && memcmp(p, metaspace->mark, metaspace->mark_n) == 0;
}

/* Writes the piece with its marks into the taker's buffer. */
static int write_marks(const struct metaspace *metaspace, const struct vf_piece *piece,
    const struct vf_piece_taker *taker, struct vf_piece *ret)
{
    size_t need, n = 0, n_first = 0;
    if (!vf_size_mul(piece->n + 1, 4, &need))
        return vf_fail_memory(taker->err, "a text");
    vf_buf_clear(taker->buf);
    int rc = vf_buf_reserve(taker->buf, need, taker->err);
    if (rc)
        return rc;
    uint8_t *to = (uint8_t *)taker->buf->data;
    bool begins = piece->p[0] == ' ' || begins_with_mark(metaspace, piece->p, piece->n);
    if (!begins &&
        (metaspace->prepends == ALWAYS || (metaspace->prepends == FIRST && piece->n_first > 0))) {
        memcpy(to, metaspace->mark, 4);
        n = metaspace->mark_n;
    }
    for (size_t i = 0; i < piece->n; i++) {
        if (piece->p[i] == ' ') {
            memcpy(to + n, metaspace->mark, 4);
            n += metaspace->mark_n;
        } else {
            to[n++] = piece->p[i];
        }
        if (i + 1 == piece->n_first)
            n_first = n;
    }
    *ret = (struct vf_piece){.p = to, .n = n, .n_first = n_first};
    return 0;
}

static int split(const void *self, const struct vf_piece *piece, const struct vf_piece_taker *taker)
{
    const struct metaspace *metaspace = self;
    struct vf_piece marked;
    int rc = write_marks(metaspace, piece, taker, &marked);
    if (rc || !metaspace->splits)
        return rc ? rc : taker->take(taker->context, &marked);
    struct vf_cutter cutter = {
        .behavior = VF_SPLIT_MERGED_WITH_NEXT, .piece = &marked, .taker = taker};
    for (size_t at = 0; at < marked.n && rc == 0;) {
        const uint8_t *found = memchr(marked.p + at, metaspace->mark[0], marked.n - at);
        size_t begin = found ? (size_t)(found - marked.p) : marked.n;
        at = begin + 1;
        if (found && !begins_with_mark(metaspace, found, marked.n - begin))
            continue;
        if (begin > cutter.end)
            rc = vf_cutter_add(&cutter, begin, false);
        if (rc == 0 && found)
            rc = vf_cutter_add(&cutter, begin + metaspace->mark_n, true);
        at = found ? cutter.end : marked.n;
    }
    if (rc == 0 && cutter.end < marked.n)
        rc = vf_cutter_add(&cutter, marked.n, false);
    return rc ? rc : vf_cutter_finish(&cutter);
}

const struct vf_pretokenizer_kind vf_metaspace_pretokenizer = {
    .type = "Metaspace", .read = read, .split = split, .release = free};
