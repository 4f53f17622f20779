#ifndef TARE_STAGES_DIFF_WISHES_H
#define TARE_STAGES_DIFF_WISHES_H

/* What a recommendation wants of a manifest. */

#include "stages/common/edit/edit.h"

struct wishes {
    struct edit_request *items; /* in the arena; strings are borrowed from the record */
    size_t count;
};

/* The wanted values of a record's recommendation, by container in the order of the workload and by field;
 * none unless its action is "resize". ERR_DATA for a container the workload does not have, a number that is
 * no amount, or an unknown field to remove. */
int wishes_read(const json_t *record, struct arena *arena, struct wishes *out, struct err *err);

/* What becomes of the wishes where there is no manifest (a live object): from the amounts in the record
 * itself. */
struct edit_done *wishes_without_file(const json_t *record, const struct wishes *wishes, struct arena *arena);

#endif
