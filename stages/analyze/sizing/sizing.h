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
#include "stages/analyze/rules/rounding.h"
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
    int64_t min, max;            /* statistics, guardrails, LimitRanges and quotas together; valid where movable */
    bool percent;                /* the percent guardrails took part */
    const char *rule;            /* which rule set the target or holds the field */
    const char *min_by, *max_by; /* what sets either end of the range */
    bool remove;
    int64_t value;
    double proposal;      /* what was settled, NaN for none */
    bool by_model;        /* a model or a person proposed it */
    double asked;         /* what a model or a person asked for, also where it does not count; 0: nobody asked */
    bool exact;           /* a person's own number: not rounded where it came through, never too small a change */
    const char *moved_by; /* what moved the proposal, NULL when nothing did */
};

struct container_plan {
    const struct container *container;
    bool judged; /* false: no usage, or a name that is not its own */
    struct signals signals;
    struct backtest backtest;
    struct confidence confidence_parts;
    double confidence;
    struct field_plan fields[FIELDS];
};

/*
 * What a request that an autoscaler counts in could become together with its target, so that the use per pod at which pods
 * are added stays what it is. A plan changes one object, so the request itself stays; this is for advice.
 */
struct hpa_move {
    const struct scaler *scaler;
    enum resource resource;
    const char *container; /* that the metric is about; NULL: all of the pod, sidecars too */
    int64_t target;        /* percent today */
    int64_t today;         /* request that the metric divides by: of the container, or the sum over the pod's */
    double load;           /* use per pod at which pods are added: target % of today */
    int64_t wanted;        /* the same request if the rules decided alone */
    const char *why_not;   /* code, NULL where request and target can move together; words: reasoning.c */
    int64_t request;       /* the new request (or sum), within the bounds of the rules; AMOUNT_ABSENT for none */
    int64_t new_target;    /* whole percent of it that gives the same load within 2 %, 1 to 1000 */
    const int64_t *requests; /* of each container of the subject: the new request, AMOUNT_ABSENT where it stays */
};

/* Autoscalers that work against each other, or cannot work. */
enum conflict_kind {
    CONFLICT_HPA_AND_VPA = 0, /* both follow one resource */
    CONFLICT_NO_REQUEST,      /* a utilization of a request that a container does not have */
    CONFLICT_MIN_ABOVE_MAX,
    CONFLICT_TWO_SCALERS,     /* both set the number of replicas */
    CONFLICT_OUT_OF_REACH     /* the target lies above the limit */
};

struct conflict {
    enum conflict_kind kind;
    const struct scaler *scaler;
    const struct scaler *other;  /* NULL where only one takes part */
    bool of_resource;            /* whether `resource` means something */
    enum resource resource;
    const char *container;       /* NULL: none in particular */
};

/* What the plan wants of a quota, by the rules' targets before it is held to what fits. */
struct quota_need {
    const struct quota *quota;
    enum field field;
    double more; /* over all replicas, ≥ 0 */
    double room; /* hard less used, NaN where it is not known how much is used */
    bool fits;   /* true too where that is not known */
};

struct plan {
    const struct subject *subject;
    const struct policy *policy;
    struct scene scene; /* what the formulas look at beside the figures */
    struct container_plan *containers; /* as many as the subject has */
    double confidence;                 /* lowest of the judged containers */
    int64_t pod_today[FIELDS];         /* what the scheduler counts of the pod, init containers included */
    size_t hours_steps;                /* steps in business hours that CPU was learned from; 0: all hours were */
    const struct hpa_move *moves;
    size_t move_count;
    const struct conflict *conflicts;
    size_t conflict_count;
    const char *refused_today;         /* "limit-range:NAME" that would refuse the pod as it is: then nothing can be rolled out
                                          but what mends it; NULL: none */
    const struct quota_need *quota_needs;
    size_t quota_need_count;
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

/* "hpa-and-vpa", "no-request", "min-above-max", "two-autoscalers", "out-of-reach". Borrowed, static. */
const char *conflict_name(enum conflict_kind kind);

#endif
