#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/confirm.h"
#include "pipeline/driver/line.h"
#include "pipeline/driver/next.h"
#include "pipeline/driver/notify.h"
#include "pipeline/driver/plan.h"
#include "pipeline/driver/proposal.h"
#include "pipeline/driver/reports.h"
#include "pipeline/driver/view.h"
#include "pipeline/run/artifact.h"
#include "pipeline/run/record.h"

static const char usage[] = "tare propose RUN NAMESPACE/KIND/NAME [CONTAINER.]FIELD=AMOUNT… --reason TEXT";

enum { REASON_MAX = 4000 };

/* What a proposal is about. */
struct subject {
    struct ledger_run run; /* the run beside which it is made */
    const char *namespace; /* of workloads that name none */
    const char *name;      /* NAMESPACE/KIND/NAME */
    json_t *record;        /* the workload's, new */
};

/* A search for one workload in an artifact. */
struct search {
    const char *name;
    const char *namespace;
    json_t *found; /* new */
    size_t count;
    char *nearest; /* another one's name, new; NULL: none yet */
    size_t distance;
};

static int look_at(const json_t *record, void *context, struct err *err)
{
    struct search *search = context;
    struct identity identity;
    if (record_identity(record, &identity, err)) {
        return -1;
    }
    char *name = identity_text(&identity, search->namespace);
    size_t distance = str_distance(name, search->name);
    if (str_equal(name, search->name)) {
        search->count++;
        json_decref(search->found);
        search->found = json_deep_copy(record);
    } else if (search->nearest == NULL || distance < search->distance) {
        free(search->nearest);
        search->nearest = xstrdup(name);
        search->distance = distance;
    }
    free(name);
    return 0;
}

static void search_release(struct search *search)
{
    json_decref(search->found);
    free(search->nearest);
}

/* Looks through the artifact of a stage of the run. search_release in any case. */
static int search_stage(struct session *session, int64_t run, const char *stage, enum artifact_kind kind, struct search *search,
                        struct err *err)
{
    char digest[LEDGER_DIGEST_SIZE];
    int fd = -1;
    if (ledger_artifact_find(session->ledger, run, stage, digest, err) || line_fetch(session, digest, &fd, err)) {
        return -1;
    }
    int failed = plan_each_workload(fd, kind, look_at, search, err);
    close(fd);
    return failed;
}

/* The run's one record of the workload. */
static int find_workload(struct session *session, struct subject *subject, struct err *err)
{
    struct search search = {.name = subject->name, .namespace = subject->namespace};
    int failed = search_stage(session, subject->run.id, "collect", ARTIFACT_USAGE, &search, err);
    if (failed && err->class == ERR_NOINPUT) {
        err_hint(err, "a proposal stands on what the run measured: tare run makes a new one");
    } else if (!failed && search.count == 0) {
        err_set(err, ERR_DATA, "run %" PRId64 " has no workload %s", subject->run.id, subject->name);
        failed = search.nearest == NULL ? -1 : err_hint(err, "did you mean %s?", search.nearest);
    } else if (!failed && search.count > 1) {
        err_set(err, ERR_DATA, "run %" PRId64 " has %s in %zu manifests, so a proposal cannot say which it is about", subject->run.id,
                subject->name, search.count);
        failed = err_hint(err, "make a run over one of them: tare run PATH");
    }
    if (!failed) {
        subject->record = json_incref(search.found);
    }
    search_release(&search);
    return failed ? -1 : 0;
}

/* A reason that says something, cut to what the ledger keeps of it. */
static int read_reason(struct session *session, const char **out, struct err *err)
{
    const char *reason = options_string(session->options, OPT_REASON);
    if (reason == NULL || reason[strspn(reason, " \t\r\n")] == '\0') {
        err_set(err, ERR_USAGE, "a proposal needs a reason");
        return err_hint(err, "add --reason \"why these amounts\"");
    }
    if (strlen(reason) > REASON_MAX) {
        return err_set(err, ERR_USAGE, "the reason is longer than %d bytes", REASON_MAX);
    }
    *out = reason;
    return 0;
}

/* The run that is named, of the cluster that is named. */
static int take_run(struct session *session, struct subject *subject, struct err *err)
{
    int64_t id;
    const char *cluster = options_typed(session->options, OPT_CLUSTER) ? options_string(session->options, OPT_CLUSTER) : NULL;
    if (session_run_id(session, 0, &id, err) || ledger_run_get(session->ledger, id, &session->arena, &subject->run, err)) {
        return -1;
    }
    if (cluster != NULL && !str_equal(cluster, subject->run.cluster)) {
        err_set(err, ERR_USAGE, "run %" PRId64 " is of cluster %s, not of %s", id, subject->run.cluster, cluster);
        return err_hint(err, "tare status lists the runs with their clusters");
    }
    session_follow(session, subject->run.cluster);
    return plan_default_namespace(session, &subject->run, &subject->namespace, err);
}

/* What is asked for and of what. *proposal new. */
static int read_words(struct session *session, struct subject *subject, json_t **proposal, struct err *err)
{
    struct ledger_workload workload;
    const char *reason = NULL;
    bool json;
    if (session_operands(session, 2, SIZE_MAX, usage, err) || session_json(session, &json, err) ||
        workload_parse(session, options_operand(session->options, 1), &workload, err) || read_reason(session, &reason, err) ||
        notify_check_config(session, err) || take_run(session, subject, err)) {
        return -1;
    }
    subject->name = options_operand(session->options, 1);
    return find_workload(session, subject, err) ||
                   proposal_read(session, 2, record_workload(subject->record), subject->name, reason, proposal, err)
               ? -1
               : 0;
}

/* The new run, on what the other one read and measured. */
static int begin(struct session *session, const struct subject *subject, const json_t *proposal, struct ledger_run *run, struct err *err)
{
    static const char *const keep[] = {"parse", "collect"};
    json_t *base;
    json_t *settings = NULL;
    if (line_stored_settings(&subject->run, &base, err)) {
        return -1;
    }
    int failed = line_settings_beside(base, &settings, err) ||
                 ledger_propose(session->ledger, subject->run.id, keep, ARRAY_COUNT(keep), settings, proposal, &session->arena, run, err);
    json_decref(base);
    json_decref(settings);
    return failed ? -1 : 0;
}

/* What became of the proposal in the plan. New. */
static int outcome_of(struct session *session, const struct subject *subject, const struct ledger_run *run, json_t **out, struct err *err)
{
    struct search search = {.name = subject->name, .namespace = subject->namespace};
    json_t *proposal = json_read(run->proposal, strlen(run->proposal), "the proposal", err);
    int failed = proposal == NULL || search_stage(session, run->id, "gate", ARTIFACT_GATED, &search, err);
    if (!failed) {
        *out = proposal_outcome(proposal, search.found);
    }
    json_decref(proposal);
    search_release(&search);
    return failed ? -1 : 0;
}

static int print_json(struct session *session, const struct ledger_run *run, json_t *outcome, struct err *err)
{
    json_t *object = NULL;
    if (view_run_object(session, run, &object, err)) {
        return -1;
    }
    json_object_set(object, "proposal", outcome);
    json_object_set_new(object, "commands", next_json(session, run));
    char *text = json_text(object);
    puts(text);
    free(text);
    json_decref(object);
    return 0;
}

/* Tells what became of it, writes the configured reports. */
static int conclude(struct session *session, const struct subject *subject, int64_t id, struct err *err)
{
    struct ledger_run run;
    json_t *outcome = NULL;
    if (ledger_run_get(session->ledger, id, &session->arena, &run, err) || outcome_of(session, subject, &run, &outcome, err)) {
        return -1;
    }
    notify_tell(session, &run, "run");
    if (reports_write(session, &run, err)) {
        log_warn("%s", err->message);
        *err = (struct err){0};
    }
    bool json = str_equal(options_string(session->options, OPT_FORMAT), "json");
    if (!json) {
        proposal_print(outcome);
    }
    int failed = json ? print_json(session, &run, outcome, err) : view_run(session, &run, err);
    json_decref(outcome);
    if (!failed && run.state == LEDGER_FAILED) {
        err_set(&session->verdict, ERR_REFUSED, "the gate blocks the proposal of run %" PRId64, id);
        err_hint(&session->verdict, "tare gate %" PRId64 " gives the reasons", id);
    }
    return failed;
}

int command_propose(struct session *session, struct err *err)
{
    struct subject subject = {.record = NULL};
    struct ledger_run run;
    json_t *proposal = NULL;
    enum ledger_state state = LEDGER_RUNNING;
    int failed = read_words(session, &subject, &proposal, err) || begin(session, &subject, proposal, &run, err);
    if (!failed) {
        log_info("run %" PRId64 " is a proposal for %s beside run %" PRId64 ", which stays as it is", run.id, subject.name, subject.run.id);
        failed = line_run(session, &run, &state, err) || conclude(session, &subject, run.id, err);
    }
    json_decref(proposal);
    json_decref(subject.record);
    return failed ? -1 : 0;
}
