#include "encoder/team.h"

/* One vf_team_run(), on its caller's stack. What changes is under the team's lock. */
struct vf_span_loop {
    vf_span_fn *span;
    const void *work;
    size_t rows, length;
    size_t next; /* row: spans before it are taken */
    size_t done; /* rows */
    pthread_cond_t finished;
    struct vf_span_loop *following;
};

void vf_team_init(struct vf_team *team)
{
    *team = (struct vf_team){0};
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->work, NULL);
}

void vf_team_release(struct vf_team *team)
{
    pthread_cond_destroy(&team->work);
    pthread_mutex_destroy(&team->lock);
}

void vf_team_wait(struct vf_team *team)
{
    team->idle++;
    pthread_cond_wait(&team->work, &team->lock);
    team->idle--;
}

unsigned vf_team_width(struct vf_team *team)
{
    pthread_mutex_lock(&team->lock);
    unsigned width = team->idle + 1;
    pthread_mutex_unlock(&team->lock);
    return width;
}

/* Takes the loop off the list, on which it may no longer be. */
static void remove_loop(struct vf_team *team, const struct vf_span_loop *loop)
{
    struct vf_span_loop **link = &team->loops;
    while (*link && *link != loop)
        link = &(*link)->following;
    if (*link)
        *link = loop->following;
}

/* Computes the next span of `loop`, under the lock. */
static void take_span(struct vf_team *team, struct vf_span_loop *loop, struct vf_activations *own)
{
    size_t row = loop->next, left = loop->rows - row;
    size_t m = left < loop->length ? left : loop->length;
    loop->next += m;
    if (loop->next == loop->rows)
        remove_loop(team, loop);
    pthread_mutex_unlock(&team->lock);
    loop->span(loop->work, own, row, m);
    pthread_mutex_lock(&team->lock);
    loop->done += m;
    if (loop->done == loop->rows)
        pthread_cond_signal(&loop->finished);
}

void vf_team_run(struct vf_team *team, struct vf_activations *own, vf_span_fn *span,
    const void *work, size_t rows, size_t length)
{
    struct vf_span_loop loop = {.span = span, .work = work, .rows = rows, .length = length};
    pthread_cond_init(&loop.finished, NULL);
    pthread_mutex_lock(&team->lock);
    loop.following = team->loops;
    team->loops = &loop;
    if (team->idle > 0)
        pthread_cond_broadcast(&team->work);
    while (loop.next < rows)
        take_span(team, &loop, own);
    while (loop.done < rows)
        pthread_cond_wait(&loop.finished, &team->lock);
    pthread_mutex_unlock(&team->lock);
    pthread_cond_destroy(&loop.finished);
}

void vf_team_help(struct vf_team *team, struct vf_activations *own)
{
    take_span(team, team->loops, own);
}
