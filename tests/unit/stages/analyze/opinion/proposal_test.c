/* Somebody's own amounts: bad files are refused, every amount ends inside its bounds or where it was, what was not asked about stays, and
 * whatever did not come through is told. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/str.h"
#include "stages/analyze/advice/clamps.h"
#include "stages/analyze/opinion/proposal.h"
#include "tests/unit/stages/analyze/opinion/opinion_builder.h"

static int open_text(const char *text, struct proposal **out, struct err *err)
{
    char path[] = "/tmp/tare-proposal-test.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int failed = proposal_open(path, out, err);
    unlink(path);
    return failed;
}

#define FILE_OF(containers) "{\"workload\":\"shop/Deployment/cart\",\"reason\":\"load test\",\"by\":\"ann\",\"containers\":[" containers "]}"

static void bad_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } bads[] = {
        {"", "valid JSON"},
        {"[]", "lacks its workload"},
        {"{\"workload\":\"a/b/c\"}", "lacks its workload or its reason"},
        {"{\"workload\":\"a/b/c\",\"reason\":\"\",\"containers\":[]}", "reason"},
        {"{\"workload\":\"a/b/c\",\"reason\":\"x\",\"containers\":[]}", "1 to"},
        {"{\"workload\":\"a/b/c\",\"reason\":\"x\",\"containers\":{}}", "1 to"},
        {FILE_OF("7"), "no name"},
        {FILE_OF("{\"name\":\"\"}"), "no name"},
        {FILE_OF("{\"name\":\"app\"}"), "nothing for the container app"},
        {FILE_OF("{\"name\":\"app\",\"cpu_request_millicores\":null}"), "nothing"},
        {FILE_OF("{\"name\":\"app\",\"cpu_request_millicores\":0}"), "above 0"},
        {FILE_OF("{\"name\":\"app\",\"cpu_request_millicores\":-3}"), "above 0"},
        {FILE_OF("{\"name\":\"app\",\"cpu_request_millicores\":1.5}"), "whole number"},
        {FILE_OF("{\"name\":\"app\",\"cpu_request_millicores\":\"300m\"}"), "whole number"},
        {FILE_OF("{\"name\":\"app\",\"memory_limit_bytes\":9223372036854775807}"), "whole number"},
        {FILE_OF("{\"name\":\"app\",\"cpu_limit_millicores\":1},{\"name\":\"app\",\"cpu_limit_millicores\":1}"), "twice"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(bads); i++) {
        struct proposal *proposal = NULL;
        struct err err = {0};
        if (open_text(bads[i].text, &proposal, &err) == 0 || strstr(err.message, bads[i].reason) == NULL) {
            fail_msg("%zu: %s", i, err.message);
        }
    }
    struct proposal *proposal = NULL;
    struct err err = {0};
    assert_int_equal(proposal_open("/nonexistent/file", &proposal, &err), -1);
    assert_int_equal(err.class, ERR_NOINPUT);
}

/* Amounts that are tried for each field; 0: not asked. */
static const long long tried[] = {0, 1, 33, 120, 161, 333, 500, 501, 2000, 4000000000000000LL};

static struct proposal *proposal_of(const long long amounts[FIELDS])
{
    char text[600];
    struct proposal *proposal = NULL;
    struct err err = {0};
    char parts[FIELDS][80];
    static const char *const names[FIELDS] = {"cpu_request_millicores", "memory_request_bytes", "cpu_limit_millicores", "memory_limit_bytes"};
    for (int f = 0; f < FIELDS; f++) {
        parts[f][0] = '\0';
        if (amounts[f] > 0) {
            snprintf(parts[f], sizeof parts[f], ",\"%s\":%lld", names[f], amounts[f]);
        }
    }
    snprintf(text, sizeof text, FILE_OF("{\"name\":\"app\"%s%s%s%s}"), parts[0], parts[1], parts[2], parts[3]);
    assert_int_equal(open_text(text, &proposal, &err), 0);
    return proposal;
}

static const json_t *clamp_of(const json_t *clamps, const char *field)
{
    size_t index;
    json_t *clamp;
    json_array_foreach(clamps, index, clamp)
    {
        if (str_equal(json_string_or_null(clamp, "field"), field)) {
            return clamp;
        }
    }
    return NULL;
}

/* One field after it was settled. */
static void check_field(const struct plan *plan, enum field f, long long asked, bool beside_asked, const json_t *clamps)
{
    const struct field_plan *field = &plan->containers[0].fields[f];
    int64_t after = field_after(field);
    if (field->value >= 0 && (field->value < field->min || field->value > field->max)) {
        fail_msg("%s: %lld is outside %lld to %lld", field_name(f), (long long)field->value, (long long)field->min, (long long)field->max);
    }
    if (asked > 0 && after != asked && clamp_of(clamps, field_name(f)) == NULL) {
        fail_msg("%s: %lld was asked, %lld came of it, and nobody is told", field_name(f), asked, (long long)after);
    }
    if (asked > 0 && !beside_asked && field->effective > 0 && after > 0 && after != asked && !plan->lock &&
        ((asked >= field->effective && after < field->effective) || (asked <= field->effective && after > field->effective))) {
        fail_msg("%s: %lld was asked over %lld, and it went the other way to %lld", field_name(f), asked, (long long)field->effective,
                 (long long)after);
    }
    if (asked == 0 && !beside_asked && (field->value >= 0 || field->remove)) {
        fail_msg("%s: nobody asked, and it changes", field_name(f));
    }
}

static void one_case(const struct made_container *container, enum limits_policy limits, const long long amounts[FIELDS])
{
    struct made_plan made;
    struct opinion opinion;
    made_plan_init(&made, *container);
    made.policy.limits[CPU] = made.policy.limits[MEMORY] = limits;
    plan_make(&made.subject, &made.policy, &made.arena, &made.plan);
    plan_settle(&made.plan);
    struct proposal *proposal = proposal_of(amounts);
    proposal_settle(proposal, &made.plan, &opinion);
    json_t *clamps = clamps_new(&made.plan);
    assert_string_equal(opinion.source, "proposal");
    assert_string_equal(opinion.proposed_by, "ann");
    for (int f = 0; f < FIELDS; f++) {
        bool beside = amounts[FIELD_OF(FIELD_RESOURCE(f), !FIELD_IS_LIMIT(f))] > 0; /* request and limit hold each other */
        check_field(&made.plan, (enum field)f, amounts[f], beside, clamps);
    }
    assert_int_equal(proposal_finish(proposal, NULL), 0);
    json_decref(clamps);
    proposal_free(proposal);
    made_plan_release(&made);
}

static void nothing_escapes_its_bounds(void **state)
{
    (void)state;
    static const struct made_container containers[] = {
        {.cpu_request = 500, .cpu_limit = UNSET, .memory_request = MI(512), .memory_limit = MI(512)},
        {.cpu_request = 500, .cpu_limit = 1000, .memory_request = MI(512), .memory_limit = MI(1024)},
        {.cpu_request = 500, .cpu_limit = 500, .memory_request = MI(512), .memory_limit = MI(512)}, /* Guaranteed */
        {.cpu_request = UNSET, .cpu_limit = UNSET, .memory_request = UNSET, .memory_limit = UNSET},
        {.cpu_request = 50, .cpu_limit = 100, .memory_request = MI(64), .memory_limit = MI(128)},
        {.cpu_request = UNSET, .cpu_limit = 1000, .memory_request = UNSET, .memory_limit = MI(512)},
    };
    static const enum limits_policy policies[] = {LIMITS_KEEP, LIMITS_REMOVE, LIMITS_RATIO, LIMITS_HEADROOM};
    for (size_t c = 0; c < ARRAY_COUNT(containers); c++) {
        for (size_t i = 0; i < ARRAY_COUNT(tried) * ARRAY_COUNT(tried); i++) {
            long long a = tried[i % ARRAY_COUNT(tried)];
            long long b = tried[i / ARRAY_COUNT(tried)];
            long long cpu[FIELDS] = {a, 0, b, 0};
            long long memory[FIELDS] = {0, a > 4000000 ? a : a * (long long)MIB, 0, b > 4000000 ? b : b * (long long)MIB};
            if (a > 0 || b > 0) {
                one_case(&containers[c], policies[i % ARRAY_COUNT(policies)], cpu);
                one_case(&containers[c], policies[(i + c) % ARRAY_COUNT(policies)], memory);
            }
        }
    }
}

static void an_amount_inside_comes_through(void **state)
{
    (void)state;
    struct made_plan made;
    struct opinion opinion;
    made_plan_init(&made, oversized);
    const struct field_plan *field = &made.plan.containers[0].fields[CPU_REQUEST];
    long long inside = (long long)field->min + 7; /* no amount that rounding gives */
    assert_true(inside < field->max);
    const long long amounts[FIELDS] = {inside, 0, 0, 0};
    struct proposal *proposal = proposal_of(amounts);
    proposal_settle(proposal, &made.plan, &opinion);
    assert_int_equal(field->value, inside);
    json_t *clamps = clamps_new(&made.plan);
    assert_int_equal(json_array_size(clamps), 0);
    assert_true(opinion.disagreement > 0);
    json_decref(clamps);
    proposal_free(proposal);
    made_plan_release(&made);
}

static void other_workloads_stay(void **state)
{
    (void)state;
    struct made_plan made;
    struct opinion opinion;
    struct proposal *proposal = NULL;
    struct err err = {0};
    made_plan_init(&made, oversized);
    assert_true(plan_changes(&made.plan));
    assert_int_equal(open_text("{\"workload\":\"shop/Deployment/web\",\"reason\":\"x\",\"containers\":[{\"name\":\"app\","
                               "\"cpu_request_millicores\":100}]}", &proposal, &err), 0);
    proposal_settle(proposal, &made.plan, &opinion);
    assert_false(plan_changes(&made.plan));
    assert_null(opinion.proposed_by);
    assert_true(str_starts(opinion.reasoning, "Not part of this proposal"));
    assert_int_equal(proposal_finish(proposal, &err), -1);
    assert_non_null(strstr(err.message, "has no workload shop/Deployment/web"));
    proposal_free(proposal);
    made_plan_release(&made);
}

static void one_workload_is_meant(void **state)
{
    (void)state;
    struct opinion opinion;
    struct err err = {0};
    struct proposal *proposal = NULL;
    assert_int_equal(open_text(FILE_OF("{\"name\":\"app\",\"cpu_request_millicores\":300},{\"name\":\"web\",\"cpu_request_millicores\":1}"),
                               &proposal, &err), 0);
    struct made_plan made;
    made_plan_init(&made, oversized);
    proposal_settle(proposal, &made.plan, &opinion);
    assert_int_equal(proposal_finish(proposal, &err), -1);
    assert_non_null(strstr(err.message, "has no container web"));
    proposal_free(proposal);
    err = (struct err){0};
    assert_int_equal(open_text(FILE_OF("{\"name\":\"app\",\"cpu_request_millicores\":300}"), &proposal, &err), 0);
    for (int i = 0; i < 2; i++) {
        proposal_settle(proposal, &made.plan, &opinion);
    }
    assert_int_equal(proposal_finish(proposal, &err), -1);
    assert_non_null(strstr(err.message, "more than once"));
    json_t *settings = json_object();
    proposal_settings(proposal, settings);
    assert_int_equal(strlen(json_string_or_null(settings, "proposal_sha256")), 64);
    json_decref(settings);
    proposal_free(proposal);
    made_plan_release(&made);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_files_are_refused), cmocka_unit_test(nothing_escapes_its_bounds),
        cmocka_unit_test(an_amount_inside_comes_through), cmocka_unit_test(other_workloads_stay),
        cmocka_unit_test(one_workload_is_meant)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
