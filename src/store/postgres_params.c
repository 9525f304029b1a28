#include "store/postgres_internal.h"

#include "store/vector_bytes.h"

#include <limits.h>
#include <string.h>

/* PostgreSQL counts microseconds from 2000-01-01, beginning in 4714 BC. Its last instant lies
 * beyond that of int64_t microseconds since 1970. */
#define EPOCH_2000_US INT64_C(946684800000000)
#define FIRST_US (INT64_C(-211813488000000000) + EPOCH_2000_US)

static void put_be64(char *out, uint64_t v)
{
    vf_put_be32((uint8_t *)out, (uint32_t)(v >> 32));
    vf_put_be32((uint8_t *)out + 4, (uint32_t)v);
}

static void add(struct pg_params *params, Oid type, const char *value, size_t n)
{
    int i = params->n++;
    params->types[i] = type;
    params->values[i] = value;
    params->lengths[i] = n > INT_MAX ? INT_MAX : (int)n; /* the server refuses 1 GB and more */
    params->formats[i] = 1;
}

void vf__pg_add_text(struct pg_params *params, const char *text)
{
    add(params, PG_TEXT, text, text ? strlen(text) : 0);
}

void vf__pg_add_int8(struct pg_params *params, int64_t value)
{
    char *bytes = params->scratch[params->n];
    put_be64(bytes, (uint64_t)value);
    add(params, PG_INT8, bytes, 8);
}

void vf__pg_add_bytes(struct pg_params *params, Oid type, const struct vf_buf *bytes)
{
    add(params, type, bytes->data, bytes->size);
}

/* Microseconds since 2000; INT64_MIN is -infinity. */
static int64_t instant_to_server(int64_t us)
{
    return us < FIRST_US ? INT64_MIN : us - EPOCH_2000_US;
}

void vf__pg_add_server_instant(struct pg_params *params, Oid type, int64_t server_us)
{
    char *bytes = params->scratch[params->n];
    put_be64(bytes, (uint64_t)server_us);
    add(params, type, bytes, 8);
}

void vf__pg_add_instant(struct pg_params *params, Oid type, int64_t us)
{
    vf__pg_add_server_instant(params, type, instant_to_server(us));
}

void vf__pg_add_null(struct pg_params *params, Oid type)
{
    add(params, type, NULL, 0);
}

/* ---- arrays: dimensions, has-null flag, element type, length, lower bound, items ---- */

static int append_be32(struct vf_buf *array, uint32_t value, struct vf_err *err)
{
    uint8_t bytes[4];
    vf_put_be32(bytes, value);
    return vf_buf_append(array, bytes, sizeof bytes, err);
}

int vf__pg_array_begin(struct vf_buf *array, Oid element, size_t n, struct vf_err *err)
{
    const uint32_t header[] = {1, 1, element, (uint32_t)n, 1};
    int rc = 0;
    if (n > INT32_MAX)
        return vf_fail(err, VF_ERR_USAGE, "too many rows at once");
    for (size_t i = 0; i < sizeof header / sizeof header[0]; i++)
        VF_TRY(append_be32(array, header[i], err));
out:
    return rc;
}

int vf__pg_array_item(struct vf_buf *array, const void *bytes, size_t n, struct vf_err *err)
{
    int rc;
    if (n > INT32_MAX)
        return vf_fail(err, VF_ERR_DATA, "a value of %zu bytes is too long to be stored", n);
    VF_TRY(append_be32(array, bytes ? (uint32_t)n : UINT32_MAX, err));
    VF_TRY(vf_buf_append(array, bytes, bytes ? n : 0, err));
out:
    return rc;
}

int vf__pg_array_int4(struct vf_buf *array, uint32_t value, struct vf_err *err)
{
    uint8_t bytes[4];
    vf_put_be32(bytes, value);
    return vf__pg_array_item(array, bytes, sizeof bytes, err);
}

int vf__pg_array_int8(struct vf_buf *array, int64_t value, struct vf_err *err)
{
    char bytes[8];
    put_be64(bytes, (uint64_t)value);
    return vf__pg_array_item(array, bytes, sizeof bytes, err);
}

int vf__pg_array_instant(struct vf_buf *array, int64_t us, struct vf_err *err)
{
    return vf__pg_array_int8(array, instant_to_server(us), err);
}

/* ---- results ---- */

int64_t vf__pg_get_int8(const PGresult *result, int row, int column)
{
    const uint8_t *bytes = (const uint8_t *)PQgetvalue(result, row, column);
    if (PQgetlength(result, row, column) != 8)
        return 0;
    return (int64_t)((uint64_t)vf_get_be32(bytes) << 32 | vf_get_be32(bytes + 4));
}

int64_t vf__pg_get_instant(const PGresult *result, int row, int column)
{
    int64_t value = vf__pg_get_int8(result, row, column), us;
    if (value == INT64_MIN || value == INT64_MAX ||
        __builtin_add_overflow(value, EPOCH_2000_US, &us))
        return value < 0 ? VF_INSTANT_MIN : VF_INSTANT_MAX;
    return us;
}

struct vf_value vf__pg_get_value(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column))
        return (struct vf_value){NULL, 0};
    return (struct vf_value){
        PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
}
