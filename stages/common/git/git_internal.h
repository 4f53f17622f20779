#ifndef TARE_STAGES_COMMON_GIT_INTERNAL_H
#define TARE_STAGES_COMMON_GIT_INTERNAL_H

/* Shared by git.c, git_tree.c and git_branch.c: running git in a repository. */

#include <stdint.h>

#include "stages/common/git/git.h"

enum { GIT_LOCAL_MS = 120 * 1000, GIT_REMOTE_MS = 300 * 1000, GIT_ANSWER_MAX = 64 * 1024 };

struct git {
    char *program;
    char *top;   /* of the work tree */
    char *index; /* an index of our own */
    char **environment;
    char head[GIT_OID];
};

/* One run. */
struct git_run {
    const char *const *words;  /* after "git", NULL-terminated */
    const struct buf *input;   /* NULL: nothing */
    bool own_index;            /* it works on our own index */
    int64_t milliseconds;      /* 0: GIT_LOCAL_MS */
    struct buf *out;           /* what it printed is added; NULL: not kept */
    int code;                  /* its exit code */
    char why[GIT_WHY_MAX];     /* its sentence, where it failed */
};

/* Runs git to its end. -1 only where it cannot be run, or takes too long (ERR_TEMPFAIL). */
int git_run(struct git *git, struct git_run *run, struct err *err);

/* git_run that has to exit 0: else ERR_CONFIG with what it said, after `doing`. */
int git_must(struct git *git, struct git_run *run, const char *doing, struct err *err);

/* git_must that prints an object's id. */
int git_oid(struct git *git, struct git_run *run, const char *doing, char oid[GIT_OID], struct err *err);

/* The words of a run. */
#define GIT_WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
