#include "store/schema/schema.h"

#define NOW "(strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))"

const struct vf_schema_statement vf_sqlite_schema[] = {
    {VF_SCHEMA_ARTICLES, true, NULL,
        "CREATE TABLE IF NOT EXISTS {articles} (\n"
        "    {id} INTEGER PRIMARY KEY,\n"
        "    {published_at} TEXT NOT NULL, -- ISO 8601, UTC\n"
        "    source TEXT,\n"
        "    {language} TEXT,\n"
        "    {headline} TEXT,\n"
        "    {body} TEXT,\n"
        "    metadata TEXT -- JSON\n"
        ")"},
    {VF_SCHEMA_ARTICLES_INDEX, true, NULL,
        "CREATE INDEX IF NOT EXISTS {articles_schema}{articles_index}\n"
        "    ON {articles_table} ({published_at})"},
    {VF_SCHEMA_EMBEDDINGS, true, NULL,
        "CREATE TABLE IF NOT EXISTS {embeddings} (\n"
        "    embedding_id INTEGER PRIMARY KEY,\n"
        "    source_type TEXT NOT NULL,\n"
        "    source_id TEXT NOT NULL,\n"
        "    model_id TEXT NOT NULL,\n"
        "    vector BLOB, -- float32, little-endian\n"
        "    vector_ref TEXT,\n"
        "    created_at TEXT NOT NULL DEFAULT " NOW ",\n"
        "    text_hash BLOB,\n"
        "    token_count INTEGER,\n"
        "    truncated INTEGER,\n"
        "    updated_at TEXT\n"
        ")"},
    {VF_SCHEMA_COLUMN, false, "text_hash", "ALTER TABLE {embeddings} ADD COLUMN text_hash BLOB"},
    {VF_SCHEMA_COLUMN, false, "token_count",
        "ALTER TABLE {embeddings} ADD COLUMN token_count INTEGER"},
    {VF_SCHEMA_COLUMN, false, "truncated", "ALTER TABLE {embeddings} ADD COLUMN truncated INTEGER"},
    {VF_SCHEMA_COLUMN, false, "updated_at", "ALTER TABLE {embeddings} ADD COLUMN updated_at TEXT"},
    {VF_SCHEMA_EMBEDDINGS_INDEX, true, NULL,
        "CREATE UNIQUE INDEX IF NOT EXISTS {embeddings_schema}{embeddings_index}\n"
        "    ON {embeddings_table} (source_type, source_id, model_id)"},
    {VF_SCHEMA_MODELS, true, NULL,
        "CREATE TABLE IF NOT EXISTS {models} (\n"
        "    model_id TEXT PRIMARY KEY,\n"
        "    model TEXT NOT NULL,\n"
        "    revision TEXT,\n"
        "    weights_sha256 TEXT NOT NULL,\n"
        "    tokenizer_sha256 TEXT NOT NULL,\n"
        "    pooling TEXT NOT NULL,\n"
        "    prompt TEXT,\n"
        "    long_text TEXT NOT NULL,\n"
        "    normalized INTEGER NOT NULL,\n"
        "    max_seq_length INTEGER NOT NULL,\n"
        "    dimensions INTEGER NOT NULL,\n"
        "    recorded_at TEXT NOT NULL DEFAULT " NOW "\n"
        ")"},
    {VF_SCHEMA_FAILURES, true, NULL,
        "CREATE TABLE IF NOT EXISTS {failures} (\n"
        "    model_id TEXT NOT NULL,\n"
        "    source_id TEXT NOT NULL,\n"
        "    reason TEXT NOT NULL,\n"
        "    message TEXT NOT NULL,\n"
        "    attempts INTEGER NOT NULL DEFAULT 1,\n"
        "    first_seen TEXT NOT NULL DEFAULT " NOW ",\n"
        "    last_seen TEXT NOT NULL DEFAULT " NOW ",\n"
        "    text_hash BLOB,\n"
        "    PRIMARY KEY (model_id, source_id)\n"
        ")"},
};
const size_t vf_n_sqlite_schema = sizeof vf_sqlite_schema / sizeof vf_sqlite_schema[0];
