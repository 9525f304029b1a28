#include "cli/database_args.h"

#include "cli/config.h"
#include "store/recovery.h"

#include <stdlib.h>
#include <string.h>

#define DOTENV ".env"

#define FIELD(name) offsetof(struct vf_database_args, name)

const struct vf_option vf_database_options[VF_N_DATABASE_OPTIONS] = {
    {"database", '\0', "URL", "postgresql://... or sqlite:PATH [environment]", vf_parse_text,
        FIELD(url), NULL, false},
    {"articles-table", '\0', "TABLE", "[news_articles]", vf_parse_text, FIELD(articles_table), NULL,
        true},
    {"embeddings-table", '\0', "TABLE", "[text_embeddings]", vf_parse_text, FIELD(embeddings_table),
        NULL, true},
    {"article-id-column", '\0', "NAME", "[article_id]", vf_parse_text, FIELD(article_id_column),
        NULL, true},
    {"published-at-column", '\0', "NAME", "[published_at, else timestamp]", vf_parse_text,
        FIELD(published_at_column), NULL, true},
    {"language-column", '\0', "NAME", "[language]", vf_parse_text, FIELD(language_column), NULL,
        true},
    {"headline-column", '\0', "NAME", "[headline]", vf_parse_text, FIELD(headline_column), NULL,
        true},
    {"body-column", '\0', "NAME", "[body]", vf_parse_text, FIELD(body_column), NULL, true},
    {"database-timeout", '\0', "T", "wait so long for an answer [30m]", vf_parse_duration,
        FIELD(timeout), NULL, true},
};

/* Whether a URL (user:password@host) or connection string (password=…) may hold a password. */
static bool may_hold_secret(const char *url)
{
    if (strncmp(url, "sqlite:", 7) == 0)
        return false;
    const char *authority = strstr(url, "://");
    const char *at = strrchr(url, '@');
    const char *colon = authority ? strchr(authority + 3, ':') : NULL;
    return strstr(url, "password") || (at && colon && colon < at);
}

/* Reads .env. A line that is not understood is passed over, with a warning, where the database is
 * named without it. */
static int load_settings(
    struct vf_console *console, const char *url, struct vf_config *ret, struct vf_err *err)
{
    struct vf_err trouble = {0};
    const char *variable = getenv("VECFILL_DATABASE_URL");
    int rc = vf_config_load(DOTENV, ret, &trouble);
    if (rc == VF_ERR_CONFIG && (url || (variable && *variable))) {
        vf_console_warn(console, "%s; the file is not used", trouble.msg);
        return 0;
    }
    if (rc)
        *err = trouble;
    return rc;
}

int vf_database_locate(struct vf_console *console, const struct vf_database_args *args,
    struct vf_database *ret, struct vf_err *err)
{
    struct vf_config config = {0};
    struct vf_database database = {0};
    int rc;
    VF_TRY(load_settings(console, args->url, &config, err));
    VF_TRY(vf_config_database(&config, args->url, &database.url, &database.source, err));
    if (args->url && may_hold_secret(args->url)) {
        memset(args->url, '*', strlen(args->url));
        vf_console_warn(console, "a password on the command line is seen by others before it is "
                                 "wiped; PGPASSWORD, ~/.pgpass or VECFILL_DATABASE_URL keep it");
    }
    database.timeout = args->timeout;
    database.names = (struct vf_store_names){
        .articles_table = args->articles_table,
        .embeddings_table = args->embeddings_table,
        .article_id_column = args->article_id_column,
        .published_at_column = args->published_at_column,
        .language_column = args->language_column,
        .headline_column = args->headline_column,
        .body_column = args->body_column,
    };
    *ret = database;
out:
    vf_config_release(&config);
    return rc;
}

int vf_database_open(
    const struct vf_database *database, unsigned flags, struct vf_store **ret, struct vf_err *err)
{
    int rc = vf_store_open(database->url, &database->names, flags, ret, err);
    if (rc == 0 && database->timeout > 0)
        vf_store_set_timeout(*ret, (int64_t)database->timeout * 1000);
    return rc;
}

bool vf_database_is_sqlite(const struct vf_database *database)
{
    return strncmp(database->url, "sqlite:", 7) == 0;
}

void vf_database_release(struct vf_database *database)
{
    free(database->url);
    *database = (struct vf_database){0};
}
