#ifndef TARE_STAGES_DIFF_ORIGIN_ORIGIN_H
#define TARE_STAGES_DIFF_ORIGIN_ORIGIN_H

/* Where the numbers of a rendered container may come from: places in plain files that say what the container
 * has now, the likeliest first. Whether one is right is for a trial to show. */

#include "stages/common/edit/edit.h"
#include "stages/common/manifest/render_tree.h"
#include "stages/diff/origin/embedded.h"

/* A file of values, patches or objects that a folder is rendered from. */
struct plain_file {
    char *path;     /* absolute */
    char *relative; /* to the root, for patches and people */
    enum tree_role role;
    size_t depth; /* of the base or subchart; 0: of the folder itself */
    int rank;     /* the higher one wins where two say something */
    struct buf bytes;
    struct arena arena;           /* texts of the splices */
    struct edit_splices accepted; /* of the workloads before */
    struct edit_splices trying;   /* of the workload at work */
};

/* The container whose numbers are looked for. */
struct subject {
    const char *kind;
    const char *name; /* of the workload, as rendered */
    const char *container;
    struct manifest_amount amounts[FIELD_COUNT]; /* without nodes */
};

/* A place that may hold numbers: a container, a mapping like `resources`, or one scalar. */
struct origin {
    struct plain_file *file;
    const struct embedded
        *embedded; /* the patch inside of the file that all else is about, NULL: the file itself */
    long document;
    long item;                /* of a container */
    const char *container;    /* NULL: `keys` or a scalar */
    const char *const *keys;  /* to the mapping; NULL: a container or a scalar */
    const char *place;        /* for people: "worker.resources" */
    bool fields[FIELD_COUNT]; /* which numbers it may hold */
    size_t start;             /* of a scalar: its bytes */
    size_t end;
    enum yaml_style style;
    bool json;
    int score;
};

struct origins {
    struct origin *items;
    size_t count;
    size_t capacity;
};

/* Adds the places in a file that do not contradict what the container has. Strings live in `arena`. */
void origins_find(struct plain_file *file, const struct subject *subject, struct arena *arena,
                  struct origins *out);

/* Sorts by likelihood; places of one likelihood stay in the order in which they were found. */
void origins_sort(struct origins *origins);

#endif
