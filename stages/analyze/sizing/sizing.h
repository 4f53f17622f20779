#ifndef TARE_ANALYZE_SIZING_SIZING_H
#define TARE_ANALYZE_SIZING_SIZING_H

/*
 * Right-sizing: from figures and signals to numbers. Definitions and constants: README.md of this folder.
 *
 * Two steps, so that a model's proposal goes the same way as a rule's:
 *   plan_make    says for each field what the rule asks for (target) and the range it may move in;
 *   plan_settle  takes proposals (the rules' targets, or a model's): clamps, rounds, couples request and limit,
 *                keeps the QoS class, applies the dead-band.
 * A value AMOUNT_ABSENT leaves the field as it is.
 */

#include "stages/analyze/subject/model.h"
#include "stages/analyze/backtest/backtest.h"
#include "stages/analyze/rules/rules.h"
#include "stages/analyze/sizing/confidence.h"
#include "stages/analyze/sizing/signals.h"
#include "stages/common/policy.h"

enum field { CPU_REQUEST = 0, MEMORY_REQUEST = 1, CPU_LIMIT = 2, MEMORY_LIMIT = 3, FIELDS = 4 };

#define FIELD_RESOURCE(field) ((enum resource)((int)(field) % 2))
#define FIELD_IS_LIMIT(field) ((int)(field) >= CPU_LIMIT)
#define FIELD_OF(resource, is_limit) ((enum field)((int)(resource) + ((is_limit) ? 2 : 0)))

struct field_plan {
    int64_t old;                 /* as in the manifest, AMOUNT_ABSENT where it is not set */
    int64_t effective;           /* what holds today: an absent request is its limit */
    bool movable;                /* false: stays, whatever anybody proposes */
    bool urgent;                 /* the dead-band does not hold (throttled, killed) */
    bool fixed;                  /* follows the request by policy; proposals do not count */
    double target;               /* what the rule asks for */
    double base, factor;         /* limits: target = max(base, factor × request) where factor > 0 */
    int64_t min, max;            /* statistics and guardrails together; valid where movable */
    bool percent;                /* the percent guardrails took part */
    const char *rule;            /* which rule set the target or holds the field; static */
    const char *min_by, *max_by; /* what sets either end of the range; static */
    bool remove;
    int64_t value;
    double proposal;      /* what was settled, NaN for none */
    bool by_model;        /* a model proposed it */
    const char *moved_by; /* what moved the proposal, NULL when nothing did; static */
};

struct container_plan {
    const struct container *container;
    bool judged; /* false: no usage, an init container, or a name that is not its own */
    struct signals signals;
    struct backtest backtest;
    struct confidence confidence_parts;
    double confidence;
    struct field_plan fields[FIELDS];
};

struct plan {
    const struct subject *subject;
    const struct policy *policy;
    struct scene scene; /* what the formulas look at beside the figures */
    struct container_plan *containers; /* as many as the subject has */
    double confidence;                 /* lowest of the judged containers */
    const char *refusal;               /* problem code where nothing can be said ("no-usage"), NULL else */
    char refusal_reason[200];
    bool lock; /* request = limit in every container: a Guaranteed pod that must stay one */
};

/* Targets and ranges of all fields. Everything lives in `arena`; `subject` and `policy` are borrowed. */
void plan_make(const struct subject *subject, const struct policy *policy, struct arena *arena,
               struct plan *out);

/* Settles the plan on the rules' own targets. */
void plan_settle(struct plan *plan);

/* Settles one container on proposals [FIELDS]: NaN proposes to leave the field as it is. Call plan_finish
 * after the last. */
void container_settle(const struct plan *plan, struct container_plan *container,
                      const double proposals[FIELDS]);

/* Undoes what would change the pod's QoS class without leave; call once all containers are settled. */
void plan_finish(struct plan *plan);

/* Whether any field changes. */
bool plan_changes(const struct plan *plan);
bool container_changes(const struct container_plan *container);

/* What holds after the change: value, else today's; AMOUNT_ABSENT for a limit that is taken away. */
int64_t field_after(const struct field_plan *field);

/* "requests.cpu" and so on, as in `remove`. Borrowed, static. */
const char *field_name(enum field field);

/* The amount up to what people write: a multiple of 5m, of 4 MiB. */
int64_t rounded_up(enum resource resource, int64_t amount);

/* Parts of plan_make, one a resource. */
void size_cpu(const struct plan *plan, struct container_plan *container);
void size_memory(const struct plan *plan, struct container_plan *container);

/* Sets the range of a movable field from statistics [low, high] and the guardrails. The guardrails win where
 * the two do not meet. A cap on the step down is a part of the statistics. `hold` not NULL: never below
 * today's value, and why. */
void field_range(const struct plan *plan, struct container_plan *container, enum field field, double low,
                 double high, const char *hold);

#endif
