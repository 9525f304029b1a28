#include "model/network.h"

#include <string.h>

/* IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits. */
static float float_of_f16(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = half >> 10 & 0x1fu;
    uint32_t fraction = half & 0x3ffu;
    if (exponent == 0) { /* zero and subnormals: fraction * 2^-24 */
        float magnitude = (float)fraction * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    exponent = exponent == 0x1fu ? 0xffu : exponent + (127 - 15);
    uint32_t bits = sign | exponent << 23 | fraction << 13;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* bfloat16 is the upper half of a binary32. */
static float float_of_bf16(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

void vf_tensor_read_row(const struct vf_tensor *tensor, size_t row, float *out)
{
    size_t cols = tensor->cols;
    if (tensor->dtype == VF_DTYPE_F32) {
        memcpy(
            out, (const uint8_t *)tensor->data + row * cols * sizeof(float), cols * sizeof(float));
        return;
    }
    const uint8_t *halves = (const uint8_t *)tensor->data + row * cols * sizeof(uint16_t);
    for (size_t i = 0; i < cols; i++) {
        uint16_t half;
        memcpy(&half, halves + i * sizeof(half), sizeof(half));
        out[i] = tensor->dtype == VF_DTYPE_F16 ? float_of_f16(half) : float_of_bf16(half);
    }
}

struct vf_tensor vf_tensor_rows(const struct vf_tensor *tensor, size_t first, size_t n)
{
    size_t element = tensor->dtype == VF_DTYPE_F32 ? sizeof(float) : sizeof(uint16_t);
    bool is_vector = tensor->rows == 1;
    size_t skipped = is_vector ? first : first * tensor->cols;
    return (struct vf_tensor){
        .data = (const uint8_t *)tensor->data + skipped * element,
        .dtype = tensor->dtype,
        .rows = is_vector ? 1 : n,
        .cols = is_vector ? n : tensor->cols,
    };
}
