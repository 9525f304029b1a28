/* Several processes on one selection, beside store.h: whose an article is. Its rules on threads and
 * errors hold here, too. */
#ifndef VF_STORE_CLAIMS_H
#define VF_STORE_CLAIMS_H

#include "store/store.h"

/* Claims that are held at once, at most: a server keeps the locks of all its clients in one table
 * of some thousands. */
enum { VF_MAX_CLAIMS = 512 };

/* Takes articles out of the page that another process (to PostgreSQL: another connection), with the
 * same selection, has claimed, and claims the others; *ret_left is the number of those taken out.
 * Never waits. Claims end with their connection or process, or when the reader has claimed
 * `in_flight` more articles, for then theirs are written (or when there would be too many). They
 * spare work; what is right does not depend on them. On failure the page is as it was. */
VF_MUST_CHECK int vf_reader_claim(struct vf_reader *reader, struct vf_page *page, size_t in_flight,
    uint64_t *ret_left, struct vf_err *err);

#endif
