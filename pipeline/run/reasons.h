#ifndef TARE_RUN_REASONS_H
#define TARE_RUN_REASONS_H

/* Words for the codes that `why` and `clamps` of a recommendation hold: rules, and what moved a number. The list is reasons.def. */

/* Words for a code, without the name that may follow after a colon ("quota:compute"); NULL where it is not in the list (a newer
 * program's, or a person's). Borrowed, static. */
const char *reason_words(const char *code);

#endif
