/* New rows come to PostgreSQL by COPY where that is the same as an INSERT. */
#include "store_fixture.h"

#include "store/failure_record.h"

#include <stdio.h>
#include <string.h>

static const float vector[] = {1, -2};
static const uint8_t hash[VF_TEXT_HASH_BYTES] = {7};

/* What a statement that writes looks like is noted beside the table. */
static const char make_notes[] =
    "CREATE TABLE notes (note text); GRANT INSERT ON notes TO PUBLIC;"
    "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN INSERT INTO notes VALUES (current_query()); RETURN NULL; END $$";
static const char note_statements[] =
    "CREATE TRIGGER note AFTER INSERT ON text_embeddings EXECUTE FUNCTION note()";

static struct vf_row row_of(const char *id)
{
    return (struct vf_row){.source_id = id,
        .vector = vector,
        .text_hash = hash,
        .token_count = 3,
        .truncated = true,
        .is_new = true};
}

/* As another role, when that is not NULL. */
static struct vf_store *open_as(struct fixture *f, const char *role)
{
    struct vf_store *store = NULL;
    struct vf_err err;
    char url[512];
    snprintf(url, sizeof url, "%s%s%s", f->url, role ? " user=" : "", role ? role : "");
    expect_ok(vf_store_open(url, NULL, 0, &store, &err), &err, url);
    return store;
}

#define ALTER "ALTER TABLE text_embeddings "
#define ALL_COLUMNS                                                                                \
    "concat_ws(' ', source_type, source_id, model_id, encode(vector, 'hex'),"                      \
    " coalesce(vector_ref, 'NULL'), length(text_hash), token_count, truncated,"                    \
    " updated_at = created_at)"
#define ALL_VALUES "NEWS 1 m 0000803f000000c0 NULL 32 3 t t"

static void test_tables(void **state)
{
    static const struct {
        const char *name, *sql, *role, *columns, *values;
        bool copied;
    } cases[] = {
        {"as init makes it", "", NULL, ALL_COLUMNS, ALL_VALUES, true},
        {"columns of type text", ALTER "ALTER source_id TYPE text, ALTER model_id TYPE text", NULL,
            ALL_COLUMNS, ALL_VALUES, true},
        {"a domain", "CREATE DOMAIN id AS varchar(9); " ALTER "ALTER source_id TYPE id", NULL,
            ALL_COLUMNS, ALL_VALUES, true},
        {"a default for vector_ref", ALTER "ALTER vector_ref SET DEFAULT 'x'", NULL, ALL_COLUMNS,
            ALL_VALUES, true},
        {"timestamp without time zone",
            ALTER "ALTER updated_at TYPE timestamp, ALTER created_at TYPE timestamp", NULL,
            ALL_COLUMNS, ALL_VALUES, true},
        {"more columns", ALTER "ADD a int DEFAULT 5, ADD b int GENERATED ALWAYS AS (1 + 1) STORED",
            NULL, "a || ' ' || b", "5 2", true},
        {"no columns of vecfill's",
            ALTER "DROP text_hash, DROP token_count, DROP truncated,"
                  " DROP updated_at, DROP vector_ref",
            NULL, "source_id || ' ' || length(vector)", "1 8", true},
        {"partitions",
            "DROP TABLE text_embeddings; CREATE TABLE text_embeddings (source_type text,"
            " source_id text, model_id text, vector bytea, token_count int,"
            " UNIQUE (source_type, source_id, model_id)) PARTITION BY LIST (model_id);"
            " CREATE TABLE part PARTITION OF text_embeddings DEFAULT",
            NULL, "source_id || ' ' || token_count", "1 3", true},
        {"a trigger that alters rows",
            "CREATE FUNCTION alter_row() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.token_count := 9; RETURN NEW; END $$;"
            "CREATE TRIGGER a BEFORE INSERT ON text_embeddings FOR EACH ROW"
            " EXECUTE FUNCTION alter_row()",
            NULL, "token_count", "9", true},
        {"a role with the rights that it needs",
            "CREATE ROLE copier LOGIN; GRANT SELECT, INSERT, UPDATE ON text_embeddings TO copier;"
            " GRANT USAGE ON SEQUENCE text_embeddings_embedding_id_seq TO copier",
            "copier", ALL_COLUMNS, ALL_VALUES, true},
        {"another integer", ALTER "ALTER token_count TYPE bigint", NULL, ALL_COLUMNS, ALL_VALUES,
            false},
        {"a number", ALTER "ALTER token_count TYPE numeric", NULL, ALL_COLUMNS, ALL_VALUES, false},
        {"a date", ALTER "ALTER updated_at TYPE date", NULL, "updated_at = current_date", "t",
            false},
        {"another type of vectors", ALTER "ALTER vector TYPE real[] USING NULL", NULL, "vector",
            "{1,-2}", false},
        {"a rule",
            "DROP TABLE text_embedding_failures;"
            "CREATE RULE r AS ON INSERT TO text_embeddings DO ALSO INSERT INTO notes"
            " VALUES ('INSERT by rule')",
            NULL, ALL_COLUMNS, ALL_VALUES, false},
        {"row security",
            "CREATE ROLE guarded LOGIN; GRANT SELECT, INSERT, UPDATE ON text_embeddings TO guarded;"
            " GRANT USAGE ON SEQUENCE text_embeddings_embedding_id_seq TO guarded;"
            " CREATE POLICY p ON text_embeddings USING (true); " ALTER "ENABLE ROW LEVEL SECURITY",
            "guarded", ALL_COLUMNS, ALL_VALUES, false},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        const struct vf_row row = row_of("1");
        struct vf_err err;
        char sql[512];
        fixture_recreate(f, "");
        vf_store_close(fixture_open_ready(f, NULL));
        fixture_run(f, make_notes);
        fixture_run(f, cases[i].sql[0] ? cases[i].sql : "SELECT 1");
        fixture_run(f, note_statements);
        struct vf_store *store = open_as(f, cases[i].role);
        expect_ok(vf_store_write(store, "m", 2, &row, 1, &err), &err, cases[i].name);
        snprintf(sql, sizeof sql, "SELECT %s FROM text_embeddings", cases[i].columns);
        vf_check(strcmp(fixture_get(f, sql), cases[i].values) == 0, "%s: %s", cases[i].name,
            fixture_get(f, sql));
        const char *copied = fixture_get(f, "SELECT bool_or(note LIKE '%COPY %') FROM notes");
        vf_check((*copied == 't') == cases[i].copied, "%s: copied '%s'", cases[i].name, copied);
        vf_store_close(store);
    }
}

/* Ids that mean something in SQL, in arrays and in names. */
static void test_failures_are_cleared(void **state)
{
    static const char *const ids[] = {"1", "a'b", "a\"b", "a\\b", "{1,2}", "NULL", "", " ", "a,b"};
    enum { N = VF_COUNT(ids) };
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_row rows[N];
    struct vf_err err;
    for (size_t i = 0; i < N; i++) {
        const struct vf_failure failure = {
            .source_id = ids[i], .reason = "refused", .message = "", .text_hash = hash};
        expect_ok(vf_store_record_failure(store, "it's", &failure, &err), &err, ids[i]);
        rows[i] = row_of(ids[i]);
    }
    fixture_run(f, "INSERT INTO text_embedding_failures (model_id, source_id, reason, message)"
                   " VALUES ('other', '1', 'refused', ''), ('it''s', 'other', 'refused', '')");
    fixture_run(f, make_notes);
    fixture_run(f, note_statements);
    expect_ok(vf_store_write(store, "it's", 2, rows, N, &err), &err, "write");
    assert_string_equal(
        fixture_get(f, "SELECT bool_and(note LIKE 'DELETE %COPY %') FROM notes"), "t");
    assert_string_equal(
        fixture_get(f, "SELECT string_agg(model_id || ' ' || source_id, ';' ORDER BY model_id)"
                       " FROM text_embedding_failures"),
        "it's other;other 1");
    assert_string_equal(fixture_get(f, "SELECT count(DISTINCT source_id) FROM text_embeddings"
                                       " WHERE model_id = 'it''s'"),
        "9");
    vf_store_close(store);
}

/* All or none, with more rows than one message holds; the connection serves on. */
static void test_refused(void **state)
{
    enum { N = 500, DIMENSIONS = 384, BAD = 250 };
    static float vectors[DIMENSIONS] = {1};
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    char ids[N][16];
    struct vf_row rows[N];
    struct vf_err err;
    fixture_run(f, ALTER "ADD CHECK (source_id <> '250')");
    for (int i = 0; i < N; i++) {
        snprintf(ids[i], sizeof ids[i], "%d", i);
        rows[i] = row_of(ids[i]);
        rows[i].vector = vectors;
    }
    int rc = vf_store_write(store, "m", DIMENSIONS, rows, N, &err);
    expect_error(rc, VF_ERR_DATA, &err, "violates check constraint", "all");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM text_embeddings"), "0");
    expect_ok(vf_store_write(store, "m", DIMENSIONS, rows, BAD, &err), &err, "the first");
    expect_ok(vf_store_write(store, "m", DIMENSIONS, rows + BAD + 1, N - BAD - 1, &err), &err,
        "the rest");
    assert_string_equal(fixture_get(f, "SELECT count(*) || ' ' || count(DISTINCT xmin::text) || ' '"
                                       " || min(length(vector)) FROM text_embeddings"),
        "499 2 1536");
    vf_store_close(store);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, fixture_new_database, fixture_drop_database)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tables),
        TEST(test_failures_are_cleared),
        TEST(test_refused),
    };
    return cmocka_run_group_tests_name(
        "COPY to PostgreSQL", tests, fixture_start_postgres, fixture_stop);
}
