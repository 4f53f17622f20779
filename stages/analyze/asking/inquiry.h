#ifndef TARE_ANALYZE_ASKING_INQUIRY_H
#define TARE_ANALYZE_ASKING_INQUIRY_H

/* A workload about which an opinion is wanted, from the moment it is settled on the rules until somebody has answered, or nobody will. */

#include "pipeline/io/hash.h"
#include "stages/analyze/asking/chain.h"
#include "stages/analyze/opinion/opinion.h"
#include "stages/analyze/sizing/sizing.h"
#include "stages/analyze/subject/class.h"

struct inquiry {
    /* From the one who asks; borrowed until `done`. */
    int64_t number;         /* of the record in the artifact: ever higher */
    struct plan *plan;      /* settled on the rules; an answer settles it anew */
    const struct class *class;
    const json_t *findings;
    struct arena *arena;
    /* What came of it. */
    bool done;
    struct opinion opinion; /* its strings live in `arena` or as long as the analyst */
    /* The analyst's own. */
    const char *name;     /* evidence_name */
    const char *evidence; /* evidence_text_new; in the arena */
    char digest[DIGEST_HEX];
    char keys[LINKS_MAX][DIGEST_HEX]; /* evidence_key for each provider */
    size_t link;                      /* who is to answer */
    size_t held;                      /* groups that hold it, of an estimate */
};

#endif
