#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/subject/class.h"
#include "tests/unit/stages/analyze/subject/subject_builder.h"

static const struct class_case {
    const char *kind, *image, *ports, *expected;
    bool stateful;
} cases[] = {
    {"Deployment", "docker.io/library/postgres:16", NULL, "database", true},
    {"Deployment", "registry.local:5000/team/redis:7@sha256:00", NULL, "cache", true},
    {"Deployment", "oliver006/redis_exporter:v1", NULL, "monitoring", false},
    {"Deployment", "quay.io/prometheuscommunity/postgres-exporter", NULL, "monitoring", false},
    {"StatefulSet", "bitnami/kafka:3", NULL, "queue", true},
    {"Deployment", "eclipse-temurin:21", NULL, "jvm", false},
    {"Deployment", "r.example:5000/shop/catalog:2.9.0-temurin17", NULL, "jvm", false},
    {"Deployment", "r.example/pay/gateway:7.3-JRE21", NULL, "jvm", false},
    {"Deployment", "r.example/pay/ledger:1.2-go", NULL, "service", false},
    {"Deployment", "nginx", NULL, "web", false},
    {"Deployment", "envoyproxy/envoy:v1.30", NULL, "proxy", false},
    {"Deployment", "shop/order-worker:2", NULL, "worker", false},
    {"Deployment", "shop/anode:1", NULL, "service", false},
    {"CronJob", "postgres:16", NULL, "batch", false},
    {"DaemonSet", "shop/thing:1", NULL, "agent", false},
    {"Deployment", "shop/thing:1", "[5432]", "database", true},
    {"Deployment", "shop/thing:1", "[8080]", "web", false},
    {"Deployment", "shop/thing:1", "[\"x\",null,99999]", "service", false},
    {"StatefulSet", "shop/thing:1", NULL, "service", true},
    {"Deployment", "", NULL, "service", false},
    {"Deployment", "///:::@@@---", NULL, "service", false},
};

static void classes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct made_workload workload = {.kind = cases[i].kind, .count = 1};
        workload.containers[0] =
            (struct made_container){.name = "app", .image = cases[i].image, .no_usage = true};
        struct arena arena;
        struct subject subject;
        struct class class;
        arena_init(&arena);
        json_t *record = made_record(&workload);
        if (cases[i].ports) {
            json_object_set_new(json_array_get(json_at(record, "workload.containers"), 0), "ports",
                                json_loads(cases[i].ports, 0, NULL));
        }
        subject_read(record, &arena, &subject);
        class_of(&subject, &class);
        if (!str_equal(class.name, cases[i].expected) || class.stateful != cases[i].stateful) {
            fail_msg("%s %s: %s, stateful %d", cases[i].kind, cases[i].image, class.name, class.stateful);
        }
        assert_true(class.reason[0] != '\0');
        assert_non_null(class_name_of(class.name));
        json_decref(record);
        arena_release(&arena);
    }
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(classes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
