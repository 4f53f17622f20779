/* Pod names of each kind, and the neighbours that must not be taken. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/collect/pod_name.h"

struct row {
    const char *kind;
    const char *name;
    const char *pod;
    bool matches;
};

#define SIXTY "a-very-long-deployment-name-that-goes-on-and-on-for-sixty-xx"

static const struct row rows[] = {
    {"Deployment", "web", "web-7d9f8b6c5d-x2k4q", true},
    {"Deployment", "web", "web-5-x2k4q", true},
    {"Deployment", "web", "web-api-7d9f8b6c5d-x2k4q", false},
    {"Deployment", "web-api", "web-api-7d9f8b6c5d-x2k4q", true},
    {"Deployment", "web", "web-7d9f8b6c5d", false},
    {"Deployment", "web", "web-0", false},
    {"Deployment", "web", "web", false},
    {"Deployment", "web", "webb-7d9f8b6c5d-x2k4q", false},
    {"Deployment", "web", "web-7d9f8b6c5d-x2k4", false},
    {"Deployment", "web", "web-7d9f8b6c5d-x2k4qq", false},
    {"Deployment", "web", "web-7d9f8b6c5d1-x2k4q", false},
    {"Deployment", "web", "web-7d9f8b6c5d-X2k4q", false},
    {"Deployment", "web", "web--x2k4q", false},
    {"Deployment", SIXTY, "a-very-long-deployment-name-that-goes-on-and-on-for-sixty-x2k4q", true},
    {"Deployment", "a-very-long-deployment-name-that-goes-on-and-on-for",
     "a-very-long-deployment-name-that-goes-on-and-on-for-7d9f8bx2k4q", true},
    {"Deployment", "a-very-long-deployment-name-that-goes-on-and-on-fo",
     "a-very-long-deployment-name-that-goes-on-and-on-for-7d9f8bx2k4q", false},
    {"StatefulSet", "db", "db-0", true},
    {"StatefulSet", "db", "db-17", true},
    {"StatefulSet", "db", "db-01", false},
    {"StatefulSet", "db", "db-x", false},
    {"StatefulSet", "db", "db-backup-0", false},
    {"DaemonSet", "agent", "agent-x2k4q", true},
    {"DaemonSet", "agent", "agent-7d9f8b6c5d-x2k4q", false},
    {"ReplicaSet", "old", "old-x2k4q", true},
    {"ReplicationController", "old", "old-x2k4q", true},
    {"Job", "load", "load-x2k4q", true},
    {"Job", "load", "load-3-x2k4q", true},
    {"Job", "load", "load-abc-x2k4q", false},
    {"CronJob", "tidy", "tidy-29920687-x2k4q", true},
    {"CronJob", "tidy", "tidy-x2k4q", false},
    {"CronJob", "tidy", "tidy-up-29920687-x2k4q", false},
    {"Pod", "shell", "shell", true},
    {"Pod", "shell", "shell-x2k4q", false},
    {"Widget", "w", "w-x2k4q", false},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (pod_name_matches(rows[i].kind, rows[i].name, rows[i].pod) != rows[i].matches) {
            fail_msg("%s %s, pod %s", rows[i].kind, rows[i].name, rows[i].pod);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
