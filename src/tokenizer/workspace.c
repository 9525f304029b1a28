#include "tokenizer/workspace.h"

#include <pthread.h>
#include <stdlib.h>

struct vf_workspace_pool {
    pthread_mutex_t lock;
    struct vf_workspace *first; /* under `lock` */
};

int vf_workspace_pool_new(struct vf_workspace_pool **ret, struct vf_err *err)
{
    struct vf_workspace_pool *pool = calloc(1, sizeof *pool);
    if (!pool || pthread_mutex_init(&pool->lock, NULL) != 0) {
        free(pool);
        return vf_fail_memory(err, "the tokenizer's workspaces");
    }
    *ret = pool;
    return 0;
}

static void free_workspace(struct vf_workspace *workspace)
{
    vf_buf_release(&workspace->valid);
    for (size_t i = 0; i < 2; i++)
        vf_buf_release(&workspace->normal[i]);
    for (size_t i = 0; i < VF_MAX_STEPS; i++)
        vf_buf_release(&workspace->pieces[i]);
    vf_buf_release(&workspace->model);
    vf_ids_release(&workspace->ids);
    free(workspace);
}

void vf_workspace_pool_free(struct vf_workspace_pool *pool)
{
    if (!pool)
        return;
    while (pool->first) {
        struct vf_workspace *workspace = pool->first;
        pool->first = workspace->next;
        free_workspace(workspace);
    }
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}

int vf_workspace_take(struct vf_workspace_pool *pool, struct vf_workspace **ret, struct vf_err *err)
{
    (void)pthread_mutex_lock(&pool->lock);
    struct vf_workspace *workspace = pool->first;
    if (workspace)
        pool->first = workspace->next;
    (void)pthread_mutex_unlock(&pool->lock);
    if (!workspace)
        workspace = calloc(1, sizeof *workspace);
    if (!workspace)
        return vf_fail_memory(err, "the tokenizer's workspace");
    *ret = workspace;
    return 0;
}

void vf_workspace_put(struct vf_workspace_pool *pool, struct vf_workspace *workspace)
{
    (void)pthread_mutex_lock(&pool->lock);
    workspace->next = pool->first;
    pool->first = workspace;
    (void)pthread_mutex_unlock(&pool->lock);
}
