#ifndef TARE_RUN_PRIVCLUSTER_INTERNAL_H
#define TARE_RUN_PRIVCLUSTER_INTERNAL_H

/* Shared by the privcluster*.c files only. */

#include <sys/types.h>

#include "pipeline/base/buf.h"
#include "pipeline/run/privcluster.h"

/* The operating-system user that runs the server. */
struct server_user {
    uid_t uid;
    gid_t gid;
    char *name;
    bool other; /* not the caller: the caller is root */
};

/* Finds that user: the caller, or for root `postgres`, else `nobody`. Free `name`. */
int server_user_find(struct server_user *user, struct err *err);

/* Runs a program as the server's user with a clean environment, in `directory`, and waits for it. What it
 * prints (at most a few KiB) is added to `output`. Of the caller's descriptors it gets only `keep` (-1:
 * none). Returns its exit code, 127 where it could not be run, or -1. */
int server_run(const struct server_user *user, const char *directory, const char *const *argv, int keep,
               struct buf *output, struct err *err);

/* New path of a Postgres program (initdb, pg_ctl): of major version `version` where that is > 0, else from
 * PATH, else the newest under /usr/lib/postgresql. */
int server_program(const char *name, int version, char **path, struct err *err);

#endif
