#ifndef TARE_STAGES_PARSE_PEERS_H
#define TARE_STAGES_PARSE_PEERS_H

/*
 * Affinity and anti-affinity between pods, put into words: which workloads of the inventory a term's selector and
 * namespaces mean. Labels are found through an index, made when the first term asks; inventories without terms pay nothing.
 */

#include "pipeline/base/err.h"
#include "stages/parse/subjects.h"

enum {
    PEERS_LISTED_MAX = 32,        /* workloads of a term */
    PEERS_LOOKS_MAX = 2000,       /* workloads that are looked at for a term */
    PEERS_ALL_LOOKS_MAX = 2000000 /* for all of them */
};

struct peer_key;
struct peer_space;

struct peers {
    struct subjects *subjects; /* borrowed */
    struct shelf *joins;       /* borrowed: labels of namespaces, under peers_namespace_id */
    struct peer_key *keys;     /* sorted */
    size_t key_count, key_capacity;
    struct peer_space *spaces; /* namespaces with workloads, sorted by id */
    size_t space_count, space_capacity;
    size_t looks;
    bool ready;
};

/* Frees; a zeroed struct is ready for use, once `subjects` and `joins` (sorted) are set. */
void peers_release(struct peers *peers);

/* The id under which the labels of a Namespace lie on the shelf of joins. */
void peers_namespace_id(const char *name, unsigned char id[SHELF_ID]);

/* Adds to `member` (`scheduling` of a record) what the terms (see affinity.h) of the subject `index` mean: lists `affinity`
 * and `anti_affinity` of {"topology_key", "self", "others"}, and "more" where others are left out. ERR_IO. */
int peers_resolve(struct peers *peers, size_t index, const json_t *terms, json_t *member, struct err *err);

#endif
