#ifndef TARE_COMMON_JUDGE_JUDGE_H
#define TARE_COMMON_JUDGE_JUDGE_H

/*
 * The part of the gate that needs no ledger and no clock: guardrails, exclusions, and what approvals a change
 * needs. It reads the edits that will be written, not the recommendation they came from.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/cli/inforce.h"
#include "pipeline/io/json.h"
#include "pipeline/run/approval.h"

/* What the judge knows besides the record. Borrowed. */
struct judge {
    const struct inforce *inforce;
    const char *default_namespace; /* of workloads that name none */
    bool cluster;                  /* target cluster: objects of one identity are one object */
};

struct judgement {
    bool changes; /* the record has edits */
    bool blocked; /* a guardrail or an exclusion forbids them */
    bool raises;  /* a value grows, or a limit goes */
    bool trifle;  /* it saves too little to be made */
    enum risk risk;
    int64_t saving_microusd;          /* 0 where it is not priced */
    struct approval_requirement need; /* where it changes something */
    json_t *facts;                    /* what rules ask about, NULL where it changes nothing: see README.md; owned */
    json_t *reasons;                  /* array of {"code","ok","message"}; owned: judgement_release */
};

/* Judges one workload record. */
void judge_record(const struct judge *judge, const json_t *record, struct judgement *out);

/* Frees facts and reasons. */
void judgement_release(struct judgement *judgement);

/* Adds a reason; one that is not ok blocks unless the caller says otherwise. */
void reason_add(json_t *reasons, const char *code, bool ok, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The namespace a workload counts in. Borrowed. */
const char *judge_namespace(const struct judge *judge, const json_t *workload);

/* Most changes a run may make; most percent of a namespace's workloads that it may change. Negative where there is no limit. */
int64_t judge_max_changes(const struct inforce *inforce);
int64_t judge_namespace_share(const struct inforce *inforce);

#endif
