#ifndef TARE_IO_YAML_H
#define TARE_IO_YAML_H

/*
 * YAML (and JSON) read in one pass over libyaml's events into a compact tree per document, with the byte
 * offset of every node in the original bytes: what edits need. Documents come one at a time; aliases stay
 * references. The bytes are untrusted: all of struct yaml_limits is bounded, also as read through aliases, and an
 * alias inside of what it names is refused, so that the resolved tree has no cycle.
 *
 * libyaml cannot go on after an error. The reader starts anew at the next line that is a document marker
 * (`---` at the start of a line, followed by a blank or the line's end), at or after the line of the error:
 * no YAML construct contains such a line, so the documents before and after a broken one are whole.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/err.h"

enum yaml_kind { YAML_KIND_SCALAR, YAML_KIND_SEQUENCE, YAML_KIND_MAPPING, YAML_KIND_ALIAS };

enum yaml_style {
    YAML_STYLE_PLAIN,
    YAML_STYLE_SINGLE,
    YAML_STYLE_DOUBLE,
    YAML_STYLE_LITERAL,
    YAML_STYLE_FOLDED,
    YAML_STYLE_BLOCK, /* collections */
    YAML_STYLE_FLOW
};

/* What a value is to tools that speak YAML 1.1 as Kubernetes' do. */
enum yaml_type {
    YAML_TYPE_NULL,
    YAML_TYPE_BOOL,
    YAML_TYPE_INT,
    YAML_TYPE_FLOAT,
    YAML_TYPE_TEXT,
    YAML_TYPE_SEQUENCE,
    YAML_TYPE_MAPPING
};

struct yaml_node {
    struct yaml_node *first;  /* children: items, or key, value, key, value … */
    struct yaml_node *next;   /* next child of the same parent */
    struct yaml_node *target; /* of an alias: the node it names */
    const char *text;         /* of a scalar: its value, NOT terminated */
    const char *anchor;       /* name, or NULL; of an alias: the name it uses */
    const char *tag;          /* resolved tag as written in the file, or NULL */
    uint32_t length;          /* of text */
    uint32_t start;           /* offset of the first byte, anchor and tag included */
    uint32_t value;           /* offset of the first byte after anchor and tag */
    uint32_t end;             /* offset past the last byte; no trailing blanks, comments or line ends */
    uint32_t count;           /* items, or pairs */
    uint32_t aliases;         /* how many aliases name this node */
    uint32_t size;            /* bytes from start to end, each alias in it counted as what it names */
    uint32_t weight;          /* nodes at and below, counted like that */
    unsigned char kind;       /* enum yaml_kind */
    unsigned char style;      /* enum yaml_style */
    bool open;                /* while it is read */
};

struct yaml_limits {
    size_t max_documents;      /* in one text, broken and empty ones counted */
    size_t max_document_bytes; /* from its start, each alias counted as what it names */
    size_t max_depth;          /* nesting of collections */
    size_t max_nodes;          /* keys and values in one document; and what aliases stand for, in all documents */
    size_t max_scalar_bytes;   /* of one key or value */
    size_t max_aliases;        /* in one document; as many anchors */
    size_t max_merges;         /* mappings visited through merge keys for one document */
};

/* 100,000 documents of 16 MiB, depth 100, 1,000,000 nodes, scalars of 2 MiB (what is larger than 1.5 MiB no cluster
 * stores), 10,000 aliases, 100,000 merges. */
extern const struct yaml_limits yaml_default_limits;

struct yaml_document {
    long number;            /* from 1, broken and empty ones counted */
    struct yaml_node *root; /* NULL for an empty document */
    size_t start;           /* offset of its first byte: its directives or marker, or the first token */
    size_t end;             /* offset past it: where the next one begins, or the end of the file */
};

/* Where and of which sort a fault is; `code` is a problem code of problems.def. */
struct yaml_fault {
    const char *code;
    size_t offset;
    size_t line;   /* from 1, counted by line feeds as editors do */
    size_t column; /* from 1, in characters */
};

struct yaml_stream;

/* Opens `length` bytes (borrowed until yaml_close; less than 2 GiB). ERR_DATA with *fault (code "encoding")
 * for UTF-16 and UTF-32, NUL and other control bytes, and invalid UTF-8. `limits` NULL: the defaults. *out
 * new. */
int yaml_open(const char *bytes, size_t length, const struct yaml_limits *limits, struct yaml_stream **out,
              struct yaml_fault *fault, struct err *err);

/* Frees; NULL is allowed. */
void yaml_close(struct yaml_stream *stream);

/* Reads the next document; its nodes live in `arena` and, for scalars, point into the bytes. Returns 1 with
 * *document, 0 at the end, -1 with ERR_DATA and *fault for a broken document (document->number is set): the
 * next call goes on after it, or ends where the limit of documents is passed. */
int yaml_next(struct yaml_stream *stream, struct arena *arena, struct yaml_document *document,
              struct yaml_fault *fault, struct err *err);

/* Line (from 1) and column (from 1, characters) of an offset. Quick when it is near the one before. */
void yaml_position(struct yaml_stream *stream, size_t offset, size_t *line, size_t *column);

/* Fills *fault for an offset. */
void yaml_fault_at(struct yaml_stream *stream, size_t offset, const char *code, struct yaml_fault *fault);

/* Whether a document used more merges than the limit: then what yaml_find said is not to be trusted. Cleared
 * by yaml_next. */
bool yaml_exhausted(const struct yaml_stream *stream);

/* The node an alias names; any other node (NULL too) itself. Borrowed. */
struct yaml_node *yaml_resolve(struct yaml_node *node);

/* A pair found by key. */
struct yaml_pair {
    struct yaml_node *key;
    struct yaml_node *value; /* as it stands: may be an alias */
    struct yaml_node *again; /* a second key of that name in the same mapping, else NULL */
    bool merged;             /* it came through a merge key */
};

/* Finds `key` in a mapping (aliases are followed): its own keys first, else those of its merge keys (`<<`: a
 * mapping, or a list of which the first wins). False when there is none, or `node` is no mapping. */
bool yaml_find(struct yaml_stream *stream, struct yaml_node *node, const char *key, struct yaml_pair *pair);

/* Called for a pair, value as it stands: may be an alias. False ends the visit. */
typedef bool yaml_visit(void *context, struct yaml_node *key, struct yaml_node *value);

/* Visits the pairs of a mapping (aliases are followed), its own keys first, then those of its merge keys in the order that yaml_find looks
 * into them: of a name that comes again the first counts. False when a visit ended it, or too many merges did. */
bool yaml_each(struct yaml_stream *stream, struct yaml_node *node, yaml_visit *visit, void *context);

/* The resolved value of a key, NULL when there is none. Borrowed. */
struct yaml_node *yaml_get(struct yaml_stream *stream, struct yaml_node *node, const char *key);

/* Whether a key of a mapping is a merge key. */
bool yaml_is_merge(const struct yaml_node *key);

/* The first key below `node` that its mapping has twice (merge keys apart), NULL when there is none. Aliases
 * are not followed. Borrowed. */
struct yaml_node *yaml_duplicate(struct yaml_node *node);

/* The first key below `node` that Kubernetes' tools refuse, NULL when there is none: a collection (`{{ x }}` is
 * one), a null, a merge key for something else than mappings. Aliases are not followed. Borrowed. */
struct yaml_node *yaml_odd_key(struct yaml_node *node);

/* Type of a node (aliases are followed; NULL is null). Quoted scalars are text; explicit tags count. */
enum yaml_type yaml_type_of(const struct yaml_node *node);

/* Whether a scalar's text is exactly `text`. False for NULL and collections. */
bool yaml_text_is(const struct yaml_node *node, const char *text);

/* The text of a value that is a string (YAML_TYPE_TEXT), in the arena; NULL for any other, for !!binary and for
 * a text with a NUL character. */
const char *yaml_string(struct arena *arena, struct yaml_node *node);

/* The text of any scalar as written, in the arena; NULL for null, collections, NULL and a text with a NUL
 * character. */
const char *yaml_scalar(struct arena *arena, struct yaml_node *node);

/* An integer (decimal, 0x, 0o, 0b, leading 0 as octal, underscores). False when it is none or does not fit.
 */
bool yaml_int(struct yaml_node *node, int64_t *value);

/* A boolean (true, yes, on, y and their opposites). False when it is none. */
bool yaml_bool(struct yaml_node *node, bool *value);

#endif
