#ifndef TARE_STAGES_COMMON_EDIT_EDIT_SPLICE_H
#define TARE_STAGES_COMMON_EDIT_EDIT_SPLICE_H

/* Sets of byte-range replacements: in order, free of overlaps, applied to the bytes they are over. */

#include "stages/common/edit/edit.h"

/* Adds one at the end; its text is borrowed. */
void edit_splices_add(struct edit_splices *splices, size_t start, size_t end, const char *text,
                      size_t length);

/* Sorts by place; those of one place stay in the order they were added. */
void edit_splices_sort(struct edit_splices *splices);

/* Whether two of a sorted set replace the same bytes. */
bool edit_splices_overlap(const struct edit_splices *splices);

/* Whether one of `some` replaces bytes that one of `others` replaces too. Both are sorted; `others` is looked
 * at from its end, as workloads come in the order of the file. */
bool edit_splices_collide(const struct edit_splices *others, const struct edit_splices *some);

/* Adds all of `from` to `to`, which stays sorted. */
void edit_splices_merge(struct edit_splices *to, const struct edit_splices *from);

/* Adds the bytes with the splices (sorted, not overlapping) applied to `out`. ERR_DATA past its cap. */
int edit_splices_apply(const char *bytes, size_t length, const struct edit_splices *splices, struct buf *out,
                       struct err *err);

/* Splices that do at once what `first` and then `second` do, into the empty *out: `first` is over the
 * original, `second` over `middle`, which `first` makes of it. Both are sorted; new texts are in the arena.
 */
void edit_splices_compose(const struct edit_splices *first, const struct edit_splices *second,
                          const char *middle, struct arena *arena, struct edit_splices *out);

#endif
