/* Several processes on one selection, beside store.h: whose an article is. Its rules on threads and
 * errors hold here, too. */
#ifndef VF_STORE_CLAIMS_H
#define VF_STORE_CLAIMS_H

#include "store/store.h"

/* Takes articles out of the page that another process (to PostgreSQL: another connection), with the
 * same selection, has claimed, and claims the others; *ret_left is the number of those taken out.
 * Never waits. Claims end with their connection or process, or when the reader has made so many
 * more that their articles are written. They spare work; what is right does not depend on them. On
 * failure the page is as it was. */
VF_MUST_CHECK int vf_reader_claim(
    struct vf_reader *reader, struct vf_page *page, uint64_t *ret_left, struct vf_err *err);

#endif
