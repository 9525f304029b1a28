/* rotate_f32 for a vector type. */

/* Turns the `n` pairs, at most VEC_FLOATS, of which `low` and `high` point to the parts. */
static inline void turn_pairs(
    float *low, float *high, const float *cosines, const float *sines, size_t n)
{
    bool whole = n == VEC_FLOATS;
    vec a = whole ? vec_load(low) : vec_load_first(low, n);
    vec b = whole ? vec_load(high) : vec_load_first(high, n);
    vec c = whole ? vec_load(cosines) : vec_load_first(cosines, n);
    vec s = whole ? vec_load(sines) : vec_load_first(sines, n);
    vec first = vec_fnma(b, s, vec_mul(a, c)), second = vec_fma(a, s, vec_mul(b, c));
    if (whole) {
        vec_store(low, first);
        vec_store(high, second);
    } else {
        vec_store_first(low, first, n);
        vec_store_first(high, second, n);
    }
}

static void rotate(const float *turns, size_t ld_turns, size_t head_size, size_t heads, float *x,
    size_t ldx, size_t m)
{
    size_t half = head_size / 2;
    for (size_t i = 0; i < m; i++, x += ldx, turns += ld_turns)
        for (float *head = x; head < x + heads * head_size; head += head_size)
            for (size_t j = 0; j < half; j += VEC_FLOATS)
                turn_pairs(head + j, head + half + j, turns + j, turns + half + j,
                    half - j < VEC_FLOATS ? half - j : VEC_FLOATS);
}
