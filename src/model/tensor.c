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

static size_t bytes_of(enum vf_dtype dtype)
{
    return dtype == VF_DTYPE_F32 ? sizeof(float) : sizeof(uint16_t);
}

static float read_number(const void *data, enum vf_dtype dtype, size_t i)
{
    const uint8_t *bytes = (const uint8_t *)data + i * bytes_of(dtype);
    float number;
    uint16_t half;
    if (dtype == VF_DTYPE_F32) {
        memcpy(&number, bytes, sizeof(number));
        return number;
    }
    memcpy(&half, bytes, sizeof(half));
    return dtype == VF_DTYPE_F16 ? float_of_f16(half) : float_of_bf16(half);
}

static void add_low_rank(const struct vf_low_rank *added, size_t row, size_t cols, float *out)
{
    for (size_t i = 0; i < cols; i++) {
        float sum = 0;
        for (size_t k = 0; k < added->rank; k++)
            sum += read_number(added->left, added->dtype[0], row * added->rank + k) *
                   read_number(added->right, added->dtype[1], k * cols + i);
        out[i] += sum * added->scale;
    }
}

void vf_tensor_read_row(const struct vf_tensor *tensor, size_t row, float *out)
{
    size_t cols = tensor->cols;
    if (tensor->dtype == VF_DTYPE_F32)
        memcpy(
            out, (const uint8_t *)tensor->data + row * cols * sizeof(float), cols * sizeof(float));
    else
        for (size_t i = 0; i < cols; i++)
            out[i] = read_number(tensor->data, tensor->dtype, row * cols + i);
    if (tensor->added.rank)
        add_low_rank(&tensor->added, row, cols, out);
}

struct vf_tensor vf_tensor_rows(const struct vf_tensor *tensor, size_t first, size_t n)
{
    bool is_vector = tensor->rows == 1;
    size_t skipped = is_vector ? first : first * tensor->cols;
    struct vf_tensor part = *tensor;
    part.data = (const uint8_t *)tensor->data + skipped * bytes_of(tensor->dtype);
    part.rows = is_vector ? 1 : n;
    part.cols = is_vector ? n : tensor->cols;
    if (part.added.rank)
        part.added.left = (const uint8_t *)part.added.left +
                          first * part.added.rank * bytes_of(part.added.dtype[0]);
    return part;
}
