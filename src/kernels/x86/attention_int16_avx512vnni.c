#include "kernels/x86/words_avx512vnni.h"

#include "kernels/attention_int16.tmpl.h"

size_t vf_attention_scratch_int16__avx512vnni(size_t n, size_t head_size)
{
    return scratch_floats(n, head_size);
}

void vf_attention_int16__avx512vnni(const struct vf_attention_f32 *op)
{
    attention(op);
}
