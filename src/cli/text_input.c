#include "cli/text_input.h"

#include <stdlib.h>
#include <string.h>

static int join(const char *headline, size_t n_headline, const char *body, size_t n_body,
    struct vf_text_item *item, struct vf_err *err)
{
    char *joined = malloc(n_headline + 1 + n_body);
    if (!joined)
        return vf_fail_memory(err, "a text");
    memcpy(joined, headline, n_headline);
    joined[n_headline] = ' ';
    memcpy(joined + n_headline + 1, body, n_body);
    item->joined = joined;
    item->text = (struct vf_text){joined, n_headline + 1 + n_body};
    return 0;
}

static int take_text(const json_t *value, struct vf_text_item *item, struct vf_err *err)
{
    if (json_is_string(value)) {
        item->text = (struct vf_text){json_string_value(value), json_string_length(value)};
        return 0;
    }
    if (!json_is_object(value))
        return vf_fail(err, VF_ERR_DATA, "%s where a string or an object is expected",
            vf_json_type_name(value));
    const char *text, *headline, *body;
    size_t n_text = 0, n_headline = 0, n_body = 0;
    int rc = 0;
    VF_TRY(vf_json_line_string(value, "text", &text, &n_text, err));
    VF_TRY(vf_json_line_string(value, "headline", &headline, &n_headline, err));
    VF_TRY(vf_json_line_string(value, "body", &body, &n_body, err));
    if (text)
        item->text = (struct vf_text){text, n_text};
    else if (headline && body)
        rc = join(headline, n_headline, body, n_body, item, err);
    else if (headline)
        item->text = (struct vf_text){headline, n_headline};
    else if (body)
        item->text = (struct vf_text){body, n_body};
    else if (!json_object_get(value, "text") && !json_object_get(value, "headline") &&
             !json_object_get(value, "body"))
        rc = vf_fail(
            err, VF_ERR_DATA, "an object without \"text\" and without \"headline\" and \"body\"");
out:
    return rc;
}

int vf_text_input_next(
    struct vf_json_lines *lines, struct vf_text_item *ret, bool *ret_end, struct vf_err *err)
{
    struct vf_text_item item = {0};
    int rc = vf_json_lines_next(lines, &item.value, ret_end, err);
    if (rc || *ret_end)
        return rc;
    rc = take_text(item.value, &item, err);
    if (rc) {
        vf_json_lines_prefix(lines, err);
        vf_text_item_release(&item);
        return rc;
    }
    *ret = item;
    return 0;
}

void vf_text_item_release(struct vf_text_item *item)
{
    json_decref(item->value);
    free(item->joined);
    *item = (struct vf_text_item){0};
}

void vf_text_window_release(struct vf_text_window *window)
{
    for (size_t i = 0; i < window->n; i++)
        vf_text_item_release(&window->items[i]);
    window->n = 0;
}

int vf_text_window_fill(
    struct vf_text_window *window, struct vf_json_lines *lines, bool *ret_end, struct vf_err *err)
{
    size_t bytes = 0;
    int rc = 0;
    vf_text_window_release(window);
    *ret_end = false;
    while (window->n < VF_TEXT_WINDOW && bytes < VF_TEXT_WINDOW_BYTES) {
        struct vf_text_item *item = &window->items[window->n];
        rc = vf_text_input_next(lines, item, ret_end, err);
        if (rc || *ret_end)
            break;
        window->texts[window->n++] = item->text;
        bytes += item->text.n_bytes;
    }
    return rc;
}
