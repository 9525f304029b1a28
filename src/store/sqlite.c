#include "store/sqlite_internal.h"

#include "base/file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- errors ---- */

int vf__sqlite_fail(struct sqlite_store *s, struct vf_err *err)
{
    static const struct {
        int result;
        enum vf_code code;
        const char *hint;
    } meanings[] = {
        {SQLITE_BUSY, VF_ERR_UNAVAILABLE, "another program is writing to it; run again later"},
        {SQLITE_LOCKED, VF_ERR_UNAVAILABLE, "another program is writing to it; run again later"},
        {SQLITE_READONLY, VF_ERR_PERMISSION,
            "the file and its directory must be writable for this user"},
        {SQLITE_PERM, VF_ERR_PERMISSION, "the file must be readable for this user"},
        {SQLITE_AUTH, VF_ERR_PERMISSION, "the file must be readable for this user"},
        {SQLITE_CANTOPEN, VF_ERR_PERMISSION,
            "the file and its directory must be readable and writable for this user"},
        {SQLITE_NOTADB, VF_ERR_DATA, "name another file with --database sqlite:PATH"},
        {SQLITE_CORRUPT, VF_ERR_DATA, "run PRAGMA integrity_check in sqlite3, or restore a backup"},
        {SQLITE_FULL, VF_ERR_IO, "free disk space and run again"},
        {SQLITE_IOERR, VF_ERR_IO, "free disk space if there is none, and look at the disk"},
        {SQLITE_NOMEM, VF_ERR_NO_MEMORY, ""},
        {SQLITE_TOOBIG, VF_ERR_DATA, ""},
        {SQLITE_MISMATCH, VF_ERR_DATA, "an id must be of the column's type"},
        {SQLITE_CONSTRAINT, VF_ERR_DATA, ""},
        {SQLITE_ERROR, VF_ERR_CONFIG, ""},
    };
    int result = sqlite3_errcode(s->db) & 0xFF;
    size_t i = 0;
    const size_t n = sizeof meanings / sizeof meanings[0];
    while (i < n && meanings[i].result != result)
        i++;
    int error = result == SQLITE_IOERR ? sqlite3_system_errno(s->db) : 0;
    vf_fail(err, i < n ? meanings[i].code : VF_ERR_IO, "%s: %s%s%s", s->path, sqlite3_errmsg(s->db),
        error ? ": " : "", error ? strerror(error) : "");
    vf_hint(err, "%s", i < n ? meanings[i].hint : "");
    return i < n ? meanings[i].code : VF_ERR_IO;
}

/* ---- statements ---- */

int vf__sqlite_run(struct sqlite_store *s, const char *sql, struct vf_err *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : vf__sqlite_fail(s, err);
}

int vf__sqlite_prepare(struct sqlite_store *s, const char *text, const struct vf_sql_word *extra,
    size_t n_extra, sqlite3_stmt **ret, struct vf_err *err)
{
    enum { MAX_EXTRA = 8 };
    struct vf_sql_word words[VF_NAME_WORDS + MAX_EXTRA];
    struct vf_buf sql = {0};
    int rc;
    if (n_extra > MAX_EXTRA)
        return vf_fail(err, VF_ERR_INTERNAL, "too many words for a statement");
    vf_names_words(&s->base.names, words);
    if (n_extra)
        memcpy(words + VF_NAME_WORDS, extra, n_extra * sizeof *extra);
    VF_TRY(vf_sql_expand(&sql, text, words, VF_NAME_WORDS + n_extra, err));
    if (sqlite3_prepare_v2(s->db, sql.data, -1, ret, NULL) != SQLITE_OK)
        rc = vf__sqlite_fail(s, err);
out:
    vf_buf_release(&sql);
    return rc;
}

int vf__sqlite_step(
    struct sqlite_store *s, sqlite3_stmt *statement, bool *ret_row, struct vf_err *err)
{
    int result = sqlite3_step(statement);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        return vf__sqlite_fail(s, err);
    *ret_row = result == SQLITE_ROW;
    return 0;
}

int vf__sqlite_bind_text(struct sqlite_store *s, sqlite3_stmt *statement, int index,
    const char *text, struct vf_err *err)
{
    int result = sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
    return result == SQLITE_OK ? 0 : vf__sqlite_fail(s, err);
}

int vf__sqlite_get_integer(
    struct sqlite_store *s, const char *text, int64_t *ret, struct vf_err *err)
{
    sqlite3_stmt *statement = NULL;
    bool row;
    int rc;
    VF_TRY(vf__sqlite_prepare(s, text, NULL, 0, &statement, err));
    VF_TRY(vf__sqlite_step(s, statement, &row, err));
    *ret = sqlite3_column_int64(statement, 0);
out:
    sqlite3_finalize(statement);
    return rc;
}

int vf__sqlite_end_transaction(struct sqlite_store *s, int rc, struct vf_err *err)
{
    if (rc == 0)
        rc = vf__sqlite_run(s, "COMMIT", err);
    if (rc)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* ---- claims ---- */

int vf__sqlite_reader_claim(struct vf_reader *reader, int64_t key, bool *ret, struct vf_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)reader->store;
    (void)err;
    *ret = vf_file_claims_take(&s->claims, key);
    return 0;
}

/* ---- life cycle ---- */

static void close_store(struct vf_store *store)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    vf_file_claims_close(&s->claims);
    sqlite3_close_v2(s->db);
    free(s->path);
    free(s);
}

static void set_timeout(struct vf_store *store, int64_t ms)
{
    sqlite3_busy_timeout(((struct sqlite_store *)store)->db, ms < INT_MAX ? (int)ms : INT_MAX);
}

static const struct vf_store_ops operations = {
    .is_sqlite = true,
    .close = close_store,
    .set_timeout = set_timeout,
    .init = vf__sqlite_init,
    .has_articles = vf__sqlite_has_articles,
    .check = vf__sqlite_check,
    .reader_new = vf__sqlite_reader_new,
    .reader_free = vf__sqlite_reader_free,
    .reader_next = vf__sqlite_reader_next,
    .reader_claim = vf__sqlite_reader_claim,
    .reader_count = vf__sqlite_reader_count,
    .write = vf__sqlite_write,
    .find_model = vf__sqlite_find_model,
    .record_model = vf__sqlite_record_model,
    .replace_model = vf__sqlite_replace_model,
    .sample = vf__sqlite_sample,
    .record_failure = vf__sqlite_record_failure,
    .audit = vf__sqlite_audit,
    .orphans = vf__sqlite_orphans,
    .prune = vf__sqlite_prune,
    .import = vf__sqlite_import,
    .scan_vectors = vf__sqlite_scan_vectors,
    .find_article = vf__sqlite_find_article,
    .status = vf__sqlite_status,
    .count_articles = vf__sqlite_count_articles,
};

static int check_directory_of(const char *path, struct vf_err *err)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int rc = 0;
    if (!directory)
        rc = vf_fail_memory(err, "a path");
    else if (!vf_is_directory(directory))
        rc = vf_fail(err, VF_ERR_NOT_FOUND, "there is no directory %s", directory);
    free(directory);
    return rc;
}

/* Tells apart what SQLite calls "unable to open database file". */
static int check_path(const char *path, unsigned flags, struct vf_err *err)
{
    if (!*path)
        return vf_fail(err, VF_ERR_USAGE, "sqlite: names no file");
    if (vf_is_directory(path))
        return vf_fail(err, VF_ERR_CONFIG, "%s is a directory, not a database", path);
    if (access(path, F_OK) == 0) {
        if (access(path, R_OK) == 0)
            return 0;
        return vf_fail(err, VF_ERR_PERMISSION, "%s: %s", path, strerror(errno));
    }
    if (errno == ENOENT && (flags & VF_STORE_CREATE))
        return check_directory_of(path, err);
    if (errno != ENOENT)
        return vf_fail(err, VF_ERR_PERMISSION, "%s: %s", path, strerror(errno));
    vf_fail(err, VF_ERR_NOT_FOUND, "there is no database %s", path);
    vf_hint(err, "make it with vecfill init, or name another with --database");
    return VF_ERR_NOT_FOUND;
}

static int open_file(struct sqlite_store *s, unsigned flags, struct vf_err *err)
{
    int mode = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (flags & VF_STORE_CREATE)
        mode |= SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(s->path, &s->db, mode, NULL) != SQLITE_OK)
        return vf__sqlite_fail(s, err);
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, VF_SQLITE_BUSY_MS);
    /* Half a megabyte of pages: rows are visited nearly in their order, and the cache is full, and
     * memory flat, soon after the start. */
    sqlite3_exec(s->db, "PRAGMA cache_size = -512", NULL, NULL, NULL);
    /* A misspelt column in double quotes is an error, not a string. */
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, (int *)NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DDL, 0, (int *)NULL);
    return vf__sqlite_add_functions(s, err);
}

static int describe(struct sqlite_store *s, struct vf_err *err)
{
    struct vf_buf text = {0};
    int rc;
    VF_TRY(vf_buf_printf(&text, err, "SQLite %s, file %s", sqlite3_libversion(), s->path));
    s->base.description = vf_buf_detach(&text);
out:
    vf_buf_release(&text);
    return rc;
}

int vf_sqlite_open(const char *path, struct vf_names *names, unsigned flags, struct vf_store **ret,
    struct vf_err *err)
{
    struct sqlite_store *s = NULL;
    int64_t version;
    int rc;
    VF_TRY(check_path(path, flags, err));
    s = calloc(1, sizeof *s);
    if (!s || !(s->path = strdup(path))) {
        rc = vf_fail_memory(err, "a database connection");
        goto out;
    }
    s->base.ops = &operations;
    VF_TRY(vf_file_claims_init(&s->claims, path, err));
    VF_TRY(open_file(s, flags, err));
    VF_TRY(
        vf__sqlite_get_integer(s, "PRAGMA schema_version", &version, err)); /* reads the header */
    VF_TRY(describe(s, err));
    s->base.names = *names;
    *names = (struct vf_names){0};
    *ret = &s->base;
    return 0;
out:
    if (s) {
        free(s->base.description);
        close_store(&s->base);
    }
    return rc;
}
