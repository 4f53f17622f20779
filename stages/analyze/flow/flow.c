#include "stages/analyze/flow/flow.h"

#include <stdlib.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "stages/analyze/flow/interrupt.h"
#include "stages/common/spool.h"

/* While questions are under way a silent input is looked at so often. */
enum { INPUT_LOOK_MS = 50, TURN_MS = 1000 };

/* More than that the records of a window do not take, those apart that a question waits for. */
static const size_t window_bytes = (size_t)256 * 1024 * 1024;

/* Batches take two passes over the records: the first only asks. */
enum pass { PASS_ONLY, PASS_FIRST, PASS_SECOND };

struct flow {
    struct stage *stage;
    const struct flow_means *means;
    struct job *jobs; /* a ring */
    size_t size, first, count;
    size_t bytes; /* of the arenas of those in the window */
    int64_t number; /* of the next record */
    bool ended;
    enum pass pass;
    struct spool *spool; /* the records between two passes */
    bool drains;         /* a signal came: what is there is taken, nothing is written */
};

static struct job *job_at(const struct flow *flow, size_t index)
{
    return &flow->jobs[(flow->first + index) % flow->size];
}

static bool has_room(const struct flow *flow)
{
    return !flow->ended && flow->count < flow->size && (flow->count <= ANALYST_SPAN || flow->bytes < window_bytes);
}

/* Hands a settled record to the analyst. */
static void ask(const struct flow *flow, struct job *job)
{
    struct analyst *analyst = flow->means->analyst;
    if (!analyst) {
        return;
    }
    if (job->is_workload) {
        job->inquiry.done = false;
        analyst_take(analyst, &job->inquiry);
    }
    analyst_passed(analyst, job->inquiry.number);
}

/* The next record, as stage_read. */
static int next_record(const struct flow *flow, json_t **record, struct err *err)
{
    if (flow->pass == PASS_SECOND) {
        return spool_next(flow->spool, record, err);
    }
    int got = stage_read(flow->stage, record, err);
    if (got > 0 && flow->pass == PASS_FIRST && spool_add(flow->spool, *record, NULL, err)) {
        json_decref(*record);
        return -1;
    }
    return got;
}

/* Reads one record into the window, or notes the end. */
static int take_one(struct flow *flow, struct err *err)
{
    json_t *record;
    int got = next_record(flow, &record, err);
    if (got < 0) {
        return -1;
    }
    if (got == 0) {
        flow->ended = true;
        if (flow->means->analyst) {
            analyst_flush(flow->means->analyst);
        }
        return 0;
    }
    struct job *job = job_at(flow, flow->count++);
    job_take(job, flow->means->setup, record, flow->number++);
    job->bytes = arena_used(&job->arena);
    flow->bytes += job->bytes;
    ask(flow, job);
    return 0;
}

static int write_job(const struct flow *flow, struct job *job, struct err *err)
{
    if (flow->means->silent || flow->drains || flow->pass == PASS_FIRST) {
        return 0;
    }
    job_finish(job, flow->means->setup);
    if (job->is_workload) {
        history_add(flow->means->history, &job->subject);
    }
    return stage_write(flow->stage, job->record, err);
}

/* Writes what is done, up to the first that is not. */
static int write_done(struct flow *flow, struct err *err)
{
    while (flow->count > 0 && job_at(flow, 0)->inquiry.done) {
        struct job *job = job_at(flow, 0);
        int failed = write_job(flow, job, err);
        job_clear(job);
        flow->bytes -= job->bytes;
        flow->first = (flow->first + 1) % flow->size;
        flow->count--;
        if (failed) {
            return -1;
        }
    }
    return 0;
}

/* Lets answers come in: as long as it takes where there is nothing to read, else without waiting, or for a moment while the input is
 * silent. */
static int turn(const struct flow *flow, bool silent, struct err *err)
{
    struct analyst *analyst = flow->means->analyst;
    int64_t now = clock_monotonic_ms();
    if (has_room(flow) && silent && analyst_open(analyst) == 0) {
        interrupt_wait(STDIN_FILENO, now + TURN_MS);
        return 0;
    }
    return analyst_turn(analyst, !has_room(flow) ? now + TURN_MS : silent ? now + INPUT_LOOK_MS : now, interrupt_fd(), err);
}

/* One step: a record, if there is one and room for it, and answers. */
static int step(struct flow *flow, struct err *err)
{
    bool silent = flow->means->analyst && has_room(flow) && flow->pass != PASS_SECOND && artifact_reader_waits(flow->stage->in);
    if (has_room(flow) && !silent && take_one(flow, err)) {
        return -1;
    }
    if (write_done(flow, err)) {
        return -1;
    }
    bool over = flow->ended && flow->count == 0;
    return flow->means->analyst && !over ? turn(flow, silent, err) : 0;
}

/* After a signal: what a batch brought is still taken. */
static bool goes_on(struct flow *flow)
{
    if (flow->pass != PASS_SECOND) {
        return false;
    }
    if (!flow->drains) {
        analyst_drain(flow->means->analyst);
    }
    flow->drains = true;
    return true;
}

static int steps(struct flow *flow, enum pass pass, struct err *err)
{
    flow->pass = pass;
    flow->number = 0;
    flow->ended = false;
    while (!flow->ended || flow->count > 0) {
        if (interrupt_came() && !goes_on(flow)) {
            return -1;
        }
        if (step(flow, err)) {
            return -1;
        }
    }
    return flow->drains ? -1 : 0;
}

/* Both passes of batches, and what lies between. */
static int two_passes(struct flow *flow, struct err *err)
{
    struct analyst *analyst = flow->means->analyst;
    if (spool_new(&flow->spool, err) || steps(flow, PASS_FIRST, err) || spool_rewind(flow->spool, err) ||
        analyst_batch(analyst, interrupt_fd(), err)) {
        return -1;
    }
    return steps(flow, PASS_SECOND, err);
}

static int passes(struct flow *flow, struct err *err)
{
    const struct analyst *analyst = flow->means->analyst;
    return analyst && analyst_batches(analyst) ? two_passes(flow, err) : steps(flow, PASS_ONLY, err);
}

/* Whatever else failed meanwhile: Ctrl-C ends the neighbours in a pipe, too. */
static int interrupted(struct err *err)
{
    (void)err_set(err, ERR_TEMPFAIL, "a signal ended the analysis before all workloads were answered for");
    return err_hint(err, "what models answered until then is kept where --history-out is given, and is not asked again");
}

int flow_run(struct stage *stage, const struct flow_means *means, struct err *err)
{
    struct flow flow = {.stage = stage, .means = means, .size = means->analyst ? analyst_window(means->analyst) : 1};
    if (means->analyst && interrupt_watch(err)) {
        return -1;
    }
    flow.jobs = xcalloc(flow.size * sizeof *flow.jobs);
    for (size_t i = 0; i < flow.size; i++) {
        job_init(&flow.jobs[i]);
    }
    int status = passes(&flow, err);
    if (status && interrupt_came()) {
        (void)interrupted(err);
    }
    if (means->analyst) {
        analyst_stop(means->analyst);
    }
    for (size_t i = 0; i < flow.size; i++) {
        job_release(&flow.jobs[i]);
    }
    free(flow.jobs);
    spool_free(flow.spool);
    interrupt_end();
    return status;
}
