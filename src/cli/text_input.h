/* The texts of JSON Lines files for embed, tokenize and bench: a line is a string, or an object
 * with "text", or with "headline" and "body" (joined as the backfill does it; one may be null). */
#ifndef VF_CLI_TEXT_INPUT_H
#define VF_CLI_TEXT_INPUT_H

#include "cli/json_lines.h"

#include <vecfill/vecfill.h>

struct vf_text_item {
    struct vf_text text;
    json_t *value; /* owned: the line; "id" and "article_id" are in it */
    char *joined;  /* owned: headline and body, when there were two */
};

/* Reads the next item, to be released with vf_text_item_release(). *ret_end tells that there was
 * none. VF_ERR_DATA names file and line. */
VF_MUST_CHECK int vf_text_input_next(
    struct vf_json_lines *lines, struct vf_text_item *ret, bool *ret_end, struct vf_err *err);

void vf_text_item_release(struct vf_text_item *item);

/* Some items at once. A zeroed struct is empty. */
#define VF_TEXT_WINDOW 512
#define VF_TEXT_WINDOW_BYTES ((size_t)16 << 20)

struct vf_text_window {
    struct vf_text_item items[VF_TEXT_WINDOW];
    struct vf_text texts[VF_TEXT_WINDOW]; /* theirs, side by side */
    size_t n;
};

/* Drops what the window holds and reads on until it is full or VF_TEXT_WINDOW_BYTES of text are
 * reached. *ret_end tells that nothing follows. On failure the items before the bad line stay in
 * the window. */
VF_MUST_CHECK int vf_text_window_fill(
    struct vf_text_window *window, struct vf_json_lines *lines, bool *ret_end, struct vf_err *err);

void vf_text_window_release(struct vf_text_window *window);

#endif
