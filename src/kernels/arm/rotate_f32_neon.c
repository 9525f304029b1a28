#include "kernels/arm/vec_neon.h"

#include "kernels/rotate_f32.tmpl.h"

void vf_rotate_f32__neon(const float *turns, size_t ld_turns, size_t head_size, size_t heads,
    float *x, size_t ldx, size_t m)
{
    rotate(turns, ld_turns, head_size, heads, x, ldx, m);
}
