/* Room on nodes: what the scheduler would count, and a rollout tried out in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/common/health/needs.h"
#include "stages/common/health/room.h"
#include "stages/common/health/surge.h"

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

/* ---- What a pod asks for ---- */

static void test_needs(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        const char *status;
        int64_t cpu;
        int64_t memory;
    } cases[] = {
        {"{'containers':[{'name':'a','resources':{'requests':{'cpu':'250m','memory':'1Gi'}}},{'name':'b','resources':{'requests':{'cpu':1}}}]}", NULL, 1250, 1 << 30},
        {"{'containers':[{'name':'a'}]}", NULL, 0, 0},
        {"{'containers':[{'name':'a','resources':{'limits':{'cpu':'2','memory':'1Ki'}}}]}", NULL, 2000, 1024},
        {"{'containers':[{'name':'a','resources':{'requests':{'cpu':'1'},'limits':{'cpu':'2'}}}]}", NULL, 1000, 0},
        {"{'initContainers':[{'name':'i','resources':{'requests':{'cpu':'3'}}}],'containers':[{'name':'a','resources':{'requests':{'cpu':'1'}}}]}", NULL, 3000, 0},
        {"{'initContainers':[{'name':'s','restartPolicy':'Always','resources':{'requests':{'cpu':'1'}}},{'name':'i','resources':{'requests':{'cpu':'1'}}}],"
         "'containers':[{'name':'a','resources':{'requests':{'cpu':'500m'}}}]}", NULL, 2000, 0},
        {"{'overhead':{'cpu':'250m','memory':'120Mi'},'containers':[{'name':'a','resources':{'requests':{'cpu':'1'}}}]}", NULL, 1250, 120 << 20},
        {"{'resources':{'requests':{'cpu':'4'}},'containers':[{'name':'a','resources':{'requests':{'cpu':'1','memory':'1Ki'}}}]}", NULL, 4000, 1024},
        {"{'containers':[{'name':'a','resources':{'requests':{'cpu':'1'}}}]}",
         "{'containerStatuses':[{'name':'a','allocatedResources':{'cpu':'2'},'resources':{'requests':{'memory':'1Ki'}}}]}", 2000, 1024},
        {"{'containers':[{'name':'a','resources':{'requests':{'cpu':'nonsense','memory':-4}}},3,null]}", NULL, 0, 0},
        {"{'containers':[{'name':'a','resources':{'requests':{'memory':'9E'}}},{'name':'b','resources':{'requests':{'memory':9223372036854775807}}}]}", NULL, 0,
         INT64_MAX / 4096},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct needs needs;
        json_t *spec = object_of(cases[i].spec);
        json_t *status = cases[i].status == NULL ? NULL : object_of(cases[i].status);
        needs_read(spec, status, &needs);
        if (needs.cpu != cases[i].cpu || needs.memory != cases[i].memory) {
            fail_msg("case %zu: %lld, %lld", i, (long long)needs.cpu, (long long)needs.memory);
        }
        json_decref(status);
        json_decref(spec);
    }
}

#define NODE_FACTS "{'metadata':{'name':'n1','labels':{'zone':'a','cores':'8'}},'spec':{"

static void test_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        const char *node;
        bool allowed;
    } cases[] = {
        {"{}", NODE_FACTS "}}", true},
        {"{}", NODE_FACTS "'unschedulable':true}}", false},
        {"{}", NODE_FACTS "'taints':[{'key':'gpu','value':'yes','effect':'NoSchedule'}]}}", false},
        {"{}", NODE_FACTS "'taints':[{'key':'gpu','effect':'NoExecute'}]}}", false},
        {"{}", NODE_FACTS "'taints':[{'key':'gpu','value':'yes','effect':'PreferNoSchedule'}]}}", true},
        {"{'tolerations':[{'key':'gpu','operator':'Exists'}]}", NODE_FACTS "'taints':[{'key':'gpu','value':'yes','effect':'NoSchedule'}]}}", true},
        {"{'tolerations':[{'operator':'Exists'}]}", NODE_FACTS "'taints':[{'key':'gpu','value':'yes','effect':'NoSchedule'}]}}", true},
        {"{'tolerations':[{'key':'gpu','value':'no'}]}", NODE_FACTS "'taints':[{'key':'gpu','value':'yes','effect':'NoSchedule'}]}}", false},
        {"{'tolerations':[{'key':'gpu','value':'yes','effect':'NoExecute'}]}", NODE_FACTS "'taints':[{'key':'gpu','value':'yes','effect':'NoSchedule'}]}}", false},
        {"{'nodeSelector':{'zone':'a'}}", NODE_FACTS "}}", true},
        {"{'nodeSelector':{'zone':'b'}}", NODE_FACTS "}}", false},
        {"{'nodeSelector':{'other':'b'}}", NODE_FACTS "}}", false},
        {"{'nodeName':'n2'}", NODE_FACTS "}}", false},
#define AFFINITY(terms) "{'affinity':{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':{'nodeSelectorTerms':[" terms "]}}}}"
        {AFFINITY("{'matchExpressions':[{'key':'zone','operator':'In','values':['b']}]},{'matchExpressions':[{'key':'zone','operator':'In','values':['a']}]}"), NODE_FACTS "}}", true},
        {AFFINITY("{'matchExpressions':[{'key':'zone','operator':'NotIn','values':['a']}]}"), NODE_FACTS "}}", false},
        {AFFINITY("{'matchExpressions':[{'key':'zone','operator':'In','values':['a']},{'key':'x','operator':'Exists'}]}"), NODE_FACTS "}}", false},
        {AFFINITY("{'matchExpressions':[{'key':'x','operator':'DoesNotExist'},{'key':'cores','operator':'Gt','values':['4']}]}"), NODE_FACTS "}}", true},
        {AFFINITY("{'matchExpressions':[{'key':'cores','operator':'Lt','values':['8']}]}"), NODE_FACTS "}}", false},
        {AFFINITY("{'matchFields':[{'key':'metadata.name','operator':'In','values':['n1']}]}"), NODE_FACTS "}}", true},
        {AFFINITY("{}"), NODE_FACTS "}}", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        json_t *spec = object_of(cases[i].spec);
        json_t *node = object_of(cases[i].node);
        if (needs_allow(spec, node) != cases[i].allowed) {
            fail_msg("case %zu", i);
        }
        json_decref(node);
        json_decref(spec);
    }
}

static void test_surge(void **state)
{
    (void)state;
    static const struct {
        const char *object;
        int64_t replicas;
        int64_t surge;
        int64_t unavailable;
    } cases[] = {
        {"{'kind':'Deployment','spec':{'replicas':1}}", 1, 1, 0},
        {"{'kind':'Deployment','spec':{'replicas':10}}", 10, 3, 2},
        {"{'kind':'Deployment','spec':{'replicas':10,'strategy':{'type':'Recreate'}}}", 10, 0, 10},
        {"{'kind':'Deployment','spec':{'replicas':10,'strategy':{'rollingUpdate':{'maxSurge':0,'maxUnavailable':'15%'}}}}", 10, 0, 1},
        {"{'kind':'Deployment','spec':{'replicas':2,'strategy':{'rollingUpdate':{'maxSurge':0,'maxUnavailable':'15%'}}}}", 2, 0, 1},
        {"{'kind':'Deployment','spec':{'replicas':2,'strategy':{'rollingUpdate':{'maxSurge':'100%','maxUnavailable':0}}}}", 2, 2, 0},
        {"{'kind':'StatefulSet','spec':{'replicas':5}}", 5, 0, 1},
        {"{'kind':'StatefulSet','spec':{'replicas':5,'updateStrategy':{'rollingUpdate':{'maxUnavailable':2}}}}", 5, 0, 2},
        {"{'kind':'DaemonSet','spec':{},'status':{'desiredNumberScheduled':4}}", 4, 0, 0},
        {"{'kind':'DaemonSet','spec':{'updateStrategy':{'rollingUpdate':{'maxSurge':'25%'}}},'status':{'desiredNumberScheduled':4}}", 4, 1, 0},
        {"{'kind':'CronJob','spec':{}}", 1, 1, 0},
        {"{'kind':'Rollout','spec':{'replicas':4,'strategy':{'blueGreen':{}}}}", 4, 4, 0},
        {"{'kind':'Rollout','spec':{'replicas':4,'strategy':{'canary':{'maxSurge':1,'maxUnavailable':0}}}}", 4, 1, 0},
        {"{'kind':'DeploymentConfig','spec':{'replicas':4,'strategy':{'type':'Rolling','rollingParams':{'maxSurge':2}}}}", 4, 2, 1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct surge surge;
        json_t *object = object_of(cases[i].object);
        surge_read(object, &surge);
        if (surge.replicas != cases[i].replicas || surge.surge != cases[i].surge || surge.unavailable != cases[i].unavailable) {
            fail_msg("case %zu: %d %d %d", i, (int)surge.replicas, (int)surge.surge, (int)surge.unavailable);
        }
        json_decref(object);
    }
}

/* ---- Room ---- */

static json_t *node(const char *name, const char *cpu, const char *memory, const char *pods)
{
    return json_pack("{s:{s:s,s:s},s:{},s:{s:{s:s,s:s,s:s}}}", "metadata", "name", name, "uid", name, "spec", "status", "allocatable", "cpu", cpu,
                     "memory", memory, "pods", pods);
}

static json_t *pod(const char *uid, const char *on, const char *cpu, const char *memory)
{
    return json_pack("{s:{s:s},s:{s:s,s:[{s:s,s:{s:{s:s,s:s}}}]},s:{s:s}}", "metadata", "uid", uid, "spec", "nodeName", on, "containers", "name", "a",
                     "resources", "requests", "cpu", cpu, "memory", memory, "status", "phase", "Running");
}

static json_t *workload(const char *kind, int replicas, const char *strategy, const char *cpu, const char *memory)
{
    json_t *object = json_pack("{s:s,s:{s:i,s:{s:{s:[{s:s,s:{s:{s:s,s:s}}}]}}},s:{s:i}}", "kind", kind, "spec", "replicas", replicas, "template", "spec",
                               "containers", "name", "a", "resources", "requests", "cpu", cpu, "memory", memory, "status",
                               "desiredNumberScheduled", replicas);
    if (strategy != NULL) {
        json_t *more = object_of(strategy);
        json_object_update(json_object_get(object, "spec"), more);
        json_decref(more);
    }
    return object;
}

/* Three nodes of 4 CPU; the first has `other` requested by somebody else; one pod of ours of 1 CPU stands on each of the first two. */
struct row {
    const char *what;
    const char *kind;
    int replicas;
    const char *strategy;
    const char *cpu;    /* that it shall have */
    const char *memory;
    const char *other;
    bool in_place;
    bool room;
    const char *why;
};

static const struct row rows[] = {
    {"there is plenty", "Deployment", 2, NULL, "2", "1Gi", "1", false, true, ""},
    {"none asked for", "Deployment", 2, NULL, "1", "1Gi", "9", false, true, ""},
    {"less memory, more CPU, and none that large", "Deployment", 2, NULL, "5", "512Mi", "1", false, false,
     "no room for its pods of 5 CPU and 512Mi memory: 3 of 3 nodes are open to them, 0 of 2 pods found room while 2 former ones stand (surge 1, 0 may be "
     "missing); the most that one of them has left is 4 CPU and 8Gi memory"},
    {"memory", "Deployment", 2, NULL, "1", "9Gi", "1", false, false, "pods of 1 CPU and 9Gi memory"},
    {"as large as a node: the surge starts on the free one", "Deployment", 2, NULL, "4", "1Gi", "1", false, true, ""},
    {"as large as a node, and one more", "Deployment", 3, NULL, "4", "1Gi", "1", false, false, "1 of 3 pods found room"},
    {"all at once", "Deployment", 2, "{'strategy':{'rollingUpdate':{'maxSurge':'100%','maxUnavailable':0}}}", "4", "1Gi", "0", false, true, ""},
    {"recreated", "Deployment", 3, "{'strategy':{'type':'Recreate'}}", "4", "1Gi", "0", false, true, ""},
    {"recreated, and too large", "Deployment", 3, "{'strategy':{'type':'Recreate'}}", "4", "1Gi", "1", false, false, "2 of 3 pods found room while 0 former"},
    {"one by one", "StatefulSet", 2, NULL, "4", "1Gi", "1", false, true, ""},
    {"a job's pod", "CronJob", 1, NULL, "4", "1Gi", "1", false, true, ""},
    {"in place", "Deployment", 2, NULL, "3", "1Gi", "1", true, true, ""},
    {"in place, beside others", "Deployment", 2, NULL, "3", "1Gi", "2", true, false, "node n1 has no room for 2 CPU and 0 memory more"},
    {"a DaemonSet", "DaemonSet", 2, NULL, "3", "1Gi", "1", false, true, ""},
    {"a DaemonSet that surges", "DaemonSet", 2, "{'updateStrategy':{'rollingUpdate':{'maxSurge':1}}}", "3", "1Gi", "1", false, false, "node n1"},
    {"a DaemonSet's node is full", "DaemonSet", 2, NULL, "3", "1Gi", "2", false, false, "node n1 has no room for 2 CPU"},
};

static struct room *three_nodes(const char *other, json_t **own)
{
    struct room *room = room_new();
    json_t *all[] = {pod("o1", "n1", "1", "1Gi"), pod("o2", "n2", "1", "1Gi"), pod("x", "n1", other, "0"),
                     node("n1", "4", "8Gi", "110"), node("n2", "4", "8Gi", "110"), node("n3", "4", "8Gi", "110")};
    *own = json_pack("[O,O]", all[0], all[1]);
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        if (i < 3) {
            room_pod(room, all[i]);
        } else {
            room_node(room, all[i]);
        }
        json_decref(all[i]);
    }
    return room;
}

static void test_rooms(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char why[ERR_MESSAGE_MAX] = "left";
        json_t *own = NULL;
        struct room *room = three_nodes(rows[i].other, &own);
        json_t *before = workload(rows[i].kind, rows[i].replicas, rows[i].strategy, "1", "1Gi");
        json_t *after = workload(rows[i].kind, rows[i].replicas, rows[i].strategy, rows[i].cpu, rows[i].memory);
        bool found = room_judge(room, before, after, own, rows[i].in_place, why);
        if (found != rows[i].room || strstr(why, rows[i].why) == NULL || (rows[i].why[0] == '\0' && why[0] != '\0')) {
            fail_msg("%s: %d; \"%s\"", rows[i].what, found, why);
        }
        json_decref(after);
        json_decref(before);
        json_decref(own);
        room_free(room);
    }
}

/* Told again, moved, ended, deleted: only the last word counts, in any order. */
static void test_news(void **state)
{
    (void)state;
    char why[ERR_MESSAGE_MAX];
    struct room *room = room_new();
    json_t *before = workload("Deployment", 1, NULL, "1", "1Gi");
    json_t *after = workload("Deployment", 1, NULL, "4", "1Gi");
    json_t *one = node("n1", "4", "8Gi", "2");
    json_t *busy = pod("x", "n1", "1", "1Gi");
    assert_true(room_judge(room, before, after, NULL, false, why)); /* nothing is known */
    room_pod(room, busy);
    room_node(room, one);
    room_node(room, one);
    assert_false(room_judge(room, before, after, NULL, false, why));
    for (int i = 0; i < 1000; i++) {
        room_pod(room, busy);
    }
    json_object_set_new(json_object_get(busy, "status"), "phase", json_string("Succeeded"));
    room_pod(room, busy);
    assert_true(room_judge(room, before, after, NULL, false, why));
    json_object_set_new(json_object_get(busy, "status"), "phase", json_string("Running"));
    room_pod(room, busy);
    assert_false(room_judge(room, before, after, NULL, false, why));
    room_gone(room, "x");
    room_gone(room, "x");
    room_gone(room, NULL);
    assert_true(room_judge(room, before, after, NULL, false, why));
    json_t *small[] = {pod("a", "n1", "0", "0"), pod("b", "n1", "0", "0")};
    room_pod(room, small[0]);
    assert_true(room_judge(room, before, after, NULL, false, why));
    room_pod(room, small[1]);
    assert_false(room_judge(room, before, after, NULL, false, why)); /* two pods, no more */
    room_gone(room, "n1");
    assert_true(room_judge(room, before, after, NULL, false, why));
    json_object_set_new(json_object_get(one, "spec"), "unschedulable", json_true());
    room_node(room, one);
    assert_false(room_judge(room, before, after, NULL, false, why));
    assert_non_null(strstr(why, "0 of 1 nodes are open to them"));
    json_decref(small[0]);
    json_decref(small[1]);
    json_decref(busy);
    json_decref(one);
    json_decref(after);
    json_decref(before);
    room_free(room);
    room_free(NULL);
}

static void test_unseen(void **state)
{
    (void)state;
    char why[ERR_MESSAGE_MAX];
    json_t *own = NULL;
    struct room *room = three_nodes("0", &own);
    json_t *before = workload("StatefulSet", 1, NULL, "1", "1Gi");
    json_t *after = workload("StatefulSet", 1, NULL, "2", "1Gi");
    json_object_set_new(json_at(after, "spec.template.spec"), "volumes", json_pack("[{s:s,s:{s:s}}]", "name", "data", "persistentVolumeClaim", "claimName", "d"));
    assert_true(room_judge(room, before, after, own, false, why));
    assert_string_equal(why, "room was found without looking at volumes");
    json_decref(after);
    json_decref(before);
    json_decref(own);
    room_free(room);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_needs), cmocka_unit_test(test_allowed), cmocka_unit_test(test_surge),
        cmocka_unit_test(test_rooms), cmocka_unit_test(test_news),    cmocka_unit_test(test_unseen),
    };
    json_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
