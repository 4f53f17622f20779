#include "stages/collect/collect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

static int run(struct stage *stage, struct err *err)
{
    (void)stage;
    return err_set(err, ERR_SOFTWARE, "collect is being rebuilt");
}

const struct stage_spec collect_stage = {
    .name = "collect",
    .program = FOR_COLLECT,
    .summary = "adds what each workload really used, from Prometheus",
    .reads = ARTIFACT_BIT(ARTIFACT_INVENTORY),
    .writes = ARTIFACT_USAGE,
    .run = run,
};
