#include "pipeline/backfill.h"

#include "pipeline/retry.h"
#include "pipeline/window.h"

static void add_window(struct vf_plan *plan, const struct vf_window *window)
{
    plan->tokens += vf_window_tokens(window);
    for (size_t i = 0; i < window->page.n; i++) {
        const struct vf_window_text *text = vf_window_text(window, i);
        const char *failure = vf_window_failure(window, text);
        if (failure) {
            if (plan->failed++ == 0)
                vf_failure_line(plan->first_failure, window->page.articles[i].id, failure);
            continue;
        }
        plan->to_embed++;
        plan->duplicates += text->first_article != i;
        plan->truncated += text->tokens_lost > 0;
        plan->tokens_lost += text->tokens_lost;
    }
}

int vf_backfill_plan(const struct vf_embedder *embedder, struct vf_store *reader,
    const struct vf_backfill_options *options, struct vf_plan *ret, struct vf_err *err)
{
    struct vf_plan plan = {0};
    struct vf_reader *pages = NULL;
    struct vf_window *window = NULL;
    struct vf_retry retry = {.store = reader, .max_tries = options->retries};
    uint64_t limit = options->limit ? options->limit : UINT64_MAX;
    int rc = 0;
    if (options->counts)
        plan.selected = *options->counts;
    else
        VF_TRY(
            vf_backfill_count(reader, &options->selection, options->retries, &plan.selected, err));
    bool end = plan.selected.missing + plan.selected.changed == 0;
    if (!end) {
        VF_TRY(vf_reader_new(reader, &options->selection, &pages, err));
        VF_TRY(vf_window_new(
            vf_window_size_for(vf_info(embedder), options->max_memory), 0, &window, err));
    }
    while (!end && plan.to_embed + plan.failed < limit) {
        if (options->stop && *options->stop) {
            rc = vf_fail(err, VF_ERR_INTERRUPTED, "stopped on request");
            goto out;
        }
        unsigned tries = 0;
        do
            rc = vf_window_read(window, pages, limit - plan.to_embed - plan.failed, &end, err);
        while (vf_retry(&retry, &tries, &rc, err));
        if (rc)
            goto out;
        VF_TRY(vf_window_tokenize(window, embedder, err));
        add_window(&plan, window);
    }
    uint64_t n_read = plan.to_embed + plan.failed;
    uint64_t n_counted = plan.selected.missing + plan.selected.changed;
    if (n_read > n_counted) /* others came while this was reading */
        plan.selected.missing += n_read - n_counted;
    *ret = plan;
out:
    vf_window_free(window);
    vf_reader_free(pages);
    return rc;
}
