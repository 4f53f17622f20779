#include "stages/analyze/flow/preview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/opinion/names.h"

enum { NEAREST = 3 };

/* The names that are most like the one that is looked for, the nearest first. */
struct nearest {
    char *names[NEAREST];
    size_t distances[NEAREST];
};

static void nearest_add(struct nearest *nearest, const char *wanted, const char *name)
{
    size_t distance = str_distance(wanted, name);
    size_t at = NEAREST;
    while (at > 0 && (!nearest->names[at - 1] || distance < nearest->distances[at - 1])) {
        at--;
    }
    if (at == NEAREST) {
        return;
    }
    free(nearest->names[NEAREST - 1]);
    memmove(&nearest->names[at + 1], &nearest->names[at], (NEAREST - 1 - at) * sizeof nearest->names[0]);
    memmove(&nearest->distances[at + 1], &nearest->distances[at], (NEAREST - 1 - at) * sizeof nearest->distances[0]);
    nearest->names[at] = xstrdup(name);
    nearest->distances[at] = distance;
}

static int not_found(const struct nearest *nearest, const char *wanted, struct err *err)
{
    (void)err_set(err, ERR_DATA, "there is no workload %.200s in the artifact", wanted);
    if (!nearest->names[0]) {
        return -1;
    }
    return err_hint(err, "the nearest are %.120s%s%.120s%s%.120s", nearest->names[0], nearest->names[1] ? ", " : "",
                    nearest->names[1] ? nearest->names[1] : "", nearest->names[2] ? ", " : "", nearest->names[2] ? nearest->names[2] : "");
}

static void show(const struct flow_means *means, struct job *job, const char *name, FILE *out)
{
    char *text = analyst_prompt(means->analyst, &job->inquiry);
    if (text) {
        (void)fprintf(out, "%s\n", text);
    } else {
        log_info("nothing would be sent about %s: %s", name,
                 job->plan.refusal ? job->plan.refusal_reason : "nothing of it may move");
    }
    free(text);
}

/* One record. Returns whether it is the one that is looked for. */
static bool look_at(const struct flow_means *means, struct job *job, const char *wanted, struct nearest *nearest, FILE *out)
{
    char name[EVIDENCE_NAME_MAX];
    if (!job->is_workload) {
        return false;
    }
    (void)evidence_name(&job->subject, name);
    if (str_equal(name, wanted)) {
        show(means, job, name, out);
        return true;
    }
    nearest_add(nearest, wanted, name);
    return false;
}

int preview_run(struct stage *stage, const struct flow_means *means, const char *name, FILE *out, struct err *err)
{
    struct nearest nearest = {.names = {NULL}};
    struct job job;
    json_t *record;
    bool found = false;
    int got = -1;
    if (!means->analyst) {
        (void)err_set(err, ERR_CONFIG, "no provider is asked, so nothing is sent about %.200s", name);
        return err_hint(err, "name one with --llm, or in analysis.providers of tare.yaml");
    }
    job_init(&job);
    while ((got = stage_read(stage, &record, err)) > 0) {
        job_take(&job, means->setup, record, 0);
        found = found || look_at(means, &job, name, &nearest, out);
        job_clear(&job);
    }
    job_release(&job);
    int status = got < 0 ? -1 : found ? 0 : not_found(&nearest, name, err);
    for (size_t i = 0; i < NEAREST; i++) {
        free(nearest.names[i]);
    }
    return status;
}
