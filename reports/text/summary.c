#include "reports/text/summary.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/str.h"
#include "pipeline/io/hash.h"
#include "reports/text/figures.h"

enum { POOLS_NAMED = 5, RULES_NAMED = 5 };

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

static void money_of_plan(const struct report *report, struct buf *out)
{
    const struct report_sums *t = &report->totals;
    int64_t saving = t->before - t->after;
    int64_t told = saving == 0 ? t->before : saving < 0 ? -saving : saving;
    char other[FIGURE_MAX];
    if (saving == 0) {
        buf_add_str(out, "; the cost stays at ");
    } else {
        buf_add_str(out, ", from ");
        money(out, t->before);
        buf_add_str(out, " to ");
        money(out, t->after);
        buf_add_str(out, " a month: ");
    }
    money(out, told);
    buf_printf(out, "%s a month (", saving == 0 ? "" : saving < 0 ? " more" : " less");
    money(out, 12 * told);
    figure_other_currency(report, told, other);
    buf_printf(out, " a year%s%s%s).", other[0] == '\0' ? "" : ", ", other, other[0] == '\0' ? "" : " a month");
}

void summary_total(const struct report *report, struct buf *out)
{
    const struct report_sums *t = &report->totals;
    const char *missing = not_yet(report->meta.kind);
    if (t->workloads == 0) {
        buf_add_str(out, "There is no workload, so there is nothing to change.");
        return;
    }
    count(out, t->workloads, "workload");
    if (missing != NULL) {
        buf_printf(out, " (%s): ", missing);
    } else {
        buf_add_str(out, ": ");
    }
    buf_printf(out, "%" PRId64 " %s", t->changed,
               report->meta.kind == ARTIFACT_OUTCOME ? "to change" : "would change");
    if (t->objects > 0) {
        buf_add_str(out, ", with ");
        count(out, t->objects, "new object");
    }
    if (t->workloads == t->unpriced) {
        buf_add_str(out, "; none is priced.");
        return;
    }
    money_of_plan(report, out);
}

static void gap_sentence(struct buf *out, int64_t number, const char *one, const char *many)
{
    count(out, number, "workload");
    buf_printf(out, " %s", number == 1 ? one : many);
}

static void held_part(struct buf *out, int64_t number, const char *why, const char **between)
{
    if (number > 0) {
        buf_printf(out, "%s%" PRId64 " %s", *between, number, why);
        *between = ", ";
    }
}

void summary_held_why(const struct report_sums *t, struct buf *out)
{
    const char *between = "";
    held_part(out, t->blocked, "blocked by the gate", &between);
    held_part(out, t->trifles, t->trifles == 1 ? "that saves too little" : "that save too little", &between);
    held_part(out, t->held - t->blocked - t->trifles, "that cannot be written into the manifest", &between);
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
               figure_change(t->after, t->proposed, "\xe2\x88\x92", change), t->held == 1 ? "is" : "are");
    summary_held_why(t, out);
    buf_add_str(out, ").");
}

/* Windows that somebody let the run pass. */
static void overrides(const struct report *report, struct buf *out)
{
    static const char *const keys[] = {"window", "by", "at", "reason"};
    size_t index;
    json_t *override;
    json_array_foreach(json_at(report->meta.settings, "apply.overrides"), index, override)
    {
        const char *words[ARRAY_COUNT(keys)];
        for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
            const char *word = json_string_or_null(override, keys[i]);
            words[i] = word == NULL ? "?" : word;
        }
        buf_printf(out, "%sThe window %s was overridden by %s at %s: %s", index == 0 ? "" : "; ", words[0], words[1], words[2], words[3]);
    }
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

/* The rules that stand in for people; at most so many by name. */
static void rules(const struct report *report, struct buf *out)
{
    const char *rule;
    json_t *number;
    int named = 0;
    json_object_foreach(report->rules, rule, number)
    {
        buf_add_str(out, named == 0 ? "Allowed without approval: " : ", ");
        buf_printf(out, "%" JSON_INTEGER_FORMAT " by %.100s", json_integer_value(number), rule);
        if (++named == RULES_NAMED) {
            break;
        }
    }
    buf_add_str(out, named > 0 ? "." : "");
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

/* Why what has no price has none, a line a reason. */
static int unpriced_reason(const struct report *report, size_t index, struct buf *out)
{
    if (index >= report->reason_count || report->meta.kind < ARTIFACT_COSTS) {
        return 0;
    }
    const struct report_reason *reason = &report->reasons[index];
    buf_add_str(out, "Without a price: ");
    count(out, reason->count, "workload");
    buf_printf(out, ", %s (%s%s).", reason->text, reason->count > 1 ? "as " : "", reason->example);
    return 1;
}

static void uneven(const struct report *report, struct buf *out)
{
    if (report->totals.uneven > 0) {
        gap_sentence(out, report->totals.uneven,
                     "has a cost that is not the sum of its containers': the artifact was changed after it was priced.",
                     "have a cost that is not the sum of their containers': the artifact was changed after it was priced.");
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
    case 7:
        uneven(report, out);
        return 1;
    case 8:
        rules(report, out);
        return 1;
    case 9:
        overrides(report, out);
        return 1;
    default:
        return unpriced_reason(report, (size_t)index - 10, out);
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
        {"serverless", "list price of this product without nodes"},
        {"on-prem", "from the hardware of one's own"},
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

/* Pools that have prices of their own: the last one of the list is for everything else. */
static void named_pools(const json_t *price, struct buf *out)
{
    const json_t *pools = json_object_get(price, "pools");
    size_t named = json_array_size(pools) > 0 ? json_array_size(pools) - 1 : 0;
    if (named == 0) {
        return;
    }
    buf_add_char(out, ' ');
    count(out, (int64_t)named, "pool");
    buf_printf(out, " %s of %s own: ", named == 1 ? "has prices" : "have prices", named == 1 ? "its" : "their");
    for (size_t i = 0; i < named && i < POOLS_NAMED; i++) {
        const char *name = json_string_or_null(json_array_get(pools, i), "name");
        buf_printf(out, "%s%s", i == 0 ? "" : ", ", name == NULL ? "?" : name);
    }
    buf_add_str(out, named > POOLS_NAMED ? ", \xe2\x80\xa6." : ".");
}

static void share_of(struct buf *out, double percent, const char *what, const char **between)
{
    if (percent > 0) {
        buf_printf(out, "%s%.15g%%%s", *between, percent, what);
        *between = ", ";
    }
}

/* The share of the list price that is paid, of what it comes from: reserved and spot shares, discounts. */
static void paid_share(const json_t *price, struct buf *out)
{
    const json_t *terms = json_object_get(price, "terms");
    double discount = 0;
    double reserved = 0;
    double spot = 0;
    double paid = 0;
    const char *between = " ";
    (void)json_get_number(price, "discount", &discount);
    (void)json_get_number(json_object_get(terms, "reserved"), "share_ppm", &reserved);
    (void)json_get_number(json_object_get(terms, "spot"), "share_ppm", &spot);
    if ((reserved > 0 || spot > 0) && json_get_number(terms, "paid_ppm", &paid)) {
        buf_printf(out, ", which is %.15g%% of the list price:", paid / 10000);
        share_of(out, reserved / 10000, " reserved", &between);
        share_of(out, spot / 10000, " spot", &between);
        share_of(out, 100 * discount, " discount", &between);
        buf_add_char(out, '.');
    } else if (discount > 0) {
        buf_printf(out, ", after a discount of %.15g%%.", 100 * discount);
    } else {
        buf_add_str(out, ", before discounts.");
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
    paid_share(price, out);
    named_pools(price, out);
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
    const char *stored = json_string_or_null(gate, "policy_stored");
    if (from == NULL) {
        return;
    }
    buf_add_str(out, strcmp(from, "ledger") == 0
                         ? "Policy: the one stored in the ledger"
                         : "Policy: none is stored in the ledger, so the run's own file counts");
    if (stored != NULL) {
        buf_printf(out, " (%.12s)", stored);
    }
    if (digest != NULL) {
        buf_printf(out, strcmp(from, "ledger") == 0 ? "; with the run's own file %.12s" : " (%.12s)", digest);
    }
    buf_add_char(out, '.');
}

bool summary_approve(const struct report *report, struct buf *out)
{
    const struct report_meta *meta = &report->meta;
    bool waits = meta->kind == ARTIFACT_CHANGES || meta->kind == ARTIFACT_GATED;
    if (!waits || meta->run <= 0 || meta->plan == NULL || strlen(meta->plan) != DIGEST_HEX - 1 ||
        strspn(meta->plan, "0123456789abcdef") != strlen(meta->plan)) {
        return false;
    }
    buf_printf(out, "tare approve %" PRId64 " --plan %s", meta->run, meta->plan);
    return true;
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
