#ifndef TARE_ASK_PICK_H
#define TARE_ASK_PICK_H

/* The records that a question is about, in one pass over an artifact. Memory holds a few records, however many there are. */

#include "reports/model/model.h"
#include "stages/ask/wording.h"

enum { PICKS_MAX = 8, PICKS_NEAR = 3 };

/* How well the question names a record. */
enum pick_tier { PICK_NOT, PICK_PART /* a part of its name, or a container of it */, PICK_NAME, PICK_WHOLE /* NAMESPACE/KIND/NAME */ };

struct picked {
    json_t *record; /* owned */
    char *name;     /* NAMESPACE/KIND/NAME, owned */
    size_t number;  /* of the record among the workloads of the artifact, from 1 */
    enum pick_tier tier;
    size_t word; /* of the question, that names it */
    int place;   /* its namespace and its kind are in the question: 1 each */
    double rank; /* by the question's topic, the highest first */
};

struct pick {
    const struct wording *wording; /* borrowed */
    bool any;                      /* where the question names nothing and is about nothing known, the records with the most money do */
    const char *fallback;          /* namespace of those without one; borrowed */
    struct picked list[PICKS_MAX]; /* after pick_finish: the answer's records, the best first */
    size_t count;
    size_t fitting; /* records that fit, these among them */
    bool vague;     /* nothing fits; they are the records with the most money */
    bool named;     /* the question names them; else they are the first by its topic */
    char *near[PICKS_NEAR]; /* names that are near to a word of the question, where nothing fits */
    size_t workloads;
    /* while records are looked at */
    struct picked by_topic[PICKS_MAX];
    size_t topic_count;
    size_t topic_fitting[3]; /* by `place` */
    size_t named_fitting[4]; /* by `tier` */
    size_t far[PICKS_NEAR];
    bool is_namespace[WORDING_WORDS_MAX]; /* words that are a namespace of some record: no parts of names then */
};

/* Looks at a workload's record (borrowed; kept where it may be an answer) and its row. */
void pick_look(struct pick *pick, json_t *record, const struct report_row *row);

/* Settles what the answer is about; `count` 0: nothing fits. */
void pick_finish(struct pick *pick);

/* Frees. */
void pick_release(struct pick *pick);

#endif
