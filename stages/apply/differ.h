#ifndef TARE_STAGES_APPLY_DIFFER_H
#define TARE_STAGES_APPLY_DIFFER_H

/* Where two JSON values differ, in words. */

#include "pipeline/io/json.h"

enum { DIFFERENCE_TEXT = 200 };

struct difference {
    size_t count; /* of places that differ; the first one: */
    char place[DIFFERENCE_TEXT]; /* "the stored policy's windows[freeze].duration" */
    char then[DIFFERENCE_TEXT];  /* its values, cut; "nothing" where it is not there */
    char now[DIFFERENCE_TEXT];
};

/* Compares the values of `governed` (pipeline/cli/inforce.h) that a plan was judged by with those in force. */
void difference_find(const json_t *then, const json_t *now, struct difference *out);

#endif
