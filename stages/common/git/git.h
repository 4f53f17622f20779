#ifndef TARE_STAGES_COMMON_GIT_H
#define TARE_STAGES_COMMON_GIT_H

/*
 * A git repository as tare uses it: commits are made on branches that nobody has checked out, so that the work tree, the index
 * and HEAD stay as they are. Every refusal is one sentence; what git says is cut to its own sentence, and credentials of addresses
 * are taken out.
 */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"

enum { GIT_OID = 65, GIT_WHY_MAX = 400 };

struct git;

/* Opens the repository whose work tree `folder` lies in. `author` ("Name <mail>") signs commits, NULL: git's own settings. *out
 * new. ERR_CONFIG: git is not installed, no repository, a bare one, one without a commit, an author that is none. */
int git_open(const char *folder, const char *author, struct git **out, struct err *err);

/* Frees; NULL is allowed. */
void git_free(struct git *git);

/* The commit that HEAD stands at. Borrowed. */
const char *git_head(const struct git *git);

/* Whether commits can be signed with a name and an address. ERR_CONFIG. */
int git_check_author(struct git *git, struct err *err);

/* Whether what a row of the ledger says is the id of a commit, as git writes it: it is no option to git, nor a name. ERR_DATA. */
int git_check_oid(const char *text, struct err *err);

/* ---- git_tree ---- */

/* What a commit holds at a path. */
struct git_entry {
    char mode[8];
    char oid[GIT_OID];
};

/* A file that a commit changes. */
struct git_change {
    const char *path; /* from the top of the repository */
    const char *mode; /* "100644" */
    const char *oid;  /* of its new bytes; "": the file is taken away */
};

/* New path of `file` (in `root`) from the top of the repository, through symbolic links. ERR_CONFIG where it lies elsewhere. */
int git_path(const struct git *git, const char *root, const char *file, char **out, struct err *err);

/* What `commit` holds at `path`; *found is false where it holds nothing. */
int git_entry(struct git *git, const char *commit, const char *path, struct git_entry *out, bool *found, struct err *err);

/* The id that `bytes` have as a file at `path`, filters and line ends as for `git add`; `keep`: they are stored. */
int git_blob(struct git *git, const char *path, const struct buf *bytes, bool keep, char oid[GIT_OID], struct err *err);

/* Why a file cannot be committed: it is ignored, not in the last commit, changed since, a link, in a submodule, a pointer of Git
 * LFS. `bytes` is what stands in the work tree; NULL: it is to be a new file. *entry receives what HEAD holds. ERR_CONFIG. */
int git_check_file(struct git *git, const char *path, const struct buf *bytes, struct git_entry *entry, struct err *err);

/* A commit on top of `parent` with the files changed; nothing points to it yet. */
int git_commit(struct git *git, const char *parent, const struct git_change *changes, size_t count, const char *message,
               char oid[GIT_OID], struct err *err);

/* First line of a commit's message. */
int git_subject(struct git *git, const char *commit, struct buf *out, struct err *err);

/* ---- git_branch ---- */

/* ERR_CONFIG where `branch` is no name of a branch. */
int git_check_branch(struct git *git, const char *branch, struct err *err);

/* The commit of a local branch; *found is false where there is none. */
int git_branch_find(struct git *git, const char *branch, char oid[GIT_OID], bool *found, struct err *err);

/* ERR_CONFIG naming the folder where the branch is checked out. */
int git_branch_free(struct git *git, const char *branch, struct err *err);

/* Moves a local branch from `old` ("": it is made) to `new` ("": it is taken away), if it stands there still. ERR_REFUSED. */
int git_branch_move(struct git *git, const char *branch, const char *new, const char *old, const char *reason, struct err *err);

/* Whether `commit` is `tip` or before it. What is not here is not. */
int git_contains(struct git *git, const char *tip, const char *commit, bool *contains, struct err *err);

/* ERR_CONFIG where there is no remote of that name. */
int git_check_remote(struct git *git, const char *remote, struct err *err);

/* The commit of a branch on a remote, fetched where it is not here (`fetch`). ERR_UNAVAILABLE where the remote does not answer. */
int git_remote_find(struct git *git, const char *remote, const char *branch, bool fetch, char oid[GIT_OID], bool *found,
                    struct err *err);

/* Pushes a commit to a branch of a remote, never by force; that the remote has it already is success. ERR_REFUSED where the remote, or
 * a hook, said no; ERR_UNAVAILABLE where it did not answer. */
int git_push(struct git *git, const char *remote, const char *branch, const char *commit, struct err *err);

#endif
