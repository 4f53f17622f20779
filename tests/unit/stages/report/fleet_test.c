#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "stages/report/fleet.h"

#define POOL(name, more) "{\"name\":" name ",\"match\":null,\"serverless\":false,\"price\":{\"path\":\"exact\",\"provider\":\"aws\"}," more "}"
#define NODE \
    "\"node\":{\"instance\":\"m5.large\",\"vcpu_milli\":2000,\"gib_milli\":8000,\"list_microusd_per_hour\":96000," \
    "\"microusd_per_hour\":90000,\"max_pods\":29,\"reserved\":{\"cpu_millicores\":70,\"memory_bytes\":1073741824}}"
#define PRICE(pools, more) "\"price\":{\"region\":\"us-east-1\",\"pools\":[" pools "],\"candidates\":[]" more "}"

#define WORKLOAD(kind, name, containers, more) \
    "{\"workload\":{\"cluster\":null,\"namespace\":\"shop\",\"kind\":\"" kind "\",\"name\":\"" name "\",\"replicas\":4,\"containers\":[" containers "]" more
#define CONTAINER(name, role, cpu, memory) \
    "{\"name\":\"" name "\",\"role\":\"" role "\",\"requests\":{\"cpu_millicores\":" #cpu ",\"memory_bytes\":" #memory "},\"limits\":{}}"
#define ADVICE(cpu) ",\"recommendation\":{\"action\":\"resize\",\"containers\":{\"c\":{\"requests\":{\"cpu_millicores\":" #cpu "}}}}"

static json_t *parse(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);
    if (value == NULL) {
        fail_msg("no JSON: %s", text);
    }
    return value;
}

/* The fleet of some records under settings. */
static struct fleet *fleet_of(const char *settings, const char *const *records, size_t count)
{
    char *text = xasprintf("{\"settings\":{%s}}", settings);
    json_t *header = parse(text);
    struct fleet_gather *gather = gather_new(header);
    struct fleet *fleet = NULL;
    if (gather != NULL) {
        for (size_t i = 0; i < count; i++) {
            struct arena arena;
            struct report_row row;
            struct err err;
            arena_init(&arena);
            assert_int_equal(report_row_read(parse(records[i]), NULL, &arena, &row, &err), 0);
            assert_int_equal(gather_row(NULL, &row, 0, gather, &err), 0);
            report_row_release(&row);
            arena_release(&arena);
        }
        fleet = gather_finish(gather);
    }
    gather_free(gather);
    json_decref(header);
    free(text);
    return fleet;
}

static bool noted(const struct fleet *fleet, const char *words)
{
    for (size_t i = 0; i < fleet->note_count; i++) {
        if (strstr(fleet->notes[i], words) != NULL) {
            return true;
        }
    }
    return false;
}

/* 1.93 vCPU a node: one pod of 1,200 (the init container's) each today, three of 500 then. Paid prices count. */
static void the_plan_moves_what_changes(void **unused)
{
    (void)unused;
    const char *records[] = {
        WORKLOAD("Deployment", "a", CONTAINER("i", "init", 1100, 1) "," CONTAINER("s", "sidecar", 100, 1) "," CONTAINER("c", "container", 900, 1), "}") ADVICE(300) "}",
        WORKLOAD("Deployment", "b", CONTAINER("c", "container", 1200, 1), "}") ADVICE(500) "}",
        WORKLOAD("Deployment", "held", CONTAINER("c", "container", 1900, 1), "}") ADVICE(500) ",\"gate\":{\"verdict\":\"blocked\"}}",
    };
    struct fleet *fleet = fleet_of(PRICE(POOL("null", NODE), ""), records, 3);
    assert_non_null(fleet);
    assert_null(fleet->unknown);
    assert_int_equal(fleet->pods, 12);
    /* before: 4 × 1,100 and 4 × 1,200 and 4 × 1,900; after: 4 × 1,100, each beside one of 500, and 4 × 1,900, whose change is held back */
    assert_int_equal(fleet->before.nodes, 12);
    assert_int_equal(fleet->after.nodes, 8);
    assert_int_equal(fleet->saving_microusd, INT64_C(4) * 90000 * 730);
    assert_true(noted(fleet, "nothing is set aside"));
    fleet_free(fleet);
}

static void pods_that_run_are_counted(void **unused)
{
    (void)unused;
#define BIG CONTAINER("c", "container", 1900, 1)
    const char *records[] = {
        WORKLOAD("Deployment", "declared", BIG, "}") "}",                                                       /* 4 */
        WORKLOAD("Deployment", "median", BIG, "}") ",\"usage\":{\"replicas\":2,\"replicas_mean\":3.4}}",        /* 2 */
        WORKLOAD("Deployment", "scaled", BIG, ",\"autoscaler\":{}}") ",\"usage\":{\"replicas\":2,\"replicas_mean\":3.4}}", /* 4 */
        WORKLOAD("CronJob", "cron", BIG, "}") ",\"usage\":{\"replicas\":0,\"replicas_mean\":0.02}}",            /* 1 */
        WORKLOAD("Deployment", "rolled", BIG, ",\"autoscaler\":{}}") ",\"usage\":{\"replicas_mean\":3.004}}",   /* 3 */
        WORKLOAD("Deployment", "off", BIG, "}") ",\"usage\":{\"replicas\":0,\"replicas_mean\":0}}",             /* 0 */
        WORKLOAD("Pod", "static", BIG, ",\"scheduling\":{\"node_name\":\"n1\"}}") "}",                          /* its node's */
    };
    struct fleet *fleet = fleet_of(PRICE(POOL("null", NODE), ""), records, 7);
    assert_int_equal(fleet->pods, 14);
    assert_int_equal(fleet->before.nodes, 14);
    assert_true(noted(fleet, "static pods"));
    fleet_free(fleet);
    const char *rollout[] = {
        WORKLOAD("Rollout", "r", "", ",\"template_of\":{\"kind\":\"Deployment\",\"name\":\"d\"}}") "}",
        WORKLOAD("Deployment", "d", BIG, ",\"run_by\":{\"kind\":\"Rollout\",\"name\":\"r\",\"replicas\":3}}") "}",
        WORKLOAD("Deployment", "whole", CONTAINER("c", "container", 10, 1), ",\"pod_resources\":{\"requests\":{\"cpu_millicores\":1900}}}") "}",
    };
    fleet = fleet_of(PRICE(POOL("null", NODE), ""), rollout, 3);
    assert_int_equal(fleet->pods, 7);
    assert_int_equal(fleet->before.nodes, 7);
    fleet_free(fleet);
}

/* Rules of scheduling reach the packing, and what is not modelled is told. */
static void scheduling_holds(void **unused)
{
    (void)unused;
#define TINY CONTAINER("c", "container", 10, 1000)
#define HOST "\"topology_key\":\"kubernetes.io/hostname\""
    const char *apart[] = {WORKLOAD("Deployment", "a", TINY, ",\"scheduling\":{\"anti_affinity\":[{" HOST ",\"self\":true,\"others\":[]}]}}") "}"};
    struct fleet *fleet = fleet_of(PRICE(POOL("null", NODE), ""), apart, 1);
    assert_int_equal(fleet->before.nodes, 4);
    fleet_free(fleet);
    const char *pair[] = {
        WORKLOAD("Deployment", "a", TINY, ",\"scheduling\":{\"anti_affinity\":[{" HOST ",\"self\":false,\"others\":[\"Deployment/b\"]}],"
                                          "\"spread\":[{\"topology_key\":\"zone\",\"max_skew\":1}]}}") "}",
        WORKLOAD("Deployment", "b", TINY, "}") "}",
        WORKLOAD("Deployment", "c", CONTAINER("c", "container", null, null), ",\"scheduling\":{\"host_ports\":[80]}}") "}",
        WORKLOAD("DaemonSet", "d", TINY, ",\"scheduling\":{\"node_selector\":{\"gpu\":\"yes\"},\"host_ports\":[80]}}") "}",
    };
    fleet = fleet_of(PRICE(POOL("null", NODE), ""), pair, 4);
    assert_int_equal(fleet->unplaced, 0);
    assert_int_equal(fleet->before.nodes, 4);
    assert_true(noted(fleet, "topology spread"));
    assert_true(noted(fleet, "in the scheduler (4)"));
    fleet_free(fleet);
    const char *heavy[] = {WORKLOAD("Deployment", "a", CONTAINER("c", "container", 900, 1),
                                    ",\"scheduling\":{\"overhead\":{\"cpu_millicores\":100,\"memory_bytes\":null}}}") "}"};
    fleet = fleet_of(PRICE(POOL("null", NODE), ""), heavy, 1);
    assert_int_equal(fleet->before.nodes, 4);
    fleet_free(fleet);
}

#define GROUP(count, more) \
    "{\"count\":" #count ",\"instance\":\"m5.large\",\"pool\":\"web\",\"region\":\"us-east-1\",\"labels\":{\"disk\":\"ssd\"},\"taints\":[]," \
    "\"allocatable\":{\"cpu_millicores\":1930,\"memory_bytes\":8000000000,\"pods\":29},\"ready\":true,\"unschedulable\":false" more "}"
#define PARSE(whole, groups) "\"parse\":{\"whole_cluster\":" whole ",\"nodes\":{\"total\":9,\"groups\":[" groups "]}},"

static void the_nodes_of_a_cluster(void **unused)
{
    (void)unused;
    const char *records[] = {WORKLOAD("Deployment", "a", CONTAINER("c", "container", 900, 1), ",\"scheduling\":{\"node_selector\":{\"disk\":\"ssd\"}}}") ADVICE(450) "}"};
    struct fleet *fleet = fleet_of(PARSE("true", GROUP(5, "")) PRICE(POOL("null", NODE), ""), records, 1);
    assert_true(fleet->live);
    assert_true(fleet->priced);
    assert_int_equal(fleet->nodes_today, 5);
    assert_int_equal(fleet->before.nodes, 2);
    assert_int_equal(fleet->after.nodes, 1);
    assert_int_equal(fleet->today_monthly_microusd, INT64_C(5) * 90000 * 730);
    fleet_free(fleet);
    fleet = fleet_of(PARSE("false", GROUP(5, "")) PRICE(POOL("null", NODE), ""), records, 1);
    assert_false(fleet->live);
    assert_int_equal(fleet->nodes_today, -1);
    assert_true(noted(fleet, "did not see all workloads"));
    fleet_free(fleet);
    fleet = fleet_of(PARSE("true", GROUP(5, ",\"x\":0")) "\"price\":{\"region\":\"eu-west-1\",\"pools\":[" POOL("null", NODE) "]}", records, 1);
    assert_false(fleet->priced);
    assert_int_equal(fleet->nodes_gone, 1);
    fleet_free(fleet);
}

static void nodes_that_are_not_known(void **unused)
{
    (void)unused;
    const char *records[] = {WORKLOAD("Deployment", "a", TINY, "}") "}"};
    assert_null(fleet_of("\"x\":1", records, 1));
    struct fleet *fleet = fleet_of(PRICE(POOL("null", "\"node\":null"), ""), records, 1);
    assert_non_null(strstr(fleet->unknown, "pricing.instance"));
    fleet_free(fleet);
    fleet = fleet_of(PRICE("{\"name\":null,\"serverless\":false,\"node\":null,\"price\":{\"provider\":\"on-prem\"}}", ""), records, 1);
    assert_non_null(strstr(fleet->unknown, "pricing.on_prem.vcpu"));
    fleet_free(fleet);
    fleet = fleet_of(PRICE("{\"name\":null,\"serverless\":true,\"node\":null,\"price\":{}}", ""), records, 1);
    assert_non_null(strstr(fleet->unknown, "Serverless"));
    fleet_free(fleet);
    const char *two[] = {WORKLOAD("Deployment", "a", TINY, "}") ",\"cost\":{\"price\":{\"pool\":\"fargate\"}}}", WORKLOAD("Deployment", "b", TINY, "}") "}"};
    const char *unpriced[] = {WORKLOAD("Deployment", "a", TINY, "}") ",\"cost\":null,\"pool\":\"fargate\"}", two[1]};
    fleet = fleet_of(PRICE(POOL("null", NODE) ",{\"name\":\"fargate\",\"serverless\":true,\"node\":null,\"price\":{}}", ""), unpriced, 2);
    assert_int_equal(fleet->pods, 4);
    assert_true(noted(fleet, "by the unit, are not packed (1)"));
    fleet_free(fleet);
    fleet = fleet_of(PRICE(POOL("null", NODE) ",{\"name\":\"fargate\",\"serverless\":true,\"node\":null,\"price\":{}}", ""), two, 2);
    assert_null(fleet->unknown);
    assert_int_equal(fleet->pods, 4);
    assert_true(noted(fleet, "by the unit, are not packed (1)"));
    fleet_free(fleet);
}

/* Headers and records are not trusted. */
static void nonsense_does_no_harm(void **unused)
{
    (void)unused;
    const char *records[] = {
        WORKLOAD("Deployment", "a", CONTAINER("c", "container", 9223372036854775807, 9223372036854775807),
                 ",\"scheduling\":{\"node_affinity\":[1,[{\"operator\":\"Mad\"}]],\"tolerations\":[null],\"anti_affinity\":{},\"affinity\":[{" HOST
                 ",\"others\":[3,\"x\"]}],\"host_ports\":[\"a\",-1],\"node_selector\":{\"a\":1},\"overhead\":{\"cpu_millicores\":9223372036854775807}}}") "}",
        WORKLOAD("Deployment", "b", CONTAINER("c", "container", -5, 0), "}") ",\"usage\":{\"replicas\":1e300}}",
    };
    struct fleet *fleet = fleet_of(PRICE("3,null,{\"node\":{\"vcpu_milli\":9223372036854775807,\"gib_milli\":9223372036854775807}}," POOL("null", NODE), ""), records, 2);
    assert_int_equal(fleet->pods, 1000000004);
    fleet_free(fleet);
    fleet = fleet_of(PARSE("true", "3,{\"count\":-3},{\"count\":9223372036854775807}," GROUP(1, "")) PRICE(POOL("null", NODE), ""), records, 2);
    assert_true(fleet->live);
    fleet_free(fleet);
}

/* Nodes that are named, the last of a hundred. */
static void many_names_of_nodes(void **unused)
{
    (void)unused;
    struct buf names;
    buf_init(&names, 4096);
    for (int i = 0; i < 100; i++) {
        buf_printf(&names, "%s\"h%d\"", i == 0 ? "" : ",", i);
    }
    char *record = xasprintf(WORKLOAD("Deployment", "a", CONTAINER("c", "container", 900, 1), ",\"scheduling\":{\"node_affinity\":[[{\"key\":"
                             "\"host\",\"operator\":\"In\",\"values\":[%s]}]]}}") "}", buf_str(&names));
    const char *records[] = {record};
    struct fleet *fleet = fleet_of(PARSE("true", GROUP(5, ",\"labels\":{\"host\":\"h99\"}")) PRICE(POOL("null", NODE), ""), records, 1);
    assert_int_equal(fleet->unplaced, 0);
    assert_int_equal(fleet->before.nodes, 2);
    fleet_free(fleet);
    free(record);
    buf_release(&names);
}

/* What no price book holds counts as unknown: sums of it must not run over. */
static void prices_beyond_reason_are_none(void **state)
{
    (void)state;
    static const char node[] = "\"node\":{\"instance\":\"m5.large\",\"vcpu_milli\":2000,\"gib_milli\":8000,\"microusd_per_hour\":10000000000000,\"max_pods\":29}";
    char *settings = xasprintf("\"price\":{\"region\":\"us-east-1\",\"pools\":[{\"name\":null,\"serverless\":false,\"price\":{\"path\":\"exact\"},%s}]}", node);
    const char *records[] = {WORKLOAD("Deployment", "a", CONTAINER("c", "app", 1500, 1), "}}")};
    struct fleet *fleet = fleet_of(settings, records, 1);
    assert_int_equal(fleet->before.nodes, 4);
    assert_false(fleet->priced);
    assert_int_equal(fleet->saving_microusd, 0);
    fleet_free(fleet);
    free(settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_beyond_reason_are_none), cmocka_unit_test(many_names_of_nodes),
        cmocka_unit_test(the_plan_moves_what_changes), cmocka_unit_test(pods_that_run_are_counted), cmocka_unit_test(scheduling_holds),
        cmocka_unit_test(the_nodes_of_a_cluster),      cmocka_unit_test(nodes_that_are_not_known),  cmocka_unit_test(nonsense_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
