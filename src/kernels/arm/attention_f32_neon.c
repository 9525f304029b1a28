#include "kernels/arm/vec_neon.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define BLOCK_KEYS VF_ATTENTION_BLOCK_NEON

#include "kernels/attention_f32.tmpl.h"

size_t vf_attention_scratch_f32__neon(size_t n, size_t head_size)
{
    return scratch_floats(n, head_size);
}

void vf_attention_f32__neon(const struct vf_attention_f32 *op)
{
    attention(op);
}
