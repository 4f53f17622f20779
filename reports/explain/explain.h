#ifndef TARE_REPORTS_EXPLAIN_EXPLAIN_H
#define TARE_REPORTS_EXPLAIN_EXPLAIN_H

/*
 * One workload, from its samples to its numbers. Unlike the other formats this needs the whole record, with
 * what the report's model leaves out; it reads the artifact itself and keeps one record. A member that is not
 * there leaves its lines out, so that artifacts of every stage from the recommendations on can be explained,
 * and those of older programs too.
 */

#include "pipeline/base/arena.h"
#include "pipeline/run/artifact.h"
#include "reports/model/model.h"
#include "reports/text/sink.h"

struct explain {
    struct report_row row; /* of the workload, with the whole record */
    const char *namespace; /* the effective one */
    const json_t *recommendation;
    json_t *header;
    char *digest; /* of the artifact */
    enum artifact_kind kind;
    int64_t run;  /* 0: unknown */
    size_t count; /* records of this identity; the first is explained */
    struct arena arena;
};

/* Reads a whole artifact and keeps the record of `workload` ("NAMESPACE/KIND/NAME"; a workload without a
 * namespace counts in the one it is looked up in). ERR_USAGE where none has this name, with the nearest that
 * have one; ERR_DATA for an artifact in which nothing is recommended yet. explain_release in any case. */
int explain_read(struct explain *explain, struct artifact_reader *reader, const char *workload, int64_t run,
                 struct err *err);

/* Frees. */
void explain_release(struct explain *explain);

/* The whole chain as text for a terminal. ERR_IO, ERR_CANTCREAT, as those below. */
int explain_text(const struct explain *explain, struct report_sink *sink, struct err *err);

/* The members of the record and where they come from, as one JSON object. */
int explain_json(const struct explain *explain, struct report_sink *sink, struct err *err);

/* The advised manifests alone, as YAML documents that kubectl apply -f - takes: those of `option`, NULL for
 * the first of the alternatives and what stands beside it. ERR_USAGE for an option that is not offered. */
int explain_yaml(const struct explain *explain, const char *option, struct report_sink *sink,
                 struct err *err);

#endif
