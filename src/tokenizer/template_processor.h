/* The special tokens that a post-processor (TemplateProcessing's `single`, BertProcessing) puts
 * around one text. A zeroed struct puts none. */
#ifndef VF_TOKENIZER_TEMPLATE_PROCESSOR_H
#define VF_TOKENIZER_TEMPLATE_PROCESSOR_H

#include <stddef.h>
#include <stdint.h>

#define VF_TEMPLATE_MAX_SPECIALS 64u

struct vf_template {
    size_t n;                              /* of all specials */
    size_t n_before;                       /* of those before the text */
    int32_t ids[VF_TEMPLATE_MAX_SPECIALS]; /* in order */
};

#endif
