/* The patterns of tokenizer.json, {"String": …} or {"Regex": …}: where they match in a text.
 *
 * The few regular expressions that nearly all models share are matched by hand (word_scanner.h),
 * the others by PCRE2. A pattern is immutable once read.
 */
#ifndef VF_TOKENIZER_PATTERN_H
#define VF_TOKENIZER_PATTERN_H

#include "tokenizer/json_keys.h"
#include "tokenizer/word_scanner.h"

#include <stdbool.h>

struct vf_pattern {
    char *literal; /* owned; NULL for a regular expression */
    size_t literal_n;
    struct vf_word_scanner scanner;
    void *code; /* of PCRE2, owned; NULL for the others */
};

/* Reads the value of "pattern". On failure *ret is zeroed. Release with vf_pattern_release(). */
VF_MUST_CHECK int vf_pattern_read(
    const json_t *json, const char *where, struct vf_pattern *ret, struct vf_err *err);

/* Accepts NULL and a zeroed struct. */
void vf_pattern_release(struct vf_pattern *pattern);

/* One search through a text of `n` bytes, valid UTF-8. */
struct vf_pattern_search {
    const struct vf_pattern *pattern;
    const uint8_t *text;
    size_t n;
    size_t from;
    size_t last_end; /* of the match before; SIZE_MAX at first */
    void *match;     /* of PCRE2, owned */
};

VF_MUST_CHECK int vf_pattern_search_init(struct vf_pattern_search *search,
    const struct vf_pattern *pattern, const uint8_t *text, size_t n, struct vf_err *err);

void vf_pattern_search_release(struct vf_pattern_search *search);

/* The next match, which may be empty, but not where the one before it ended; *ret_found is false
 * when there is none. */
VF_MUST_CHECK int vf_pattern_search_next(struct vf_pattern_search *search, bool *ret_found,
    size_t *ret_begin, size_t *ret_end, struct vf_err *err);

#endif
