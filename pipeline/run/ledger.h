#ifndef TARE_RUN_LEDGER_H
#define TARE_RUN_LEDGER_H

/*
 * The ledger: what every run was asked, what each stage gave, who approved which plan, what was written and
 * what stood there before. It is a Postgres schema (`tare`, see sql/README.md) that only its own SQL
 * functions change; the verbs here call them, one verb one transaction, and never build SQL from text.
 *
 * Usual order of a run:
 *   ledger_run_create → for each stage: ledger_attempt_begin, ledger_artifact_store (or ledger_attempt_fail)
 *   → ledger_plan_register → ledger_approve … → ledger_apply_begin → for each object: ledger_workload_lock,
 *   ledger_apply_check, ledger_change_begin, ledger_change_move … → ledger_apply_end.
 *
 * Locks (run, apply, workload) belong to the database session of this handle: they end with it, however the
 * process ends. A handle that lost its connection stays lost: each verb then fails with ERR_TEMPFAIL, so that
 * nothing is touched without its lock. Open a new handle to go on.
 *
 * Errors of all verbs: ERR_UNAVAILABLE the server cannot be reached at start; ERR_TEMPFAIL the connection
 * broke, a statement took too long, or somebody else holds the lock; ERR_REFUSED the database refused (role,
 * state, approval), with a hint; ERR_STALE a plan digest is not the one that was read; ERR_NOINPUT there is
 * no such run; ERR_DATA what was given or stored does not fit; ERR_CONFIG the ledger's schema is not this
 * program's.
 *
 * Strings of results live in the arena that the caller gives. json_t results are new references. Digests are
 * 64 lower-case hex digits. Times are RFC 3339 in UTC.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"

struct ledger;

enum { LEDGER_DIGEST_SIZE = 65 };

/* States of a run, in the order of design §4. */
enum ledger_state {
    LEDGER_RUNNING,
    LEDGER_AWAITING_APPROVAL,
    LEDGER_APPROVED,
    LEDGER_UNCHANGED,
    LEDGER_REJECTED,
    LEDGER_EXPIRED,
    LEDGER_SUPERSEDED,
    LEDGER_REFUSED,
    LEDGER_APPLYING,
    LEDGER_APPLIED,
    LEDGER_ROLLED_BACK,
    LEDGER_FAILED
};

/* States of one object that apply changes. */
enum ledger_change_state {
    LEDGER_CHANGE_PLANNED,
    LEDGER_CHANGE_WRITING,
    LEDGER_CHANGE_WRITTEN,
    LEDGER_CHANGE_VERIFYING,
    LEDGER_CHANGE_DONE,
    LEDGER_CHANGE_ROLLING_BACK,
    LEDGER_CHANGE_ROLLED_BACK,
    LEDGER_CHANGE_ROLLBACK_FAILED
};

struct ledger_options {
    const char *url;   /* conninfo or postgresql:// URL; NULL: $TARE_DATABASE_URL, else the private cluster */
    const char *login; /* another login than the URL's (`tare --as`), NULL: the URL's, or the OS user */
    const char *application; /* shown in pg_stat_activity, e.g. "tare-apply"; NULL: "tare" */
    int connect_seconds;     /* 0: 10 */
    int statement_seconds;   /* longest single statement, 0: 120 */
    bool any_version;        /* true: do not compare the schema with this program (migrate, doctor) */
    bool only_running;       /* true: a private cluster that does not run is not started, ERR_TEMPFAIL */
};

struct ledger_run {
    int64_t id;
    int64_t parent;        /* 0: none */
    int64_t superseded_by; /* 0: none */
    enum ledger_state state;
    const char *cluster;
    const char *target;       /* files | cluster */
    const char *requested_by; /* the login that made the run */
    const char *created;      /* the run's start: `created` of its artifacts */
    const char *state_since;
    const char *reason;       /* why it failed, was refused, rejected …; NULL where there is none */
    const char *next_opening; /* of a refused run, or NULL */
    const char *plan_digest;  /* NULL until a plan is registered */
    const char *program;      /* version of tare */
    const char *batch;        /* NULL: none */
    const char *schedule;     /* whose firing made it, NULL: none */
    const char *settings;     /* the JSON object given to ledger_run_create */
    const char *proposal;     /* JSON {"by","containers","reason","workload"} of a proposal and of its reruns, NULL for others */
};

struct ledger_run_new {
    const char *cluster;
    const char *target;     /* files | cluster */
    const char *program;    /* version of tare */
    const char *batch;      /* common id of the runs of several clusters, or NULL */
    const char *schedule;   /* one that has a firing under way, or NULL */
    const json_t *settings; /* borrowed; an object: options, paths, digest of the configuration … */
    const char *created;    /* the start, RFC 3339, for a login that may move the clock; NULL: now */
};

struct ledger_attempt {
    int64_t id;
    int64_t inherited_from; /* attempt of the parent run it was taken over from, 0: this run's own */
    int number;             /* 1, 2, … within run and stage */
    bool finished;
    const char *stage;
    const char *state;  /* running | finished | failed | abandoned */
    const char *kind;   /* of the artifact, NULL until finished */
    const char *digest; /* of the artifact, NULL until finished */
    const char *input;  /* digest of the artifact it read, NULL for the first stage */
    const char *started;
    const char *ended;   /* NULL while running */
    const char *message; /* of a failed one, or NULL */
    int64_t size;        /* bytes of the artifact */
    int exit_code;       /* of a failed one, else 0 */
};

struct ledger_attempts {
    struct ledger_attempt *items;
    size_t count;
};

struct ledger_workload {
    const char *namespace; /* the effective one, never NULL */
    const char *kind;
    const char *name;
};

/* One object about to be changed: a manifest file, or an object of the cluster. */
struct ledger_change_new {
    const char *object;                      /* file path, or NAMESPACE/KIND/NAME; unique within the run */
    const struct ledger_workload *workloads; /* those whose approval covers this write */
    size_t workload_count;
    const void *before; /* exact bytes that stand there now */
    size_t before_size;
    const json_t *detail; /* borrowed; object: uid, resourceVersion, digests …; NULL: {} */
};

struct ledger_change {
    int64_t id;
    int sequence; /* order in which the changes were begun, from 1 */
    enum ledger_change_state state;
    const char *object;
    const char *before_digest;
    int64_t before_size;
    const char *detail;    /* JSON object */
    const char *workloads; /* JSON array of {namespace,kind,name} */
    const char *updated;
};

struct ledger_changes {
    struct ledger_change *items;
    size_t count;
};

/* Answer of ledger_apply_check for one workload. */
struct ledger_check {
    bool approved;
    int required;       /* approvals that the plan asks for */
    int valid;          /* approvals that hold now */
    const char *reason; /* why, in one sentence, for either answer */
};

/* Name of a state as the database and the design spell it ("awaiting-approval"). Borrowed, static. */
const char *ledger_state_name(enum ledger_state state);

/* Name of an object's state ("rolling-back"). Borrowed, static. */
const char *ledger_change_state_name(enum ledger_change_state state);

/* ---- Opening (ledger.c) ---- */

/* Connects and checks that the schema is the one this program knows. Without a URL anywhere it starts (and
 * where needed makes and migrates) the private cluster, see privcluster.h. With TARE_NOW set, asks the ledger
 * to count time from this process' clock; a ledger that does not allow it keeps its own and that is logged.
 * *out is new: ledger_close. */
int ledger_open(struct ledger **out, const struct ledger_options *options, struct err *err);

/* Ends the session and with it every lock it holds. NULL is allowed. */
void ledger_close(struct ledger *ledger);

/* The login that acts (session_user). Borrowed. */
const char *ledger_login(const struct ledger *ledger);

/* Whether this is the embedded private cluster. */
bool ledger_is_private(const struct ledger *ledger);

/* A login that may approve a run which `requester` asked for: the one that asks, where it may; *name is NULL where there is none,
 * else in the arena. */
int ledger_approver(struct ledger *ledger, const char *requester, struct arena *arena, const char **name, struct err *err);

/* Where the ledger is, without secrets, for messages ("host 10.0.0.3, database tare"). Borrowed. */
const char *ledger_place(const struct ledger *ledger);

/* Brings the schema up to this program's version; on the private cluster as its superuser, whatever the
 * options say of the login. *from and *to (may be NULL) receive the versions. Safe to call twice, and at once
 * by two. */
int ledger_migrate(const struct ledger_options *options, int *from, int *to, struct err *err);

/* Version of the schema in the database (0: none) and the one this program has. */
int ledger_version(struct ledger *ledger, int *database, int *program, struct err *err);

/* The ledger's clock (clock_timestamp(), or the override). RFC 3339 in UTC, in the arena. */
int ledger_now(struct ledger *ledger, struct arena *arena, const char **now, struct err *err);

/* ---- Runs (ledger_run.c) ---- */

/* Makes a run in state `running`; the requester is the login of this handle. */
int ledger_run_create(struct ledger *ledger, const struct ledger_run_new *run, struct arena *arena,
                      struct ledger_run *out, struct err *err);

/* One run. ERR_NOINPUT where there is none, or none that this login may see. Settles it first (expiry). */
int ledger_run_get(struct ledger *ledger, int64_t id, struct arena *arena, struct ledger_run *out,
                   struct err *err);

/* The newest run in `state` (NULL: any) that this login may see; ERR_NOINPUT where there is none. */
int ledger_run_latest(struct ledger *ledger, const char *state, struct arena *arena, struct ledger_run *out,
                      struct err *err);

/* Newest first, at most `limit`, ids below `before` (0: from the newest), those of `batch` and of `schedule` (NULL: all).
 * Settles what has expired first. *out is a new array of objects with the members of struct ledger_run, plus counts
 * and money of the run's results. */
struct ledger_run_filter {
    int64_t before;
    int limit;
    const char *batch;
    const char *schedule;
};
int ledger_run_list(struct ledger *ledger, const struct ledger_run_filter *filter, json_t **out, struct err *err);

/* Says which namespaces the run is about, as soon as they are known (after parse); they only ever grow. A
 * login that is narrowed to namespaces sees a run only if it has all of these. */
int ledger_run_namespaces(struct ledger *ledger, int64_t run, const char *const *namespaces, size_t count,
                          struct err *err);

/* running → failed, with the reason that status shows. */
int ledger_run_fail(struct ledger *ledger, int64_t run, const char *reason, struct err *err);

/* Takes the run for this session, so that no other process works on it. ERR_TEMPFAIL names who does. */
int ledger_run_lock(struct ledger *ledger, int64_t run, struct err *err);

/* Gives it back (closing the handle does so too). */
int ledger_run_unlock(struct ledger *ledger, int64_t run, struct err *err);

/* A new run whose parent is `run`: the newest finished attempts of the `keep` stages are taken over. The
 * parent becomes superseded where it was awaiting approval, approved or refused; one that died while running
 * becomes failed. Refused while it is being applied. `settings` as in ledger_run_create; NULL: the parent's.
 */
int ledger_rerun(struct ledger *ledger, int64_t run, const char *const *keep, size_t keep_count,
                 const json_t *settings, struct arena *arena, struct ledger_run *out, struct err *err);

/* A new run beside `run`, for somebody's own numbers for one workload: it takes over the newest finished attempts of the `keep` stages, and
 * `run` stays what it is. `proposal` (borrowed): {"containers","reason","workload"} as tare-analyze --proposal reads it; the ledger adds
 * who asks. `settings` as in ledger_rerun. */
int ledger_propose(struct ledger *ledger, int64_t run, const char *const *keep, size_t keep_count, const json_t *settings,
                   const json_t *proposal, struct arena *arena, struct ledger_run *out, struct err *err);

/* ---- Attempts and artifacts (ledger_attempt.c) ---- */

/* A new attempt at `stage`, as `running`; an older one that is still `running` is marked abandoned. Takes the
 * run lock (but for `report`). `input` is the digest of the artifact it reads, or NULL; `detail` an object or
 * NULL. Stages up to the gate are refused once the run has a plan. */
int ledger_attempt_begin(struct ledger *ledger, int64_t run, const char *stage, const char *input,
                         const json_t *detail, int64_t *attempt, struct err *err);

/* Stores the whole regular file `fd` (from offset 0) as the attempt's artifact and marks the attempt
 * finished, in one transaction: a reader sees all of it or nothing. Bytes that the ledger already has are not
 * sent again. digest receives the sha256. The database checks size and digest again. */
int ledger_artifact_store(struct ledger *ledger, int64_t attempt, const char *kind, int fd,
                          char digest[LEDGER_DIGEST_SIZE], struct err *err);

/* What is stored in one transaction with an artifact. */
typedef int ledger_companion(struct ledger *ledger, void *context, struct err *err);

/* ledger_artifact_store; `companion` is called in the same transaction before the attempt is finished, so that either both are there
 * or neither. Its failure is this one's. */
int ledger_artifact_store_with(struct ledger *ledger, int64_t attempt, const char *kind, int fd, ledger_companion *companion,
                               void *context, char digest[LEDGER_DIGEST_SIZE], struct err *err);

/* Marks the attempt failed. `message` is the sentence that the stage printed. */
int ledger_attempt_fail(struct ledger *ledger, int64_t attempt, int exit_code, const char *message,
                        struct err *err);

/* All attempts of a run, in order of stage start. */
int ledger_attempts(struct ledger *ledger, int64_t run, struct arena *arena, struct ledger_attempts *out,
                    struct err *err);

/* Digest of the newest finished artifact of `stage`; ERR_NOINPUT where there is none. */
int ledger_artifact_find(struct ledger *ledger, int64_t run, const char *stage,
                         char digest[LEDGER_DIGEST_SIZE], struct err *err);

/* Writes the artifact's bytes to `fd`, comparing the digest on the way: ERR_DATA where the stored bytes are
 * not those that were stored (the reader must then throw away what it got). */
int ledger_artifact_copy(struct ledger *ledger, const char *digest, int fd, struct err *err);

/* ---- Plan and approval (ledger_plan.c) ---- */

/* Registers the plan of a running run and moves it to awaiting-approval, approved, unchanged or (every change
 * blocked) failed; *state (may be NULL) receives which. `plan` is the digest of the `changes` artifact and
 * must be the run's newest. `rows` (borrowed) is an array with one object for each workload, unchanged ones
 * included:
 *   {"namespace","kind","name", "verdict": allowed|needs-approval|blocked|unchanged, "approvals_required":
 * int, "role": text|null (null: tare_approver), "rule": text|null (the policy's rule that allowed it without
 *    approval), "risk": low|medium|high|null, "saving_microusd": int|null, "reasons": array}
 * `approval_seconds` is how long an approval holds (0: 24 h); a stored policy may make it shorter. */
int ledger_plan_register(struct ledger *ledger, int64_t run, const char *plan, const json_t *rows,
                         int64_t approval_seconds, enum ledger_state *state, struct err *err);

/* Plan rows that wait for an approval this login could give, over all runs (also of runs it may not read
 * whole). */
int ledger_mine(struct ledger *ledger, json_t **out, struct err *err);

/* Stores the policy in force: the file's text, its canonical JSON and the calendars that it names ({name: text}, NULL: none).
 * tare_admin only. digest receives the sha256 of JSON and calendars. */
int ledger_policy_set(struct ledger *ledger, const char *text, const json_t *policy, const json_t *files,
                      char digest[LEDGER_DIGEST_SIZE], struct err *err);

/* The stored policy: {"digest","policy","text","files","set_by","at"}; *out is NULL where none was stored. */
int ledger_policy_get(struct ledger *ledger, json_t **out, struct err *err);

/* Narrows a login to a namespace (more calls add more), `cluster` NULL: of every cluster. tare_admin only. */
int ledger_grant(struct ledger *ledger, const char *login, const char *namespace, const char *cluster,
                 struct err *err);

/* Takes such a narrowing back. tare_admin only. */
int ledger_revoke(struct ledger *ledger, const char *login, const char *namespace, const char *cluster,
                  struct err *err);

/* Namespace mappings: [{"login","namespace","cluster"}]; all for a tare_admin, else this login's own. */
int ledger_grants(struct ledger *ledger, json_t **out, struct err *err);

/* Records that a run goes ahead in spite of the deny window `window`; `reason` must not be empty. Refused
 * where the stored policy has no such window or does not permit it. */
int ledger_window_override(struct ledger *ledger, int64_t run, const char *window, const char *reason,
                           struct err *err);

/* Overrides of a run: [{"window","reason","by","at"}]. */
int ledger_window_overrides(struct ledger *ledger, int64_t run, json_t **out, struct err *err);

/* ---- Apply and rollback (ledger_apply.c) ---- */

/* Takes the run for applying: checks state and approvals, takes the run's apply lock for this session, moves
 * it to `applying`. `plan` as in ledger_approve. resume = true goes on with one that was interrupted. */
int ledger_apply_begin(struct ledger *ledger, int64_t run, const char *plan, bool resume, struct err *err);

/* Ends it: applied (every change is done), rolled-back (none is left written) or failed; releases the locks.
 */
int ledger_apply_end(struct ledger *ledger, int64_t run, enum ledger_state outcome, const char *reason,
                     struct err *err);

/* A window refuses the run: approved → refused. `next_opening` RFC 3339 or NULL. Call before
 * ledger_apply_begin. */
int ledger_refuse(struct ledger *ledger, int64_t run, const char *reason, const char *next_opening,
                  struct err *err);

/* Whether the approvals of one workload hold now (count, role, expiry, not withdrawn, this plan, separation
 * of duties). Any error while finding out = not approved. Returns -1 only where the ledger does not answer.
 */
int ledger_apply_check(struct ledger *ledger, int64_t run, const struct ledger_workload *workload,
                       struct arena *arena, struct ledger_check *out, struct err *err);

/* Takes the workload for this session. ERR_TEMPFAIL: another session has it. ERR_REFUSED: another run left it
 * half changed; the hint says how to finish that. */
int ledger_workload_lock(struct ledger *ledger, int64_t run, const struct ledger_workload *workload,
                         struct err *err);

/* Gives it back. */
int ledger_workload_unlock(struct ledger *ledger, int64_t run, const struct ledger_workload *workload,
                           struct err *err);

/* Stores the before-image, durable when this returns; the object is `planned`. Needs the apply lock, every
 * workload's lock and their approval. Called again for the same object it gives the row that is there; a
 * before- image is replaced only while the object is still `planned`. */
int ledger_change_begin(struct ledger *ledger, int64_t run, const struct ledger_change_new *change,
                        int64_t *id, enum ledger_change_state *state, struct err *err);

/* Moves an object on (design §6; the database refuses what is not a legal move) and adds the members of
 * `detail` (borrowed object or NULL) to its detail. Durable when this returns. */
int ledger_change_move(struct ledger *ledger, int64_t change, enum ledger_change_state to,
                       const json_t *detail, struct err *err);

/* The changes of a run in the order they were begun. */
int ledger_changes(struct ledger *ledger, int64_t run, struct arena *arena, struct ledger_changes *out,
                   struct err *err);

/* The before-image of one change, added to `out`; ERR_DATA where its digest does not match or `out` is full.
 */
int ledger_change_before(struct ledger *ledger, int64_t change, struct buf *out, struct err *err);

/* Takes the run for rolling back: from applied, failed, or applying where its process died. Takes the apply
 * lock. */
int ledger_rollback_begin(struct ledger *ledger, int64_t run, struct err *err);

/* Ends it: LEDGER_ROLLED_BACK where nothing is left written; LEDGER_APPLIED for a partial rollback (the run
 * keeps its state); LEDGER_FAILED where some object could not be restored. Releases the locks. */
int ledger_rollback_end(struct ledger *ledger, int64_t run, enum ledger_state outcome, const char *reason,
                        struct err *err);

/* ---- Audit (ledger_audit.c) ---- */

struct ledger_audit_verdict {
    bool intact;
    int64_t events;
    int64_t broken_at;   /* first position that does not fit, 0 where intact */
    const char *head;    /* digest of the last event: an anchor to keep elsewhere */
    const char *message; /* one sentence */
};

/* Adds an event of a program; `action` starts with conductor., gate., apply., rollback. or report. (the
 * ledger writes the others itself). run 0: none; subject and detail (borrowed) may be NULL. */
int ledger_audit_append(struct ledger *ledger, const char *action, int64_t run, const char *subject,
                        const json_t *detail, struct err *err);

/* Events after position `after`, oldest first, at most `limit`; run 0: all.
 * [{"position","at","actor","action", "run","subject","detail","digest"}] */
int ledger_audit_list(struct ledger *ledger, int64_t run, int64_t after, int limit, json_t **out,
                      struct err *err);

/* Checks the whole chain. Returns 0 with the verdict, also where the chain is broken. */
int ledger_audit_verify(struct ledger *ledger, struct arena *arena, struct ledger_audit_verdict *out,
                        struct err *err);

/* ---- History (ledger_history.c) ---- */

/* Flat rows of a run, one object for each workload:
 * {"namespace","kind","name","action","verdict","confidence",
 * "risk","source","cpu_before_millicores","cpu_after_millicores","memory_before_bytes","memory_after_bytes",
 * "monthly_before_microusd","monthly_after_microusd","monthly_saving_microusd","detail"}; all but the first
 * three may be null. Replaces rows of the same workload. */
int ledger_results_put(struct ledger *ledger, int64_t run, const json_t *rows, struct err *err);

/* The flat rows of a run that this login may see. */
int ledger_results_get(struct ledger *ledger, int64_t run, json_t **out, struct err *err);

/* One workload over the runs, newest first; NULL members of `workload` match any. With totals by run where
 * the workload is NULL: [{"run","created","state","monthly_before_microusd",…}]. */
int ledger_trend(struct ledger *ledger, const struct ledger_workload *workload, int limit, json_t **out,
                 struct err *err);

/* What is known of a run and of those before it in its cluster (run 0: of all clusters, without the tokens): {"tare":"past","version":1,
 * "run","narrowed" (this login may see only a part), "llm":{"exchanges","failed","input_tokens","cache_read_tokens","output_tokens",
 * "cost_microusd","unpriced"} (failed: calls without an answer; unpriced: with one of unknown price),
 * "trend":[{"run","cluster","created","state","workloads","changes","monthly_before_microusd",…}], "applied":[{"run","cluster","applied",
 * "workloads","measured","expected_microusd","predicted_microusd","realized_microusd","measured_by"}]}, lists newest first and of at most
 * `limit` rows. Money is a month's; predicted and realized are of the measured workloads, see sql/README.md. */
int ledger_past(struct ledger *ledger, int64_t run, int limit, json_t **out, struct err *err);

/* Daily extremes of series, of cluster `cluster`: [{"namespace","kind","name","container","series","day"
 * (YYYY-MM-DD), "minimum","maximum","mean","samples","detail"}]. Of two values of one day the wider counts from
 * now on; what tells nothing new changes nothing. */
int ledger_series_put(struct ledger *ledger, const char *cluster, const json_t *rows, struct err *err);

/* Those of the days [from, to), sorted by workload, container, series, day; of each the newest view. */
int ledger_series_get(struct ledger *ledger, const char *cluster, const char *from, const char *to,
                      json_t **out, struct err *err);

/* What `run` may know of the past: writes the daily extremes of its cluster and namespaces, of the `days` days up to its start,
 * as the ledger had them before its start, to `fd`: a line of canonical JSON each, in the form of ledger_series_put, always in
 * the same order. The same bytes whenever it is asked. *count receives the number of rows. Holds one page of rows in memory. */
int ledger_history_copy(struct ledger *ledger, int64_t run, int days, int fd, int64_t *count, struct err *err);

/* ---- Notifications (ledger_notify.c) ---- */

/* Puts into the outbox what each of `receivers` (an array of names) is to be told about `event` of a run; `facts` is an object. A move
 * of a run is told once: *count receives how many rows were new. */
int ledger_notify_put(struct ledger *ledger, int64_t run, const char *event, const json_t *receivers, const json_t *facts,
                      int64_t *count, struct err *err);

/* Takes one notification that is due for one of `receivers` ([{"name","interval_seconds"}]) for `lease_seconds`. *out is new:
 * {"id","token","lease","run","event","receiver","facts","attempts","age_seconds"}, attempts with this one; NULL where nothing is due. */
int ledger_notify_take(struct ledger *ledger, const json_t *receivers, int64_t lease_seconds, json_t **out, struct err *err);

/* What came of one that was taken. */
struct ledger_notify_end {
    int64_t id;
    const char *lease;
    const char *outcome; /* sent | given-up | waiting */
    const char *error;   /* why it was not sent, or NULL */
    int64_t wait_ms;     /* until its next try */
    int64_t pause_ms;    /* how long the receiver asked to be left alone, 0: it did not */
};

/* Records it; what the lease of somebody else covers by now stays as it is. */
int ledger_notify_done(struct ledger *ledger, const struct ledger_notify_end *end, struct err *err);

/* Lets one that was given up (0: all of them) wait again; *count receives how many. ERR_DATA where there is no such one. */
int ledger_notify_retry(struct ledger *ledger, int64_t id, int64_t *count, struct err *err);

/* Makes due what waits for its next try at one of `receivers` (names). */
int ledger_notify_hurry(struct ledger *ledger, const json_t *receivers, struct err *err);

/* Milliseconds until something is due for one of `receivers` (names), -1 where nothing waits. */
int ledger_notify_next(struct ledger *ledger, const json_t *receivers, int64_t *milliseconds, struct err *err);

/* Notifications, what was not sent first, else newest first: [{"id","run","event","receiver","state","attempts","made","next_try",
 * "ended","last_error"}]. */
int ledger_notify_list(struct ledger *ledger, int limit, json_t **out, struct err *err);

/* How many were given up within the last week. */
int ledger_notify_given_up(struct ledger *ledger, int64_t *count, struct err *err);

#endif
