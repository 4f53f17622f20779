#ifndef TARE_ANALYZE_SUBJECT_CLASS_H
#define TARE_ANALYZE_SUBJECT_CLASS_H

/* What kind of program a workload is, told from its kind, images, ports and the shape of its usage. A hint
 * for people, for risk and for the model, and what overrides and approval rules of policy go by (match.classes); by itself it never
 * changes a number. */

#include "stages/analyze/subject/model.h"

enum { CLASS_REASON_MAX = 160 };

struct class
{
    const char *
        name; /* database, cache, queue, search, web, proxy, jvm, batch, agent, monitoring, worker, service */
    char reason[CLASS_REASON_MAX];
    bool stateful; /* a restart is felt: risk of a change is higher */
};

/* Tells the class; always gives one ("service" where nothing tells more). */
void class_of(const struct subject *subject, struct class *out);

/* New array of all class names, for the schema of a model's answer. */
json_t *class_names_new(void);

/* The known class of this name, NULL when there is none. Borrowed, static. */
const char *class_name_of(const char *name);

#endif
