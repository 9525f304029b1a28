/* The memory that one text needs on its way through a tokenizer, kept for the next text.
 *
 * A pool holds as many workspaces as calls ever ran at once. Taking one and giving it back is safe
 * from any thread; a workspace belongs to the call that took it.
 */
#ifndef VF_TOKENIZER_WORKSPACE_H
#define VF_TOKENIZER_WORKSPACE_H

#include "base/buf.h"
#include "tokenizer/ids.h"

/* Steps of one normaliser or pre-tokeniser, sequences within sequences included. */
#define VF_MAX_STEPS 16u

struct vf_workspace {
    struct vf_workspace *next;          /* in the pool */
    struct vf_buf valid;                /* the text, when it had invalid bytes */
    struct vf_buf normal[2];            /* the output of one normalising step, and of the next */
    struct vf_buf pieces[VF_MAX_STEPS]; /* one for each step of the pre-tokeniser */
    struct vf_buf model;                /* whatever the model keeps while it works on a word */
    struct vf_ids ids;                  /* of one word */
};

struct vf_workspace_pool;

VF_MUST_CHECK int vf_workspace_pool_new(struct vf_workspace_pool **ret, struct vf_err *err);

/* Accepts NULL. All workspaces have been given back. */
void vf_workspace_pool_free(struct vf_workspace_pool *pool);

/* Gives it back with vf_workspace_put(), whatever happens in between. */
VF_MUST_CHECK int vf_workspace_take(
    struct vf_workspace_pool *pool, struct vf_workspace **ret, struct vf_err *err);

void vf_workspace_put(struct vf_workspace_pool *pool, struct vf_workspace *workspace);

#endif
