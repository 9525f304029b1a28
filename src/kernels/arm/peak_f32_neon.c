#include "kernels/arm/vec_neon.h"

#include "kernels/peak_f32.tmpl.h"

double vf_peak_f32__neon(size_t rounds)
{
    return peak(rounds);
}
