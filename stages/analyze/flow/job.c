#include "stages/analyze/flow/job.h"

#include <math.h>

#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "stages/analyze/advice/recommend.h"
#include "stages/analyze/findings/findings.h"
#include "stages/analyze/forecast/outlook.h"
#include "stages/analyze/rules/figures.h"
#include "stages/analyze/scaling/scaling.h"
#include "stages/analyze/sizing/knobs.h"

void job_init(struct job *job)
{
    *job = (struct job){.record = NULL};
    arena_init(&job->arena);
}

void job_clear(struct job *job)
{
    json_decref(job->findings);
    json_decref(job->record);
    job->findings = NULL;
    job->record = NULL;
    arena_clear(&job->arena);
}

void job_release(struct job *job)
{
    job_clear(job);
    arena_release(&job->arena);
}

/* From the record to a plan on the rules' own numbers, and what there is to tell beside it. */
static void settle(struct job *job, const struct job_setup *setup)
{
    subject_read(job->record, &job->arena, &job->subject);
    if (!job->subject.namespace && setup->namespace) {
        job->subject.looked_up_in = setup->namespace;
    }
    figures_complete_all(&job->subject, &job->arena);
    class_of(&job->subject, &job->class);
    policy_for(setup->config, job->subject.workload, setup->namespace, job->class.name, &job->policy);
    knobs_annotate(job->record, setup->config, &job->arena, &job->policy);
    plan_make(&job->subject, &job->policy, &job->arena, &job->plan);
    plan_settle(&job->plan);
    forecasts_make(&job->subject, &job->arena, &job->forecasts);
    job->findings = findings_new(&job->plan, setup->past, &job->arena);
}

void job_take(struct job *job, const struct job_setup *setup, json_t *record, int64_t number)
{
    job->record = record;
    job->is_workload = record_workload(record) != NULL;
    job->inquiry = (struct inquiry){.number = number, .done = true, .opinion.confidence = NAN};
    if (!job->is_workload) {
        return;
    }
    settle(job, setup);
    job->inquiry.plan = &job->plan;
    job->inquiry.class = &job->class;
    job->inquiry.findings = job->findings;
    job->inquiry.arena = &job->arena;
    if (setup->proposal) {
        proposal_settle(setup->proposal, &job->plan, &job->inquiry.opinion);
    }
}

/* The problem entries of a workload: nothing to say, another provider's failure, numbers of others that were moved. */
static void note_problems(json_t *record, const struct plan *plan, const struct opinion *opinion)
{
    if (plan->refusal) {
        record_problem(record, "analyze", plan->refusal, "%s", plan->refusal_reason);
    }
    if (opinion->fallback_from) {
        record_problem(record, "analyze", "fallback", "%s was not used: %s", opinion->fallback_from, opinion->fallback_reason);
    }
    size_t moved = json_array_size(json_at(record, "recommendation.clamps"));
    if (opinion->source && moved > 0) {
        record_problem(record, "analyze", "clamped", "%zu of the %s amounts were moved into their bounds", moved,
                       str_equal(opinion->source, "proposal") ? "proposed" : "model's");
    }
}

void job_finish(struct job *job, const struct job_setup *setup)
{
    if (!job->is_workload) {
        return;
    }
    struct parts parts = {.findings = job->findings,
                          .forecast = forecasts_json(&job->subject, &job->forecasts),
                          .outlook = outlook_new(&job->plan, &job->forecasts, &job->arena),
                          .disagreement_from = setup->disagreement_from};
    job->findings = NULL;
    findings_add_outlook(parts.findings, &job->plan, parts.outlook);
    parts.scaling = scaling_new(&job->plan, &job->class, setup->scaling, &job->arena);
    json_object_set_new(job->record, "recommendation", recommendation_new(&job->plan, &job->class, &job->inquiry.opinion, &parts));
    note_problems(job->record, &job->plan, &job->inquiry.opinion);
}
