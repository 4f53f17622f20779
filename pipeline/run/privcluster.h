#ifndef TARE_RUN_PRIVCLUSTER_H
#define TARE_RUN_PRIVCLUSTER_H

/*
 * The embedded default: a Postgres cluster of tare's own, made with initdb and started with pg_ctl, reachable
 * by a Unix socket only. It lies in $TARE_STATE_DIR, else $XDG_STATE_HOME/tare, else ~/.local/state/tare; for
 * root, who may not run Postgres, in /var/lib/tare and run by the user postgres (or nobody). It protects from
 * other users of the machine (the socket's directory has mode 0700, the client checks who runs the server),
 * not from whoever owns the directory: every login is trusted on the socket.
 *
 * Errors: ERR_UNAVAILABLE where Postgres is not installed or does not start (with the end of its log),
 * ERR_CANTCREAT where the directory cannot be made, ERR_TEMPFAIL where another tare holds the cluster's lock.
 */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/err.h"

#define PRIVCLUSTER_SUPERUSER "tare_superuser"
#define PRIVCLUSTER_DATABASE "tare"

struct privcluster {
    char *directory; /* state directory */
    char *data;      /* the cluster's data directory */
    char *socket;    /* directory of the socket */
    char *owner;     /* operating-system user that runs the server */
    char *login;     /* login of the calling operating-system user */
    char *url;       /* conninfo without login and database */
};

/* Says where the cluster is and whether its server seems to run; starts nothing. Fill-in of *out is released
 * with privcluster_release, also when running is false. */
int privcluster_find(struct privcluster *out, bool *running, struct err *err);

/* Makes the cluster where there is none (a half-made one is thrown away), starts its server where it does not
 * run, and waits until it answers. Two at once wait for one another. */
int privcluster_start(struct privcluster *out, struct err *err);

/* Makes the database `tare` where it is not there yet. */
int privcluster_database(const struct privcluster *cluster, struct err *err);

/* Makes a login (once) and puts it into group roles of the ledger, which has to be migrated. For tests and
 * the demo's reviewer too. */
int privcluster_login(const struct privcluster *cluster, const char *login, const char *const *roles,
                      size_t count, struct err *err);

/* Stops the server, ending its sessions; fine where it does not run. */
int privcluster_stop(struct err *err);

/* Frees the strings. */
void privcluster_release(struct privcluster *cluster);

#endif
