/* Rollouts as controllers tell of them: statuses taken from real clusters, in the middle and at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/common/health/rollout.h"

struct row {
    const char *what;
    const char *object;
    enum rollout_state state;
    const char *why; /* a part of it, "" for none at all */
};

#define DEPLOYMENT(spec, status) \
    "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'cart','generation':7},'spec':{" spec "},'status':{" status "}}"
#define SET(spec, status) \
    "{'apiVersion':'apps/v1','kind':'StatefulSet','metadata':{'name':'db','generation':2},'spec':{" spec "},'status':{" status "}}"
#define DAEMONS(spec, status) \
    "{'apiVersion':'apps/v1','kind':'DaemonSet','metadata':{'name':'log','generation':2},'spec':{" spec "},'status':{" status "}}"
#define ARGO(spec, status) \
    "{'apiVersion':'argoproj.io/v1alpha1','kind':'Rollout','metadata':{'name':'web','generation':4},'spec':{" spec "},'status':{" status "}}"
#define TOO_LATE(when) \
    "'observedGeneration':7,'replicas':4,'updatedReplicas':1,'availableReplicas':3,'conditions':[{'type':'Available','status':'True'}," \
    "{'type':'Progressing','status':'False','reason':'ProgressDeadlineExceeded','lastUpdateTime':'" when "'," \
    "'message':'ReplicaSet \\\"cart-6\\\" has timed out progressing.'}]"

static const struct row rows[] = {
    {"one that is done", DEPLOYMENT("'replicas':3", "'observedGeneration':7,'replicas':3,'updatedReplicas':3,'readyReplicas':3,'availableReplicas':3"),
     ROLLOUT_COMPLETE, ""},
    {"replicas are one where nothing is said", DEPLOYMENT("'minReadySeconds':5", "'observedGeneration':7,'replicas':1,'updatedReplicas':1,'availableReplicas':1"),
     ROLLOUT_COMPLETE, ""},
    {"one that its controller has not seen", DEPLOYMENT("'replicas':3", "'observedGeneration':6,'replicas':3,'updatedReplicas':3,'availableReplicas':3"),
     ROLLOUT_UNDER_WAY, "not seen"},
    {"one without a status", DEPLOYMENT("'replicas':3", ""), ROLLOUT_UNDER_WAY, "not seen"},
    {"the first pods are new", DEPLOYMENT("'replicas':3", "'observedGeneration':7,'replicas':4,'updatedReplicas':1,'availableReplicas':3"),
     ROLLOUT_UNDER_WAY, "1 of 3 pods are updated"},
    {"an old pod is left", DEPLOYMENT("'replicas':3", "'observedGeneration':7,'replicas':4,'updatedReplicas':3,'availableReplicas':3"),
     ROLLOUT_UNDER_WAY, "1 pods of the former template"},
    {"not all are available", DEPLOYMENT("'replicas':3", "'observedGeneration':7,'replicas':3,'updatedReplicas':3,'availableReplicas':2"),
     ROLLOUT_UNDER_WAY, "2 of 3 pods are available"},
    {"it is being made smaller", DEPLOYMENT("'replicas':2", "'observedGeneration':7,'replicas':3,'updatedReplicas':3,'availableReplicas':3"),
     ROLLOUT_UNDER_WAY, "1 pods too many"},
    {"none is wanted", DEPLOYMENT("'replicas':0", "'observedGeneration':7"), ROLLOUT_COMPLETE, ""},
    {"none is wanted, one is there", DEPLOYMENT("'replicas':0", "'observedGeneration':7,'replicas':1,'availableReplicas':1"), ROLLOUT_UNDER_WAY, "former template"},
    {"paused", DEPLOYMENT("'replicas':1,'paused':true", "'observedGeneration':7,'replicas':1,'updatedReplicas':1,'availableReplicas':1"),
     ROLLOUT_PAUSED, "paused"},
    {"paused, not seen", DEPLOYMENT("'replicas':1,'paused':true", "'observedGeneration':6"), ROLLOUT_PAUSED, "paused"},
    {"too late", DEPLOYMENT("'replicas':4", TOO_LATE("2026-11-23T10:00:00Z")), ROLLOUT_FAILED, "deadline is exceeded: ReplicaSet \"cart-6\" has timed"},
    {"a quota",
     DEPLOYMENT("'replicas':3", "'observedGeneration':7,'replicas':3,'availableReplicas':3,'conditions':[{'type':'Progressing','status':'True'},"
                "{'type':'ReplicaFailure','status':'True','reason':'FailedCreate','message':'pods \\\"cart-5\\\" is forbidden: exceeded quota: small'}]"),
     ROLLOUT_STUCK, "cannot be made: pods \"cart-5\" is forbidden: exceeded quota"},
    {"a StatefulSet that is done",
     SET("'replicas':2,'updateStrategy':{'type':'RollingUpdate','rollingUpdate':{'partition':0}}",
         "'observedGeneration':2,'replicas':2,'readyReplicas':2,'availableReplicas':2,'updatedReplicas':2,'currentReplicas':2,"
         "'currentRevision':'db-1','updateRevision':'db-1'"),
     ROLLOUT_COMPLETE, ""},
    {"a StatefulSet in the middle",
     SET("'replicas':3", "'observedGeneration':2,'replicas':3,'readyReplicas':3,'availableReplicas':3,'updatedReplicas':1,'currentRevision':'db-1','updateRevision':'db-2'"),
     ROLLOUT_UNDER_WAY, "1 of 3 pods are updated"},
    {"an older server's StatefulSet",
     SET("'replicas':1", "'observedGeneration':2,'replicas':1,'readyReplicas':0,'updatedReplicas':1,'currentRevision':'db-1','updateRevision':'db-2'"),
     ROLLOUT_UNDER_WAY, "0 of 1 pods are available"},
    {"a partition that is reached",
     SET("'replicas':3,'updateStrategy':{'type':'RollingUpdate','rollingUpdate':{'partition':2}}",
         "'observedGeneration':2,'replicas':3,'readyReplicas':3,'availableReplicas':3,'updatedReplicas':1,'currentRevision':'db-1','updateRevision':'db-2'"),
     ROLLOUT_WAITS, "2 of 3 pods get the template when they are made anew: they are below its partition"},
    {"a partition that is not reached",
     SET("'replicas':3,'updateStrategy':{'type':'RollingUpdate','rollingUpdate':{'partition':1}}",
         "'observedGeneration':2,'replicas':3,'readyReplicas':3,'availableReplicas':3,'updatedReplicas':1,'currentRevision':'db-1','updateRevision':'db-2'"),
     ROLLOUT_UNDER_WAY, "1 of 2 pods are updated"},
    {"a partition beyond all",
     SET("'replicas':3,'updateStrategy':{'type':'RollingUpdate','rollingUpdate':{'partition':9}}",
         "'observedGeneration':2,'replicas':3,'availableReplicas':3,'currentRevision':'db-1','updateRevision':'db-2'"),
     ROLLOUT_WAITS, "3 of 3 pods"},
    {"OnDelete",
     SET("'replicas':2,'updateStrategy':{'type':'OnDelete'}",
         "'observedGeneration':2,'replicas':2,'availableReplicas':2,'currentRevision':'db-1','updateRevision':'db-2'"),
     ROLLOUT_WAITS, "its update strategy is OnDelete"},
    {"a DaemonSet that is done",
     DAEMONS("'updateStrategy':{'type':'RollingUpdate'}",
             "'observedGeneration':2,'desiredNumberScheduled':2,'currentNumberScheduled':2,'updatedNumberScheduled':2,'numberAvailable':2,'numberReady':2"),
     ROLLOUT_COMPLETE, ""},
    {"a DaemonSet in the middle",
     DAEMONS("'updateStrategy':{'type':'RollingUpdate'}", "'observedGeneration':2,'desiredNumberScheduled':2,'updatedNumberScheduled':1,'numberAvailable':1"),
     ROLLOUT_UNDER_WAY, "1 of 2 pods are updated"},
    {"a DaemonSet without a node", DAEMONS("'updateStrategy':{'type':'RollingUpdate'}", "'observedGeneration':2,'desiredNumberScheduled':0"), ROLLOUT_COMPLETE, ""},
    {"a DaemonSet OnDelete",
     DAEMONS("'updateStrategy':{'type':'OnDelete'}", "'observedGeneration':2,'desiredNumberScheduled':2,'numberAvailable':2"), ROLLOUT_WAITS, "OnDelete"},
    {"a ReplicaSet",
     "{'kind':'ReplicaSet','metadata':{'generation':1},'spec':{'replicas':1},'status':{'observedGeneration':1,'replicas':1,'availableReplicas':1}}",
     ROLLOUT_WAITS, "made anew"},
    {"a ReplicaSet of none", "{'kind':'ReplicaSet','metadata':{'generation':1},'spec':{'replicas':0},'status':{'observedGeneration':1}}", ROLLOUT_COMPLETE, ""},
    {"a ReplicaSet that is refused pods",
     "{'kind':'ReplicaSet','metadata':{'generation':1},'spec':{'replicas':1},'status':{'observedGeneration':1,'replicas':0,'conditions':"
     "[{'type':'ReplicaFailure','status':'True','message':'denied by the webhook'}]}}",
     ROLLOUT_STUCK, "denied by the webhook"},
    {"a CronJob", "{'kind':'CronJob','metadata':{'generation':3},'spec':{'schedule':'@daily'},'status':{}}", ROLLOUT_WAITS, "next job"},
    {"a CronJob at work", "{'kind':'CronJob','spec':{},'status':{'active':[{'name':'x'}]}}", ROLLOUT_WAITS, "1 of its jobs run on"},
    {"a suspended CronJob", "{'kind':'CronJob','spec':{'suspend':true},'status':{}}", ROLLOUT_WAITS, "suspended"},
    {"a Job at work", "{'kind':'Job','spec':{},'status':{'active':1}}", ROLLOUT_UNDER_WAY, "runs"},
    {"a Job that is done", "{'kind':'Job','spec':{},'status':{'conditions':[{'type':'Complete','status':'True'}]}}", ROLLOUT_COMPLETE, ""},
    {"a Job that failed", "{'kind':'Job','spec':{},'status':{'conditions':[{'type':'Failed','status':'True','message':'BackoffLimitExceeded'}]}}", ROLLOUT_FAILED, "Backoff"},
    {"a Pod", "{'kind':'Pod','status':{'phase':'Running','conditions':[{'type':'Ready','status':'True'}]}}", ROLLOUT_COMPLETE, ""},
    {"a Pod that is not ready", "{'kind':'Pod','status':{'phase':'Running','conditions':[{'type':'Ready','status':'False'}]}}", ROLLOUT_UNDER_WAY, "not ready"},
    {"an Argo Rollout that is done", ARGO("'replicas':1", "'observedGeneration':'4','phase':'Healthy','replicas':1,'updatedReplicas':1,'availableReplicas':1"), ROLLOUT_COMPLETE, ""},
    {"an Argo Rollout not seen", ARGO("'replicas':1", "'observedGeneration':'3','phase':'Healthy','replicas':1,'updatedReplicas':1,'availableReplicas':1"), ROLLOUT_UNDER_WAY, "not seen"},
    {"an Argo Rollout in the middle", ARGO("'replicas':1", "'observedGeneration':'4','phase':'Progressing','message':'more replicas need to be updated'"), ROLLOUT_UNDER_WAY, "more replicas"},
    {"an Argo Rollout that was aborted", ARGO("'replicas':1", "'observedGeneration':'4','phase':'Degraded','message':'RolloutAborted: metric'"), ROLLOUT_FAILED, "RolloutAborted"},
    {"an Argo Rollout at a step without end",
     ARGO("'strategy':{'canary':{'steps':[{'setWeight':5},{'pause':{}}]}}",
          "'observedGeneration':'4','phase':'Paused','currentStepIndex':1,'pauseConditions':[{'reason':'CanaryPauseStep'}]"),
     ROLLOUT_WAITS, "promotes"},
    {"an Argo Rollout at a step of a minute",
     ARGO("'strategy':{'canary':{'steps':[{'setWeight':5},{'pause':{'duration':'1m'}}]}}",
          "'observedGeneration':'4','phase':'Paused','message':'CanaryPauseStep','currentStepIndex':1,'pauseConditions':[{'reason':'CanaryPauseStep'}]"),
     ROLLOUT_UNDER_WAY, "CanaryPauseStep"},
    {"a DeploymentConfig",
     "{'kind':'DeploymentConfig','metadata':{'generation':2},'spec':{'replicas':1,'triggers':[{'type':'ConfigChange'}]},"
     "'status':{'observedGeneration':2,'replicas':1,'updatedReplicas':1,'availableReplicas':1}}",
     ROLLOUT_COMPLETE, ""},
    {"a DeploymentConfig that rolls by hand",
     "{'kind':'DeploymentConfig','metadata':{'generation':2},'spec':{'replicas':1,'triggers':[]},"
     "'status':{'observedGeneration':2,'replicas':1,'updatedReplicas':1,'availableReplicas':1}}",
     ROLLOUT_WAITS, "next rollout"},
    {"another kind", "{'kind':'HorizontalPodAutoscaler','metadata':{'generation':2},'status':{}}", ROLLOUT_COMPLETE, ""},
    {"another kind not seen", "{'kind':'Thing','metadata':{'generation':2},'status':{'observedGeneration':1}}", ROLLOUT_UNDER_WAY, "not seen"},
    {"nonsense", "{'kind':'Deployment','metadata':[],'spec':3,'status':'x'}", ROLLOUT_UNDER_WAY, "not seen"},
    {"a StatefulSet of nonsense", "{'kind':'StatefulSet','spec':{'updateStrategy':[]},'status':{'observedGeneration':0,'conditions':{}}}", ROLLOUT_UNDER_WAY, "0 of 1"},
};

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

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char why[ERR_MESSAGE_MAX] = "left";
        json_t *object = object_of(rows[i].object);
        enum rollout_state found = rollout_judge(object, why);
        if (found != rows[i].state || strstr(why, rows[i].why) == NULL || (rows[i].why[0] == '\0' && why[0] != '\0')) {
            fail_msg("%s: state %d, expected %d; \"%s\", expected \"%s\"", rows[i].what, (int)found, (int)rows[i].state, why, rows[i].why);
        }
        json_decref(object);
    }
}

/* The deadline that the former template missed stays in the status after the template was put back. */
static void test_former_deadline(void **state)
{
    (void)state;
    static const char *const managed[] = {"2026-11-23T09:59:59Z", "2026-11-23T10:00:00Z", "2026-11-23T10:00:05Z"};
    static const enum rollout_state expected[] = {ROLLOUT_FAILED, ROLLOUT_UNDER_WAY, ROLLOUT_UNDER_WAY};
    for (size_t i = 0; i < ARRAY_COUNT(managed); i++) {
        char why[ERR_MESSAGE_MAX];
        json_t *object = object_of(DEPLOYMENT("'replicas':4", TOO_LATE("2026-11-23T10:00:00Z")));
        json_object_set_new(json_object_get(object, "metadata"), "managedFields",
                            json_pack("[{s:s,s:s,s:s},{s:s,s:s,s:s},{s:s,s:s}]", "manager", "kube-controller-manager", "subresource", "status",
                                      "time", "2026-11-23T11:00:00Z", "manager", "kube-controller-manager", "operation", "Update", "time",
                                      "2026-11-23T10:00:09Z", "manager", "tare", "time", managed[i]));
        assert_int_equal(rollout_judge(object, why), expected[i]);
        json_decref(object);
    }
}

static void test_words_of_others(void **state)
{
    (void)state;
    char why[ERR_MESSAGE_MAX];
    json_t *object = object_of("{'kind':'Job','spec':{},'status':{'conditions':[{'type':'Failed','status':'True','message':'a\\u001b[2Jb'}]}}");
    assert_int_equal(rollout_judge(object, why), ROLLOUT_FAILED);
    assert_string_equal(why, "it failed: a?[2Jb");
    json_decref(object);
}

static void test_replicas(void **state)
{
    (void)state;
    static const struct {
        const char *object;
        int64_t replicas;
    } cases[] = {
        {"{'kind':'Deployment','spec':{}}", 1},
        {"{'kind':'StatefulSet','spec':{'replicas':0}}", 0},
        {"{'kind':'DaemonSet','spec':{},'status':{'desiredNumberScheduled':9}}", 9},
        {"{'kind':'Job','spec':{'parallelism':4}}", 4},
        {"{'kind':'CronJob','spec':{}}", 0},
        {"{'kind':'Pod','spec':{}}", 1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        json_t *object = object_of(cases[i].object);
        assert_int_equal(rollout_replicas(object), cases[i].replicas);
        json_decref(object);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_former_deadline),
        cmocka_unit_test(test_words_of_others),
        cmocka_unit_test(test_replicas),
    };
    json_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
