/* What the text of an article is, when it is empty, and what is to be done with it: the rules of
 * store.h in C. PostgreSQL computes the same in SQL; a test compares the two. */
#ifndef VF_STORE_ARTICLE_TEXT_H
#define VF_STORE_ARTICLE_TEXT_H

#include "store/store.h"

/* The numbers are those that the SQL statements yield. */
enum vf_state {
    VF_STATE_MISSING = 0,
    VF_STATE_CHANGED = 1,
    VF_STATE_UNCHANGED = 2,
    VF_STATE_EMPTY = 3,
    VF_STATE_FAILED = 4
};

static inline bool vf_state_is_todo(enum vf_state state)
{
    return state == VF_STATE_MISSING || state == VF_STATE_CHANGED;
}

/* A column's value; `bytes` is NULL for NULL. */
struct vf_value {
    const char *bytes;
    size_t n;
};

/* White space: what Python's str.strip() takes away. */
extern const uint16_t vf_white_space[];
extern const size_t vf_n_white_space;

/* True when `text` is valid UTF-8 of nothing but white space. NULL is blank. */
bool vf_is_blank(struct vf_value text);

/* Appends headline, one space and body, or the one that is not NULL. */
VF_MUST_CHECK int vf_text_append(
    struct vf_buf *buf, struct vf_value headline, struct vf_value body, struct vf_err *err);

/* Adds `n` articles of one state. VF_ERR_INTERNAL when `state` is none. */
VF_MUST_CHECK int vf_counts_add(
    struct vf_counts *counts, int64_t state, uint64_t n, struct vf_err *err);

#endif
