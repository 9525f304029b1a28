/* Going on after a failure that may pass, beside store.h: its rules on threads and errors hold
 * here, too. Every function of the store can be called again after it has failed: what was
 * committed without an answer is written a second time with the same values. */
#ifndef VF_STORE_RECOVERY_H
#define VF_STORE_RECOVERY_H

#include "store/store.h"

/* Whether VF_ERR_UNAVAILABLE of this store may pass within seconds. Not with SQLite, which has
 * waited for other programs before it failed. */
bool vf_store_may_recover(const struct vf_store *store);

/* Opens the connection again if it is lost, or if an answer never came. Readers stay where they
 * are. VF_ERR_UNAVAILABLE when the server is not there yet. */
VF_MUST_CHECK int vf_store_recover(struct vf_store *store, struct vf_err *err);

/* How long to wait: for PostgreSQL to answer a statement, 30 minutes unless set; for other
 * programs' locks in an SQLite file, half a minute unless set. A server's own limits are usually
 * shorter; this one also ends a wait for a server or a network that has gone silent without closing
 * the connection. Opening a connection has limits of its own. */
void vf_store_set_timeout(struct vf_store *store, int64_t ms);

#endif
