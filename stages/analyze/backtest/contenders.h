#ifndef TARE_ANALYZE_BACKTEST_CONTENDERS_H
#define TARE_ANALYZE_BACKTEST_CONTENDERS_H

/* What each contender asks for after the learned part: by our rules under the policy in force, today's settings, KRR, VPA. */

#include "stages/analyze/backtest/backtest.h"

/* One container at the end of the learned part. */
struct pupil {
    const struct subject *subject;
    const struct container *container;
    const struct scene *scene;
    const struct policy *policy;
    int64_t until;                 /* epoch seconds: what came later is not known */
    struct figures use[RESOURCES]; /* of the learned part, on the scale of samples */
};

/* Request and limit of every contender for one resource, NaN for none or where a rule says nothing; the shares are not
 * touched. */
void contenders_ask(const struct pupil *pupil, enum resource resource, struct arena *arena,
                    struct verdict verdicts[CONTENDERS]);

#endif
