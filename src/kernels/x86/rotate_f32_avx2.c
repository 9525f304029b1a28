#include "kernels/x86/vec_avx2.h"

#include "kernels/rotate_f32.tmpl.h"

void vf_rotate_f32__avx2(const float *turns, size_t ld_turns, size_t head_size, size_t heads,
    float *x, size_t ldx, size_t m)
{
    rotate(turns, ld_turns, head_size, heads, x, ldx, m);
}
