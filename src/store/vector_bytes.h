/* float32 vectors as bytes, whatever this machine's byte order. */
#ifndef VF_STORE_VECTOR_BYTES_H
#define VF_STORE_VECTOR_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void vf_put_le32(uint8_t *out, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (8 * i));
}

static inline uint32_t vf_get_le32(const uint8_t *in)
{
    return in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

static inline void vf_put_be32(uint8_t *out, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (24 - 8 * i));
}

static inline uint32_t vf_get_be32(const uint8_t *in)
{
    return in[3] | (uint32_t)in[2] << 8 | (uint32_t)in[1] << 16 | (uint32_t)in[0] << 24;
}

static inline uint32_t vf_float_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline float vf_float_of_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline int vf_is_little_endian(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first;
}

/* 4 * n bytes, as numpy.frombuffer(…, "<f4") and sqlite-vec read them. */
static inline void vf_vector_to_le(const float *vector, size_t n, uint8_t *out)
{
    if (vf_is_little_endian()) {
        memcpy(out, vector, 4 * n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        vf_put_le32(out + 4 * i, vf_float_bits(vector[i]));
}

static inline void vf_vector_from_le(const uint8_t *in, size_t n, float *vector)
{
    if (vf_is_little_endian()) {
        memcpy(vector, in, 4 * n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        vector[i] = vf_float_of_bits(vf_get_le32(in + 4 * i));
}

#endif
