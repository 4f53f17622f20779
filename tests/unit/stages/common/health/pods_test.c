/* Pods as kubelets tell of them: what is new since the change, and what was so before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/common/health/pods.h"

/* Texts here have ' for ". */
static json_t *object_of(const char *text)
{
    char *copy = xstrdup(text);
    for (char *c = copy; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    struct err err = {0};
    json_t *object = json_read(copy, strlen(copy), "an object", &err);
    if (object == NULL) {
        fail_msg("%s: %s", err.message, copy);
    }
    free(copy);
    return object;
}

#define POD(uid, status) "{'metadata':{'name':'cart-" uid "','uid':'" uid "','creationTimestamp':'2026-11-23T10:00:00Z'},'status':{" status "}}"
#define READY "'phase':'Running','conditions':[{'type':'PodScheduled','status':'True'},{'type':'Ready','status':'True'}]"
#define UNREADY \
    "'phase':'Running','conditions':[{'type':'Ready','status':'False','reason':'ContainersNotReady','message':'containers with unready status: [app]'}]"
#define RUNS(restarts) "'containerStatuses':[{'name':'app','ready':true,'restartCount':" restarts ",'state':{'running':{}}}]"
#define ENDED(restarts, reason, code, at) \
    "'containerStatuses':[{'name':'app','ready':true,'restartCount':" restarts ",'state':{'running':{}},'lastState':{'terminated':{'exitCode':" code \
    ",'reason':'" reason "','finishedAt':'" at "'}}}]"
#define WAITS(restarts, reason) \
    "'containerStatuses':[{'name':'app','ready':false,'restartCount':" restarts ",'state':{'waiting':{'reason':'" reason "','message':'back-off'}}}]"
#define FAILED(reason) "'phase':'Failed','reason':'" reason "','message':'The node was low on resource: memory.'"
#define UNPLACED \
    "'phase':'Pending','conditions':[{'type':'PodScheduled','status':'False','reason':'Unschedulable','message':'0/3 nodes are available: 3 Insufficient cpu.'}]"

struct row {
    const char *what;
    const char *before; /* NULL: the pod is new, and was none before */
    const char *now;
    enum pod_health health;
    const char *why;
};

static const struct row rows[] = {
    {"ready", NULL, POD("a", READY "," RUNS("0")), POD_FINE, ""},
    {"not ready", NULL, POD("a", UNREADY "," RUNS("0")), POD_STARTING, "pod cart-a: it is not ready: containers with unready status: [app]"},
    {"without a word", NULL, POD("a", "'phase':'Pending'"), POD_STARTING, "not ready"},
    {"being made", NULL, POD("a", UNREADY "," WAITS("0", "ContainerCreating")), POD_STARTING, "not ready"},
    {"no room", NULL, POD("a", UNPLACED), POD_UNPLACED, "no node has room for it: 0/3 nodes are available: 3 Insufficient cpu."},
    {"a gate", NULL, POD("a", "'phase':'Pending','conditions':[{'type':'PodScheduled','status':'False','reason':'SchedulingGated'}]"), POD_STARTING, "not ready"},
    {"a crash loop", NULL, POD("a", UNREADY "," WAITS("1", "CrashLoopBackOff")), POD_FAILING, "container app"},
    {"a crash loop before the first restart", NULL, POD("a", UNREADY "," WAITS("0", "CrashLoopBackOff")), POD_FAILING, "container app waits: CrashLoopBackOff, back-off"},
    {"an image", NULL, POD("a", UNREADY "," WAITS("0", "ImagePullBackOff")), POD_FAILING, "ImagePullBackOff"},
    {"an image, once", NULL, POD("a", UNREADY "," WAITS("0", "ErrImagePull")), POD_STARTING, "ErrImagePull"},
    {"a configuration", NULL, POD("a", UNREADY "," WAITS("0", "CreateContainerConfigError")), POD_FAILING, "CreateContainerConfigError"},
    {"killed for memory", NULL, POD("a", READY "," ENDED("1", "OOMKilled", "137", "2026-11-23T10:01:00Z")), POD_FAILING,
     "container app was killed for want of memory (OOMKilled at 2026-11-23T10:01:00Z)"},
    {"dead for memory", NULL,
     POD("a", UNREADY ",'containerStatuses':[{'name':'app','restartCount':0,'state':{'terminated':{'reason':'OOMKilled','exitCode':137,'finishedAt':'x'}}}]"),
     POD_FAILING, "OOMKilled"},
    {"an init container killed for memory", NULL,
     POD("a", UNREADY ",'initContainerStatuses':[{'name':'first','restartCount':1,'lastState':{'terminated':{'reason':'OOMKilled'}}}]"), POD_FAILING, "container first"},
    {"a restart", NULL, POD("a", READY "," ENDED("1", "Error", "1", "2026-11-23T10:01:00Z")), POD_FAILING,
     "container app restarted 1 times (last exit code 1, Error)"},
    {"restarts of before", POD("a", READY "," RUNS("4")), POD("a", READY "," RUNS("4")), POD_FINE, ""},
    {"one more than before", POD("a", READY "," RUNS("4")), POD("a", READY "," RUNS("5")), POD_FAILING, "restarted 1 times"},
    {"an OOM kill of before", POD("a", READY "," ENDED("4", "OOMKilled", "137", "2026-11-20T10:00:00Z")),
     POD("a", READY "," ENDED("4", "OOMKilled", "137", "2026-11-20T10:00:00Z")), POD_FINE, ""},
    {"another OOM kill", POD("a", READY "," ENDED("4", "OOMKilled", "137", "2026-11-20T10:00:00Z")),
     POD("a", READY "," ENDED("5", "OOMKilled", "137", "2026-11-23T10:00:00Z")), POD_FAILING, "OOMKilled"},
    {"another OOM kill, not yet restarted", POD("a", READY "," ENDED("4", "OOMKilled", "137", "2026-11-20T10:00:00Z")),
     POD("a", UNREADY "," ENDED("4", "OOMKilled", "137", "2026-11-23T10:00:00Z")), POD_FAILING, "OOMKilled"},
    {"a crash loop of before", POD("a", UNREADY "," WAITS("9", "CrashLoopBackOff")), POD("a", UNREADY "," WAITS("9", "CrashLoopBackOff")), POD_STARTING, "CrashLoop"},
    {"every former pod restarted", POD("z", READY "," RUNS("2")), POD("a", READY "," RUNS("2")), POD_FINE, ""},
    {"more than every former pod", POD("z", READY "," RUNS("2")), POD("a", READY "," RUNS("3")), POD_FAILING, "restarted 3 times"},
    {"forgiven three times, not more", POD("z", READY "," RUNS("90")), POD("a", READY "," RUNS("4")), POD_FAILING, "restarted 4 times"},
    {"no OOM kill is forgiven", POD("z", READY "," RUNS("2")), POD("a", READY "," ENDED("1", "OOMKilled", "137", "2026-11-23T10:01:00Z")), POD_FAILING, "OOMKilled"},
    {"failed", NULL, POD("a", FAILED("Error")), POD_FAILING, "it failed: Error"},
    {"evicted", NULL, POD("a", FAILED("Evicted")), POD_FAILING, "it failed: Evicted, The node was low on resource: memory."},
    {"failed before", POD("a", FAILED("Evicted")), POD("a", FAILED("Evicted")), POD_GOING, ""},
    {"its node went down", NULL, POD("a", FAILED("NodeShutdown")), POD_GOING, ""},
    {"preempted", NULL, POD("a", "'phase':'Failed','conditions':[{'type':'DisruptionTarget','status':'True','reason':'PreemptionByScheduler'}]"), POD_GOING, ""},
    {"done", NULL, POD("a", "'phase':'Succeeded'"), POD_FINE, ""},
    {"being deleted", NULL,
     "{'metadata':{'name':'x','uid':'a','deletionTimestamp':'2026-11-23T10:00:00Z'},'status':{" UNREADY "}}", POD_GOING, ""},
    {"nonsense", NULL, "{'metadata':3,'status':{'phase':4,'containerStatuses':{'a':1},'conditions':7}}", POD_STARTING, "pod without a name"},
    {"statuses of nonsense", NULL, POD("a", READY ",'containerStatuses':[null,3,{'state':[]}]"), POD_FINE, ""},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char why[ERR_MESSAGE_MAX] = "left";
        struct pods_baseline *baseline = pods_baseline_new();
        json_t *now = object_of(rows[i].now);
        if (rows[i].before != NULL) {
            json_t *before = object_of(rows[i].before);
            pods_baseline_add(baseline, before);
            json_decref(before);
        }
        for (int loaded = 0; loaded < 2; loaded++) {
            enum pod_health health = pod_judge(baseline, now, why);
            if (health != rows[i].health || strstr(why, rows[i].why) == NULL || (rows[i].why[0] == '\0' && why[0] != '\0')) {
                fail_msg("%s: %d, expected %d; \"%s\", expected \"%s\"", rows[i].what, (int)health, (int)rows[i].health, why, rows[i].why);
            }
            /* And once more as after a kill. */
            json_t *saved = pods_baseline_json(baseline);
            pods_baseline_free(baseline);
            baseline = pods_baseline_read(saved);
            json_decref(saved);
        }
        pods_baseline_free(baseline);
        json_decref(now);
    }
}

static json_t *numbered(int number, int restarts, const char *made)
{
    return json_pack("{s:{s:o,s:s,s:s},s:{s:s,s:[{s:s,s:s}],s:[{s:s,s:i}]}}", "metadata", "uid", json_sprintf("uid-%036d", number), "name", "p",
                     "creationTimestamp", made, "status", "phase", "Running", "conditions", "type", "Ready", "status", "True",
                     "containerStatuses", "name", "app", "restartCount", restarts);
}

/* A thousand pods do not fit into a row: those that had restarted come first, and the others are told by their age. */
static void test_many(void **state)
{
    (void)state;
    struct pods_baseline *baseline = pods_baseline_new();
    char why[ERR_MESSAGE_MAX];
    for (int i = 0; i < 1000; i++) {
        json_t *pod = numbered(i, i < 900 ? 0 : 7, "2026-11-23T10:00:00Z");
        pods_baseline_add(baseline, pod);
        json_decref(pod);
    }
    json_t *saved = pods_baseline_json(baseline);
    char *text = json_text(saved);
    assert_true(strlen(text) < 100 * 1000);
    struct pods_baseline *loaded = pods_baseline_read(saved);
    for (int i = 0; i < 1000; i++) {
        json_t *pod = numbered(i, i < 900 ? 0 : 7, "2026-11-23T10:00:00Z");
        assert_true(pods_baseline_has(loaded, pod));
        assert_int_equal(pod_judge(loaded, pod, why), POD_FINE);
        json_decref(pod);
    }
    json_t *again = numbered(950, 8, "2026-11-23T10:00:00Z");
    assert_int_equal(pod_judge(loaded, again, why), POD_FAILING);
    json_t *new = numbered(2000, 1, "2026-11-23T10:00:01Z");
    assert_false(pods_baseline_has(loaded, new));
    assert_int_equal(pod_judge(loaded, new, why), POD_FAILING);
    json_decref(new);
    json_decref(again);
    free(text);
    json_decref(saved);
    pods_baseline_free(loaded);
    pods_baseline_free(baseline);
}

static enum pod_health taken(struct pods_seen *seen, const char *pod, char why[ERR_MESSAGE_MAX])
{
    json_t *object = object_of(pod);
    pods_seen_take(seen, object);
    json_decref(object);
    return pods_seen_judge(seen, why);
}

static void test_over_time(void **state)
{
    (void)state;
    char why[ERR_MESSAGE_MAX];
    struct pods_baseline *baseline = pods_baseline_new();
    json_t *old = object_of(POD("old", UNREADY "," WAITS("9", "CrashLoopBackOff")));
    pods_baseline_add(baseline, old);
    struct pods_seen *seen = pods_seen_new(baseline, true);
    assert_int_equal(pods_seen_judge(seen, why), POD_FINE);
    assert_int_equal(taken(seen, POD("old", UNREADY "," WAITS("10", "CrashLoopBackOff")), why), POD_FINE);
    assert_int_equal(taken(seen, POD("a", UNREADY), why), POD_STARTING);
    assert_int_equal(taken(seen, POD("b", UNPLACED), why), POD_UNPLACED);
    assert_int_equal(taken(seen, POD("b", READY), why), POD_STARTING);
    assert_non_null(strstr(why, "cart-a"));
    assert_int_equal(taken(seen, POD("a", READY), why), POD_FINE);
    assert_int_equal(taken(seen, POD("a", UNREADY), why), POD_STARTING);
    assert_int_equal(taken(seen, POD("a", READY), why), POD_FINE);
    assert_int_equal(taken(seen, POD("a", UNREADY), why), POD_FAILING);
    assert_non_null(strstr(why, "cart-a: it flaps"));
    json_t *gone = object_of(POD("a", READY));
    pods_seen_gone(seen, gone);
    assert_int_equal(pods_seen_judge(seen, why), POD_FAILING);
    assert_non_null(strstr(why, "cart-a: it flaps"));
    pods_seen_free(seen);

    seen = pods_seen_new(baseline, false);
    assert_int_equal(taken(seen, POD("old", UNREADY "," WAITS("9", "CrashLoopBackOff")), why), POD_STARTING);
    assert_int_equal(taken(seen, POD("old", UNREADY "," WAITS("10", "CrashLoopBackOff")), why), POD_FAILING);
    pods_seen_free(seen);
    pods_seen_free(NULL);
    json_decref(gone);
    json_decref(old);
    pods_baseline_free(baseline);
}

static void test_selectors(void **state)
{
    (void)state;
    static const struct {
        const char *object;
        const char *selector; /* NULL: none */
    } cases[] = {
        {"{'kind':'Deployment','spec':{'selector':{'matchLabels':{'app':'cart'}}}}", "app=cart"},
        {"{'kind':'Deployment','spec':{'selector':{'matchLabels':{'app':'cart'},'matchExpressions':[{'key':'tier','operator':'In','values':['a','b']},"
         "{'key':'x','operator':'NotIn','values':['c']},{'key':'y','operator':'Exists'},{'key':'z','operator':'DoesNotExist'}]}}}",
         "app=cart,tier in (a,b),x notin (c),y,!z"},
        {"{'kind':'ReplicationController','spec':{'selector':{'app':'cart'}}}", "app=cart"},
        {"{'kind':'CronJob','spec':{}}", NULL},
        {"{'kind':'Deployment','spec':{'selector':{}}}", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf text;
        buf_init(&text, 1000);
        json_t *object = object_of(cases[i].object);
        assert_int_equal(pods_selector(object, &text), cases[i].selector != NULL);
        if (cases[i].selector != NULL) {
            assert_string_equal(buf_str(&text), cases[i].selector);
        }
        json_decref(object);
        buf_release(&text);
    }
}

#define OWNED(labels, kind, name, uid) \
    "{'metadata':{'labels':{" labels "},'ownerReferences':[{'kind':'Other','name':'x','uid':'0'},{'controller':true,'kind':'" kind "','name':'" name "','uid':'" uid "'}]}}"

static void test_owners(void **state)
{
    (void)state;
    static const struct {
        const char *object;
        const char *pod;
        bool own;
    } cases[] = {
        {"{'kind':'Deployment','metadata':{'name':'cart','uid':'u'}}", OWNED("'pod-template-hash':'5d9c'", "ReplicaSet", "cart-5d9c", "r"), true},
        {"{'kind':'Deployment','metadata':{'name':'cart','uid':'u'}}", OWNED("'pod-template-hash':'5d9c'", "ReplicaSet", "cart-b-5d9c", "r"), false},
        {"{'kind':'Deployment','metadata':{'name':'cart','uid':'u'}}", OWNED("", "ReplicaSet", "cart-5d9c", "r"), false},
        {"{'kind':'Deployment','metadata':{'name':'cart','uid':'u'}}", "{'metadata':{'labels':{'pod-template-hash':'5d9c'}}}", false},
        {"{'kind':'Rollout','metadata':{'name':'web','uid':'u'}}", OWNED("'rollouts-pod-template-hash':'5d9c'", "ReplicaSet", "web-5d9c", "r"), true},
        {"{'kind':'StatefulSet','metadata':{'name':'db','uid':'u'}}", OWNED("", "StatefulSet", "db", "u"), true},
        {"{'kind':'StatefulSet','metadata':{'name':'db','uid':'u'}}", OWNED("", "StatefulSet", "db", "v"), false},
        {"{'kind':'DaemonSet','metadata':{'name':'db'}}", "{'metadata':{}}", false},
        {"{'kind':'Pod','metadata':{'name':'db','uid':'u'}}", "{'metadata':{'uid':'u'}}", true},
        {"{'kind':'DeploymentConfig','metadata':{'name':'dc'}}",
         "{'metadata':{'annotations':{'openshift.io/deployment-config.name':'dc'},'ownerReferences':[{'controller':true,'kind':'ReplicationController','name':'dc-3'}]}}", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        json_t *object = object_of(cases[i].object);
        json_t *pod = object_of(cases[i].pod);
        if (pod_is_of(object, pod) != cases[i].own) {
            fail_msg("case %zu", i);
        }
        json_decref(pod);
        json_decref(object);
    }
}

static void test_blocking(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        const char *pod;
        bool blocks;
    } cases[] = {
        {"", "'labels':{'controller-revision-hash':'db-2'}},'status':{" UNREADY "}", true},
        {"", "'labels':{'controller-revision-hash':'db-1'}},'status':{" UNREADY "}", false},
        {"", "'labels':{'controller-revision-hash':'db-2'}},'status':{" READY "}", false},
        {"", "'deletionTimestamp':'x','labels':{'controller-revision-hash':'db-2'}},'status':{" UNREADY "}", false},
        {"'podManagementPolicy':'Parallel'", "'labels':{'controller-revision-hash':'db-2'}},'status':{" UNREADY "}", false},
        {"'updateStrategy':{'type':'OnDelete'}", "'labels':{'controller-revision-hash':'db-2'}},'status':{" UNREADY "}", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[1000];
        snprintf(text, sizeof text, "{'kind':'StatefulSet','metadata':{'name':'db','uid':'u'},'spec':{%s},'status':{'observedGeneration':4,'updateRevision':'db-1'}}", cases[i].spec);
        json_t *object = object_of(text);
        snprintf(text, sizeof text, "{'metadata':{'name':'db-0','ownerReferences':[{'controller':true,'kind':'StatefulSet','uid':'u'}],%s}", cases[i].pod);
        json_t *pod = object_of(text);
        if (pod_blocks(object, 4, pod) != cases[i].blocks || pod_blocks(object, 5, pod)) {
            fail_msg("case %zu", i);
        }
        json_decref(pod);
        json_decref(object);
    }
}

static void test_never_ready(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        bool never;
    } cases[] = {
        {"'phase':'Pending'", true},
        {"'startTime':'2026-11-22T03:00:00Z','conditions':[{'type':'Ready','status':'False','lastTransitionTime':'2026-11-22T03:00:01Z'}]", true},
        {"'startTime':'2026-11-22T03:00:00Z','conditions':[{'type':'Ready','status':'False','lastTransitionTime':'2026-11-22T03:00:41Z'}]", false},
        {"'startTime':'2026-11-22T03:00:00Z','conditions':[{'type':'Ready','status':'True','lastTransitionTime':'2026-11-22T03:00:01Z'}]", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[1000];
        snprintf(text, sizeof text, "{'metadata':{'name':'db-0'},'status':{%s}}", cases[i].status);
        json_t *pod = object_of(text);
        if (pod_never_ready(pod) != cases[i].never) {
            fail_msg("case %zu", i);
        }
        json_decref(pod);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),      cmocka_unit_test(test_many),   cmocka_unit_test(test_over_time),
        cmocka_unit_test(test_selectors), cmocka_unit_test(test_owners), cmocka_unit_test(test_blocking),
        cmocka_unit_test(test_never_ready),
    };
    json_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
