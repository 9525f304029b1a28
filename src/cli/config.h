/* Settings from the environment, then from a .env file, and the database that they name.
 *
 * A .env file has lines KEY=VALUE, optionally after "export ", blank lines and lines beginning
 * with '#'. A value may stand in single quotes (taken as it is) or in double quotes (\n, \r, \t,
 * \" and \\ are read), over several lines if need be; without quotes it ends with the line or at
 * white space followed by '#'. Values are not expanded. The environment wins over the file; an
 * empty value is as good as none.
 */
#ifndef VF_CLI_CONFIG_H
#define VF_CLI_CONFIG_H

#include "base/error.h"

#include <stddef.h>

struct vf_setting {
    char *key, *value; /* owned */
};

/* A zeroed struct has the environment only. */
struct vf_config {
    struct vf_setting *settings; /* of the file, in its order; the last of a key counts */
    size_t n;
};

/* Reads `path`; no such file is an empty one. VF_ERR_CONFIG names the line that is not understood.
 * Release *ret with vf_config_release(). */
VF_MUST_CHECK int vf_config_load(const char *path, struct vf_config *ret, struct vf_err *err);

void vf_config_release(struct vf_config *config);

/* Borrowed; NULL when it is neither in the environment nor in the file, or empty. */
const char *vf_config_get(const struct vf_config *config, const char *key);

/* Which database is meant, as vf_store_open() takes it: `option` (--database) if not NULL, else
 * VECFILL_DATABASE_URL, else PostgreSQL by HISTORICAL_DB_*, else PostgreSQL by libpq's own
 * variables ("") when PGHOST, PGDATABASE or PGSERVICE is set, else sqlite:vecfill.db. The caller
 * frees *ret_url; *ret_source is a static string that names the source for people.
 *
 * Settings of the file that libpq reads from the environment (PG…) are put there. */
VF_MUST_CHECK int vf_config_database(const struct vf_config *config, const char *option,
    char **ret_url, const char **ret_source, struct vf_err *err);

#endif
