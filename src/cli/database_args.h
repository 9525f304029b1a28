/* The options that choose a database and its tables, shared by every command that uses one. */
#ifndef VF_CLI_DATABASE_ARGS_H
#define VF_CLI_DATABASE_ARGS_H

#include "cli/message.h"
#include "cli/options.h"
#include "store/store.h"

struct vf_database_args {
    char *url; /* --database; NULL: by the environment */
    char *articles_table, *embeddings_table;
    char *article_id_column, *published_at_column;
    char *language_column, *headline_column, *body_column;
    size_t timeout; /* seconds; 0: as store/recovery.h has it */
};

enum { VF_N_DATABASE_OPTIONS = 9 };
extern const struct vf_option vf_database_options[VF_N_DATABASE_OPTIONS];

/* Which database it is. A zeroed struct is empty. */
struct vf_database {
    char *url;          /* owned; may hold a password: not for messages */
    const char *source; /* what named it */
    struct vf_store_names names;
    size_t timeout; /* seconds; 0: the default */
};

/* Finds out: by the options, the environment and .env in the working directory. A password given
 * with --database is wiped from the process's arguments. */
VF_MUST_CHECK int vf_database_locate(struct vf_console *console,
    const struct vf_database_args *args, struct vf_database *ret, struct vf_err *err);

VF_MUST_CHECK int vf_database_open(
    const struct vf_database *database, unsigned flags, struct vf_store **ret, struct vf_err *err);

bool vf_database_is_sqlite(const struct vf_database *database);

void vf_database_release(struct vf_database *database);

#endif
