/* A library to be preloaded into a program, in which one call of its main() fails.
 *
 *   VECFILL_INJECT=KIND:N        the N-th call, from 0, of the functions of a kind fails
 *   VECFILL_INJECT_TRAP=1        a debugger stops there
 *   VECFILL_INJECT_COUNT=FILE    at the end a line "KIND CALLS" for each kind is written there
 *
 * What libraries do among themselves counts, too, where the linker lets it be seen. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum kind { MEMORY, OPEN, READ, WRITE, THREAD, SQL, N_KINDS };

static const char *const names[N_KINDS] = {"memory", "open", "read", "write", "thread", "sql"};
static atomic_long calls[N_KINDS];
static atomic_bool armed;
static enum kind failing_kind = N_KINDS;
static long failing_call;
static _Thread_local bool spared;

static bool fails(enum kind kind)
{
    if (!atomic_load(&armed) || spared)
        return false;
    bool hit = atomic_fetch_add(&calls[kind], 1) == failing_call && kind == failing_kind;
    if (hit && getenv("VECFILL_INJECT_TRAP"))
        raise(SIGTRAP);
    return hit;
}

/* The function that this library stands before. */
static void *next(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (!function)
        _exit(99);
    return function;
}

/* REAL(type, name, parameters): a pointer `real` to the next function of this name. */
#define REAL(type, name, ...)                                                                      \
    static type (*real)(__VA_ARGS__);                                                              \
    if (!real)                                                                                     \
    real = (type(*)(__VA_ARGS__))next(name)

#define EXPORT __attribute__((visibility("default")))

/* ---- around main() ---- */

static int (*real_main)(int, char **, char **);
static void *program_base; /* where the program lies in memory */

static void *base_of(const void *address)
{
    Dl_info info;
    return dladdr(address, &info) ? info.dli_fbase : NULL;
}

static void read_order(void)
{
    const char *order = getenv("VECFILL_INJECT");
    const char *colon = order ? strchr(order, ':') : NULL;
    for (enum kind kind = 0; colon && kind < N_KINDS; kind++)
        if (strlen(names[kind]) == (size_t)(colon - order) &&
            strncmp(order, names[kind], (size_t)(colon - order)) == 0)
            failing_kind = kind;
    failing_call = colon ? strtol(colon + 1, NULL, 10) : 0;
}

static void write_counts(void)
{
    const char *path = getenv("VECFILL_INJECT_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file)
        return;
    for (enum kind kind = 0; kind < N_KINDS; kind++)
        fprintf(file, "%s %ld\n", names[kind], atomic_load(&calls[kind]));
    fclose(file);
}

static int run_main(int argc, char **argv, char **environment)
{
    read_order();
    program_base = base_of((const void *)real_main);
    atomic_store(&armed, true);
    int status = real_main(argc, argv, environment);
    atomic_store(&armed, false);
    write_counts();
    return status;
}

int __libc_start_main(int (*program_main)(int, char **, char **), int argc, char **argv,
    void (*init)(void), void (*fini)(void), void (*rtld_fini)(void), void *stack_end);

EXPORT int __libc_start_main(int (*program_main)(int, char **, char **), int argc, char **argv,
    void (*init)(void), void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
    REAL(int, "__libc_start_main", int (*)(int, char **, char **), int, char **, void (*)(void),
        void (*)(void), void (*)(void), void *);
    real_main = program_main;
    return real(run_main, argc, argv, init, fini, rtld_fini, stack_end);
}

/* ---- memory ---- */

/* OpenSSL 3 reads NULL when memory runs out while it loads its algorithms. */
static bool is_of_openssl(const void *caller)
{
    Dl_info info;
    return dladdr(caller, &info) && strstr(info.dli_fname, "libcrypto");
}

#define MEMORY_FAILS()                                                                             \
    (atomic_load(&armed) && !is_of_openssl(__builtin_return_address(0)) && fails(MEMORY))

EXPORT void *malloc(size_t n)
{
    REAL(void *, "malloc", size_t);
    if (!MEMORY_FAILS())
        return real(n);
    errno = ENOMEM;
    return NULL;
}

EXPORT void *calloc(size_t n, size_t size)
{
    static atomic_bool resolving; /* dlsym() asks for memory itself, and can do without */
    static void *(*real)(size_t, size_t);
    if (!real) {
        if (atomic_exchange(&resolving, true))
            return NULL;
        real = (void *(*)(size_t, size_t))next("calloc");
    }
    if (!MEMORY_FAILS())
        return real(n, size);
    errno = ENOMEM;
    return NULL;
}

EXPORT void *realloc(void *old, size_t n)
{
    REAL(void *, "realloc", void *, size_t);
    if (!MEMORY_FAILS())
        return real(old, n);
    errno = ENOMEM;
    return NULL;
}

EXPORT void *aligned_alloc(size_t alignment, size_t n)
{
    REAL(void *, "aligned_alloc", size_t, size_t);
    if (!MEMORY_FAILS())
        return real(alignment, n);
    errno = ENOMEM;
    return NULL;
}

EXPORT int posix_memalign(void **ret, size_t alignment, size_t n)
{
    REAL(int, "posix_memalign", void **, size_t, size_t);
    return MEMORY_FAILS() ? ENOMEM : real(ret, alignment, n);
}

EXPORT void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
    REAL(void *, "mmap", void *, size_t, int, int, int, off_t);
    if (fd < 0 || !fails(READ))
        return real(at, n, protection, flags, fd, offset);
    errno = ENOMEM;
    return MAP_FAILED;
}

/* ---- files and sockets ---- */

/* IO(kind, error, type, name, parameters, arguments) defines a function that fails with `error`. */
#define IO(kind, error, type, name, parameters, arguments)                                         \
    EXPORT type name parameters                                                                    \
    {                                                                                              \
        static type(*real) parameters;                                                             \
        if (!real)                                                                                 \
            real = (type(*) parameters)next(#name);                                                \
        if (!fails(kind))                                                                          \
            return real arguments;                                                                 \
        errno = error;                                                                             \
        return -1;                                                                                 \
    }

IO(READ, EIO, ssize_t, read, (int fd, void *to, size_t n), (fd, to, n))
IO(READ, EIO, ssize_t, pread, (int fd, void *to, size_t n, off_t at), (fd, to, n, at))
IO(READ, EIO, ssize_t, pread64, (int fd, void *to, size_t n, off64_t at), (fd, to, n, at))
IO(WRITE, ENOSPC, ssize_t, write, (int fd, const void *from, size_t n), (fd, from, n))
IO(WRITE, ENOSPC, ssize_t, pwrite, (int fd, const void *from, size_t n, off_t at),
    (fd, from, n, at))
IO(WRITE, ENOSPC, ssize_t, pwrite64, (int fd, const void *from, size_t n, off64_t at),
    (fd, from, n, at))
IO(WRITE, EIO, int, fsync, (int fd), (fd))
IO(WRITE, EIO, int, fdatasync, (int fd), (fd))
IO(WRITE, EIO, int, ftruncate, (int fd, off_t n), (fd, n))
IO(WRITE, EIO, int, ftruncate64, (int fd, off64_t n), (fd, n))
IO(WRITE, EIO, int, rename, (const char *from, const char *to), (from, to))
IO(OPEN, EMFILE, int, mkstemp, (char *path), (path))
IO(OPEN, EMFILE, int, socket, (int domain, int type, int protocol), (domain, type, protocol))

/* A socket that fails is broken for good. */
static ssize_t break_socket(int fd)
{
    shutdown(fd, SHUT_RDWR);
    errno = ECONNRESET;
    return -1;
}

EXPORT ssize_t recv(int fd, void *to, size_t n, int flags)
{
    REAL(ssize_t, "recv", int, void *, size_t, int);
    return fails(READ) ? break_socket(fd) : real(fd, to, n, flags);
}

EXPORT ssize_t send(int fd, const void *from, size_t n, int flags)
{
    REAL(ssize_t, "send", int, const void *, size_t, int);
    return fails(WRITE) ? break_socket(fd) : real(fd, from, n, flags);
}

static mode_t mode_of(int flags, va_list ap)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

#define OPEN_FUNCTION(name)                                                                        \
    EXPORT int name(const char *path, int flags, ...)                                              \
    {                                                                                              \
        static int (*real)(const char *, int, ...);                                                \
        if (!real)                                                                                 \
            real = (int (*)(const char *, int, ...))next(#name);                                   \
        va_list ap;                                                                                \
        va_start(ap, flags);                                                                       \
        mode_t mode = mode_of(flags, ap);                                                          \
        va_end(ap);                                                                                \
        if (!fails(OPEN))                                                                          \
            return real(path, flags, mode);                                                        \
        errno = EMFILE;                                                                            \
        return -1;                                                                                 \
    }

OPEN_FUNCTION(open)
OPEN_FUNCTION(open64)

/* ---- threads ---- */

EXPORT int pthread_create(
    pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    REAL(int, "pthread_create", pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    return fails(THREAD) ? EAGAIN : real(thread, attributes, run, argument);
}

/* AddressSanitizer asks for this in a new thread, and ends the program when it fails. */
EXPORT int pthread_getattr_np(pthread_t thread, pthread_attr_t *ret)
{
    REAL(int, "pthread_getattr_np", pthread_t, pthread_attr_t *);
    spared = true;
    int rc = real(thread, ret);
    spared = false;
    return rc;
}

/* ---- SQL: calls of the program itself ---- */

#define SQL_FAILS() (base_of(__builtin_return_address(0)) == program_base && fails(SQL))

EXPORT PGconn *PQconnectdbParams(
    const char *const *keywords, const char *const *values, int expand_dbname)
{
    REAL(PGconn *, "PQconnectdbParams", const char *const *, const char *const *, int);
    return SQL_FAILS() ? NULL : real(keywords, values, expand_dbname);
}

EXPORT int PQsendQueryParams(PGconn *conn, const char *sql, int n, const Oid *types,
    const char *const *values, const int *lengths, const int *formats, int format)
{
    REAL(int, "PQsendQueryParams", PGconn *, const char *, int, const Oid *, const char *const *,
        const int *, const int *, int);
    return SQL_FAILS() ? 0 : real(conn, sql, n, types, values, lengths, formats, format);
}

EXPORT int PQsendQuery(PGconn *conn, const char *sql)
{
    REAL(int, "PQsendQuery", PGconn *, const char *);
    return SQL_FAILS() ? 0 : real(conn, sql);
}

EXPORT int PQputCopyData(PGconn *conn, const char *bytes, int n)
{
    REAL(int, "PQputCopyData", PGconn *, const char *, int);
    return SQL_FAILS() ? -1 : real(conn, bytes, n);
}

EXPORT int PQputCopyEnd(PGconn *conn, const char *refusal)
{
    REAL(int, "PQputCopyEnd", PGconn *, const char *);
    return SQL_FAILS() ? -1 : real(conn, refusal);
}

EXPORT int PQflush(PGconn *conn)
{
    REAL(int, "PQflush", PGconn *);
    return SQL_FAILS() ? -1 : real(conn);
}

EXPORT int PQconsumeInput(PGconn *conn)
{
    REAL(int, "PQconsumeInput", PGconn *);
    return SQL_FAILS() ? 0 : real(conn);
}

EXPORT PGresult *PQgetResult(PGconn *conn)
{
    REAL(PGresult *, "PQgetResult", PGconn *);
    return SQL_FAILS() ? PQmakeEmptyPGresult(conn, PGRES_FATAL_ERROR) : real(conn);
}

static atomic_int injected; /* what sqlite3_errcode() tells next */

EXPORT int sqlite3_errcode(sqlite3 *db)
{
    REAL(int, "sqlite3_errcode", sqlite3 *);
    int code = atomic_exchange(&injected, 0);
    return code ? code : real(db);
}

static int fail_sqlite(int code)
{
    atomic_store(&injected, code);
    return code;
}

EXPORT int sqlite3_open_v2(const char *path, sqlite3 **ret, int flags, const char *vfs)
{
    REAL(int, "sqlite3_open_v2", const char *, sqlite3 **, int, const char *);
    if (!SQL_FAILS())
        return real(path, ret, flags, vfs);
    *ret = NULL;
    return fail_sqlite(SQLITE_NOMEM);
}

EXPORT int sqlite3_prepare_v2(
    sqlite3 *db, const char *sql, int n, sqlite3_stmt **ret, const char **tail)
{
    REAL(int, "sqlite3_prepare_v2", sqlite3 *, const char *, int, sqlite3_stmt **, const char **);
    if (!SQL_FAILS())
        return real(db, sql, n, ret, tail);
    *ret = NULL;
    return fail_sqlite(SQLITE_IOERR);
}

EXPORT int sqlite3_step(sqlite3_stmt *statement)
{
    REAL(int, "sqlite3_step", sqlite3_stmt *);
    return SQL_FAILS() ? fail_sqlite(SQLITE_IOERR) : real(statement);
}

EXPORT int sqlite3_exec(sqlite3 *db, const char *sql,
    int (*callback)(void *, int, char **, char **), void *context, char **message)
{
    REAL(int, "sqlite3_exec", sqlite3 *, const char *, int (*)(void *, int, char **, char **),
        void *, char **);
    return SQL_FAILS() ? fail_sqlite(SQLITE_IOERR) : real(db, sql, callback, context, message);
}

EXPORT int sqlite3_bind_text(
    sqlite3_stmt *statement, int index, const char *text, int n, void (*destroy)(void *))
{
    REAL(int, "sqlite3_bind_text", sqlite3_stmt *, int, const char *, int, void (*)(void *));
    return SQL_FAILS() ? fail_sqlite(SQLITE_NOMEM) : real(statement, index, text, n, destroy);
}
