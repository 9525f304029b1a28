#include "kernels/portable/vec_portable.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define BLOCK_KEYS VF_ATTENTION_BLOCK_PORTABLE

#include "kernels/attention_f32.tmpl.h"

size_t vf_attention_scratch_f32__portable(size_t n, size_t head_size)
{
    return scratch_floats(n, head_size);
}

void vf_attention_f32__portable(const struct vf_attention_f32 *op)
{
    attention(op);
}
