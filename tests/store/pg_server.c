#include "pg_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_SECONDS = 60, POLL_MS = 50 };

#define UNPRIVILEGED_USER "nobody"

/* ---- small helpers on processes ---- */

/* Runs `argv` with its output appended to `log` (NULL: as it is). True when it ends with 0. */
static bool run_program(const char *const argv[], const char *log)
{
    pid_t pid = fork();
    if (pid == 0) {
        int fd = log ? open(log, O_WRONLY | O_CREAT | O_APPEND, 0644) : -1;
        if (fd >= 0) {
            dup2(fd, STDOUT_FILENO);
            dup2(fd, STDERR_FILENO);
        }
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    int status = -1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool drop_privileges(void)
{
    if (geteuid() != 0)
        return true;
    const struct passwd *user = getpwnam(UNPRIVILEGED_USER);
    return user && setgroups(0, NULL) == 0 && setgid(user->pw_gid) == 0 &&
           setuid(user->pw_uid) == 0;
}

/* ---- where the programs are ---- */

/* Whether a program starts, its libraries included. */
static bool can_run(const char *bindir, const char *name)
{
    char path[1100];
    snprintf(path, sizeof path, "%s/%s", bindir, name);
    const char *const argv[] = {path, "--version", NULL};
    return run_program(argv, "/dev/null");
}

/* Whether the user that the server will run as can start it: a checkout below /root is closed to
 * nobody. */
static bool is_usable(const char *bindir)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(
            drop_privileges() && can_run(bindir, "initdb") && can_run(bindir, "postgres") ? 0 : 1);
    int status = -1;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/* The last match of `pattern` in glob's order that holds a usable server. */
static bool find_by_pattern(const char *pattern, char *ret, size_t n)
{
    glob_t found;
    bool ok = false;
    if (glob(pattern, 0, NULL, &found) != 0)
        return false;
    for (size_t i = found.gl_pathc; i-- > 0 && !ok;) {
        ok = is_usable(found.gl_pathv[i]);
        if (ok)
            snprintf(ret, n, "%s", found.gl_pathv[i]);
    }
    globfree(&found);
    return ok;
}

static bool find_bindir(char *ret, size_t n)
{
    static const char *const patterns[] = {
        VF_TEST_DATA "/../../build/test-deps/pginstall*/bin",
        VF_TEST_DATA "/../../build/test-deps/*/pginstall*/bin",
        VF_TEST_DATA "/../../build/test-deps/*/*/pginstall*/bin",
        "/usr/lib/postgresql/*/bin",
        "/usr/pgsql-*/bin",
        "/opt/homebrew/opt/postgresql*/bin",
        "/usr/local/opt/postgresql*/bin",
        "/usr/local/pgsql/bin",
        "/usr/bin",
    };
    const char *chosen = getenv("VECFILL_TEST_PG_BINDIR");
    if (chosen && *chosen)
        return find_by_pattern(chosen, ret, n);
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        if (find_by_pattern(patterns[i], ret, n))
            return true;
    return false;
}

/* A port of 127.0.0.1 that was free a moment ago. */
static int find_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int port = -1;
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &n) == 0)
        port = ntohs(address.sin_port);
    if (fd >= 0)
        close(fd);
    return port;
}

/* ---- the guardian ---- */

static bool write_hba(const char *data)
{
    char path[128];
    snprintf(path, sizeof path, "%s/pg_hba.conf", data);
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    fputs("host all " PG_SERVER_PASSWORD_ROLE " 127.0.0.1/32 scram-sha-256\n"
          "local all all trust\n"
          "host all all 127.0.0.1/32 trust\n",
        file);
    return fclose(file) == 0;
}

static pid_t start_postgres(const struct pg_server *server, const char *data, const char *log)
{
    char program[1100], port[16];
    snprintf(program, sizeof program, "%s/postgres", server->bindir);
    snprintf(port, sizeof port, "%d", server->port);
    const char *const argv[] = {program, "-D", data, "-F", "-k", server->directory, "-p", port,
        "-c", "listen_addresses=127.0.0.1", "-c", "password_encryption=scram-sha-256", NULL};
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
        if (fd >= 0) {
            dup2(fd, STDOUT_FILENO);
            dup2(fd, STDERR_FILENO);
        }
        execv(program, (char *const *)argv);
        _exit(127);
    }
    return pid;
}

static void print_file(const char *path)
{
    char line[512];
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        fprintf(stderr, "postgres: %s", line);
    if (file)
        fclose(file);
}

/* Waits until the lifeline closes (true) or the server ends by itself. */
static bool watch(pid_t postgres, int lifeline)
{
    struct pollfd end = {.fd = lifeline, .events = POLLIN};
    while (poll(&end, 1, POLL_MS) <= 0)
        if (waitpid(postgres, NULL, WNOHANG) != 0)
            return false;
    return true;
}

/* Makes a cluster, runs it until the lifeline closes, and cleans up. */
static void guard(const struct pg_server *server, int lifeline)
{
    char data[100], log[100], initdb[1100];
    snprintf(data, sizeof data, "%s/data", server->directory);
    snprintf(log, sizeof log, "%s/log", server->directory);
    snprintf(initdb, sizeof initdb, "%s/initdb", server->bindir);
    const char *const make_cluster[] = {initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E",
        "UTF8", "--locale=C", "-N", NULL};
    const char *const remove_all[] = {"rm", "-rf", server->directory, NULL};
    pid_t pid = -1;
    if (run_program(make_cluster, log) && write_hba(data))
        pid = start_postgres(server, data, log);
    if (pid > 0 && watch(pid, lifeline)) {
        kill(pid, SIGQUIT);
        waitpid(pid, NULL, 0);
    } else {
        print_file(log);
    }
    run_program(remove_all, NULL);
}

static bool start_guardian(struct pg_server *server)
{
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        setsid(); /* a Ctrl-C is for the tests; the guardian cleans up after them */
        int null = open("/dev/null", O_RDWR);
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        if (drop_privileges() && chdir(server->directory) == 0)
            guard(server, ends[0]);
        _exit(0);
    }
    close(ends[0]);
    server->lifeline = ends[1];
    server->guardian = pid;
    return pid > 0;
}

/* ---- life cycle ---- */

static bool wait_until_ready(const struct pg_server *server)
{
    char info[200];
    snprintf(info, sizeof info, "host=%s port=%d user=postgres dbname=postgres", server->directory,
        server->port);
    for (int waited = 0; waited < START_SECONDS * 1000; waited += POLL_MS) {
        if (PQping(info) == PQPING_OK)
            return true;
        if (waitpid(server->guardian, NULL, WNOHANG) != 0)
            return false;
        poll(NULL, 0, POLL_MS);
    }
    return false;
}

static bool make_directory(struct pg_server *server)
{
    snprintf(server->directory, sizeof server->directory, "/tmp/vecfill-pg-XXXXXX");
    if (!mkdtemp(server->directory) || chmod(server->directory, 0755) != 0)
        return false;
    const struct passwd *user = geteuid() == 0 ? getpwnam(UNPRIVILEGED_USER) : NULL;
    return !user || chown(server->directory, user->pw_uid, user->pw_gid) == 0;
}

bool pg_server_start(struct pg_server *server)
{
    *server = (struct pg_server){.lifeline = -1};
    if (!find_bindir(server->bindir, sizeof server->bindir)) {
        fprintf(stderr, "no PostgreSQL server found; set VECFILL_TEST_PG_BINDIR to its bin\n");
        return false;
    }
    server->port = find_port();
    if (server->port < 0 || !make_directory(server)) {
        fprintf(stderr, "no port or no directory for a server: %s\n", strerror(errno));
        return false;
    }
    if (!start_guardian(server) || !wait_until_ready(server)) {
        fprintf(stderr, "cannot start the server in %s\n", server->bindir);
        pg_server_stop(server);
        return false;
    }
    return true;
}

void pg_server_stop(struct pg_server *server)
{
    if (server->guardian <= 0)
        return;
    close(server->lifeline);
    waitpid(server->guardian, NULL, 0); /* fails when it has ended by itself, which is as good */
    server->guardian = 0;
}

void pg_server_export(const struct pg_server *server)
{
    static const char *const elsewhere[] = {"PGHOSTADDR", "PGPASSWORD", "PGPASSFILE", "PGSERVICE",
        "PGSERVICEFILE", "PGOPTIONS", "PGSSLMODE", "PGTZ", "PGCLIENTENCODING", "PGDATESTYLE",
        "PGTARGETSESSIONATTRS", "PGREQUIREAUTH", "PGCHANNELBINDING"};
    char port[16];
    snprintf(port, sizeof port, "%d", server->port);
    setenv("PGHOST", server->directory, 1);
    setenv("PGPORT", port, 1);
    setenv("PGUSER", "postgres", 1);
    setenv("PGDATABASE", "postgres", 1);
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        unsetenv(elsewhere[i]);
}
