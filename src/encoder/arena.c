#include "encoder/arena.h"

#include "base/checked.h"

#include <stdlib.h>
#include <sys/mman.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISONING
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define POISONING
#endif
#ifdef POISONING
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, bytes) ((void)(start), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(start, bytes) ((void)(start), (void)(bytes))
#endif

/* Of Linux on x86-64, and on Arm with pages of 4 KB. */
#define HUGE_PAGE ((size_t)2 << 20)

void *vf_arena_take(struct vf_arena *arena, size_t rows, size_t columns, size_t element_bytes)
{
    size_t start = arena->end, elements, bytes, end;
    if (!vf_size_mul(rows, columns, &elements) || !vf_size_mul(elements, element_bytes, &bytes) ||
        !vf_size_add(start, bytes, &end) || !vf_size_add(end, VF_ARENA_ALIGNMENT, &end) ||
        !vf_size_round_up(end, VF_ARENA_ALIGNMENT, &end)) {
        arena->impossible = true;
        return NULL;
    }
    arena->end = end;
    if (!arena->base) {
        arena->bytes = end > arena->bytes ? end : arena->bytes;
        return NULL;
    }
    ASAN_UNPOISON_MEMORY_REGION(arena->base + start, bytes);
    return arena->base + start;
}

/* Memory in huge pages where the system has some: weights are read from the first to the last again
 * and again, which takes more small pages than a processor remembers the places of. */
static void *allocate(size_t bytes)
{
    void *base = NULL;
    if (posix_memalign(&base, bytes < HUGE_PAGE ? VF_ARENA_ALIGNMENT : HUGE_PAGE, bytes))
        return NULL;
#ifdef MADV_HUGEPAGE
    if (bytes >= HUGE_PAGE)
        (void)madvise(base, bytes, MADV_HUGEPAGE); /* a refusal costs speed alone */
#endif
    return base;
}

int vf_arena_allocate(struct vf_arena *arena, const char *what, struct vf_err *err)
{
    arena->base = arena->impossible ? NULL : allocate(arena->bytes);
    if (!arena->base)
        return vf_fail_memory(err, what);
    arena->end = 0;
    ASAN_POISON_MEMORY_REGION(arena->base, arena->bytes);
    return 0;
}

void vf_arena_release(struct vf_arena *arena)
{
    if (arena->base)
        ASAN_UNPOISON_MEMORY_REGION(arena->base, arena->bytes);
    free(arena->base);
    *arena = (struct vf_arena){0};
}
