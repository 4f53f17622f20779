#include "reports/model/cuts.h"

#include "reports/model/hours.h"

#define DROP(name) {.key = (name), .drop = true}
#define KEEP(name) {.key = (name)}
#define INSIDE(name, list) {.key = (name), .inside = (list)}
#define NO_MORE DROP("*"), {.key = NULL}
#define ALL_ELSE {.key = NULL}

/* ---- What is kept ---- */

static const struct json_cut kept_container[] = {DROP("why"), DROP("samples"), DROP("confidence_parts"), ALL_ELSE};
static const struct json_cut kept_containers[] = {INSIDE("*", kept_container), ALL_ELSE};
static const struct json_cut kept_advice[] = {DROP("forecast"), INSIDE("containers", kept_containers), ALL_ELSE};
static const struct json_cut kept_advice_drawn[] = {INSIDE("containers", kept_containers), ALL_ELSE};

static const struct json_cut drawn_resource[] = {KEEP("hourly"), KEEP("series"), NO_MORE};
static const struct json_cut drawn_container[] = {INSIDE("cpu_millicores", drawn_resource), INSIDE("memory_bytes", drawn_resource),
                                                  NO_MORE};
static const struct json_cut drawn_containers[] = {INSIDE("*", drawn_container), ALL_ELSE};

#define USAGE_FIGURES \
    KEEP("window"), KEEP("pods"), KEEP("replicas"), KEEP("replicas_max"), KEEP("replicas_mean"), KEEP("coverage"), KEEP("source")

static const struct json_cut kept_usage[] = {USAGE_FIGURES, NO_MORE};
static const struct json_cut kept_usage_drawn[] = {USAGE_FIGURES, INSIDE("containers", drawn_containers), NO_MORE};

static const struct json_cut kept[] = {INSIDE("usage", kept_usage), INSIDE("recommendation", kept_advice), ALL_ELSE};
static const struct json_cut kept_drawn[] = {INSIDE("usage", kept_usage_drawn), INSIDE("recommendation", kept_advice_drawn), ALL_ELSE};

/* ---- What is told in words ---- */

static const struct json_cut told_advice[] = {DROP("forecast"), ALL_ELSE};
static const struct json_cut told[] = {INSIDE("usage", kept_usage), INSIDE("recommendation", told_advice), ALL_ELSE};

/* ---- What is read at first ---- */

static const struct json_cut brief_container[] = {KEEP("requests"), KEEP("limits"), KEEP("remove"), NO_MORE};
static const struct json_cut brief_containers[] = {INSIDE("*", brief_container), ALL_ELSE};
static const struct json_cut brief_finding[] = {DROP("evidence"), ALL_ELSE};
static const struct json_cut brief_judged[] = {KEEP("ours"), NO_MORE};
static const struct json_cut brief_resources[] = {INSIDE("*", brief_judged), ALL_ELSE};
static const struct json_cut brief_tested[] = {INSIDE("*", brief_resources), ALL_ELSE};
static const struct json_cut brief_backtest[] = {INSIDE("containers", brief_tested), NO_MORE};
static const struct json_cut brief_advice[] = {
    KEEP("action"), KEEP("class"), KEEP("confidence"), KEEP("risk"), KEEP("source"), KEEP("provider"), KEEP("model"),
    KEEP("proposed_by"), KEEP("disagreement"), KEEP("fallback"), KEEP("clamps"), INSIDE("containers", brief_containers),
    INSIDE("findings", brief_finding), INSIDE("backtest", brief_backtest), NO_MORE};
static const struct json_cut brief_object[] = {KEEP("kind"), KEEP("name"), KEEP("advice"), NO_MORE};
static const struct json_cut brief_change[] = {KEEP("edits"), INSIDE("objects", brief_object), NO_MORE};
static const struct json_cut brief_requirement[] = {KEEP("approvals"), KEEP("rule"), NO_MORE};
static const struct json_cut brief_gate[] = {INSIDE("requirement", brief_requirement), ALL_ELSE};

static const struct json_cut brief[] = {
    INSIDE("usage", kept_usage), INSIDE("recommendation", brief_advice), INSIDE("change", brief_change), INSIDE("gate", brief_gate),
    ALL_ELSE};

const struct json_cut *report_cut_kept(bool charts)
{
    return charts ? kept_drawn : kept;
}

const struct json_cut *report_cut_told(void)
{
    return told;
}

const struct json_cut *report_cut_brief(void)
{
    return brief;
}

void report_draw_hours(json_t *record)
{
    static const char *const resources[] = {"cpu_millicores", "memory_bytes"};
    const char *name;
    json_t *container;
    json_object_foreach(json_at(record, "usage.containers"), name, container)
    {
        for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++) {
            json_t *hours = report_hours(json_object_get(container, resources[i]));
            json_object_set_new(container, resources[i], json_pack("{s:o}", "hourly", hours));
        }
    }
}
