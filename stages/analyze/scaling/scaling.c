#include "stages/analyze/scaling/scaling.h"

json_t *scaling_new(const struct plan *plan, const struct class *class, const struct forecasts *forecasts,
                    const struct config *config, struct arena *arena)
{
    (void)plan, (void)class, (void)forecasts, (void)config, (void)arena;
    return json_null();
}
