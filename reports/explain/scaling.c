#include "reports/explain/sections.h"

#include <math.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "reports/explain/manifests.h"
#include "reports/explain/page.h"

static void texts(const json_t *list, struct buf *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        page_line(out, 2, " ", "%s", report_message(json_array_get(list, i)));
    }
}

static void load_line(const json_t *scaling, struct buf *out)
{
    const json_t *load = json_object_get(scaling, "load");
    char text[4][FIGURE_MAX];
    enum report_field field = page_field(page_string(load, "unit"));
    if (!json_is_object(load)) {
        page_line(out, 2, "load", "%s", page_string(scaling, "kind_of_load"));
        return;
    }
    page_line(out, 2, "load", "%s: mean %s, between %s and %s of a day, %s at most",
              page_string(scaling, "kind_of_load"), page_amount(field, page_number(load, "mean"), text[0]),
              page_amount(field, page_number(load, "trough"), text[1]),
              page_amount(field, page_number(load, "peak"), text[2]),
              page_amount(field, page_number(load, "top"), text[3]));
}

/* "label  action: a 1, b 2 …" of the numbers and words of a part, then its reasons. */
static void part_lines(const json_t *part, const char *label, struct buf *out)
{
    struct buf text;
    const char *name;
    json_t *value;
    if (!json_is_object(part)) {
        return;
    }
    buf_init(&text, 16384);
    json_object_foreach((json_t *)(uintptr_t)part, name, value)
    {
        char number[FIGURE_MAX];
        const char *comma = text.length > 0 ? ", " : "";
        if (json_is_number(value)) {
            buf_printf(&text, "%s%s %s", comma, name, figure_plain(json_number_value(value), number));
        } else if (json_is_string(value)) {
            buf_printf(&text, "%s%s %s", comma, name, json_string_value(value));
        }
    }
    page_line(out, 2, label, "%s", buf_str(&text));
    buf_release(&text);
    texts(json_object_get(part, "why"), out);
}

static void schedule_lines(const json_t *schedule, struct buf *out)
{
    char share[FIGURE_MAX];
    part_lines(schedule, "schedule", out);
    const json_t *entries = json_object_get(schedule, "entries");
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        char replicas[FIGURE_MAX];
        page_line(out, 2, " ", "days %s, %s to %s: %s replicas", page_string(entry, "days"),
                  page_string(entry, "start"), page_string(entry, "end"),
                  figure_plain(page_number(entry, "replicas"), replicas));
    }
    if (isfinite(page_number(schedule, "saved_share"))) {
        page_line(out, 2, " ", "saves %s of the replica hours",
                  figure_share(page_number(schedule, "saved_share"), share));
    }
}

static void policy_lines(const json_t *policies, struct buf *out)
{
    for (size_t i = 0; i < json_array_size(policies); i++) {
        const json_t *policy = json_array_get(policies, i);
        char now[FIGURE_MAX];
        char wanted[FIGURE_MAX];
        char advised[FIGURE_MAX];
        char money[MONEY_TEXT];
        int64_t monthly = 0;
        bool priced = json_get_int(policy, "monthly_microusd", &monthly);
        page_line(out, 2, "policy", "%s (%s): %s replicas now, %s wanted, %s advised%s%s%s",
                  page_string(policy, "name"), page_string(policy, "type"),
                  figure_plain(page_number(policy, "now"), now),
                  figure_plain(page_number(policy, "wanted"), wanted),
                  figure_plain(page_number(policy, "advised"), advised), priced ? ", " : "",
                  priced ? money_format(monthly, money) : "", priced ? " a month" : "");
        page_line(out, 2, " ", "%s", page_string(policy, "reason"));
    }
}

static void advice_lines(const json_t *advice, const char *label, struct buf *out)
{
    for (size_t i = 0; i < json_array_size(advice); i++) {
        const json_t *one = json_array_get(advice, i);
        page_line(out, 2, label, "%s: %s", page_string(one, "code"), report_message(one));
        texts(json_object_get(one, "why"), out);
    }
}

void explain_scaling(const struct explain *explain, struct buf *out)
{
    const json_t *scaling = json_object_get(explain->recommendation, "scaling");
    if (!json_is_object(scaling)) {
        return;
    }
    page_heading(out, "SCALING");
    load_line(scaling, out);
    advice_lines(json_object_get(scaling, "advice"), "advice", out);
    part_lines(json_object_get(scaling, "replicas"), "replicas", out);
    part_lines(json_object_get(scaling, "autoscaler"), "autoscaler", out);
    part_lines(json_object_get(scaling, "vertical"), "vertical", out);
    schedule_lines(json_object_get(scaling, "schedule"), out);
    policy_lines(json_object_get(scaling, "policies"), out);
    advice_lines(json_object_get(scaling, "conflicts"), "conflict", out);
    const json_t *manifests = json_object_get(scaling, "manifests");
    for (size_t i = 0; i < json_array_size(manifests); i++) {
        const json_t *manifest = json_array_get(manifests, i);
        page_line(out, 2, "manifest", "%s %s, option %s%s", page_string(manifest, "kind"),
                  page_string(manifest, "name"), page_string(manifest, "option"),
                  manifest_is_first_choice(manifests, i) ? "" : " (not printed by --yaml without --option)");
        page_block(out, 4, page_string(manifest, "yaml"));
    }
}
