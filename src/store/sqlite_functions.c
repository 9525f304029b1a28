/* SQL functions of the SQLite store, so that its statements say the same as PostgreSQL's. */
#include "store/sqlite_internal.h"

#include "base/sha256.h"
#include "store/timestamps.h"

#include <math.h>
#include <string.h>

/* The bytes of a value as text; a BLOB is taken as it is. */
static struct vf_value value_of(sqlite3_value *value)
{
    const char *bytes = (const char *)sqlite3_value_text(value);
    return (struct vf_value){bytes, (size_t)sqlite3_value_bytes(value)};
}

static bool seconds_to_us(double seconds, int64_t *ret)
{
    double us = seconds * (double)VF_US_PER_SECOND;
    if (!(fabs(us) < 9e18))
        return false;
    *ret = llround(us);
    return true;
}

/* Reads a time: ISO 8601 text, or seconds since 1970. */
static bool instant_of(sqlite3_value *value, int64_t *ret)
{
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        return !__builtin_mul_overflow(sqlite3_value_int64(value), VF_US_PER_SECOND, ret);
    case SQLITE_FLOAT:
        return seconds_to_us(sqlite3_value_double(value), ret);
    case SQLITE_TEXT: {
        struct vf_value text = value_of(value);
        return vf_timestamp_parse(text.bytes, text.n, ret);
    }
    default:
        return false;
    }
}

/* vf_instant(time): microseconds since 1970-01-01 UTC; NULL when it is none. */
static void call_instant(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)n;
    int64_t us;
    if (instant_of(values[0], &us))
        sqlite3_result_int64(context, us);
}

/* vf_lies_in(time, first, last): whether it does, both included. One that cannot be read may lie
 * anywhere, NULL nowhere. */
static void call_lies_in(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)n;
    int64_t us;
    bool lies_in = sqlite3_value_type(values[0]) != SQLITE_NULL;
    if (lies_in && instant_of(values[0], &us))
        lies_in = us >= sqlite3_value_int64(values[1]) && us <= sqlite3_value_int64(values[2]);
    sqlite3_result_int(context, lies_in);
}

/* Fills `ret` and returns its message when the time cannot be read, else NULL. */
static const char *fault_of(sqlite3_value *time, struct vf_err *ret)
{
    int64_t us;
    if (sqlite3_value_type(time) == SQLITE_NULL || instant_of(time, &us))
        return NULL;
    const char *bytes = value_of(time).bytes;
    vf_fail(ret, VF_ERR_DATA, "its time is '%.80s', not one such as 2025-01-31T08:15:00Z",
        bytes ? bytes : "");
    return ret->msg;
}

/* vf_time_fault(time): why it cannot be read, in words; NULL when it can. */
static void call_time_fault(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)n;
    struct vf_err fault;
    sqlite3_result_text(context, fault_of(values[0], &fault), -1, SQLITE_TRANSIENT);
}

/* vf_month(instant): "2025-01"; NULL stays NULL. */
static void call_month(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)n;
    char text[VF_TIMESTAMP_CHARS];
    if (sqlite3_value_type(values[0]) == SQLITE_NULL)
        return;
    vf_timestamp_format(sqlite3_value_int64(values[0]), text);
    char *day = strrchr(text, '-');
    sqlite3_result_text(context, text, day ? (int)(day - text) : -1, SQLITE_TRANSIENT);
}

/* vf_shard(id, n): a number from 0 to n - 1 by the FNV-1a hash of the id. */
static void call_shard(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)n;
    struct vf_value id = value_of(values[0]);
    int64_t n_shards = sqlite3_value_int64(values[1]);
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < id.n; i++)
        hash = (hash ^ (uint8_t)id.bytes[i]) * UINT64_C(1099511628211);
    if (n_shards > 0)
        sqlite3_result_int64(context, (int64_t)((hash >> 32) % (uint64_t)n_shards));
}

static int hash_text(struct vf_value headline, struct vf_value body, uint8_t *ret)
{
    struct vf_buf text = {0};
    int rc;
    VF_TRY(vf_text_append(&text, headline, body, NULL));
    VF_TRY(vf_sha256(text.data, text.size, ret, NULL));
out:
    vf_buf_release(&text);
    return rc;
}

/* 1 when the text is of this hash, 0 when not, -1 when memory is out. */
static int is_hash_of(sqlite3_value *hash, struct vf_value headline, struct vf_value body)
{
    uint8_t now[VF_SHA256_BYTES];
    const void *stored = sqlite3_value_blob(hash);
    if (hash_text(headline, body, now))
        return -1;
    return sqlite3_value_bytes(hash) == VF_SHA256_BYTES && memcmp(stored, now, sizeof now) == 0;
}

/* Whether the article, whose failure has this hash, would fail again: its text is the same, or what
 * is wrong with its time. -1 when memory is out. */
static int fails_again(
    sqlite3_value *failed, sqlite3_value *time, struct vf_value headline, struct vf_value body)
{
    struct vf_err fault;
    const char *message = fault_of(time, &fault);
    if (sqlite3_value_bytes(failed) == 0)
        return 1;
    if (!message)
        return is_hash_of(failed, headline, body);
    return is_hash_of(failed, (struct vf_value){message, strlen(message)}, (struct vf_value){0});
}

/* vf_state(headline, body, has_vector, text_hash, refresh, failed, time): an enum vf_state. A
 * vector whose text_hash is NULL does not count as changed. `failed` is NULL when the article is
 * not known to have failed, else the hash of what did, or empty for anything. */
static void call_state(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)n;
    enum vf_state state = VF_STATE_UNCHANGED;
    enum vf_refresh refresh = (enum vf_refresh)sqlite3_value_int(values[4]);
    struct vf_value headline = value_of(values[0]), body = value_of(values[1]);
    int is_same = 1;
    if (vf_is_blank(headline) && vf_is_blank(body)) {
        state = VF_STATE_EMPTY;
    } else if (!sqlite3_value_int(values[2])) {
        state = VF_STATE_MISSING;
    } else if (refresh == VF_REFRESH_ALL) {
        state = VF_STATE_CHANGED;
    } else if (refresh == VF_REFRESH_CHANGED && sqlite3_value_type(values[3]) != SQLITE_NULL) {
        is_same = is_hash_of(values[3], headline, body);
        if (!is_same)
            state = VF_STATE_CHANGED;
    }
    if (is_same >= 0 && vf_state_is_todo(state) && sqlite3_value_type(values[5]) != SQLITE_NULL) {
        int is_failed = fails_again(values[5], values[6], headline, body);
        if (is_failed > 0)
            state = VF_STATE_FAILED;
        else if (is_failed < 0)
            is_same = is_failed;
    }
    if (is_same < 0)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_int(context, (int)state);
}

int vf__sqlite_add_functions(struct sqlite_store *s, struct vf_err *err)
{
    static const struct {
        const char *name;
        int n_arguments;
        void (*call)(sqlite3_context *context, int n, sqlite3_value **values);
    } functions[] = {
        {"vf_instant", 1, call_instant},
        {"vf_lies_in", 3, call_lies_in},
        {"vf_month", 1, call_month},
        {"vf_shard", 2, call_shard},
        {"vf_state", 7, call_state},
        {"vf_time_fault", 1, call_time_fault},
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (sqlite3_create_function(s->db, functions[i].name, functions[i].n_arguments,
                SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, functions[i].call, NULL, NULL))
            return vf__sqlite_fail(s, err);
    return 0;
}
