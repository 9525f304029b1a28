/* with_pg COMMAND [ARGUMENT...]: runs the command beside a fresh PostgreSQL server that PGHOST,
 * PGPORT, PGUSER and PGDATABASE lead to (127.0.0.1 listens on PGPORT too), stops the server and
 * returns the command's status. */
#include "pg_server.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_NO_SERVER = 125, EXIT_NO_COMMAND = 127, EXIT_SIGNAL = 128 };

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: with_pg COMMAND [ARGUMENT...]\n");
        return 2;
    }
    struct pg_server server;
    if (!pg_server_start(&server))
        return EXIT_NO_SERVER;
    pg_server_export(&server);
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[1], argv + 1);
        perror(argv[1]);
        _exit(EXIT_NO_COMMAND);
    }
    signal(SIGINT, SIG_IGN); /* the command decides what Ctrl-C means */
    int status = 0;
    bool waited = pid > 0 && waitpid(pid, &status, 0) == pid;
    pg_server_stop(&server);
    if (!waited)
        return EXIT_NO_COMMAND;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
}
