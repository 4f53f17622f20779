#ifndef TARE_TESTS_SIM_SIM_H
#define TARE_TESTS_SIM_SIM_H

/*
 * A world in which the machine that changes objects (stages/common/machine) lives for a while: an API server with controllers, a
 * ledger, a clock, other people, and everything that can go wrong with them. One seed decides all of it. Nothing here knows how
 * the machine works; it is judged by what the world sees of it.
 */

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/io/json.h"
#include "stages/common/machine/machine.h"

struct sim_call;

enum { SIM_OBJECTS = 10, SIM_TIMERS = 4096, SIM_TEXT = 200 };

/* ---- What is planned, and what goes wrong ---- */

/* What happens to pods that are made from a template with the planned resources (or, late, from any). */
enum sim_trouble {
    TROUBLE_NONE,
    TROUBLE_CRASH,     /* crash loop */
    TROUBLE_OOM,       /* killed for memory again and again */
    TROUBLE_NEVER,     /* never ready */
    TROUBLE_IMAGE,     /* image cannot be pulled */
    TROUBLE_UNPLACED,  /* no node has room */
    TROUBLE_QUOTA,     /* pods are refused: ReplicaFailure */
    TROUBLE_LATE,      /* ready at first, crashes within the settling time */
    TROUBLE_COUNT
};

/* What the API server says to a write of the planned resources. */
enum sim_denial {
    DENIAL_NONE,
    DENIAL_WEBHOOK, /* 403 of an admission webhook, in dry runs, too */
    DENIAL_RBAC,    /* 403 for every patch */
    DENIAL_WRITE,   /* the dry run passes, the write is refused */
    DENIAL_CHANGED, /* a webhook writes other resources than were asked for */
    DENIAL_ADDED,   /* a webhook adds an annotation to the template: harmless */
    DENIAL_COUNT
};

/* One workload of the plan, and what is known of it from above. */
struct sim_item {
    char namespace[SIM_TEXT];
    char kind[SIM_TEXT];
    char name[SIM_TEXT];
    char object[SIM_TEXT]; /* NAMESPACE/KIND/NAME */
    const char *group;
    const char *resource;
    char uid[SIM_TEXT];
    int risk;
    enum machine_action action;
    json_t *original; /* the object as it was planned from; NULL of one that is to be made */
    json_t *record;
    json_t *manifest;
    json_t *wanted;   /* resources by container as planned, amounts as the server writes them */
    json_t *was;      /* resources by container as they were */
    enum sim_trouble trouble;
    enum sim_denial denial;
    bool stuck;           /* pods of the old template fail as well once it was changed: it cannot be put back in health */
    bool deny_undo;       /* the server refuses to put it back */
    bool foreign_rollout; /* somebody's rollout is under way at first */
    bool disturbed;       /* somebody else did something to it that a machine may stop for */
    bool deleted;         /* … took it away or made another of its name */
    bool edited;          /* … changed its resources */
    bool locked;          /* another run has its lock */
    bool measures_bad;    /* the query of `verify` gives too much once it is changed */
    bool held_back;       /* pods do not follow the template: OnDelete, partition, a CronJob */
    int64_t withdrawn;    /* when its approval is taken back, INT64_MAX: never */

    /* What was seen. */
    int forward;          /* writes that brought the planned resources in */
    int back;             /* writes that brought the old ones in */
    json_t *after;        /* resources as the server had them after the machine's own write */
    bool permitted;       /* asked, and allowed, at … */
    int64_t permitted_at;
    unsigned started;     /* in which life it came up last */
    int64_t begun_at;
    int begun;            /* how often its row came to be */
};

/* A row of the ledger. */
struct sim_row {
    bool there;
    int item;
    enum ledger_change_state state;
    char *before;
    size_t before_size;
    json_t *detail;
    int sequence;
    int64_t since;
    bool stopped_for; /* failed, and policy leaves it as it is */
};

/* An object of the API server. */
struct sim_object {
    uint64_t id;
    char resource[SIM_TEXT];
    char group[SIM_TEXT];
    char namespace[SIM_TEXT];
    char name[SIM_TEXT];
    json_t *value;
    int64_t progress; /* of a workload: when its rollout last moved */
    bool syncing;     /* a visit of its controller is due */
};

struct sim;

struct sim_timer {
    int64_t at;
    uint64_t order;
    void (*fire)(struct sim *sim, uint64_t a, uint64_t b);
    uint64_t a;
    uint64_t b;
};

/* A request under way. */
struct sim_call {
    bool used;
    uint64_t tag;
    uint64_t id;
    unsigned life;
    char method[8];
    char *path;
    char *content_type;
    json_t *body;
    enum ledger_change_state row; /* of its object when it was sent */
    bool row_there;
    bool answered;    /* the machine was told something */
    bool twice;       /* is done a second time, and that answer is told */
    bool lost_before; /* never arrives */
    bool lost_after;  /* is done, the answer gets lost */
    long status;
    json_t *answer;
};

struct sim_seen {
    uint64_t id;
    int64_t version;
};

struct sim_watch {
    bool used;
    bool due;   /* a delivery is in the queue */
    bool fresh; /* nothing was delivered yet, or there was a gap: all of it is told */
    uint64_t tag;
    uint64_t id;
    char group[SIM_TEXT];
    char resource[SIM_TEXT];
    char namespace[SIM_TEXT];
    char labels[SIM_TEXT];
    struct sim_seen *seen;
    size_t seen_count;
    size_t seen_capacity;
    json_t **last;
};

/* How bad this world is. Each is chosen by the seed; a calm world has none. */
/* Writes that fail no longer than this are waited for: a rollout may take longer. */
enum { SIM_HALF_SHORT = 45000 };

struct sim_weather {
    bool lossy;     /* answers get lost, requests get doubled */
    bool slow;      /* answers are late */
    bool gaps;      /* watches miss things and start anew */
    bool people;    /* others edit, delete, scale, pause */
    bool harmless;  /* others annotate and label, pods get deleted */
    bool failing;   /* pods of changed objects fail */
    bool denying;   /* the server refuses some */
    bool outage;    /* the API server is away for a time */
    bool dead;      /* … for good */
    bool half;      /* … for writes alone */
    bool ledger;    /* the ledger is lost */
    bool window;    /* the window closes */
    bool withdrawn; /* approvals are taken back */
    bool kills;     /* the process is killed */
    bool term;      /* the process is asked to end */
    bool busy;      /* others hold locks, rollouts are under way */
};

struct sim {
    uint64_t seed;
    uint64_t random;
    bool verbose;

    int64_t clock;
    uint64_t order;
    struct sim_timer timers[SIM_TIMERS]; /* a heap */
    size_t timer_count;
    uint64_t steps;
    uint64_t trace;   /* hash of all that happened */
    char *failure;    /* first thing that must not be, NULL */

    struct sim_weather weather;
    struct machine_policy policy;
    double below[2];
    struct sim_item items[SIM_OBJECTS];
    size_t item_count;
    struct sim_row rows[SIM_OBJECTS];
    int sequence;

    struct sim_object **objects;
    size_t object_count;
    size_t object_capacity;
    uint64_t ids;
    int64_t version;
    int64_t outage_from;
    int64_t outage_to;
    int64_t half_from;
    int64_t half_to;

    /* The process. */
    unsigned life;
    bool alive;
    bool undoing;          /* it is a rollback, else an apply */
    bool redo;             /* … of one */
    int64_t born;
    int64_t bound;         /* how long it may take in all */
    size_t carried;        /* rows that it found under way */
    bool wanted[SIM_OBJECTS];
    uint64_t kill_at;      /* step, 0: none */
    jmp_buf killed;
    bool ledger_lost;      /* seen by this process */
    int64_t ledger_until;  /* when it gets lost */
    int64_t window_until;  /* when the window closes */
    bool window_undo;
    bool window_finish;
    int64_t control;       /* when the machine last got something from `next` */
    int64_t ended_at;      /* when the process was asked to end, -1: not */
    int64_t end_told;
    int64_t dead_from;
    int risk_seen;         /* highest risk of what was begun in this life */
    int risk_first;        /* … of the objects that go first */
    bool locks[SIM_OBJECTS];
    bool force[SIM_OBJECTS];
    int begun_now;         /* objects that this life began */
    uint64_t asked;
    struct sim_call **calls;
    size_t call_count;
    size_t call_capacity;
    struct sim_watch **watches;
    size_t watch_count;
    size_t watch_capacity;
    struct machine_event *inbox;
    size_t inbox_count;
    size_t inbox_capacity;
    bool noted;            /* somebody noted something in an object that was made: it cannot be told from another's */
    uint64_t idle;
    int64_t grace;         /* how long the machine may take once it was asked to end */

    /* For the summary. */
    unsigned kills;
    unsigned losses;
    unsigned writes;
    unsigned undone;
    unsigned conflicts;
    unsigned refused;
};

/* ---- sim_core.c: chance, time, trace ---- */

/* A number in [0, below). */
uint64_t sim_random(struct sim *sim, uint64_t below);

/* A number in [low, high]. */
int64_t sim_between(struct sim *sim, int64_t low, int64_t high);

/* True `percent` times in a hundred. */
bool sim_chance(struct sim *sim, unsigned percent);

/* Has `fire` called at `at`. */
void sim_at(struct sim *sim, int64_t at, void (*fire)(struct sim *, uint64_t, uint64_t), uint64_t a, uint64_t b);

/* Lets the next thing happen that is due by `until`; false where there is none (the clock is `until` then). */
bool sim_advance(struct sim *sim, int64_t until);

/* Writes a line into the trace: it is part of the hash, and shown where the world is verbose. */
void sim_trace(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Something that must not be. The first is kept. */
void sim_broken(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- sim_amount.c ---- */

/* An amount as the API server writes it ("1000m" is "1"). `out` receives it; what is no amount stays. */
void sim_amount(const char *text, char out[64]);

/* Resources by container of a pod template's spec: {"server": {…}}, amounts as the server writes them. New. */
json_t *sim_resources(const json_t *object);

/* The pod template of a workload, NULL where it has none. Borrowed. */
json_t *sim_template(const json_t *object);

/* Writes all amounts of an object as the server does, and leaves out what is empty. */
void sim_normalise(json_t *object);

/* ---- sim_patch.c ---- */

/* Patches as the API server does: `target` is changed. A sentence where that cannot be, else NULL; *status receives what is answered. */
const char *sim_strategic(json_t *target, const json_t *patch, long *status);
const char *sim_merge(json_t *target, const json_t *patch, long *status);
const char *sim_json_patch(json_t *target, const json_t *patch, long *status);

/* ---- sim_store.c: the objects ---- */

/* An object, NULL where there is none. */
struct sim_object *sim_find(struct sim *sim, const char *group, const char *resource, const char *namespace, const char *name);
struct sim_object *sim_find_id(struct sim *sim, uint64_t id);

/* Adds an object (steals `value`), which gets uid and version. */
struct sim_object *sim_add(struct sim *sim, const char *group, const char *resource, json_t *value);

/* Takes an object away, and what it owns. */
void sim_remove(struct sim *sim, struct sim_object *object);

/* Puts another value in the object's place (steals): a new version, and a new generation where the spec differs. False: nothing differs. */
bool sim_replace(struct sim *sim, struct sim_object *object, json_t *value);

/* Now, as the server writes it. */
void sim_time(const struct sim *sim, char out[32]);

/* Notes who wrote a value last. */
void sim_managed(const struct sim *sim, json_t *value, const char *manager);

/* Members of metadata and status. */
const char *sim_uid(const json_t *value);
int64_t sim_version(const json_t *value);
bool sim_labelled(const json_t *value, const char *selector);

/* ---- sim_server.c ---- */

/* Does a request and stores status and answer in it. */
void sim_serve(struct sim *sim, struct sim_call *call);

/* Which item of the plan a path is about, directly or as its pod or ReplicaSet; -1: none. */
int sim_item_of_path(struct sim *sim, const char *path);

/* … a request is about. */
int sim_item_of_call(struct sim *sim, const struct sim_call *call);

/* ---- sim_controller.c ---- */

/* Something changed that its controller has to see. */
void sim_controller_wake(struct sim *sim, struct sim_object *object);

/* A workload with pods that run, from the first moment. */
void sim_controller_settle(struct sim *sim, struct sim_object *object);

/* ---- sim_ends.c ---- */

void sim_ends(struct sim *sim, struct machine_ends *out);

/* What is watched changed. */
void sim_watch_wake(struct sim *sim, const struct sim_object *object);

/* One call of the machine: it may be its last. */
void sim_step(struct sim *sim);

/* The process is gone: what it had open is closed. */
void sim_process_ends(struct sim *sim);

/* Asks the process to end at this moment. */
void sim_term(struct sim *sim, uint64_t a, uint64_t b);

/* ---- sim_ledger.c ---- */

enum said sim_permit(void *context, const struct machine_object *object, struct machine_objection *objection, struct err *err);
enum said sim_begin(void *context, const struct machine_object *object, const char *before, size_t size, const json_t *detail,
                    int64_t *change, struct err *err);
enum said sim_move(void *context, const struct machine_object *object, enum ledger_change_state to, const json_t *detail,
                   struct err *err);
enum said sim_lock(void *context, const struct machine_object *object, struct err *err);

/* The row is moved. */
void sim_check_move(struct sim *sim, int item, enum ledger_change_state from, enum ledger_change_state to);

/* Rows that are begun and not at an end. */
size_t sim_open_rows(const struct sim *sim);

/* The item of this name. -1: none. */
int sim_item_named(const struct sim *sim, const char *object);

/* ---- sim_plan.c ---- */

/* Makes the world of a seed. */
void sim_plan(struct sim *sim);

/* ---- sim_people.c ---- */

/* What others do in it. */
void sim_people(struct sim *sim);

/* An object of the plan is being written: somebody else may be doing so, too. */
void sim_people_race(struct sim *sim, int item);

/* ---- sim_check.c ---- */

/* The machine sends a request that writes. */
void sim_check_asked(struct sim *sim, const struct sim_call *call);

/* The machine's request changed an object of the plan (NULL: it was not there, or is not any more). */
void sim_check_written(struct sim *sim, const struct sim_call *call, int item, const json_t *before, const json_t *after);

/* The machine turns to an object: its first request about it. */
void sim_check_started(struct sim *sim, int item);

/* A row came to be. */
void sim_check_begun(struct sim *sim, int item);

/* The process ended by itself. */
void sim_check_ended(struct sim *sim, const struct machine_object *objects, size_t count, int failed, const struct machine_result *result);

/* All is over, and what was open is closed. */
void sim_check_over(struct sim *sim);

/* Nothing that happened in this world keeps an apply from doing everything. */
bool sim_must_succeed(const struct sim *sim);

/* ---- sim_run.c ---- */

/* Lives one seed. Returns 0, or -1 where something was that must not be. */
int sim_run(struct sim *sim);

#endif
