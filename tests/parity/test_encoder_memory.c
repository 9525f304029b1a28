/* What vf_encoder_run() allocates, counted where the linker lets the test stand between
 * (--wrap): no more than its copy of the sequences' descriptions, however long they are. */
#include "encoder/encoder.h"

#include "harness.h"
#include "support/tiny_model.h"
#include "unit/scratch.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

static atomic_bool counting;
static atomic_size_t calls, bytes;

static void count(size_t n)
{
    if (!atomic_load(&counting))
        return;
    atomic_fetch_add(&calls, 1);
    atomic_fetch_add(&bytes, n);
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t n);
int __real_posix_memalign(void **ret, size_t alignment, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t n);
int __wrap_posix_memalign(void **ret, size_t alignment, size_t n);

void *__wrap_malloc(size_t n)
{
    count(n);
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    count(n * size);
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t n)
{
    count(n);
    return __real_realloc(memory, n);
}

int __wrap_posix_memalign(void **ret, size_t alignment, size_t n)
{
    count(n);
    return __real_posix_memalign(ret, alignment, n);
}

enum { MAX_TOKENS = 600, SEQUENCES = 30 };

static void test_run_allocates_its_list_alone(void **state)
{
    (void)state;
    struct scratch scratch;
    struct tiny_model tiny;
    struct vf_model *model;
    struct vf_encoder *encoder;
    struct vf_err err = {0};
    static const int32_t ids[MAX_TOKENS];
    float *vectors = malloc(SEQUENCES * sizeof(float) * 32);
    scratch_init(&scratch);
    tiny_model_init(&tiny);
    tiny.max_positions = MAX_TOKENS;
    tiny_model_write(&tiny, scratch.path);
    vf_check(vf_model_open(scratch.path, NULL, true, &model, &err) == 0, "%s", err.msg);
    atomic_store(&counting, true);
    int rc = vf_encoder_new(model,
        &(struct vf_encoder_options){.threads = 2, .max_tokens = MAX_TOKENS}, &encoder, &err);
    vf_check(rc == 0, "%s", err.msg);
    vf_check(atomic_load(&bytes) >=
                 vf_encoder_weight_bytes(encoder) + 2 * vf_encoder_worker_bytes(encoder),
        "the test does not see allocations: %zu bytes", atomic_load(&bytes));
    for (size_t n = 1; n <= MAX_TOKENS; n += 199) {
        struct vf_sequence_ref sequences[SEQUENCES];
        for (size_t i = 0; i < SEQUENCES; i++)
            sequences[i] = (struct vf_sequence_ref){ids, n, vectors + i * tiny.hidden, 0};
        atomic_store(&calls, 0);
        atomic_store(&bytes, 0);
        vf_check(vf_encoder_run(encoder, sequences, SEQUENCES, &err) == 0, "%s", err.msg);
        vf_check(atomic_load(&calls) <= 1 && atomic_load(&bytes) <= sizeof(sequences),
            "%zu tokens: %zu allocations, %zu bytes", n, atomic_load(&calls), atomic_load(&bytes));
    }
    atomic_store(&counting, false);
    vf_encoder_free(encoder);
    vf_model_close(model);
    free(vectors);
    scratch_release(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_run_allocates_its_list_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
