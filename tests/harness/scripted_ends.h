#ifndef TARE_TESTS_SCRIPTED_ENDS_H
#define TARE_TESTS_SCRIPTED_ENDS_H

/* A small world for the machine that changes objects: Deployments of one container in the namespace shop, a ledger, a clock. What goes
 * wrong is said beforehand. */

#include <stdbool.h>

#include "stages/common/machine/machine.h"

enum { SCRIPT_OBJECTS = 8, SCRIPT_EVENTS = 256 };

/* The answer to the requests that fit: `times` of them, after `skip`. */
struct script_fault {
    const char *method;
    const char *part; /* of the path */
    int skip;
    int times;
    long status;      /* 0: no answer */
    bool happens;     /* it is done nevertheless */
};

struct script_row {
    char state[32];
    char *before;
    json_t *detail;
    enum ledger_change_state at;
    bool there;
};

struct script {
    size_t count;
    json_t *objects[SCRIPT_OBJECTS];   /* NULL: gone */
    json_t *records[SCRIPT_OBJECTS];
    json_t *pristine[SCRIPT_OBJECTS];
    char names[SCRIPT_OBJECTS][48];
    char short_names[SCRIPT_OBJECTS][24];
    struct script_row rows[SCRIPT_OBJECTS];
    bool unsettled[SCRIPT_OBJECTS];
    json_t *pods;      /* listed in place of none; owned */
    int64_t pods_from; /* … from this instant on; watches are silent about them */
    bool never_ready[SCRIPT_OBJECTS];  /* rollouts of the changed template do not become complete */
    int version;
    int64_t now;
    struct machine_event events[SCRIPT_EVENTS];
    size_t first;
    size_t last;
    uint64_t watch_own;
    struct script_fault fault;
    struct machine_objection objection;
    int closed_after;   /* so many permits are given, -1: all */
    int permits;
    int calls;
    int dies_at;        /* at this call the process dies; 0: never */
    bool dead;
    int writes;         /* patches that changed something */
    int requests;
    int end_after;      /* EVENT_END comes with this request; 0: never */
    int most_at_once;
    char log[8192];     /* moves of rows: "a0 writing; a0 written; …" */
    double measured;
    const char *meddles; /* what a webhook makes of requests.cpu at the next write, though not in a dry run */
    void (*on_write)(struct script *script, size_t index);
    void (*on_fault)(struct script *script);
};

/* `count` objects, each to get requests.cpu 250m instead of 500m. Free with script_release. */
void script_init(struct script *script, size_t count);
void script_release(struct script *script);

/* Ends and policy (parallel 1, wait, time-out 60 s, settle 10 s). */
struct machine_ends script_ends(struct script *script);
struct machine_policy script_policy(void);

/* Machine objects as rows and plan say; `objects` has room for `count`. */
void script_objects(struct script *script, struct machine_object *objects);

/* A new process: what was under way is forgotten. */
void script_restart(struct script *script);

/* requests.cpu of an object as it is. */
const char *script_cpu(const struct script *script, size_t index);

/* Whether an object is as it was at the beginning, but for version, generation and status. */
bool script_as_before(const struct script *script, size_t index);

#endif
