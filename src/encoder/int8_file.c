#include "encoder/int8_file.h"

#include "base/checked.h"
#include "base/sha256.h"
#include "kernels/kernels.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are written as they lie");

static const char magic[16] = "vecfill int8 1\n";

/* More maps than any network has: 10 in each of 1024 layers. */
enum { MAPS_MAX = 10240, OUTPUTS_MAX = 1 << 24 };

int vf_int8_weights_write(
    const struct vf_int8_weights *weights, struct vf_buf *out, struct vf_err *err)
{
    int rc = 0;
    uint8_t digest[VF_SHA256_BYTES];
    uint64_t n = weights->n;
    size_t start = out->size;
    VF_TRY(vf_buf_append(out, magic, sizeof(magic), err));
    VF_TRY(vf_buf_append(out, &n, sizeof(n), err));
    for (size_t i = 0; i < n; i++) {
        uint64_t shape[2] = {weights->linears[i].n, weights->linears[i].k};
        VF_TRY(vf_buf_append(out, shape, sizeof(shape), err));
    }
    for (size_t i = 0; i < n; i++) {
        const struct vf_int8_linear *linear = &weights->linears[i];
        VF_TRY(vf_buf_append(out, linear->weights, linear->n * linear->k, err));
        VF_TRY(vf_buf_append(out, linear->scales, linear->n * sizeof(float), err));
        VF_TRY(vf_buf_append(out, linear->factors, linear->k * sizeof(float), err));
    }
    VF_TRY(vf_sha256(out->data + start, out->size - start, digest, err));
    VF_TRY(vf_buf_append(out, digest, sizeof(digest), err));
out:
    return rc;
}

/* What has not been read yet. */
struct input {
    const uint8_t *at;
    size_t left;
};

static bool read_bytes(struct input *input, void *ret, size_t n)
{
    if (n > input->left)
        return false;
    memcpy(ret, input->at, n);
    input->at += n;
    input->left -= n;
    return true;
}

static bool read_shape(struct input *input, struct vf_int8_linear *ret)
{
    uint64_t shape[2];
    if (!read_bytes(input, shape, sizeof(shape)) || shape[0] < 1 || shape[0] > OUTPUTS_MAX ||
        shape[1] < 1 || shape[1] > VF_INT8_INPUTS_MAX)
        return false;
    *ret = (struct vf_int8_linear){.n = shape[0], .k = shape[1]};
    return true;
}

/* Whether `left` bytes are just what the maps take. */
static bool fits(const struct vf_int8_linear *shapes, size_t n, size_t left)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        size_t floats = shapes[i].n + shapes[i].k;
        if (!vf_size_add(sum, shapes[i].n * shapes[i].k + floats * sizeof(float), &sum))
            return false;
    }
    return sum == left;
}

static bool read_linear(struct input *input, struct vf_int8_linear *linear)
{
    return read_bytes(input, linear->weights, linear->n * linear->k) &&
           read_bytes(input, linear->scales, linear->n * sizeof(float)) &&
           read_bytes(input, linear->factors, linear->k * sizeof(float));
}

/* Whether the bytes end with the checksum of those before. */
static int check_digest(const uint8_t *bytes, size_t n, bool *ret, struct vf_err *err)
{
    uint8_t digest[VF_SHA256_BYTES];
    *ret = false;
    if (n < sizeof(digest))
        return 0;
    int rc = vf_sha256(bytes, n - sizeof(digest), digest, err);
    if (rc == 0)
        *ret = memcmp(bytes + n - sizeof(digest), digest, sizeof(digest)) == 0;
    return rc;
}

int vf_int8_weights_read(
    const uint8_t *bytes, size_t n, struct vf_int8_weights *ret, struct vf_err *err)
{
    int rc = 0;
    bool valid;
    char start[sizeof(magic)];
    uint64_t maps = 0;
    struct vf_int8_linear *shapes = NULL;
    struct vf_int8_weights weights = {0};
    VF_TRY(check_digest(bytes, n, &valid, err));
    struct input input = {bytes, valid ? n - VF_SHA256_BYTES : 0};
    valid = read_bytes(&input, start, sizeof(start)) && memcmp(start, magic, sizeof(start)) == 0 &&
            read_bytes(&input, &maps, sizeof(maps)) && maps >= 1 && maps <= MAPS_MAX;
    shapes = calloc(valid ? maps : 1, sizeof(*shapes));
    if (!shapes)
        VF_TRY(vf_fail_memory(err, "rounded weights"));
    for (size_t i = 0; valid && i < maps; i++)
        valid = read_shape(&input, &shapes[i]);
    if (!valid || !fits(shapes, maps, input.left))
        VF_TRY(vf_fail(err, VF_ERR_DATA, "not rounded weights, or damaged ones"));
    VF_TRY(vf_int8_weights_init(&weights, shapes, maps, err));
    for (size_t i = 0; valid && i < maps; i++)
        valid = read_linear(&input, &weights.linears[i]);
    *ret = weights;
    weights = (struct vf_int8_weights){0};
out:
    free(shapes);
    vf_int8_weights_release(&weights);
    return rc;
}
