#include "stages/analyze/backtest/backtest.h"

void backtest_make(const struct subject *subject, const struct container *container, const struct scene *scene,
                   const struct policy *policy, struct arena *arena, struct backtest *out)
{
    *out = (struct backtest){.known = false};
    (void)subject, (void)container, (void)scene, (void)policy, (void)arena;
}
