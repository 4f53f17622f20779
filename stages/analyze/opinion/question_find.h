#ifndef TARE_ANALYZE_OPINION_QUESTION_FIND_H
#define TARE_ANALYZE_OPINION_QUESTION_FIND_H

/* Where the answers are in a reply: models wrap JSON in prose and fences, think aloud before it, or are cut in the middle of it. */

#include "pipeline/io/json.h"

/* New array of the entries of the last {"answers":[…]} in the text; without one, of those after the last "answers":[ that are whole (a
 * text that was cut, or is no JSON in one of them); without these, of all objects that name a workload. NULL where there is nothing of
 * the kind. What the entries hold is not checked, but no object in them has two members of one name. Time: linear, times a constant. */
json_t *question_find(const char *text);

#endif
