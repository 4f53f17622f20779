/* Which changes running pods can take where they are, and back again; how far each pod is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/common/health/in_place.h"

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

#define ROOM(requests, limits) "'resources':{'requests':{" requests "},'limits':{" limits "}}"
#define APP(resources) "{'name':'app','image':'x'," resources "}"
#define SMALL ROOM("'cpu':'100m','memory':'64Mi'", "'memory':'128Mi'")
#define LARGE ROOM("'cpu':'300m','memory':'96Mi'", "'memory':'256Mi'")
#define DEPLOYMENT(containers) \
    "{'kind':'Deployment','metadata':{'name':'cart','uid':'d'},'spec':{'replicas':1,'template':{'metadata':{'labels':{'app':'cart'}},'spec':{" containers "}}}}"
#define SET(name, owner, containers) \
    "{'metadata':{'name':'" name "','ownerReferences':[{'controller':true,'uid':'" owner "'}]},'spec':{'template':{'metadata':{'labels':{'app':'cart'," \
    "'pod-template-hash':'5f'}},'spec':{" containers "}}}}"
#define READY "'phase':'Running','conditions':[{'type':'Ready','status':'True'}]"
#define GIVEN(resources) "'containerStatuses':[{'name':'app','state':{'running':{}}," resources "}]"
#define POD(containers, status) "{'metadata':{'name':'cart-5f-1','uid':'p','resourceVersion':'7'},'spec':{" containers "},'status':{" status "}}"
#define ONE(resources) "'containers':[" APP(resources) "]"

struct row {
    const char *what;
    int minor;
    const char *before;
    const char *after;
    const char *pod;
    const char *sets; /* NULL: the usual one */
    enum in_place_way way;
    const char *why;
};

static const char usual[] = "[" SET("other", "x", ONE(LARGE)) "," SET("cart-5f", "d", ONE(SMALL)) "," SET("cart-4e", "d", ONE(ROOM("", ""))) "]";

#define FINE POD(ONE(SMALL), READY "," GIVEN(SMALL))
#define SIDE(resources) "'initContainers':[{'name':'side','restartPolicy':'Always'," resources "}],'containers':[" APP(SMALL) "]"
#define INIT(resources) "'initContainers':[{'name':'first'," resources "}],'containers':[" APP(SMALL) "]"
#define STATEFUL(strategy, resources) \
    "{'kind':'StatefulSet','metadata':{'name':'db','uid':'s'},'spec':{'replicas':1,'updateStrategy':{" strategy "},'template':{'spec':{" ONE(resources) "}}}}"
#define DAEMONS(strategy, resources) \
    "{'kind':'DaemonSet','metadata':{'name':'log','uid':'s'},'spec':{'updateStrategy':{'type':'" strategy "'},'template':{'spec':{" ONE(resources) "}}}}"
#define KIND(kind, resources) "{'kind':'" kind "','metadata':{'name':'log','uid':'s'},'spec':{'template':{'spec':{" ONE(resources) "}}}}"
#define ORDERED "{'metadata':{'name':'db-0'},'spec':{" ONE(SMALL) "},'status':{" READY "," GIVEN(SMALL) "}}"

static const struct row rows[] = {
    {"a Deployment", 34, DEPLOYMENT(ONE(SMALL)), DEPLOYMENT(ONE(LARGE)), FINE, NULL, IN_PLACE_DEPLOYMENT, ""},
    {"and back", 34, DEPLOYMENT(ONE(LARGE)), DEPLOYMENT(ONE(SMALL)), POD(ONE(LARGE), READY "," GIVEN(LARGE)),
     "[" SET("cart-5f", "d", ONE(LARGE)) "]", IN_PLACE_DEPLOYMENT, ""},
    {"an older server", 32, DEPLOYMENT(ONE(SMALL)), DEPLOYMENT(ONE(LARGE)), FINE, NULL, IN_PLACE_NOT, "older than Kubernetes 1.33"},
    {"a server that says nothing", 0, DEPLOYMENT(ONE(SMALL)), DEPLOYMENT(ONE(LARGE)), FINE, NULL, IN_PLACE_NOT, "does not say"},
    {"memory limits on 1.33", 33, DEPLOYMENT(ONE(SMALL)), DEPLOYMENT(ONE(LARGE)), FINE, NULL, IN_PLACE_NOT, "1.33 lowers no memory limit"},
    {"requests on 1.33", 33, DEPLOYMENT(ONE(SMALL)), DEPLOYMENT(ONE(ROOM("'cpu':'300m','memory':'96Mi'", "'memory':'128Mi'"))), FINE, NULL, IN_PLACE_DEPLOYMENT, ""},
    {"a limit added", 34, DEPLOYMENT(ONE(SMALL)), DEPLOYMENT(ONE(ROOM("'cpu':'300m','memory':'96Mi'", "'cpu':'2','memory':'128Mi'"))), FINE, NULL, IN_PLACE_NOT,
     "limits.cpu of container app would be added"},
    {"a limit removed", 34, DEPLOYMENT(ONE(SMALL)), DEPLOYMENT(ONE(ROOM("'cpu':'300m','memory':'96Mi'", ""))), FINE, NULL, IN_PLACE_NOT,
     "limits.memory of container app would be removed"},
    {"a class that changes", 34, DEPLOYMENT(ONE(ROOM("'cpu':'1','memory':'64Mi'", "'cpu':'2','memory':'64Mi'"))),
     DEPLOYMENT(ONE(ROOM("'cpu':'2','memory':'64Mi'", "'cpu':'2','memory':'64Mi'"))),
     POD(ONE(ROOM("'cpu':'1','memory':'64Mi'", "'cpu':'2','memory':'64Mi'")), READY "," GIVEN(SMALL)), NULL, IN_PLACE_NOT,
     "QoS class would change from Burstable to Guaranteed"},
    {"a limit alone is a request, too", 34, DEPLOYMENT(ONE(ROOM("", "'cpu':'1','memory':'64Mi'"))),
     DEPLOYMENT(ONE(ROOM("", "'cpu':'2','memory':'64Mi'"))),
     POD(ONE(ROOM("'cpu':'1','memory':'64Mi'", "'cpu':'1','memory':'64Mi'")), READY "," GIVEN(SMALL)),
     "[" SET("cart-5f", "d", ONE(ROOM("", "'cpu':'1','memory':'64Mi'"))) "]", IN_PLACE_DEPLOYMENT, ""},
    {"a restart by its policy", 34, DEPLOYMENT(ONE(SMALL)),
     DEPLOYMENT("'containers':[{'name':'app','image':'x','resizePolicy':[{'resourceName':'cpu','restartPolicy':'NotRequired'},{'resourceName':'memory','restartPolicy':"
                "'RestartContainer'}]," LARGE "}]"),
     FINE, NULL, IN_PLACE_NOT, "resizePolicy of container app restarts it when its memory"},
    {"a restart by its policy, of what does not change", 34, DEPLOYMENT(ONE(SMALL)),
     DEPLOYMENT("'containers':[{'name':'app','image':'x','resizePolicy':[{'resourceName':'memory','restartPolicy':'RestartContainer'}],"
                ROOM("'cpu':'300m','memory':'64Mi'", "'memory':'128Mi'") "}]"),
     FINE, NULL, IN_PLACE_DEPLOYMENT, ""},
    {"an init container", 34, DEPLOYMENT(INIT(SMALL)), DEPLOYMENT(INIT(LARGE)), POD(INIT(SMALL), READY "," GIVEN(SMALL)), NULL, IN_PLACE_NOT, "container first is an init"},
    {"a sidecar", 34, DEPLOYMENT(SIDE(SMALL)), DEPLOYMENT(SIDE(LARGE)), POD(SIDE(SMALL), READY "," GIVEN(SMALL)), "[" SET("cart-5f", "d", SIDE(SMALL)) "]", IN_PLACE_DEPLOYMENT, ""},
    {"resources of the pod", 34, DEPLOYMENT("'resources':{'requests':{'cpu':'1'}}," ONE(SMALL)), DEPLOYMENT("'resources':{'requests':{'cpu':'1'}}," ONE(LARGE)), FINE, NULL, IN_PLACE_NOT, "resources of their own"},
    {"Windows", 34, DEPLOYMENT("'os':{'name':'windows'}," ONE(SMALL)), DEPLOYMENT("'os':{'name':'windows'}," ONE(LARGE)), FINE, NULL, IN_PLACE_NOT, "Windows"},
    {"no pods", 34, DEPLOYMENT(ONE(SMALL)), DEPLOYMENT(ONE(LARGE)), NULL, NULL, IN_PLACE_NOT, "no pods"},
    {"a pod that is not ready", 34, DEPLOYMENT(ONE(SMALL)), DEPLOYMENT(ONE(LARGE)), POD(ONE(SMALL), "'phase':'Running'," GIVEN(SMALL)), NULL, IN_PLACE_NOT, "cart-5f-1 is not ready"},
    {"a pod that others made another", 34, DEPLOYMENT(ONE(SMALL)), DEPLOYMENT(ONE(LARGE)), POD(ONE(LARGE), READY "," GIVEN(LARGE)), NULL, IN_PLACE_NOT, "container app of pod cart-5f-1 has other resources"},
    {"an old kubelet", 34, DEPLOYMENT(ONE(SMALL)), DEPLOYMENT(ONE(LARGE)), POD(ONE(SMALL), READY ",'containerStatuses':[{'name':'app','state':{'running':{}}}]"), NULL, IN_PLACE_NOT, "does not resize pods"},
    {"a pod in the middle", 34, DEPLOYMENT(ONE(SMALL)), DEPLOYMENT(ONE(LARGE)),
     POD(ONE(SMALL), "'phase':'Running','conditions':[{'type':'Ready','status':'True'},{'type':'PodResizePending','status':'True'}]," GIVEN(SMALL)), NULL, IN_PLACE_NOT, "being resized already"},
    {"a pod that was killed", 34, DEPLOYMENT(ONE(SMALL)), DEPLOYMENT(ONE(LARGE)),
     POD(ONE(SMALL), READY ",'containerStatuses':[{'name':'app','state':{'running':{}},'lastState':{'terminated':{'reason':'OOMKilled'}}," SMALL "}]"), NULL, IN_PLACE_NOT, "killed for want of memory"},
    {"a former ReplicaSet", 34, DEPLOYMENT(ONE(SMALL)), DEPLOYMENT(ONE(LARGE)), FINE, "[" SET("cart-5f", "d", ONE(SMALL)) "," SET("cart-1a", "d", ONE(LARGE)) "]", IN_PLACE_NOT,
     "former ReplicaSet cart-1a has the planned template"},
    {"two ReplicaSets", 34, DEPLOYMENT(ONE(SMALL)), DEPLOYMENT(ONE(LARGE)), FINE, "[" SET("cart-5f", "d", ONE(SMALL)) "," SET("cart-1a", "d", ONE(SMALL)) "]", IN_PLACE_NOT, "two of its"},
    {"no ReplicaSet", 34, DEPLOYMENT(ONE(SMALL)), DEPLOYMENT(ONE(LARGE)), FINE, "[]", IN_PLACE_NOT, "none of its ReplicaSets"},
    {"OnDelete", 34, STATEFUL("'type':'OnDelete'", SMALL), STATEFUL("'type':'OnDelete'", LARGE), FINE, NULL, IN_PLACE_PODS, ""},
    {"below the partition", 34, STATEFUL("'rollingUpdate':{'partition':1}", SMALL), STATEFUL("'rollingUpdate':{'partition':1}", LARGE), ORDERED, NULL, IN_PLACE_PODS, ""},
    {"a set that rolls", 34, STATEFUL("'rollingUpdate':{'partition':0}", SMALL), STATEFUL("'rollingUpdate':{'partition':0}", LARGE), ORDERED, NULL, IN_PLACE_NOT, "replaces its pods"},
    {"daemons", 34, DAEMONS("OnDelete", SMALL), DAEMONS("OnDelete", LARGE), FINE, NULL, IN_PLACE_PODS, ""},
    {"daemons that roll", 34, DAEMONS("RollingUpdate", SMALL), DAEMONS("RollingUpdate", LARGE), FINE, NULL, IN_PLACE_NOT, "replaces its pods"},
    {"a ReplicaSet", 34, KIND("ReplicaSet", SMALL), KIND("ReplicaSet", LARGE), FINE, NULL, IN_PLACE_PODS, ""},
    {"an Argo Rollout", 34, KIND("Rollout", SMALL), KIND("Rollout", LARGE), FINE, NULL, IN_PLACE_NOT, "replaces its pods"},
    {"a DeploymentConfig", 34, KIND("DeploymentConfig", SMALL), KIND("DeploymentConfig", LARGE), FINE, NULL, IN_PLACE_NOT, "replaces its pods"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char why[ERR_MESSAGE_MAX] = "left";
        const json_t *set = NULL;
        json_t *before = object_of(rows[i].before);
        json_t *after = object_of(rows[i].after);
        json_t *sets = object_of(rows[i].sets == NULL ? usual : rows[i].sets);
        json_t *pods = json_array();
        if (rows[i].pod != NULL) {
            json_array_append_new(pods, object_of(rows[i].pod));
        }
        struct in_place_question question = {.minor = rows[i].minor, .before = before, .after = after, .pods = pods, .sets = sets};
        enum in_place_way way = in_place_decide(&question, &set, why);
        if (way != rows[i].way || strstr(why, rows[i].why) == NULL || (rows[i].why[0] == '\0' && why[0] != '\0')) {
            fail_msg("%s: %d; \"%s\"", rows[i].what, (int)way, why);
        }
        if (way == IN_PLACE_DEPLOYMENT) {
            assert_string_equal(json_string_value(json_at(set, "metadata.name")), "cart-5f");
        } else {
            assert_null(set);
        }
        json_decref(pods);
        json_decref(sets);
        json_decref(after);
        json_decref(before);
    }
}

/* Part of a set is replaced by its controller, and that is said. */
static void test_partition(void **state)
{
    (void)state;
    char why[ERR_MESSAGE_MAX];
    const json_t *set = NULL;
    json_t *before = object_of(STATEFUL("'rollingUpdate':{'partition':1}", SMALL));
    json_t *after = object_of(STATEFUL("'rollingUpdate':{'partition':1}", LARGE));
    json_t *pods = json_pack("[o,o]", object_of(ORDERED), object_of(ORDERED));
    json_object_set_new(json_object_get(json_array_get(pods, 1), "metadata"), "name", json_string("db-1"));
    struct in_place_question question = {.minor = 34, .before = before, .after = after, .pods = pods};
    assert_int_equal(in_place_decide(&question, &set, why), IN_PLACE_PODS);
    assert_string_equal(why, "1 pods above its partition are replaced");
    assert_true(in_place_keeps(before, json_array_get(pods, 0)));
    assert_false(in_place_keeps(before, json_array_get(pods, 1)));
    json_decref(pods);
    json_decref(after);
    json_decref(before);
}

static void test_pods(void **state)
{
    (void)state;
    static const struct {
        const char *pod;
        enum in_place_pod state;
        const char *why;
    } cases[] = {
        {POD(ONE(LARGE), READY "," GIVEN(LARGE)), IN_PLACE_POD_DONE, ""},
        {POD(ONE(LARGE), READY), IN_PLACE_POD_DONE, ""},
        {POD(ONE(SMALL), READY "," GIVEN(SMALL)), IN_PLACE_POD_ASK, "container app of pod cart-5f-1 is not resized yet"},
        {POD(ONE(LARGE), READY "," GIVEN(SMALL)), IN_PLACE_POD_WAITS, "being resized"},
        {POD(ONE(LARGE), "'phase':'Running','conditions':[{'type':'PodResizePending','status':'True','reason':'Deferred','message':'later'}]," GIVEN(SMALL)),
         IN_PLACE_POD_WAITS, "does not yet give it what it shall have (Deferred: later)"},
        {POD(ONE(LARGE), "'phase':'Running','conditions':[{'type':'PodResizePending','status':'True','reason':'Infeasible','message':'Node didn\\u0027t have enough capacity'}]," GIVEN(SMALL)),
         IN_PLACE_POD_REFUSED, "cannot give it"},
        {POD(ONE(LARGE), "'phase':'Running','conditions':[{'type':'PodResizeInProgress','status':'True'}]," GIVEN(LARGE)), IN_PLACE_POD_WAITS, "being resized"},
        {POD(ONE(LARGE), "'phase':'Running','conditions':[{'type':'PodResizePending','status':'True','reason':'Infeasible'}]," GIVEN(LARGE)), IN_PLACE_POD_DONE, ""},
        {POD(ONE(SMALL), "'phase':'Failed'"), IN_PLACE_POD_OVER, ""},
    };
    json_t *object = object_of(DEPLOYMENT(ONE(LARGE)));
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char why[ERR_MESSAGE_MAX] = "left";
        json_t *pod = object_of(cases[i].pod);
        enum in_place_pod found = in_place_pod_judge(object, pod, why);
        if (found != cases[i].state || strstr(why, cases[i].why) == NULL || (cases[i].why[0] == '\0' && why[0] != '\0')) {
            fail_msg("case %zu: %d; \"%s\"", i, (int)found, why);
        }
        json_decref(pod);
    }
    json_t *pod = object_of(cases[2].pod);
    json_t *patch = in_place_pod_patch(object, pod);
    char *text = json_text(patch);
    assert_string_equal(text, "{\"metadata\":{\"resourceVersion\":\"7\",\"uid\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"app\",\"resources\":{\"limits\":{\"memory\":"
                              "\"256Mi\"},\"requests\":{\"cpu\":\"300m\",\"memory\":\"96Mi\"}}}]}}");
    free(text);
    json_decref(patch);
    json_decref(pod);
    json_decref(object);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_partition), cmocka_unit_test(test_pods)};
    json_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
