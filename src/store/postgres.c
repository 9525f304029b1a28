#include "store/postgres_internal.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { OLDEST_SERVER = 120000 };

/* How long the server may take: to answer, and to let a program in. */
enum { ANSWER_MS = 30 * 60 * 1000, LOGIN_MS = 10 * 1000 };
#define LOGIN_SECONDS "10"

/* ---- errors ---- */

#define LOGIN_HINT                                                                                 \
    "set PGPASSWORD or ~/.pgpass, name the user in the URL or PGUSER, and look at the server's "   \
    "pg_hba.conf"

static const struct {
    const char *state; /* SQLSTATE or its beginning; the first match counts */
    enum vf_code code;
    const char *hint;
} meanings[] = {
    {"42P01", VF_ERR_NOT_FOUND, "create the tables with vecfill init, or name yours"},
    {"42703", VF_ERR_NOT_FOUND, "bring the tables up to date with vecfill init"},
    {"3D000", VF_ERR_NOT_FOUND, "create it with createdb, or name another"},
    {"3F000", VF_ERR_NOT_FOUND, "create it with CREATE SCHEMA, or name another"},
    {"42501", VF_ERR_PERMISSION, "let the owner GRANT it, or connect as another role"},
    {"25006", VF_ERR_PERMISSION, "connect to the primary server, not to a read-only one"},
    {"28", VF_ERR_LOGIN, LOGIN_HINT},
    {"53100", VF_ERR_IO, "free disk space on the server and run again"},
    {"53", VF_ERR_UNAVAILABLE, "the server is short of resources; run again later"},
    {"57", VF_ERR_UNAVAILABLE, "run again: what was committed is kept"},
    {"08", VF_ERR_UNAVAILABLE, "run again: what was committed is kept"},
    {"40", VF_ERR_UNAVAILABLE, "another program wrote the same rows; run again"},
    {"55", VF_ERR_UNAVAILABLE, "another program holds a lock; run again later"},
    {"58P01", VF_ERR_CONFIG, "install it on the server, or use vectors of type bytea"},
    {"58", VF_ERR_IO, "look at the server's log"},
    {"XX", VF_ERR_IO, "look at the server's log"},
    {"22", VF_ERR_DATA, ""},
    {"23", VF_ERR_DATA, ""},
    {"54", VF_ERR_DATA, ""},
    {"0A", VF_ERR_CONFIG, ""},
    {"42", VF_ERR_CONFIG, ""},
};

/* Drops the trailing newline that libpq puts after every message. */
static int fail_with(struct vf_err *err, enum vf_code code, const char *message, const char *hint)
{
    vf_fail(err, code, "%.*s", (int)strcspn(message, "\n"), message);
    vf_hint(err, "%s", hint);
    return code;
}

static int fail_with_state(
    struct vf_err *err, const char *state, const char *message, enum vf_code other)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (strncmp(state, meanings[i].state, strlen(meanings[i].state)) == 0)
            return fail_with(err, meanings[i].code, message, meanings[i].hint);
    return fail_with(err, other, message, "");
}

int vf__pg_fail(struct pg_store *s, const PGresult *result, struct vf_err *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *message = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    if (!state || PQstatus(s->conn) == CONNECTION_BAD)
        return fail_with(err, VF_ERR_UNAVAILABLE, message ? message : PQerrorMessage(s->conn),
            "run again: what was committed is kept");
    return fail_with_state(err, state, message ? message : state, VF_ERR_IO);
}

/* ---- statements ---- */

int vf__pg_expand(struct pg_store *s, const char *text, const struct vf_sql_word *extra,
    size_t n_extra, struct vf_buf *sql, struct vf_err *err)
{
    enum { MAX_EXTRA = 12 };
    struct vf_sql_word words[VF_NAME_WORDS + MAX_EXTRA];
    if (n_extra > MAX_EXTRA)
        return vf_fail(err, VF_ERR_INTERNAL, "too many words for a statement");
    vf_names_words(&s->base.names, words);
    if (n_extra)
        memcpy(words + VF_NAME_WORDS, extra, n_extra * sizeof *extra);
    return vf_sql_expand(sql, text, words, VF_NAME_WORDS + n_extra, err);
}

/* Waits for the socket until `deadline_ns`. */
static int wait_for_socket(
    struct pg_store *s, short events, int64_t deadline_ns, struct vf_err *err)
{
    enum { LONGEST_MS = 60 * 1000 };
    struct pollfd socket = {.fd = PQsocket(s->conn), .events = events};
    for (;;) {
        int64_t left_ms = (deadline_ns - vf_now_ns()) / 1000000;
        if (left_ms <= 0)
            break;
        int n = poll(&socket, 1, left_ms < LONGEST_MS ? (int)left_ms : LONGEST_MS);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return vf_fail(
                err, VF_ERR_UNAVAILABLE, "cannot wait for the server: %s", strerror(errno));
    }
    vf_fail(err, VF_ERR_UNAVAILABLE, "the server has not answered for %lld s",
        (long long)(s->answer_timeout_ms / 1000));
    vf_hint(err, "look at its pg_stat_activity and pg_locks; what was committed is kept");
    return VF_ERR_UNAVAILABLE;
}

static int64_t answer_deadline(const struct pg_store *s)
{
    return vf_now_ns() + s->answer_timeout_ms * 1000000;
}

int vf__pg_flush(struct pg_store *s, struct vf_err *err)
{
    int64_t deadline = answer_deadline(s);
    int rc = 0, left;
    while ((left = PQflush(s->conn)) > 0) {
        VF_TRY(wait_for_socket(s, POLLIN | POLLOUT, deadline, err));
        if (!PQconsumeInput(s->conn))
            return vf__pg_fail(s, NULL, err);
    }
    if (left < 0)
        rc = vf__pg_fail(s, NULL, err);
out:
    return rc;
}

int vf__pg_send(
    struct pg_store *s, const char *sql, const struct pg_params *params, struct vf_err *err)
{
    if (!PQsendQueryParams(s->conn, sql, params->n, params->types, params->values, params->lengths,
            params->formats, 1))
        return vf__pg_fail(s, NULL, err);
    return vf__pg_flush(s, err);
}

int vf__pg_await(struct pg_store *s, struct vf_err *err)
{
    int64_t deadline = 0;
    int rc = 0;
    while (PQisBusy(s->conn)) {
        if (deadline == 0)
            deadline = answer_deadline(s);
        VF_TRY(wait_for_socket(s, POLLIN, deadline, err));
        if (!PQconsumeInput(s->conn))
            return vf__pg_fail(s, NULL, err);
    }
out:
    return rc;
}

int vf__pg_receive(struct pg_store *s, PGresult **ret, struct vf_err *err)
{
    PGresult *result = NULL, *next = NULL;
    int rc;
    for (;;) {
        VF_TRY(vf__pg_await(s, err));
        next = PQgetResult(s->conn);
        if (!next)
            break;
        PQclear(result);
        result = next;
    }
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        rc = vf__pg_fail(s, result, err);
    } else if (ret) {
        *ret = result;
        result = NULL;
    }
out:
    PQclear(result);
    return rc;
}

int vf__pg_query(struct pg_store *s, const char *text, const struct vf_sql_word *extra,
    size_t n_extra, const struct pg_params *params, PGresult **ret, struct vf_err *err)
{
    static const struct pg_params none;
    struct vf_buf sql = {0};
    int rc;
    VF_TRY(vf__pg_expand(s, text, extra, n_extra, &sql, err));
    VF_TRY(vf__pg_send(s, sql.data, params ? params : &none, err));
    VF_TRY(vf__pg_receive(s, ret, err));
out:
    vf_buf_release(&sql);
    return rc;
}

/* ---- life cycle ---- */

static void close_store(struct vf_store *store)
{
    struct pg_store *s = (struct pg_store *)store;
    PQfinish(s->conn);
    vf_buf_release(&s->blank);
    vf_buf_release(&s->id_type);
    vf_buf_release(&s->vector_type);
    free(s);
}

static int recover(struct vf_store *store, struct vf_err *err)
{
    return vf__pg_reconnect((struct pg_store *)store, err);
}

static void set_timeout(struct vf_store *store, int64_t ms)
{
    ((struct pg_store *)store)->answer_timeout_ms = ms;
}

static const struct vf_store_ops operations = {
    .close = close_store,
    .recover = recover,
    .set_timeout = set_timeout,
    .init = vf__pg_init,
    .has_articles = vf__pg_has_articles,
    .check = vf__pg_check,
    .reader_new = vf__pg_reader_new,
    .reader_free = vf__pg_reader_free,
    .reader_next = vf__pg_reader_next,
    .reader_claim = vf__pg_reader_claim,
    .reader_count = vf__pg_reader_count,
    .write = vf__pg_write,
    .find_model = vf__pg_find_model,
    .record_model = vf__pg_record_model,
    .replace_model = vf__pg_replace_model,
    .sample = vf__pg_sample,
    .record_failure = vf__pg_record_failure,
    .audit = vf__pg_audit,
    .orphans = vf__pg_orphans,
    .prune = vf__pg_prune,
    .import = vf__pg_import,
    .scan_vectors = vf__pg_scan_vectors,
    .find_article = vf__pg_find_article,
    .status = vf__pg_status,
    .count_articles = vf__pg_count_articles,
};

/* In a URL libpq takes the user's part up to the first '@' or '/', so that a password holding one
 * of them would turn up as a host name in messages. */
static bool has_bare_separator(const char *url)
{
    const char *authority = strstr(url, "://");
    if (!authority || (strncmp(url, "postgresql", 10) != 0 && strncmp(url, "postgres:", 9) != 0))
        return false;
    authority += 3;
    size_t n = strcspn(authority, "?");
    size_t first = strcspn(authority, "@/");
    size_t from = first < n && authority[first] == '@' ? first + 1 : 0;
    return from < n && memchr(authority + from, '@', n - from) != NULL;
}

/* Refuses what libpq could not read, in words that do not quote it: it may hold a password. */
static int check_url(const char *url, bool *ret_has_timeout, struct vf_err *err)
{
    bool is_string = strchr(url, '=') || strstr(url, "://");
    PQconninfoOption *options = NULL;
    *ret_has_timeout = false;
    if (is_string && (has_bare_separator(url) || !(options = PQconninfoParse(url, NULL)))) {
        vf_fail(err, VF_ERR_USAGE, "the database URL is not one that libpq can read");
        vf_hint(err,
            "write postgresql://user@host:port/name; in a URL, '@', '/', ':', '?' and '%%' "
            "of a name or password are written %%40, %%2F, %%3A, %%3F, %%25");
        return VF_ERR_USAGE;
    }
    for (PQconninfoOption *o = options; o && o->keyword; o++)
        if (o->val && strcmp(o->keyword, "connect_timeout") == 0)
            *ret_has_timeout = true;
    PQconninfoFree(options);
    return 0;
}

/* Behind the severity, which is in the server's language, as is the rest: "FATAL:  …". */
static const char severity_end[] = ":  ";

/* Connects once more, so that a refusal is told by its SQLSTATE alone, which libpq does not give in
 * another way. "" when it is not known. */
static void ask_for_state(struct pg_store *s, char ret[6])
{
    PQsetErrorVerbosity(s->conn, PQERRORS_SQLSTATE);
    PQreset(s->conn);
    PQsetErrorVerbosity(s->conn, PQERRORS_DEFAULT);
    const char *end = strstr(PQerrorMessage(s->conn), severity_end);
    snprintf(ret, 6, "%s", end ? end + strlen(severity_end) : "");
}

/* What the attempt to connect came to. */
static int check_connection(struct pg_store *s, struct vf_err *err)
{
    struct vf_buf message = {0};
    char state[6] = "";
    int rc = 0;
    if (PQstatus(s->conn) == CONNECTION_OK)
        return 0;
    bool needs_password = PQconnectionNeedsPassword(s->conn);
    VF_TRY(vf_buf_append_string(&message, PQerrorMessage(s->conn), err));
    if (strstr(message.data, severity_end))
        ask_for_state(s, state);
    if (PQstatus(s->conn) == CONNECTION_OK)
        goto out;
    if (state[0])
        rc = fail_with_state(err, state, message.data, VF_ERR_UNAVAILABLE);
    else if (needs_password)
        rc = fail_with(err, VF_ERR_LOGIN, message.data, LOGIN_HINT);
    else
        rc = fail_with(err, VF_ERR_UNAVAILABLE, message.data,
            "is the server running, and are host and port right? Set them in --database or by "
            "PGHOST and PGPORT");
out:
    vf_buf_release(&message);
    return rc;
}

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

static int connect_server(struct pg_store *s, const char *url, struct vf_err *err)
{
    bool has_timeout;
    int rc;
    VF_TRY(check_url(url, &has_timeout, err));
    has_timeout |= getenv("PGCONNECT_TIMEOUT") != NULL;
    /* What the URL says wins over what stands before it. */
    const char *const keywords[] = {"fallback_application_name", "keepalives_idle",
        "keepalives_interval", "keepalives_count", "tcp_user_timeout", "connect_timeout", "dbname",
        NULL};
    const char *const values[] = {
        "vecfill", "60", "15", "4", "120000", has_timeout ? NULL : LOGIN_SECONDS, url, NULL};
    s->conn = PQconnectdbParams(keywords, values, 1);
    if (!s->conn)
        return vf_fail_memory(err, "a database connection");
    VF_TRY(check_connection(s, err));
    PQsetNoticeReceiver(s->conn, ignore_notice, NULL);
    if (PQserverVersion(s->conn) < OLDEST_SERVER) {
        rc = vf_fail(err, VF_ERR_CONFIG, "the server is PostgreSQL %s",
            PQparameterStatus(s->conn, "server_version"));
        vf_hint(err, "vecfill needs PostgreSQL 12 or later");
    }
out:
    return rc;
}

/* A server without an encoding does not convert: its bytes come as they are. */
static bool is_sql_ascii(const struct pg_store *s)
{
    const char *encoding = PQparameterStatus(s->conn, "server_encoding");
    return encoding && strcmp(encoding, "SQL_ASCII") == 0;
}

/* The server ends a transaction whose client has vanished as soon as the client would. */
#define KEEPALIVES                                                                                 \
    " set_config('tcp_keepalives_idle', '60', false),"                                             \
    " set_config('tcp_keepalives_interval', '15', false),"                                         \
    " set_config('tcp_keepalives_count', '4', false)"

/* Part of the login: the answer must come as quickly. Statements are made anew for each page, which
 * costs more than compiling them can save. */
static int set_session(struct pg_store *s, struct vf_err *err)
{
    static const char text[] =
        "SELECT set_config('client_encoding', $1, false), set_config('TimeZone', 'UTC', false),"
        " set_config('standard_conforming_strings', 'on', false),"
        " set_config('jit', 'off', false)," KEEPALIVES;
    int64_t answer_timeout_ms = s->answer_timeout_ms;
    struct pg_params params = {0};
    s->ready = false;
    if (PQsetnonblocking(s->conn, 1))
        return vf__pg_fail(s, NULL, err);
    vf__pg_add_text(&params, is_sql_ascii(s) ? "SQL_ASCII" : "UTF8");
    s->answer_timeout_ms = LOGIN_MS;
    int rc = vf__pg_query(s, text, NULL, 0, &params, NULL, err);
    s->answer_timeout_ms = answer_timeout_ms;
    s->ready = rc == 0;
    return rc;
}

int vf__pg_reconnect(struct pg_store *s, struct vf_err *err)
{
    if (s->ready && PQtransactionStatus(s->conn) == PQTRANS_IDLE)
        return 0;
    PQreset(s->conn);
    int rc = check_connection(s, err);
    return rc ? rc : set_session(s, err);
}

/* Whether the server's encoding has the character; asked only of encodings other than UTF-8. */
static int server_has(struct pg_store *s, const char *character, bool *ret, struct vf_err *err)
{
    struct pg_params params = {0};
    vf__pg_add_text(&params, character);
    int rc = vf__pg_query(s, "SELECT $1", NULL, 0, &params, NULL, err);
    *ret = rc == 0;
    return rc == VF_ERR_DATA ? 0 : rc;
}

/* An alternation of whole sequences instead of a set of characters, since in an SQL_ASCII database
 * every byte counts as a character. */
static int make_blank_pattern(struct pg_store *s, struct vf_err *err)
{
    const char *encoding = PQparameterStatus(s->conn, "server_encoding");
    bool all = is_sql_ascii(s) || (encoding && strcmp(encoding, "UTF8") == 0);
    int rc;
    VF_TRY(vf_buf_append_string(&s->blank, "^(?:", err));
    for (size_t i = 0; i < vf_n_white_space; i++) {
        char character[5] = "";
        bool has = true;
        vf_utf8_encode(vf_white_space[i], (uint8_t *)character);
        if (vf_white_space[i] >= 0x80 && !all)
            VF_TRY(server_has(s, character, &has, err));
        if (has)
            VF_TRY(vf_buf_printf(&s->blank, err, "%s%s", i ? "|" : "", character));
    }
    VF_TRY(vf_buf_append_string(&s->blank, ")*$", err));
out:
    return rc;
}

static int describe(struct pg_store *s, struct vf_err *err)
{
    const char *version = PQparameterStatus(s->conn, "server_version");
    const char *host = PQhost(s->conn);
    bool is_socket = !host || !*host || *host == '/';
    struct vf_buf text = {0};
    int rc;
    VF_TRY(vf_buf_printf(&text, err, "PostgreSQL %.*s, database %s on %s",
        (int)strcspn(version ? version : "", " "), version ? version : "", PQdb(s->conn),
        is_socket ? "this machine" : host));
    s->base.description = vf_buf_detach(&text);
out:
    vf_buf_release(&text);
    return rc;
}

int vf_postgres_open(
    const char *url, struct vf_names *names, struct vf_store **ret, struct vf_err *err)
{
    int rc;
    struct pg_store *s = calloc(1, sizeof *s);
    if (!s)
        return vf_fail_memory(err, "a database connection");
    s->base.ops = &operations;
    s->answer_timeout_ms = LOGIN_MS;
    VF_TRY(connect_server(s, url, err));
    VF_TRY(set_session(s, err));
    VF_TRY(make_blank_pattern(s, err));
    VF_TRY(describe(s, err));
    s->answer_timeout_ms = ANSWER_MS;
    s->base.names = *names;
    *names = (struct vf_names){0};
    *ret = &s->base;
    return 0;
out:
    free(s->base.description);
    close_store(&s->base);
    return rc;
}
