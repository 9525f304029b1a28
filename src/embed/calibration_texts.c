#include "embed/calibration_texts.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

/* Made of calibration.txt when the library is built. Paragraphs are separated by an empty line. */
extern const unsigned char vf_calibration_txt[];
extern const size_t vf_calibration_txt_bytes;

/* Every so many paragraphs a sequence begins, and goes on until it is as long as it may be: the
 * models should see long texts, and no paragraph only at the end of one. */
enum { STRIDE = 1 };

/* The paragraph at *p, behind which *p is set; false at the end. */
static bool next_paragraph(const char **p, const char *end, const char **ret, size_t *ret_n)
{
    while (*p < end && **p == '\n')
        ++*p;
    if (*p == end)
        return false;
    const char *start = *p, *stop = start;
    while (stop < end && !(stop[0] == '\n' && (stop + 1 == end || stop[1] == '\n')))
        stop++;
    *p = stop;
    *ret = start;
    *ret_n = (size_t)(stop - start);
    return true;
}

static size_t count_paragraphs(const char *text, size_t n)
{
    const char *p = text, *paragraph;
    size_t count = 0, length;
    while (next_paragraph(&p, text + n, &paragraph, &length))
        count++;
    return count;
}

/* Appends the ids of the text from a paragraph to the end of the file, cut at max_tokens. */
static int add_sequence(const struct vf_tokenizer *tokenizer, const char *start, size_t n,
    size_t max_tokens, struct vf_ids *own, struct vf_calibration_texts *texts, struct vf_err *err)
{
    bool truncated;
    int rc = vf_tokenizer_encode(tokenizer, start, n, max_tokens, own, &truncated, err);
    if (rc)
        return rc;
    int32_t *ids = texts->ids + texts->n * max_tokens;
    memcpy(ids, own->ids, own->n * sizeof(*ids));
    texts->sequences[texts->n++] = (struct vf_sequence_ref){.ids = ids, .n = own->n};
    return 0;
}

int vf_calibration_texts_read(const struct vf_tokenizer *tokenizer, size_t max_tokens,
    struct vf_calibration_texts *ret, struct vf_err *err)
{
    int rc = 0;
    const char *text = (const char *)vf_calibration_txt, *end = text + vf_calibration_txt_bytes;
    const char *p = text, *paragraph;
    size_t n = count_paragraphs(text, vf_calibration_txt_bytes), length;
    struct vf_ids own = {0};
    struct vf_calibration_texts texts = {
        .sequences = calloc(n, sizeof(*texts.sequences)),
        .ids = calloc(n, max_tokens * sizeof(*texts.ids)),
    };
    if (!texts.sequences || !texts.ids)
        VF_TRY(vf_fail_memory(err, "calibration texts"));
    for (size_t i = 0; next_paragraph(&p, end, &paragraph, &length); i++)
        if (i % STRIDE == 0)
            VF_TRY(add_sequence(
                tokenizer, paragraph, (size_t)(end - paragraph), max_tokens, &own, &texts, err));
    *ret = texts;
    texts = (struct vf_calibration_texts){0};
out:
    vf_ids_release(&own);
    vf_calibration_texts_release(&texts);
    return rc;
}

void vf_calibration_texts_release(struct vf_calibration_texts *texts)
{
    free(texts->sequences);
    free(texts->ids);
    *texts = (struct vf_calibration_texts){0};
}
