/* Change windows: openings over DST changes, midnight, leap days and year ends; allow and deny; next
 * openings; overrides; the defects of Argo CD and kured as named cases; what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/run/window.h"

static int64_t at(const char *text)
{
    int64_t instant = 0;
    struct err err = {0};
    if (time_parse(text, &instant, &err)) {
        fail_msg("%s: %s", text, err.message);
    }
    return instant;
}

static json_t *list_of(const char *text)
{
    json_error_t where;
    json_t *list = json_loads(text, 0, &where);
    if (list == NULL) {
        fail_msg("%s: %s", text, where.text);
    }
    return list;
}

static void add(struct window_set *set, const char *text)
{
    struct err err = {0};
    json_t *list = list_of(text);
    if (window_set_add(set, list, NULL, "tare.yaml", &err)) {
        fail_msg("%s", err.message);
    }
    json_decref(list);
}

/* One schedule, one instant: is the window open? */
struct open_case {
    const char *zone;
    const char *schedule;
    const char *duration;
    const char *instant;
    bool open;
};

static const struct open_case open_cases[] = {
    /* start included, end excluded (Argo CD leaves the start instant out) */
    {"UTC", "0 22 * * *", "6h", "2026-11-20T21:59:59Z", false},
    {"UTC", "0 22 * * *", "6h", "2026-11-20T22:00:00Z", true},
    {"UTC", "0 22 * * *", "6h", "2026-11-21T03:59:59Z", true},
    {"UTC", "0 22 * * *", "6h", "2026-11-21T04:00:00Z", false},
    /* midnight: the window belongs to its opening day (kured loses Friday night after 00:00) */
    {"UTC", "0 22 * * 5", "6h", "2026-11-20T23:30:00Z", true},
    {"UTC", "0 22 * * 5", "6h", "2026-11-21T00:00:00Z", true},
    {"UTC", "0 22 * * 5", "6h", "2026-11-21T03:59:59Z", true},
    {"UTC", "0 22 * * 5", "6h", "2026-11-22T01:00:00Z", false},
    {"UTC", "0 22 * * 5", "6h", "2026-11-20T01:00:00Z", false},
    /* Argo CD uses today's offset for the whole look-back: a window across a change is off by an hour */
    {"Europe/Berlin", "0 22 * * 6", "8h", "2026-03-28T20:59:59Z", false},
    {"Europe/Berlin", "0 22 * * 6", "8h", "2026-03-28T21:00:00Z", true},
    {"Europe/Berlin", "0 22 * * 6", "8h", "2026-03-29T04:59:59Z", true},
    {"Europe/Berlin", "0 22 * * 6", "8h", "2026-03-29T05:00:00Z", false},
    {"Europe/Berlin", "0 22 * * 6", "8h", "2026-10-24T19:59:59Z", false},
    {"Europe/Berlin", "0 22 * * 6", "8h", "2026-10-24T20:00:00Z", true},
    {"Europe/Berlin", "0 22 * * 6", "8h", "2026-10-25T03:59:59Z", true},
    {"Europe/Berlin", "0 22 * * 6", "8h", "2026-10-25T04:00:00Z", false},
    /* a start that the clocks skip: the first instant after */
    {"Europe/Berlin", "30 2 * * *", "1h", "2026-03-29T00:59:59Z", false},
    {"Europe/Berlin", "30 2 * * *", "1h", "2026-03-29T01:00:00Z", true},
    {"Europe/Berlin", "30 2 * * *", "1h", "2026-03-29T01:59:59Z", true},
    {"Europe/Berlin", "30 2 * * *", "1h", "2026-03-29T02:00:00Z", false},
    /* a start that comes twice: the first */
    {"Europe/Berlin", "30 2 * * *", "30m", "2026-10-25T00:30:00Z", true},
    {"Europe/Berlin", "30 2 * * *", "30m", "2026-10-25T01:00:00Z", false},
    {"Europe/Berlin", "30 2 * * *", "30m", "2026-10-25T01:30:00Z", false},
    {"Europe/Berlin", "30 2 * * *", "2h", "2026-10-25T02:29:59Z", true},
    {"Europe/Berlin", "30 2 * * *", "2h", "2026-10-25T02:30:00Z", false},
    {"America/New_York", "0 1 * * 0", "3h", "2026-03-08T06:00:00Z", true},
    {"America/New_York", "0 1 * * 0", "3h", "2026-03-08T08:59:59Z", true},
    {"America/New_York", "0 1 * * 0", "3h", "2026-03-08T09:00:00Z", false},
    {"America/New_York", "30 1 * * 0", "1h", "2026-11-01T05:29:59Z", false},
    {"America/New_York", "30 1 * * 0", "1h", "2026-11-01T05:30:00Z", true},
    {"America/New_York", "30 1 * * 0", "1h", "2026-11-01T06:30:00Z", false},
    {"Australia/Lord_Howe", "15 2 * * *", "20m", "2026-10-03T15:30:00Z", true},
    {"Australia/Lord_Howe", "15 2 * * *", "20m", "2026-10-03T15:50:00Z", false},
    {"Australia/Lord_Howe", "45 1 * * *", "20m", "2026-04-04T14:45:00Z", true},
    {"Australia/Lord_Howe", "45 1 * * *", "20m", "2026-04-04T15:15:00Z", false},
    {"Pacific/Auckland", "0 2 * * 0", "2h", "2026-09-26T14:00:00Z", true},
    {"Pacific/Auckland", "0 2 * * 0", "2h", "2026-09-26T15:59:59Z", true},
    {"Pacific/Auckland", "0 2 * * 0", "2h", "2026-09-26T16:00:00Z", false},
    {"Pacific/Auckland", "0 2 * * 0", "2h", "2026-04-04T13:00:00Z", true},
    {"Pacific/Auckland", "0 2 * * 0", "2h", "2026-04-04T12:59:59Z", false},
    {"Asia/Beirut", "0 0 * * *", "1h", "2026-03-28T21:59:59Z", false},
    {"Asia/Beirut", "0 0 * * *", "1h", "2026-03-28T22:00:00Z", true},
    {"Asia/Kolkata", "30 5 * * 1-5", "1h", "2026-11-20T00:00:00Z", true},
    {"Asia/Kolkata", "30 5 * * 1-5", "1h", "2026-11-21T00:00:00Z", false},
    /* leap day, months' ends, year's end */
    {"UTC", "0 0 29 2 *", "1d", "2028-02-29T23:59:59Z", true},
    {"UTC", "0 0 29 2 *", "1d", "2028-03-01T00:00:00Z", false},
    {"UTC", "0 0 29 2 *", "1d", "2027-03-01T00:00:00Z", false},
    {"UTC", "0 12 28 2 *", "2d", "2027-03-02T11:59:59Z", true},
    {"UTC", "0 12 28 2 *", "2d", "2028-03-01T12:00:00Z", false},
    {"Europe/Berlin", "0 22 31 12 *", "4h", "2026-12-31T21:00:00Z", true},
    {"Europe/Berlin", "0 22 31 12 *", "4h", "2027-01-01T00:59:59Z", true},
    {"Europe/Berlin", "0 22 31 12 *", "4h", "2027-01-01T01:00:00Z", false},
    {"UTC", "0 0 20 12 *", "14d", "2027-01-02T23:59:59Z", true},
    {"UTC", "0 0 20 12 *", "14d", "2027-01-03T00:00:00Z", false},
    {"UTC", "0 0 1 * *", "31d", "2026-03-03T23:59:59Z", true},
    /* both day fields: the 13th and every Friday */
    {"UTC", "0 0 13 * 5", "1d", "2026-11-06T12:00:00Z", true},
    {"UTC", "0 0 13 * 5", "1d", "2026-12-13T12:00:00Z", true},
    {"UTC", "0 0 13 * 5", "1d", "2026-12-14T00:00:00Z", false},
    /* openings that overlap: the last one counts */
    {"UTC", "0 */4 * * *", "5h", "2026-11-20T08:30:00Z", true},
    {"UTC", "*/5 * * * *", "2m", "2026-11-20T08:06:59Z", true},
    {"UTC", "*/5 * * * *", "2m", "2026-11-20T08:07:00Z", false},
    /* years past the stored transitions */
    {"Europe/Berlin", "0 22 * * *", "6h", "2090-07-01T19:59:59Z", false},
    {"Europe/Berlin", "0 22 * * *", "6h", "2090-07-01T20:00:00Z", true},
    {"Europe/Berlin", "0 22 * * *", "6h", "2090-01-01T21:00:00Z", true},
};

static void test_open(void **state)
{
    (void)state;
    assert_true(ARRAY_COUNT(open_cases) >= 60);
    for (size_t i = 0; i < ARRAY_COUNT(open_cases); i++) {
        const struct open_case *c = &open_cases[i];
        struct window_set *set = window_set_new();
        json_t *list = json_pack("[{s:s,s:s,s:s,s:s,s:s}]", "name", "w", "kind", "allow", "schedule",
                                 c->schedule, "duration", c->duration, "timezone", c->zone);
        struct err err = {0};
        if (window_set_add(set, list, NULL, "t", &err)) {
            fail_msg("%s", err.message);
        }
        struct window_verdict verdict;
        window_judge(set, NULL, at(c->instant), NULL, &verdict);
        if (verdict.allowed != c->open) {
            fail_msg("%s \"%s\" for %s at %s: got %s", c->zone, c->schedule, c->duration, c->instant,
                     verdict.allowed ? "open" : "closed");
        }
        json_decref(list);
        window_set_free(set);
    }
}

/* A set of windows, a subject, an instant: verdict and next opening. */
struct verdict_case {
    const char *windows;
    const char *namespace;
    const char *instant;
    bool allowed;
    const char *next; /* where denied; "never" */
};

#define NIGHTS \
    "{\"name\":\"nights\",\"kind\":\"allow\",\"schedule\":\"0 22 * * 1-5\",\"duration\":\"6h\"," \
    "\"timezone\":\"Europe/Berlin\",\"namespaces\":[\"prod-*\"]}"
#define FREEZE \
    "{\"name\":\"freeze\",\"kind\":\"deny\",\"start\":\"2026-12-20T00:00:00+01:00\"," \
    "\"end\":\"2027-01-03T00:00:00+01:00\",\"override\":true}"
#define LUNCH "{\"name\":\"lunch\",\"kind\":\"deny\",\"schedule\":\"0 12 * * *\",\"duration\":3600}"
#define AFTER "{\"name\":\"after lunch\",\"kind\":\"deny\",\"schedule\":\"0 13 * * *\",\"duration\":1800}"
#define ALWAYS "{\"name\":\"always\",\"kind\":\"deny\",\"schedule\":\"0 0 * * *\",\"duration\":\"1d\"}"

static const struct verdict_case verdict_cases[] = {
    {"[]", "shop", "2026-11-20T12:00:00Z", true, NULL},
    {"[" NIGHTS "]", "shop", "2026-11-20T12:00:00Z", true, NULL},
    {"[" NIGHTS "]", "prod-eu", "2026-11-20T12:00:00Z", false, "2026-11-20T21:00:00Z"},
    {"[" NIGHTS "]", "prod-eu", "2026-11-20T21:00:00Z", true, NULL},
    {"[" NIGHTS "]", "prod-eu", "2026-11-21T12:00:00Z", false, "2026-11-23T21:00:00Z"},
    {"[" NIGHTS "]", "prod-eu", "2026-03-28T12:00:00Z", false, "2026-03-30T20:00:00Z"},
    {"[" LUNCH "]", "shop", "2026-11-20T11:59:59Z", true, NULL},
    {"[" LUNCH "]", "shop", "2026-11-20T12:00:00Z", false, "2026-11-20T13:00:00Z"},
    {"[" LUNCH "]", "shop", "2026-11-20T13:00:00Z", true, NULL},
    {"[" LUNCH "," AFTER "]", "shop", "2026-11-20T12:00:00Z", false, "2026-11-20T13:30:00Z"},
    {"[" NIGHTS "," FREEZE "]", "prod-eu", "2026-12-21T23:00:00Z", false, "2027-01-04T21:00:00Z"},
    {"[" NIGHTS "," FREEZE "]", "shop", "2026-12-21T23:00:00Z", false, "2027-01-02T23:00:00Z"},
    {"[" FREEZE "]", "shop", "2026-12-19T23:00:00Z", false, "2027-01-02T23:00:00Z"},
    {"[" FREEZE "]", "shop", "2026-12-19T22:59:59Z", true, NULL},
    {"[" FREEZE "]", "shop", "2027-01-02T23:00:00Z", true, NULL},
    {"[" ALWAYS "]", "shop", "2026-11-20T12:00:00Z", false, "never"},
    {"[" NIGHTS "," ALWAYS "]", "prod-eu", "2026-11-20T22:00:00Z", false, "never"},
    /* the allow window is already open when the deny ends */
    {"[{\"name\":\"day\",\"kind\":\"allow\",\"schedule\":\"0 8 * * *\",\"duration\":\"10h\"}," LUNCH "]",
     "shop", "2026-11-20T12:30:00Z", false, "2026-11-20T13:00:00Z"},
    /* a deny over the whole of the next allow: the one after it */
    {"[{\"name\":\"am\",\"kind\":\"allow\",\"schedule\":\"0 8 * * *\",\"duration\":\"1h\"},"
     "{\"name\":\"d\",\"kind\":\"deny\",\"start\":\"2026-11-21T07:00:00Z\",\"end\":\"2026-11-21T10:00:00Z\"}"
     "]",
     "shop", "2026-11-20T12:00:00Z", false, "2026-11-22T08:00:00Z"},
    /* an allow that never comes again */
    {"[{\"name\":\"once\",\"kind\":\"allow\",\"start\":\"2026-01-01T00:00:00Z\",\"end\":\"2026-01-02T00:00:"
     "00Z\"}]",
     "shop", "2026-11-20T12:00:00Z", false, "never"},
};

static void test_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(verdict_cases); i++) {
        const struct verdict_case *c = &verdict_cases[i];
        struct window_set *set = window_set_new();
        add(set, c->windows);
        struct window_subject subject = {"c", c->namespace, NULL};
        struct window_verdict verdict;
        window_judge(set, &subject, at(c->instant), NULL, &verdict);
        char next[RFC3339_MAX] = "never";
        if (verdict.has_next) {
            time_format(verdict.next_opening, next);
        }
        assert_true(verdict.reason[0] != '\0');
        if (verdict.allowed != c->allowed || (!c->allowed && strcmp(next, c->next) != 0)) {
            fail_msg("case %zu: %s at %s: got %s, next %s", i, c->namespace, c->instant,
                     verdict.allowed ? "allowed" : "denied", next);
        }
        window_set_free(set);
    }
}

/* The next opening is allowed and the second before it is not, from many instants. */
static void test_next_opening_is_exact(void **state)
{
    (void)state;
    struct window_set *set = window_set_new();
    add(set, "[" NIGHTS "," FREEZE "," LUNCH "]");
    add(set, "[{\"name\":\"own\",\"kind\":\"allow\",\"schedule\":\"30 20 * * *\",\"duration\":\"90m\","
             "\"timezone\":\"America/New_York\"}," AFTER "]");
    struct window_subject subject = {"c", "prod-x", NULL};
    for (int64_t t = at("2026-10-20T00:00:00Z"); t < at("2027-01-20T00:00:00Z"); t += 13 * 3600 + 7) {
        struct window_verdict verdict;
        window_judge(set, &subject, t, NULL, &verdict);
        if (verdict.allowed) {
            continue;
        }
        assert_true(verdict.has_next && verdict.next_opening > t);
        struct window_verdict then;
        window_judge(set, &subject, verdict.next_opening, NULL, &then);
        assert_true(then.allowed);
        for (int64_t before = verdict.next_opening - 1; before > t; before -= 1201) {
            window_judge(set, &subject, before, NULL, &then);
            assert_false(then.allowed);
        }
    }
    window_set_free(set);
}

static void test_selectors(void **state)
{
    (void)state;
    struct window_set *set = window_set_new();
    add(set, "[{\"name\":\"d\",\"kind\":\"deny\",\"start\":\"2026-01-01T00:00:00Z\",\"end\":\"2027-01-01T00:"
             "00:00Z\","
             "\"namespaces\":[\"pay\",\"prod-*\"],\"clusters\":[\"eu-?\"],\"labels\":{\"tier\":\"gold\"}}]");
    static const struct {
        const char *cluster, *namespace, *tier;
        bool denied;
    } cases[] = {{"eu-1", "pay", "gold", true},   {"eu-1", "prod-a", "gold", true},
                 {"eu-10", "pay", "gold", false}, {"eu-1", "pay", "tin", false},
                 {"eu-1", "pay", NULL, false},    {"eu-1", "shop", "gold", false},
                 {NULL, "pay", "gold", false},    {"eu-1", "payx", "gold", false}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        json_t *labels = cases[i].tier == NULL ? NULL : json_pack("{s:s}", "tier", cases[i].tier);
        struct window_subject subject = {cases[i].cluster, cases[i].namespace, labels};
        struct window_verdict verdict;
        window_judge(set, &subject, at("2026-06-01T00:00:00Z"), NULL, &verdict);
        assert_int_equal(!verdict.allowed, cases[i].denied);
        json_decref(labels);
    }
    window_set_free(set);
}

/* A record without a cluster is one of the cluster "default", for windows as for rules. */
static void test_no_cluster(void **state)
{
    (void)state;
    static const struct {
        const char *clusters;
        bool denied;
    } cases[] = {{"*", true}, {"default", true}, {"def*", true}, {"eu-1", false}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct window_set *set = window_set_new();
        struct window_subject subject = {NULL, "shop", NULL};
        struct window_verdict verdict;
        char *text = xasprintf("[{\"name\":\"d\",\"kind\":\"deny\",\"start\":\"2026-01-01T00:00:00Z\","
                               "\"end\":\"2027-01-01T00:00:00Z\",\"clusters\":[\"%s\"]}]",
                               cases[i].clusters);
        add(set, text);
        window_judge(set, &subject, at("2026-06-01T00:00:00Z"), NULL, &verdict);
        assert_int_equal(!verdict.allowed, cases[i].denied);
        free(text);
        window_set_free(set);
    }
}

static void test_override(void **state)
{
    (void)state;
    struct window_set *set = window_set_new();
    add(set, "[" FREEZE "," NIGHTS "]");
    struct window_subject shop = {"c", "shop", NULL};
    struct window_subject prod = {"c", "prod-a", NULL};
    struct window_verdict verdict;
    window_judge(set, &shop, at("2026-12-25T12:00:00Z"), "freeze", &verdict);
    assert_true(verdict.allowed && verdict.overridden);
    window_judge(set, &shop, at("2026-12-25T12:00:00Z"), "nights", &verdict);
    assert_false(verdict.allowed);
    /* an override opens no allow window */
    window_judge(set, &prod, at("2026-12-25T12:00:00Z"), "freeze", &verdict);
    assert_false(verdict.allowed);
    window_judge(set, &prod, at("2026-12-24T22:00:00Z"), "freeze", &verdict);
    assert_true(verdict.allowed && verdict.overridden);
    /* another active deny that does not permit it, also of another group */
    add(set, "[" LUNCH "]");
    window_judge(set, &shop, at("2026-12-25T12:30:00Z"), "freeze", &verdict);
    assert_false(verdict.allowed);
    window_judge(set, &shop, at("2026-12-25T13:30:00Z"), "freeze", &verdict);
    assert_true(verdict.allowed);
    struct err err = {0};
    assert_int_equal(window_may_override(set, "freeze", &err), 0);
    assert_int_equal(window_may_override(set, "lunch", &err), -1);
    assert_int_equal(err.class, ERR_REFUSED);
    assert_int_equal(window_may_override(set, "frieze", &err), -1);
    window_set_free(set);
}

static void test_overrun(void **state)
{
    (void)state;
    struct window_set *set = window_set_new();
    add(set, "[{\"name\":\"a\",\"kind\":\"allow\",\"schedule\":\"0 8 * * "
             "*\",\"duration\":\"1h\",\"on_overrun\":\"finish\"},"
             "{\"name\":\"d\",\"kind\":\"deny\",\"schedule\":\"30 8 * * "
             "*\",\"duration\":\"10m\",\"on_overrun\":\"rollback\"},"
             "{\"name\":\"e\",\"kind\":\"deny\",\"schedule\":\"35 8 * * *\",\"duration\":\"10m\"}]");
    struct window_verdict verdict;
    window_judge(set, NULL, at("2026-11-20T09:00:00Z"), NULL, &verdict);
    assert_int_equal(verdict.overrun, OVERRUN_FINISH);
    window_judge(set, NULL, at("2026-11-20T08:36:00Z"), NULL, &verdict);
    assert_int_equal(verdict.overrun, OVERRUN_ROLLBACK);
    window_judge(set, NULL, at("2026-11-20T08:42:00Z"), NULL, &verdict);
    assert_int_equal(verdict.overrun, OVERRUN_STOP);
    window_set_free(set);
}

static void test_report(void **state)
{
    (void)state;
    struct window_set *set = window_set_new();
    add(set, "[" LUNCH "," FREEZE "]");
    json_t *report = window_report(set, NULL, NULL, at("2026-11-20T12:30:00Z"), at("2026-11-23T00:00:00Z"));
    char *text = json_dumps(report, JSON_COMPACT | JSON_SORT_KEYS);
    assert_non_null(strstr(text, "\"verdict\":\"denied\""));
    assert_non_null(strstr(text, "\"next_opening\":\"2026-11-20T13:00:00Z\""));
    const json_t *windows = json_object_get(report, "windows");
    assert_int_equal(json_array_size(windows), 2);
    const json_t *lunch = json_array_get(windows, 0);
    assert_true(json_is_true(json_object_get(lunch, "active")));
    assert_string_equal(json_string_value(json_object_get(lunch, "opens")), "2026-11-20T12:00:00Z");
    assert_int_equal(json_array_size(json_object_get(lunch, "openings")), 2);
    const json_t *freeze = json_array_get(windows, 1);
    assert_false(json_is_true(json_object_get(freeze, "active")));
    assert_string_equal(json_string_value(json_object_get(freeze, "closes")), "2027-01-02T23:00:00Z");
    assert_int_equal(json_array_size(json_object_get(freeze, "openings")), 0);
    free(text);
    json_decref(report);
    window_set_free(set);
}

/* Refused configurations: the window, and what the message must name. */
struct bad_case {
    const char *windows;
    const char *named;
};

static const struct bad_case bad_cases[] = {
    {"{}", "windows"},
    {"[1]", "windows[0]"},
    {"[{}]", "windows[0].name"},
    {"[{\"name\":\"\",\"kind\":\"deny\"}]", "windows[0].name"},
    {"[{\"name\":\"a\"}]", "windows[0].kind"},
    {"[{\"name\":\"a\",\"kind\":\"deni\"}]", "windows[0].kind"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"shedule\":\"* * * * *\"}]", "windows[0].shedule"},
    {"[{\"name\":\"a\",\"kind\":\"deny\"}]", "windows[0].schedule"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"schedule\":\"0 25 * * *\",\"duration\":60}]",
     "windows[0].schedule"},
    {"[" LUNCH ",{\"name\":\"a\",\"kind\":\"deny\",\"schedule\":\"@daily\",\"duration\":60}]",
     "windows[1].schedule"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"schedule\":\"0 2 * * *\"}]", "windows[0].duration"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"schedule\":\"0 2 * * *\",\"duration\":0}]", "windows[0].duration"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"schedule\":\"0 2 * * *\",\"duration\":-60}]",
     "windows[0].duration"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"schedule\":\"0 2 * * *\",\"duration\":2678401}]",
     "windows[0].duration"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"schedule\":\"0 2 * * *\",\"duration\":\"1 day\"}]",
     "windows[0].duration"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"schedule\":\"0 2 * * "
     "*\",\"duration\":60,\"timezone\":\"Mars/Base\"}]",
     "windows[0].timezone"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"schedule\":\"0 2 * * *\",\"duration\":60,\"timezone\":7}]",
     "windows[0].timezone"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"start\":\"2026-12-20\",\"end\":\"2026-12-21T00:00:00Z\"}]",
     "windows[0].start"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"start\":\"2026-12-20T00:00:00Z\"}]", "windows[0].end"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"start\":\"2026-12-20T00:00:00Z\",\"end\":\"2026-12-20T00:00:00Z\"}"
     "]",
     "windows[0].end"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"start\":\"2026-12-20T00:00:00Z\",\"end\":\"2026-12-21T00:00:00Z\","
     "\"duration\":60}]",
     "windows[0].duration"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"calendar\":\"freeze.ics\"}]", "windows[0].calendar"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"schedule\":\"0 2 * * "
     "*\",\"duration\":60,\"namespaces\":\"prod\"}]",
     "windows[0].namespaces"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"schedule\":\"0 2 * * *\",\"duration\":60,\"clusters\":[3]}]",
     "windows[0].clusters"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"schedule\":\"0 2 * * *\",\"duration\":60,\"labels\":{\"a\":1}}]",
     "windows[0].labels"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"schedule\":\"0 2 * * *\",\"duration\":60,\"override\":\"yes\"}]",
     "windows[0].override"},
    {"[{\"name\":\"a\",\"kind\":\"deny\",\"schedule\":\"0 2 * * "
     "*\",\"duration\":60,\"on_overrun\":\"wait\"}]",
     "windows[0].on_overrun"},
    {"[" LUNCH "," LUNCH "]", "windows[1].name"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad_cases); i++) {
        struct window_set *set = window_set_new();
        json_t *list = list_of(bad_cases[i].windows);
        struct err err = {0};
        if (window_set_add(set, list, NULL, "tare.yaml", &err) == 0) {
            fail_msg("%s was taken", bad_cases[i].windows);
        }
        assert_int_equal(err.class, ERR_CONFIG);
        if (strstr(err.message, bad_cases[i].named) == NULL || strncmp(err.message, "tare.yaml: ", 11) != 0) {
            fail_msg("%s: %s", bad_cases[i].windows, err.message);
        }
        json_decref(list);
        window_set_free(set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_next_opening_is_exact),
        cmocka_unit_test(test_selectors),
        cmocka_unit_test(test_no_cluster),
        cmocka_unit_test(test_override),
        cmocka_unit_test(test_overrun),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
