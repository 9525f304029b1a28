#include "base/json_decode.h"

#include "base/checked.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

/* The smallest size of the buffer of a token; it doubles. */
enum { FIRST_BUFFER_BYTES = 16 };

/* A text being decoded. It is handed out byte by byte, and ends with the first allocation that
 * fails. What that one asked for comes from the reserve, which holds the largest buffer that a
 * token of the text can need, so that the bytes on their way find room. */
struct source {
    const char *text;
    size_t n;
    void *reserve;
    size_t reserve_bytes;
    bool out_of_memory;
};

static _Thread_local struct source *decoding; /* NULL: none */

static pthread_once_t watch_once = PTHREAD_ONCE_INIT;
static json_malloc_t next_malloc;
static json_free_t next_free;

static void *watched_malloc(size_t n)
{
    void *memory = next_malloc(n);
    struct source *source = decoding;
    if (memory || !source)
        return memory;
    bool first = !source->out_of_memory;
    source->out_of_memory = true;
    return first && n <= source->reserve_bytes ? source->reserve : NULL;
}

static void watched_free(void *memory)
{
    if (!decoding || memory != decoding->reserve)
        next_free(memory);
}

static void watch_memory(void)
{
    json_get_alloc_funcs(&next_malloc, &next_free);
    json_set_alloc_funcs(watched_malloc, watched_free);
}

static size_t next_byte(void *buffer, size_t n, void *context)
{
    struct source *source = context;
    if (source->n == 0 || source->out_of_memory || n == 0)
        return 0;
    *(char *)buffer = *source->text++;
    source->n--;
    return 1;
}

int vf_json_decode(const char *text, size_t n, size_t flags, json_t **ret, json_error_t *error)
{
    struct source source = {.text = text, .n = n};
    pthread_once(&watch_once, watch_memory);
    if (!vf_size_mul(n, 2, &source.reserve_bytes) ||
        !vf_size_add(source.reserve_bytes, FIRST_BUFFER_BYTES, &source.reserve_bytes))
        return VF_ERR_NO_MEMORY;
    source.reserve = malloc(source.reserve_bytes);
    if (!source.reserve)
        return VF_ERR_NO_MEMORY;
    decoding = &source;
    json_t *root = json_load_callback(
        next_byte, &source, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | flags, error);
    int rc = root ? 0 : VF_ERR_DATA;
    if (source.out_of_memory) {
        json_decref(root);
        rc = VF_ERR_NO_MEMORY;
    }
    decoding = NULL;
    free(source.reserve);
    if (rc == 0)
        *ret = root;
    return rc;
}
