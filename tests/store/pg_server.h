/* A real PostgreSQL server for tests, on a temporary directory, gone with the program that started
 * it: a guardian process holds one end of a pipe and stops the server and removes the directory
 * when the other end closes, whether by pg_server_stop(), a failed test, or a kill.
 *
 * As root, the server runs as the user nobody, for PostgreSQL refuses to be root.
 *
 * The superuser is "postgres", trusted on the unix socket and on 127.0.0.1. The role
 * PG_SERVER_PASSWORD_ROLE, which a test creates, has to give a password on 127.0.0.1.
 */
#ifndef VF_TESTS_STORE_PG_SERVER_H
#define VF_TESTS_STORE_PG_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#define PG_SERVER_PASSWORD_ROLE "needs_password"

struct pg_server {
    char directory[64]; /* also that of the unix socket */
    char bindir[1024];
    int port;       /* of the socket and of 127.0.0.1 */
    int lifeline;   /* write end of the guardian's pipe */
    pid_t guardian; /* 0: not started */
};

/* Starts a server of the programs in VECFILL_TEST_PG_BINDIR, else of the newest pginstall directory
 * under build/test-deps, else of the system. On failure says why on standard error. */
bool pg_server_start(struct pg_server *server);

/* Stops the server and removes its directory. Accepts one that was never started. */
void pg_server_stop(struct pg_server *server);

/* Sets PGHOST, PGPORT, PGUSER and PGDATABASE to the server and unsets the rest of libpq's
 * variables that would lead elsewhere. */
void pg_server_export(const struct pg_server *server);

#endif
