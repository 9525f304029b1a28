#include "cli/json_text.h"

#include "base/utf8.h"
#include "cli/float_text.h"

#include <stdlib.h>
#include <math.h>
#include <string.h>

static int append_escaped(struct vf_buf *out, unsigned char c, struct vf_err *err)
{
    if (c == '"' || c == '\\')
        return vf_buf_printf(out, err, "\\%c", c);
    return vf_buf_printf(out, err, "\\u%04x", c);
}

int vf_json_text_string(struct vf_buf *out, const char *s, struct vf_err *err)
{
    int rc = vf_buf_append(out, "\"", 1, err);
    while (rc == 0 && *s) {
        size_t plain = 0;
        while ((unsigned char)s[plain] >= 0x20 && s[plain] != '"' && s[plain] != '\\')
            plain++;
        rc = vf_buf_append(out, s, plain, err);
        s += plain;
        if (rc == 0 && *s)
            rc = append_escaped(out, (unsigned char)*s++, err);
    }
    return rc ? rc : vf_buf_append(out, "\"", 1, err);
}

json_t *vf_json_string(const char *s)
{
    if (!s)
        return json_null();
    const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);
    struct vf_buf text = {0};
    json_t *ret = NULL;
    int rc = vf_buf_reserve(&text, 0, NULL);
    while (rc == 0 && p < end) {
        uint8_t bytes[4];
        uint32_t c;
        p += vf_utf8_decode(p, end, &c);
        rc = vf_buf_append(&text, bytes, vf_utf8_encode(c, bytes), NULL);
    }
    if (rc == 0)
        ret = json_stringn(text.data, text.size);
    vf_buf_release(&text);
    return ret;
}

int vf_json_text_integer(struct vf_buf *out, int64_t value, struct vf_err *err)
{
    char digits[24], *p = digits + sizeof digits;
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        *--p = (char)('0' + magnitude % 10);
    while (magnitude /= 10);
    if (value < 0)
        *--p = '-';
    return vf_buf_append(out, p, (size_t)(digits + sizeof digits - p), err);
}

int vf_json_text_floats(struct vf_buf *out, const float *values, size_t n, struct vf_err *err)
{
    int rc = vf_buf_reserve(out, n * (VF_FLOAT_TEXT_MAX + 1) + 2, err);
    if (rc)
        return rc;
    char *p = out->data + out->size;
    *p++ = '[';
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            return vf_fail(err, VF_ERR_INTERNAL, "a vector is not finite");
        if (i > 0)
            *p++ = ',';
        p += vf_float_text(values[i], p);
    }
    *p++ = ']';
    *p = '\0';
    out->size = (size_t)(p - out->data);
    return 0;
}

static int append_value(struct vf_buf *out, const json_t *value, struct vf_err *err)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text)
        return vf_fail_memory(err, "an id");
    int rc = vf_buf_append_string(out, text, err);
    free(text);
    return rc;
}

int vf_json_text_ids(struct vf_buf *out, const json_t *line, struct vf_err *err)
{
    static const char *const keys[] = {"id", "article_id"};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof keys / sizeof keys[0]; i++) {
        const json_t *value = json_object_get(line, keys[i]);
        if (!value)
            continue;
        VF_TRY(vf_buf_printf(out, err, "\"%s\":", keys[i]));
        VF_TRY(append_value(out, value, err));
        VF_TRY(vf_buf_append(out, ",", 1, err));
    }
out:
    return rc;
}

int vf_json_print(json_t *value, FILE *out, struct vf_err *err)
{
    char *text = value ? json_dumps(value, JSON_REAL_PRECISION(12)) : NULL;
    json_decref(value);
    if (!text)
        return vf_fail_memory(err, "the report");
    fprintf(out, "%s\n", text);
    free(text);
    return 0;
}
