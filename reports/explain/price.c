#include "reports/explain/sections.h"

#include <inttypes.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/str.h"
#include "reports/explain/page.h"

/* A resource, and the members of a container's cost that tell how its money came about. */
struct resource {
    const char *label;
    const char *member; /* of requests, limits and usage */
    enum report_field field;
    const char *unit_price;
    const char *per; /* what the amount is divided by for the unit */
    struct side {
        const char *when;
        const char *billed;
        const char *cost;
        const char *waste;
    } sides[2];
};

static const struct resource resources[REPORT_RESOURCES] = {
    {"CPU",
     "cpu_millicores",
     CPU_REQUEST,
     "microusd_per_vcpu_hour",
     "millicores / 1000",
     {{"now", "cpu_billed_before_millicores", "cpu_before_microusd", "cpu_waste_before_microusd"},
      {"after", "cpu_billed_after_millicores", "cpu_after_microusd", "cpu_waste_after_microusd"}}},
    {"memory",
     "memory_bytes",
     MEMORY_REQUEST,
     "microusd_per_gib_hour",
     "bytes / 1073741824",
     {{"now", "memory_billed_before_bytes", "memory_before_microusd", "memory_waste_before_microusd"},
      {"after", "memory_billed_after_bytes", "memory_after_microusd", "memory_waste_after_microusd"}}},
};

/* A number with all the digits that a record keeps of it, so that anybody can multiply again. */
static char *digits(double number, char out[FIGURE_MAX])
{
    snprintf(out, FIGURE_MAX, "%.15g", number);
    return out;
}

static char *money_of(const json_t *object, const char *member, char out[FIGURE_MAX])
{
    int64_t money = 0;
    bool known = json_get_int(object, member, &money);
    char dollars[FIGURE_MAX];
    snprintf(out, FIGURE_MAX, "%s%s", known ? "$" : "unknown", known ? figure_dollars(money, dollars) : "");
    return out;
}

/* "max(request 500, mean use 200)"; a limit alone stands for the request. */
static void add_larger(struct buf *out, const struct report_container *container, const struct resource *resource, bool after,
                       double mean)
{
    const int64_t *fields = after ? container->next : container->now;
    int64_t request = report_effective(fields, resource->field);
    char text[FIGURE_MAX];
    if (request == REPORT_ABSENT) {
        buf_add_str(out, "max(no request, ");
    } else {
        buf_printf(out, "max(%s %" PRId64 ", ", fields[resource->field] == REPORT_ABSENT ? "limit" : "request", request);
    }
    buf_printf(out, mean >= 0 ? "mean use %s)" : "no usage known)%s", mean >= 0 ? digits(mean, text) : "");
}

/* "now: max(request 500, mean use 200) = 500 millicores / 1000 × $0.033 × 730 h × 3 = $36.135; not used, 500 − 200: $21.681". */
static void side_line(const struct explain *explain, const struct report_container *container, const json_t *cost,
                      const struct resource *resource, bool after, struct buf *out)
{
    const struct side *side = &resource->sides[after];
    const json_t *whole = json_object_get(explain->row.record, "cost");
    double mean = page_number(json_object_get(container->usage, resource->member), "mean");
    struct buf line;
    char billed[FIGURE_MAX];
    char text[FIGURE_MAX];
    buf_init(&line, 4096);
    digits(page_number(cost, side->billed), billed);
    buf_printf(&line, "%s: ", side->when);
    add_larger(&line, container, resource, after, mean);
    buf_printf(&line, " = %s %s \xc3\x97 $%s", billed, resource->per,
               figure_dollars(json_int_or(json_object_get(whole, "price"), resource->unit_price, 0), text));
    buf_printf(&line, " \xc3\x97 %" PRId64 " h \xc3\x97 %s", json_int_or(whole, "hours", 0), digits(explain->row.replicas, text));
    buf_printf(&line, " = %s; not used", money_of(cost, side->cost, text));
    if (mean >= 0) {
        buf_printf(&line, ", %s \xe2\x88\x92 %s", billed, digits(mean, text));
    }
    buf_printf(&line, ": %s", money_of(cost, side->waste, text));
    page_line(out, 4, after ? " " : resource->label, "%s", buf_str(&line));
    buf_release(&line);
}

/* The money of container `index`; the second of one name has it under "name#2". */
static const json_t *cost_of(const struct explain *explain, size_t index)
{
    const json_t *costs = json_at(explain->row.record, "cost.containers");
    const struct report_container *containers = explain->row.containers;
    int copy = 1;
    for (size_t i = 0; i < index; i++) {
        copy += str_equal(containers[i].name, containers[index].name);
    }
    char *key = xasprintf("%s#%d", containers[index].name, copy);
    const json_t *cost = json_object_get(costs, copy == 1 ? containers[index].name : key);
    free(key);
    return cost;
}

static void container_lines(const struct explain *explain, struct buf *out)
{
    for (size_t i = 0; i < explain->row.container_count; i++) {
        const struct report_container *container = &explain->row.containers[i];
        const json_t *cost = cost_of(explain, i);
        if (!json_is_object(cost) || str_equal(container->role, "init")) {
            continue;
        }
        page_line(out, 2, "", "%s", container->name);
        for (int r = 0; r < REPORT_RESOURCES; r++) {
            side_line(explain, container, cost, &resources[r], false, out);
            side_line(explain, container, cost, &resources[r], true, out);
        }
    }
}

/* The pool of the header that the price is of; NULL in artifacts of programs that wrote none. */
static const json_t *pool_of(const struct explain *explain)
{
    const char *name = json_string_or_null(json_at(explain->row.record, "cost.price"), "pool");
    size_t index;
    json_t *pool;
    json_array_foreach(json_at(explain->header, "settings.price.pools"), index, pool)
    {
        if (str_equal(json_string_or_null(pool, "name"), name)) {
            return pool;
        }
    }
    return NULL;
}

/* How the unit prices were found: the words of the price's own steps, else what the record says of it. */
static void path_lines(const struct explain *explain, struct buf *out)
{
    const json_t *price = json_at(explain->row.record, "cost.price");
    const json_t *steps = json_object_get(pool_of(explain), "steps");
    const char *pool = json_string_or_null(price, "pool");
    char dollars[2][FIGURE_MAX];
    char label[32];
    page_line(out, 2, "unit prices", "$%s a vCPU-hour, $%s a GiB-hour%s%s",
              figure_dollars(json_int_or(price, "microusd_per_vcpu_hour", 0), dollars[0]),
              figure_dollars(json_int_or(price, "microusd_per_gib_hour", 0), dollars[1]), pool == NULL ? "" : "; pool ",
              pool == NULL ? "" : pool);
    page_line(out, 2, " ", "%s %s %s, path %s, of %s, from %s", page_string(price, "provider"), page_string(price, "region"),
              page_string(price, "instance"), page_string(price, "path"),
              json_string_or_null(price, "date") == NULL ? "no date" : page_string(price, "date"),
              page_string(price, "source"));
    for (size_t i = 0; i < json_array_size(steps); i++) {
        snprintf(label, sizeof label, "%zu.", i + 1);
        page_line(out, 4, label, "%s", page_string(json_array_get(steps, i), "text"));
    }
}

/* "$40 now, $17 with the recommendation: saves $24". */
static void period_line(const json_t *cost, const char *label, const char *const members[2], const char *note, struct buf *out)
{
    int64_t before = 0;
    int64_t after = 0;
    char money[3][MONEY_TEXT];
    char exact[2][FIGURE_MAX];
    if (json_get_int(cost, members[0], &before) && json_get_int(cost, members[1], &after)) {
        page_line(out, 2, label, "%s now, %s with the recommendation: %s%s (exactly $%s and $%s%s)",
                  money_format(before, money[0]), money_format(after, money[1]),
                  after <= before ? "saves " : "costs more: ", money_format(llabs(before - after), money[2]),
                  figure_dollars(before, exact[0]), figure_dollars(after, exact[1]), note);
    }
}

static void no_price(const struct explain *explain, struct buf *out)
{
    const json_t *problems = json_object_get(explain->row.record, "problems");
    for (size_t i = 0; i < json_array_size(problems); i++) {
        const json_t *problem = json_array_get(problems, i);
        if (str_equal(json_string_or_null(problem, "code"), "unpriced")) {
            page_heading(out, "PRICE");
            page_line(out, 2, "none", "%s", report_message(problem));
        }
    }
}

void explain_price(const struct explain *explain, struct buf *out)
{
    static const char *const monthly[] = {"monthly_before_microusd", "monthly_after_microusd"};
    static const char *const annual[] = {"annual_before_microusd", "annual_after_microusd"};
    const json_t *cost = json_object_get(explain->row.record, "cost");
    char text[2][FIGURE_MAX];
    if (!explain->row.priced) {
        no_price(explain, out);
        return;
    }
    page_heading(out, "PRICE");
    period_line(cost, "monthly", monthly, "", out);
    period_line(cost, "annual", annual, ": 12 months", out);
    if (json_object_get(cost, "waste_before_microusd") != NULL) {
        page_line(out, 2, "not used", "%s of it now, %s with the recommendation",
                  money_of(cost, "waste_before_microusd", text[0]), money_of(cost, "waste_after_microusd", text[1]));
    }
    page_line(out, 2, "formula",
              "the larger of request and mean use \xc3\x97 unit price \xc3\x97 hours \xc3\x97 replicas (%s in the mean), rounded "
              "once to the micro-dollar; sums are of those",
              digits(explain->row.replicas, text[0]));
    container_lines(explain, out);
    path_lines(explain, out);
}
