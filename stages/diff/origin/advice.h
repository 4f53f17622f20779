#ifndef TARE_STAGES_DIFF_ORIGIN_ADVICE_H
#define TARE_STAGES_DIFF_ORIGIN_ADVICE_H

/* What to do by hand where no edit of a plain file was found: in one or two sentences. */

#include "stages/diff/origin/folder.h"
#include "stages/diff/origin/search.h"
#include "stages/diff/wishes.h"

/* What is known. */
struct advice_facts {
    const struct folder *folder;
    int64_t document;
    const struct wishes *wishes;
    const struct edit_done *done;
    const char *trouble; /* why nothing could be tried, NULL: it was */
    const struct search_result
        *result;         /* of the container for which nothing was found, NULL: all were found … */
    const char *folders; /* … but these folders would come out otherwise too, with … */
    const char *file;    /* … this file */
};

/* New sentences. free(). */
char *advice_text(const struct advice_facts *facts);

#endif
