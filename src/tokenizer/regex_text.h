/* Regular expressions of tokenizer.json, written in the syntax of Oniguruma, for PCRE2.
 *
 * Classes of characters (\s, \d, \w, \p{…}) are written out as the reference library has them, so
 * that matches do not depend on the version of Unicode that PCRE2 was built with. What the two
 * libraries do not understand alike is refused.
 */
#ifndef VF_TOKENIZER_REGEX_TEXT_H
#define VF_TOKENIZER_REGEX_TEXT_H

#include "base/buf.h"

/* Appends the translation of `text` to `ret`. VF_ERR_DATA, the message beginning with `where`, for
 * what is refused. */
VF_MUST_CHECK int vf_regex_translate(
    const char *text, const char *where, struct vf_buf *ret, struct vf_err *err);

#endif
