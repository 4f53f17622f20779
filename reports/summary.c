#include "reports/summary.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/money.h"
#include "pipeline/base/str.h"
#include "reports/figures.h"

static void money(struct buf *out, int64_t microusd)
{
    char text[MONEY_TEXT];
    buf_add_str(out, money_format(microusd, text));
}

static void count(struct buf *out, int64_t number, const char *noun)
{
    char text[FIGURE_MAX];
    buf_add_str(out, figure_count(number, noun, text));
}

/* What the artifact does not hold yet, where it is not from the end of the line. */
static const char *not_yet(enum artifact_kind kind)
{
    switch (kind) {
    case ARTIFACT_INVENTORY:
        return "usage has not been read and nothing is recommended yet";
    case ARTIFACT_USAGE:
        return "nothing is recommended yet";
    case ARTIFACT_RECOMMENDATIONS:
        return "nothing is priced yet";
    default:
        return NULL;
    }
}

void summary_total(const struct report *report, struct buf *out)
{
    const struct report_sums *t = &report->totals;
    const char *missing = not_yet(report->meta.kind);
    count(out, t->workloads, "workload");
    if (missing != NULL) {
        buf_printf(out, " (%s): ", missing);
    } else {
        buf_add_str(out, ": ");
    }
    buf_printf(out, "%" PRId64 " %s", t->changed,
               report->meta.kind == ARTIFACT_OUTCOME ? "to change" : "would change");
    if (t->workloads == t->unpriced) {
        buf_add_str(out, "; none is priced.");
        return;
    }
    buf_add_str(out, ", from ");
    money(out, t->before);
    buf_add_str(out, " to ");
    money(out, t->after);
    buf_add_str(out, " a month: ");
    int64_t saving = t->before - t->after;
    money(out, saving < 0 ? -saving : saving);
    buf_add_str(out, saving < 0 ? " more a month (" : " less a month (");
    money(out, 12 * (saving < 0 ? -saving : saving));
    buf_add_str(out, " a year).");
}

static void gap_sentence(struct buf *out, int64_t number, const char *one, const char *many)
{
    count(out, number, "workload");
    buf_printf(out, " %s", number == 1 ? one : many);
}

static void held_back(const struct report *report, struct buf *out)
{
    const struct report_sums *t = &report->totals;
    if (t->held == 0) {
        return;
    }
    char change[FIGURE_MAX];
    count(out, t->held, "change");
    buf_printf(out, " worth %s a month %s held back and not in the sums (",
               figure_change(t->after, t->proposed, "-", change), t->held == 1 ? "is" : "are");
    if (t->blocked > 0) {
        buf_printf(out, "%" PRId64 " blocked by the gate", t->blocked);
    }
    if (t->held > t->blocked) {
        buf_printf(out, "%s%" PRId64 " that cannot be written into the manifest", t->blocked > 0 ? ", " : "",
                   t->held - t->blocked);
    }
    buf_add_str(out, ").");
}

/* What apply or rollback made of the workloads. */
static void outcome_states(const struct report *report, struct buf *out)
{
    const char *state;
    json_t *number;
    const char *between = "Outcome: ";
    json_object_foreach(report->states, state, number)
    {
        buf_printf(out, "%s%" JSON_INTEGER_FORMAT " %s", between, json_integer_value(number), state);
        between = ", ";
    }
    buf_add_str(out, json_object_size(report->states) > 0 ? "." : "");
}

/* Several manifests of one object (variants of a deployment in one tree): the cluster runs one, the sums hold
 * all. */
static void duplicates(const struct report *report, struct buf *out)
{
    int64_t number = json_int_or(report->problems, "duplicate-identity", 0);
    if (number > 0) {
        gap_sentence(out, number,
                     "has the name of another one: each is counted, so the sums hold that object twice.",
                     "share their name with another one: each is counted, so the sums hold such objects more "
                     "than once.");
    }
}

int summary_gap(const struct report *report, int index, struct buf *out)
{
    const struct report_sums *t = &report->totals;
    switch (index) {
    case 0:
        if (t->unpriced > 0 && report->meta.kind >= ARTIFACT_COSTS) {
            gap_sentence(out, t->unpriced, "could not be priced and is not in the sums.",
                         "could not be priced and are not in the sums.");
        }
        return 1;
    case 1:
        if (t->no_data > 0) {
            gap_sentence(out, t->no_data, "had no usage data: it is priced by its request alone.",
                         "had no usage data: they are priced by their requests alone.");
        }
        return 1;
    case 2:
        if (t->no_advice > 0 && report->meta.kind >= ARTIFACT_RECOMMENDATIONS) {
            gap_sentence(out, t->no_advice, "got no recommendation; its entry says why.",
                         "got no recommendation; their entries say why.");
        }
        return 1;
    case 3:
        held_back(report, out);
        return 1;
    case 4:
        if (report->note_count > 0) {
            buf_printf(out, "%zu %s of the sources gave no workload and %s listed under notes.",
                       report->note_count, report->note_count == 1 ? "part" : "parts",
                       report->note_count == 1 ? "is" : "are");
        }
        return 1;
    case 5:
        duplicates(report, out);
        return 1;
    case 6:
        outcome_states(report, out);
        return 1;
    default:
        return 0;
    }
}

static void unit_prices(const json_t *price, struct buf *out)
{
    char dollars[FIGURE_MAX];
    buf_printf(out, "$%s a vCPU-hour and ",
               figure_dollars(json_int_or(price, "microusd_per_vcpu_hour", 0), dollars));
    buf_printf(out, "$%s a GiB-hour",
               figure_dollars(json_int_or(price, "microusd_per_gib_hour", 0), dollars));
}

static const char *path_meaning(const char *path)
{
    static const char *const meanings[][2] = {
        {"override", "unit prices from the configuration"},
        {"exact", "list price of this node type in this region"},
        {"other-region", "list price of this node type in another region"},
        {"estimated", "an estimate: no node type was given"},
        {"default", "the default: nobody named a provider, region or node type"},
    };
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (str_equal(path, meanings[i][0])) {
            return meanings[i][1];
        }
    }
    return "unknown";
}

static void add_word(struct buf *out, const json_t *price, const char *key)
{
    const char *text = json_string_or_null(price, key);
    if (text != NULL) {
        buf_printf(out, " %s", text);
    }
}

void summary_prices(const struct report *report, struct buf *out)
{
    const json_t *price = report->meta.price;
    if (price == NULL) {
        buf_add_str(out, "Prices: none; nothing is priced yet.");
        return;
    }
    const char *date = json_string_or_null(price, "date");
    buf_printf(out, "Prices%s%s:", date == NULL ? "" : " of ", date == NULL ? "" : date);
    add_word(out, price, "provider");
    add_word(out, price, "region");
    add_word(out, price, "instance");
    buf_printf(out, " (%s): ", path_meaning(json_string_or_null(price, "path")));
    unit_prices(price, out);
    double discount = 0;
    if (json_get_number(price, "discount", &discount) && discount > 0) {
        buf_printf(out, ", after a discount of %.15g%%.", 100 * discount);
    } else {
        buf_add_str(out, ", before discounts.");
    }
}

void summary_method(struct buf *out)
{
    buf_add_str(
        out,
        "Method: monthly cost = max(request, mean usage) × unit price × 730 h × mean replicas, for each "
        "container and resource; before with today's request, after with the new one and the same usage. "
        "Where only a limit is set, it is the request. Lower requests free room on nodes; cash is saved when "
        "nodes go.");
}

void summary_policy(const struct report *report, struct buf *out)
{
    const json_t *gate = json_object_get(report->meta.settings, "gate");
    const char *from = json_string_or_null(gate, "policy_from");
    const char *digest = json_string_or_null(gate, "policy");
    if (from == NULL) {
        return;
    }
    buf_add_str(out, strcmp(from, "ledger") == 0
                         ? "Policy: the one stored in the ledger"
                         : "Policy: none is stored in the ledger, so the run's own file counts");
    if (digest != NULL) {
        buf_printf(out, " (%.12s)", digest);
    }
    buf_add_char(out, '.');
}

void summary_window(const struct report *report, struct buf *out)
{
    const json_t *collect = json_object_get(report->meta.settings, "collect");
    int64_t seconds = json_int_or(collect, "window_seconds", 0);
    if (seconds <= 0) {
        return;
    }
    char span[RFC3339_MAX];
    buf_printf(out, "Usage: %s", duration_format(seconds, span));
    const char *end = json_string_or_null(collect, "end");
    if (end != NULL) {
        buf_printf(out, " up to %s", end);
    }
    const char *source = json_string_or_null(collect, "source");
    if (source != NULL) {
        buf_printf(out, ", read by %s", source);
    }
    buf_add_char(out, '.');
}
