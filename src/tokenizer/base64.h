/* Base64 (RFC 4648, section 4), with padding. */
#ifndef VF_TOKENIZER_BASE64_H
#define VF_TOKENIZER_BASE64_H

#include "base/buf.h"

#include <stdbool.h>

/* Appends what `text` stands for to `ret`. *ret_valid is false when it is not base64. */
VF_MUST_CHECK int vf_base64_decode(
    const char *text, struct vf_buf *ret, bool *ret_valid, struct vf_err *err);

#endif
