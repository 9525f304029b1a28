/* The tables as SQL, statement by statement, with the names of store.h in braces (see
 * sql_text.h) and {vector_type} for the type of the vector column. */
#ifndef VF_STORE_SCHEMA_SCHEMA_H
#define VF_STORE_SCHEMA_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

/* What a statement makes, so that it runs only when that is missing. */
enum vf_schema_object {
    VF_SCHEMA_EXTENSION,      /* pgvector; only for its types */
    VF_SCHEMA_ARTICLES,       /* the table */
    VF_SCHEMA_ARTICLES_INDEX, /* goes with a new table */
    VF_SCHEMA_EMBEDDINGS,
    VF_SCHEMA_COLUMN, /* of the embeddings table */
    VF_SCHEMA_EMBEDDINGS_INDEX,
    VF_SCHEMA_MODELS,  /* the table of what made the vectors */
    VF_SCHEMA_FAILURES /* the table of articles that failed */
};

struct vf_schema_statement {
    enum vf_schema_object object;
    bool printed;       /* idempotent as it stands, hence part of vf_store_schema() */
    const char *column; /* of VF_SCHEMA_COLUMN */
    const char *sql;    /* without a semicolon */
};

extern const struct vf_schema_statement vf_postgres_schema[];
extern const size_t vf_n_postgres_schema;

extern const struct vf_schema_statement vf_sqlite_schema[];
extern const size_t vf_n_sqlite_schema;

#endif
