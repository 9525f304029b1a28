/* Tokens per second of the tokenizer on one core.
 *
 *     bench_tokenizer MODEL_DIRECTORY TEXT_FILE [LIMIT]
 *
 * Every line of the file is a text. They are tokenized again and again for two seconds, each with
 * at most LIMIT ids when one is given.
 */
#include "base/clock.h"
#include "base/file.h"
#include "timing.h"
#include "tokenizer/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_LIMIT ((size_t)1 << 32)
#define MAX_FILE_BYTES ((size_t)1 << 30)
#define SECONDS 2.0

struct job {
    const struct vf_tokenizer *tokenizer;
    const struct vf_buf *text;
    size_t limit;
    struct vf_ids ids; /* of the last line */
    size_t n_ids;      /* of all lines */
    struct vf_err err;
    int rc;
};

static void encode_lines(void *context)
{
    struct job *job = context;
    const char *line = job->text->data, *end = line + job->text->size;
    job->n_ids = 0;
    while (line < end && job->rc == 0) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t n = (size_t)((stop ? stop : end) - line);
        bool truncated;
        job->rc = vf_tokenizer_encode(
            job->tokenizer, line, n, job->limit, &job->ids, &truncated, &job->err);
        job->n_ids += job->ids.n;
        line += n + 1;
    }
}

static int measure(const struct vf_tokenizer *tokenizer, const struct vf_buf *text, size_t limit,
    struct vf_err *err)
{
    struct job job = {.tokenizer = tokenizer, .text = text, .limit = limit};
    struct timing timing = timing_of(encode_lines, &job, SECONDS);
    double millions = (double)job.n_ids * 1e-6;
    if (job.rc)
        *err = job.err;
    else
        printf("%zu tokens of %zu bytes: %.1f million tokens/s, median %.1f\n", job.n_ids,
            text->size, millions / timing.best, millions / timing.median);
    vf_ids_release(&job.ids);
    return job.rc;
}

int main(int argc, char **argv)
{
    struct vf_err err = {0};
    struct vf_tokenizer *tokenizer = NULL;
    struct vf_buf text = {0};
    int rc;
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: bench_tokenizer MODEL_DIRECTORY TEXT_FILE [LIMIT]\n");
        return 2;
    }
    int64_t begin = vf_now_ns();
    VF_TRY(vf_tokenizer_open(argv[1], false, &tokenizer, &err));
    printf("opened in %.1f ms\n", vf_seconds_since(begin) * 1e3);
    VF_TRY(vf_read_file(argv[2], MAX_FILE_BYTES, &text, &err));
    VF_TRY(measure(tokenizer, &text, argc > 3 ? strtoull(argv[3], NULL, 10) : NO_LIMIT, &err));
out:
    if (rc)
        fprintf(stderr, "bench_tokenizer: %s\n", err.msg);
    vf_tokenizer_close(tokenizer);
    vf_buf_release(&text);
    return rc ? 1 : 0;
}
