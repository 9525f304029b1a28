/* What happens during a run that its operator may want to know at once. */
#ifndef VF_PIPELINE_EVENT_H
#define VF_PIPELINE_EVENT_H

#include <stddef.h>
#include <stdint.h>

enum vf_event_kind {
    VF_EVENT_RETRY,        /* something failed, and is tried again after a wait */
    VF_EVENT_RECOVERED,    /* the store can be used again */
    VF_EVENT_BATCH_FAILED, /* the database refuses rows, whose halves are tried next */
    VF_EVENT_ROW_FAILED,   /* an article is given up and put on record */
    VF_EVENT_ROW_WRONG     /* an audit does not like what is stored */
};

/* The strings are valid during the call. */
struct vf_event {
    enum vf_event_kind kind;
    const char *message;    /* all but RECOVERED: the reason in words */
    const char *article_id; /* ROW_FAILED, ROW_WRONG */
    const char *reason; /* ROW_FAILED: as in text_embedding_failures; ROW_WRONG: what counts it */
    size_t n;           /* RETRY: which try comes, from 1; BATCH_FAILED: rows */
    int64_t wait_ms;    /* RETRY */
};

/* Where events go. A zeroed one takes none. */
struct vf_event_sink {
    void (*notify)(void *context, const struct vf_event *event);
    void *context;
};

static inline void vf_event_send(const struct vf_event_sink *sink, struct vf_event event)
{
    if (sink->notify)
        sink->notify(sink->context, &event);
}

#endif
