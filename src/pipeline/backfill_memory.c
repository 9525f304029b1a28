/* How much memory a backfill takes, and windows that fit into a limit. Figures are upper ends: a
 * buffer that grows doubles. */
#include "pipeline/backfill.h"
#include "pipeline/row_writer.h"
#include "pipeline/window.h"

enum { KIB = 1024, MIB = 1024 * KIB };

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Of a text its bytes and ids, of an article what stands beside them. */
static uint64_t window_bytes(struct vf_window_size size, const struct vf_model_info *info)
{
    enum { GROWTH = 2, BESIDE = 256 };
    uint64_t ids = size.bytes;
    if (info->long_text == VF_LONG_TEXT_TRUNCATE)
        ids = min_u64(ids, (uint64_t)size.articles * info->max_seq_length);
    return GROWTH * (size.bytes + ids * sizeof(int32_t)) +
           size.articles * (info->dimensions * sizeof(float) + BESIDE);
}

struct vf_window_size vf_window_size_for(const struct vf_model_info *info, uint64_t max_memory)
{
    enum { MIN_ARTICLES = 16, MIN_BYTES = 64 * KIB, SHARE = 8 };
    struct vf_window_size size = {vf_window_articles(info->threads), VF_WINDOW_BYTES};
    while (max_memory && window_bytes(size, info) > max_memory / SHARE / VF_N_WINDOWS &&
           size.bytes > MIN_BYTES) {
        size.bytes /= 2;
        if (size.articles > MIN_ARTICLES)
            size.articles /= 2;
    }
    return size;
}

/* Of a row of a batch its vector, in rows, parameters and what is sent, and what stands beside it
 * there. */
static uint64_t row_bytes(const struct vf_model_info *info)
{
    enum { COPIES = 3, BESIDE = 512 };
    return COPIES * info->dimensions * sizeof(float) + BESIDE;
}

size_t vf_batch_rows(const struct vf_model_info *info, const struct vf_backfill_options *options)
{
    enum { MIN_ROWS = 256, MAX_BYTES = 16 * MIB, SHARE = 8 };
    uint64_t bytes = MAX_BYTES;
    if (options->batch_size)
        return options->batch_size;
    if (options->max_memory && options->max_memory / SHARE < bytes)
        bytes = options->max_memory / SHARE;
    uint64_t rows = min_u64(bytes / row_bytes(info), VF_BATCH_ROWS);
    return rows < MIN_ROWS ? MIN_ROWS : (size_t)rows;
}

uint64_t vf_backfill_memory(
    const struct vf_embedder *embedder, const struct vf_backfill_options *options)
{
    enum {
        PER_THREAD = 256 * KIB, /* of stacks and of the memory allocator */
        DATABASE = 8 * MIB,     /* caches, what a page looked at */
        ANSWERS = 3             /* of a page: received, parsed, and its texts in the tokenizer */
    };
    const struct vf_model_info *info = vf_info(embedder);
    struct vf_window_size size = vf_window_size_for(info, options->max_memory);
    return VF_N_WINDOWS * window_bytes(size, info) + ANSWERS * size.bytes + DATABASE +
           vf_batch_rows(info, options) * row_bytes(info) +
           info->threads * (info->worker_bytes + PER_THREAD);
}
