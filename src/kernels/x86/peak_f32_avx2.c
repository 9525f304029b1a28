#include "kernels/x86/vec_avx2.h"

#include "kernels/peak_f32.tmpl.h"

double vf_peak_f32__avx2(size_t rounds)
{
    return peak(rounds);
}
