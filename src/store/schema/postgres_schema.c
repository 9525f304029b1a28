#include "store/schema/schema.h"

const struct vf_schema_statement vf_postgres_schema[] = {
    {VF_SCHEMA_EXTENSION, true, NULL, "CREATE EXTENSION IF NOT EXISTS vector"},
    {VF_SCHEMA_ARTICLES, true, NULL,
        "CREATE TABLE IF NOT EXISTS {articles} (\n"
        "    {id} bigint PRIMARY KEY,\n"
        "    {published_at} timestamptz NOT NULL,\n"
        "    source varchar(128),\n"
        "    {language} varchar(16),\n"
        "    {headline} text,\n"
        "    {body} text,\n"
        "    metadata jsonb\n"
        ")"},
    {VF_SCHEMA_ARTICLES_INDEX, true, NULL,
        "CREATE INDEX IF NOT EXISTS {articles_index} ON {articles} ({published_at}, {id})"},
    {VF_SCHEMA_EMBEDDINGS, true, NULL,
        "CREATE TABLE IF NOT EXISTS {embeddings} (\n"
        "    embedding_id bigserial PRIMARY KEY,\n"
        "    source_type varchar(32) NOT NULL,\n"
        "    source_id varchar(64) NOT NULL,\n"
        "    model_id varchar(64) NOT NULL,\n"
        "    vector {vector_type},\n"
        "    vector_ref text,\n"
        "    created_at timestamptz NOT NULL DEFAULT now(),\n"
        "    text_hash bytea,\n"
        "    token_count integer,\n"
        "    truncated boolean,\n"
        "    updated_at timestamptz\n"
        ")"},
    {VF_SCHEMA_COLUMN, true, "text_hash",
        "ALTER TABLE {embeddings} ADD COLUMN IF NOT EXISTS text_hash bytea"},
    {VF_SCHEMA_COLUMN, true, "token_count",
        "ALTER TABLE {embeddings} ADD COLUMN IF NOT EXISTS token_count integer"},
    {VF_SCHEMA_COLUMN, true, "truncated",
        "ALTER TABLE {embeddings} ADD COLUMN IF NOT EXISTS truncated boolean"},
    {VF_SCHEMA_COLUMN, true, "updated_at",
        "ALTER TABLE {embeddings} ADD COLUMN IF NOT EXISTS updated_at timestamptz"},
    {VF_SCHEMA_EMBEDDINGS_INDEX, true, NULL,
        "CREATE UNIQUE INDEX IF NOT EXISTS {embeddings_index}\n"
        "    ON {embeddings} (source_type, source_id, model_id)"},
    {VF_SCHEMA_MODELS, true, NULL,
        "CREATE TABLE IF NOT EXISTS {models} (\n"
        "    model_id text PRIMARY KEY,\n"
        "    model text NOT NULL,\n"
        "    revision text,\n"
        "    weights_sha256 text NOT NULL,\n"
        "    tokenizer_sha256 text NOT NULL,\n"
        "    pooling text NOT NULL,\n"
        "    prompt text,\n"
        "    long_text text NOT NULL,\n"
        "    normalized boolean NOT NULL,\n"
        "    max_seq_length integer NOT NULL,\n"
        "    dimensions integer NOT NULL,\n"
        "    recorded_at timestamptz NOT NULL DEFAULT now()\n"
        ")"},
    {VF_SCHEMA_FAILURES, true, NULL,
        "CREATE TABLE IF NOT EXISTS {failures} (\n"
        "    model_id text NOT NULL,\n"
        "    source_id text NOT NULL,\n"
        "    reason text NOT NULL,\n"
        "    message text NOT NULL,\n"
        "    attempts integer NOT NULL DEFAULT 1,\n"
        "    first_seen timestamptz NOT NULL DEFAULT now(),\n"
        "    last_seen timestamptz NOT NULL DEFAULT now(),\n"
        "    text_hash bytea,\n"
        "    PRIMARY KEY (model_id, source_id)\n"
        ")"},
};
const size_t vf_n_postgres_schema = sizeof vf_postgres_schema / sizeof vf_postgres_schema[0];
