#include "stages/analyze/backtest/contenders.h"

#include <math.h>

#include "stages/analyze/backtest/judge.h"
#include "stages/analyze/rules/peers.h"
#include "stages/analyze/rules/rounding.h"

/* The limits of sizing/, without its caps: they are about how fast a number may move, not about where it belongs. */

struct amounts {
    double request, limit;
};

/* The larger, where NaN counts as nothing. */
static double larger(double a, double b)
{
    return fmax(a, b);
}

/* Up to what people write, at least the guardrails' floor. NaN stays NaN. */
static double written(const struct policy *policy, enum resource resource, double amount)
{
    if (!isfinite(amount) || amount > 9e15) {
        return NAN;
    }
    amount = larger(amount, (double)policy->guardrails.floor[resource]);
    return (double)rounded_up(resource, (int64_t)ceil(amount - 1e-6));
}

/* The peak that memory is sized for; a limit that killed in the learned part stopped it short. */
static double memory_peak(const struct pupil *pupil)
{
    const struct container *container = pupil->container;
    double peak = pupil->use[MEMORY].max;
    bool killed = container->oom_kills >= 0.5 && container->oom_last > 0 && container->oom_last < pupil->until;
    return killed ? larger(peak, container->oom_limit) : peak;
}

static double our_request(const struct pupil *pupil, enum resource resource)
{
    const char *rule;
    const struct figures *use = &pupil->use[resource];
    if (resource == CPU) {
        return rule_cpu_request(use, pupil->scene, &rule);
    }
    return rule_memory_request(use, pupil->scene, memory_peak(pupil));
}

/* A Guaranteed pod's one number. */
static double our_locked(const struct pupil *pupil, enum resource resource, double request)
{
    if (resource == CPU) {
        return rule_cpu_guaranteed(&pupil->use[CPU], request);
    }
    return larger(request, rule_memory_limit_factor(pupil->scene, true) * memory_peak(pupil));
}

static double headroom_limit(const struct pupil *pupil, enum resource resource, double request)
{
    if (resource == CPU) {
        return larger(rule_cpu_limit_factor() * request, rule_cpu_limit_base(&pupil->use[CPU], false));
    }
    return larger(request, rule_memory_limit_factor(pupil->scene, false) * memory_peak(pupil));
}

/* The old ratio of limit to request, above the peak; today's limit where one of the two is not set. */
static double ratio_limit(const struct pupil *pupil, enum resource resource, double request)
{
    double old_request = (double)pupil->container->request[resource];
    double old_limit = (double)pupil->container->limit[resource];
    double base = resource == CPU ? rule_cpu_limit_base(&pupil->use[CPU], true) : rule_memory_limit_least() * memory_peak(pupil);
    if (old_request <= 0 || old_limit <= 0) {
        return amount_or_nan(pupil->container->limit[resource]);
    }
    return larger(base, request * old_limit / old_request);
}

/* Today's limit, but raised where it throttled in the learned part. */
static double kept_limit(const struct pupil *pupil, enum resource resource)
{
    double limit = amount_or_nan(pupil->container->limit[resource]);
    if (resource == CPU && pupil->container->throttled >= rule_throttled_share() &&
        share_at_limit(&pupil->use[CPU].steps, limit) >= rule_throttled_share()) {
        return rule_cpu_throttled_limit(&pupil->use[CPU], limit);
    }
    return limit;
}

static double our_limit(const struct pupil *pupil, enum resource resource, double request)
{
    switch (pupil->policy->limits[resource]) {
    case LIMITS_REMOVE:
        return NAN;
    case LIMITS_RATIO:
        return ratio_limit(pupil, resource, request);
    case LIMITS_HEADROOM:
        return headroom_limit(pupil, resource, request);
    case LIMITS_KEEP:
        break;
    }
    return kept_limit(pupil, resource);
}

static struct amounts ours(const struct pupil *pupil, enum resource resource)
{
    const struct policy *policy = pupil->policy;
    double request = our_request(pupil, resource);
    if (pupil->subject->qos == QOS_GUARANTEED && !policy->qos_change) {
        request = written(policy, resource, our_locked(pupil, resource, request));
        return (struct amounts){request, request};
    }
    request = written(policy, resource, request);
    double limit = our_limit(pupil, resource, request);
    bool today = limit <= (double)pupil->container->limit[resource] && policy->limits[resource] == LIMITS_KEEP;
    limit = today ? limit : written(policy, resource, limit);
    return (struct amounts){isfinite(limit) ? fmin(request, limit) : request, limit};
}

/* VPA holds limits in their old ratio. */
static double vpa_limit(const struct container *container, enum resource resource, double request)
{
    double old_request = (double)container_request(container, resource);
    double old_limit = (double)container->limit[resource];
    return old_request > 0 && old_limit > 0 ? request * old_limit / old_request : NAN;
}

static void ask(struct verdict *verdict, struct amounts amounts)
{
    verdict->request = amounts.request;
    verdict->limit = amounts.limit;
}

void contenders_ask(const struct pupil *pupil, enum resource resource, struct arena *arena,
                    struct verdict verdicts[CONTENDERS])
{
    const struct container *container = pupil->container;
    const struct figures *use = &pupil->use[resource];
    double krr = peer_krr(resource, use);
    double vpa = peer_vpa(resource, use, subject_running(pupil->subject), arena);
    ask(&verdicts[CONTENDER_OURS], ours(pupil, resource));
    ask(&verdicts[CONTENDER_TODAY], (struct amounts){amount_or_nan(container_request(container, resource)),
                                                     amount_or_nan(container->limit[resource])});
    ask(&verdicts[CONTENDER_KRR], (struct amounts){krr, resource == MEMORY ? krr : NAN});
    ask(&verdicts[CONTENDER_VPA], (struct amounts){vpa, vpa_limit(container, resource, vpa)});
}
