#include "pipeline/io/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/yaml_find.h"
#include "pipeline/io/yaml_text.h"

enum { ANCHOR_BUCKETS = 64, SIZE_LIMIT = INT32_MAX, TAGS_MAX = 100, PIECE_MIN = 512, PIECE_MAX = 64 * 1024 };

const struct yaml_limits yaml_default_limits = {
    .max_documents = 100000,
    .max_document_bytes = 16 * 1024 * 1024,
    .max_depth = 100,
    .max_nodes = 1000000,
    .max_scalar_bytes = 2 * 1024 * 1024,
    .max_aliases = 10000,
    .max_merges = 100000,
};

struct anchor {
    struct anchor *next;
    struct yaml_node *node;
};

/* One collection that is being read. */
struct frame {
    struct yaml_node *node;
    struct yaml_node *last;
    bool value_next; /* in a mapping: a key was read, its value comes */
};

struct yaml_stream {
    const char *bytes; /* borrowed */
    const char *text;  /* what is parsed: bytes, or the masked copy */
    char *masked;
    size_t length;
    size_t base;  /* where the parser was started */
    size_t fed;   /* up to where it has the text */
    size_t piece; /* most that it gets next */
    size_t floor; /* a restart must lie at or after this */
    bool ascii;
    bool json; /* it begins as a JSON value does */
    bool running;
    yaml_parser_t parser;
    struct yaml_cursor cursor; /* characters counted from base */
    struct yaml_place place;   /* of yaml_position */
    struct yaml_limits limits;
    long documents;
    size_t repeated; /* keys and values that aliases stand for, in all documents so far */
    struct yaml_merges merges;
    /* of the document being read */
    struct arena *arena;
    struct frame *stack;
    size_t depth;
    size_t nodes;
    size_t aliases;
    size_t anchored;
    uint32_t reached; /* end of the last node */
    size_t spread;    /* bytes that aliases stand for */
    struct anchor *anchors[ANCHOR_BUCKETS];
};

/* Hands libyaml what comes next; little at first: what follows a broken document may be broken as well. */
static int feed_parser(void *data, unsigned char *into, size_t size, size_t *got)
{
    struct yaml_stream *s = data;
    size_t left = s->length - s->fed;
    size = size < s->piece ? size : s->piece;
    *got = left < size ? left : size;
    memcpy(into, s->text + s->fed, *got);
    s->fed += *got;
    s->piece = s->piece < PIECE_MAX ? s->piece * 2 : PIECE_MAX;
    return 1;
}

static void start_parser(struct yaml_stream *s, size_t base)
{
    if (s->running) {
        yaml_parser_delete(&s->parser);
    }
    s->running = false;
    s->base = base;
    s->cursor = (struct yaml_cursor){.byte = base, .character = 0};
    if (base >= s->length) {
        return;
    }
    if (yaml_parser_initialize(&s->parser) == 0) {
        mem_exhausted();
    }
    s->running = true;
    yaml_parser_set_encoding(&s->parser, YAML_UTF8_ENCODING);
    s->fed = base;
    s->piece = PIECE_MIN;
    yaml_parser_set_input(&s->parser, feed_parser, s);
}

int yaml_open(const char *bytes, size_t length, const struct yaml_limits *limits, struct yaml_stream **out,
              struct yaml_fault *fault, struct err *err)
{
    struct yaml_stream *s = xcalloc(sizeof *s);
    size_t bad;
    s->bytes = s->text = bytes;
    s->length = length;
    s->place = yaml_place_start;
    s->limits = limits == NULL ? yaml_default_limits : *limits;
    s->merges.most = s->limits.max_merges;
    *fault = (struct yaml_fault){.code = "size-limit", .line = 1, .column = 1};
    if (length > SIZE_LIMIT) {
        yaml_close(s);
        return err_set(err, ERR_DATA, "the text is larger than %d bytes", (int)SIZE_LIMIT);
    }
    if (yaml_text_check(bytes, length, &s->base, &s->ascii, &bad, err)) {
        yaml_fault_at(s, bad, "encoding", fault);
        yaml_close(s);
        return -1;
    }
    if ((bad = yaml_excess_tag(bytes, length, TAGS_MAX)) < length) { /* libyaml compares each with each */
        yaml_fault_at(s, bad, "size-limit", fault);
        yaml_close(s);
        return err_set(err, ERR_DATA, "the text has more than %d directives %%TAG", (int)TAGS_MAX);
    }
    s->stack = xcalloc_array(s->limits.max_depth + 1, sizeof *s->stack);
    s->masked = yaml_mask(bytes, length, s->base, s->ascii, &s->json);
    s->text = s->masked == NULL ? bytes : s->masked;
    start_parser(s, s->base);
    *out = s;
    return 0;
}

void yaml_close(struct yaml_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    if (stream->running) {
        yaml_parser_delete(&stream->parser);
    }
    free(stream->masked);
    free(stream->stack);
    free(stream);
}

void yaml_position(struct yaml_stream *stream, size_t offset, size_t *line, size_t *column)
{
    yaml_place_seek(&stream->place, stream->bytes, stream->length, offset);
    *line = stream->place.line;
    *column = yaml_place_column(&stream->place, stream->bytes);
}

void yaml_fault_at(struct yaml_stream *stream, size_t offset, const char *code, struct yaml_fault *fault)
{
    fault->code = code;
    fault->offset = offset;
    yaml_position(stream, offset, &fault->line, &fault->column);
}

bool yaml_exhausted(const struct yaml_stream *stream)
{
    return stream->merges.done > stream->merges.most;
}

/* Byte offset of a mark: libyaml counts characters, and from where the parser was started. */
static uint32_t offset_of(struct yaml_stream *s, const yaml_mark_t *mark)
{
    size_t at = s->base + mark->index;
    if (!s->ascii) {
        at = yaml_cursor_seek(&s->cursor, s->text, s->length, mark->index);
    }
    return (uint32_t)(at < s->length ? at : s->length);
}

static enum yaml_style scalar_style(yaml_scalar_style_t style)
{
    switch (style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
        return YAML_STYLE_SINGLE;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        return YAML_STYLE_DOUBLE;
    case YAML_LITERAL_SCALAR_STYLE:
        return YAML_STYLE_LITERAL;
    case YAML_FOLDED_SCALAR_STYLE:
        return YAML_STYLE_FOLDED;
    default:
        return YAML_STYLE_PLAIN;
    }
}

/* Points a scalar's text into the bytes where they are the value already, else copies it. */
static void set_text(struct yaml_stream *s, struct yaml_node *node, const yaml_event_t *event)
{
    size_t quote = node->style == YAML_STYLE_SINGLE || node->style == YAML_STYLE_DOUBLE ? 1 : 0;
    const char *value = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    node->length = (uint32_t)length;
    if (node->style <= YAML_STYLE_DOUBLE && node->end - node->value == length + 2 * quote &&
        memcmp(s->text + node->value + quote, value, length) == 0) {
        node->text = s->text + node->value + quote;
    } else {
        node->text = arena_strndup(s->arena, value, length);
    }
}

/* A block scalar's end mark lies behind the blank lines that follow it. */
static void trim_block(struct yaml_stream *s, struct yaml_node *node)
{
    if (node->style == YAML_STYLE_LITERAL || node->style == YAML_STYLE_FOLDED) {
        while (node->end > node->value && strchr(" \t\r\n", s->text[node->end - 1]) != NULL) {
            node->end--;
        }
    }
}

static size_t bucket_of(const char *name)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * 16777619U;
    }
    return hash % ANCHOR_BUCKETS;
}

static void set_anchor(struct yaml_stream *s, struct yaml_node *node, const yaml_char_t *name)
{
    if (name == NULL) {
        return;
    }
    node->anchor = arena_strdup(s->arena, (const char *)name);
    struct anchor *anchor = arena_alloc(s->arena, sizeof *anchor);
    size_t bucket = bucket_of(node->anchor);
    anchor->node = node;
    anchor->next = s->anchors[bucket];
    s->anchors[bucket] = anchor;
    s->anchored++;
}

static struct yaml_node *find_anchor(const struct yaml_stream *s, const char *name)
{
    for (struct anchor *a = s->anchors[bucket_of(name)]; a != NULL; a = a->next) {
        if (strcmp(a->node->anchor, name) == 0) {
            return a->node;
        }
    }
    return NULL;
}

static int fail_at(struct yaml_stream *s, const yaml_mark_t *mark, const char *code, struct yaml_fault *fault)
{
    yaml_fault_at(s, offset_of(s, mark), code, fault);
    return -1;
}

/* What libyaml says, as a sentence without a place: the fault has that. */
static int parser_error(struct yaml_stream *s, struct yaml_fault *fault, struct err *err)
{
    const yaml_parser_t *p = &s->parser;
    if (p->error == YAML_MEMORY_ERROR) {
        mem_exhausted(); /* as a fault it would be taken for one of the document */
    }
    if (p->context != NULL && p->context_mark.line != p->problem_mark.line) {
        size_t line;
        size_t column;
        yaml_position(s, offset_of(s, &p->context_mark), &line, &column);
        err_set(err, ERR_DATA, "%s %s that begins at line %zu", p->problem, p->context, line);
    } else {
        err_set(err, ERR_DATA, "%s%s%s", p->problem == NULL ? "not YAML" : p->problem,
                p->context == NULL ? "" : " ", p->context == NULL ? "" : p->context);
    }
    return fail_at(s, &p->problem_mark, "yaml-syntax", fault);
}

/* Hangs a node below the collection being read. */
static void attach(struct yaml_stream *s, struct yaml_node *node, struct yaml_document *document)
{
    if (s->depth == 0) {
        document->root = node;
        return;
    }
    struct frame *frame = &s->stack[s->depth - 1];
    if (frame->last == NULL) {
        frame->node->first = node;
    } else {
        frame->last->next = node;
    }
    frame->last = node;
    if (frame->node->kind == YAML_KIND_SEQUENCE || frame->value_next) {
        frame->node->count++;
    }
    frame->value_next = !frame->value_next;
}

static struct yaml_node *new_node(struct yaml_stream *s, enum yaml_kind kind, const yaml_event_t *event,
                                  struct yaml_document *document)
{
    struct yaml_node *node = arena_alloc(s->arena, sizeof *node);
    node->kind = (unsigned char)kind;
    node->start = node->value = offset_of(s, &event->start_mark);
    node->end = s->reached = offset_of(s, &event->end_mark);
    node->size = node->end - node->start;
    node->weight = 1;
    s->nodes++;
    attach(s, node, document);
    return node;
}

static void set_properties(struct yaml_stream *s, struct yaml_node *node, const yaml_char_t *anchor,
                           const yaml_char_t *tag, uint32_t end)
{
    if (anchor == NULL && tag == NULL) {
        return;
    }
    node->value = yaml_skip_properties(s->text, node->start, end, (const char *)anchor, tag != NULL);
    node->tag = tag == NULL ? NULL : arena_strdup(s->arena, (const char *)tag);
    set_anchor(s, node, anchor);
}

static void read_scalar(struct yaml_stream *s, const yaml_event_t *event, struct yaml_document *document)
{
    struct yaml_node *node = new_node(s, YAML_KIND_SCALAR, event, document);
    node->style = (unsigned char)scalar_style(event->data.scalar.style);
    set_properties(s, node, event->data.scalar.anchor, event->data.scalar.tag, node->end);
    trim_block(s, node);
    set_text(s, node, event);
}

static int read_alias(struct yaml_stream *s, const yaml_event_t *event, struct yaml_document *document,
                      struct yaml_fault *fault, struct err *err)
{
    const char *name = (const char *)event->data.alias.anchor;
    struct yaml_node *target = find_anchor(s, name);
    if (target == NULL) {
        err_set(err, ERR_DATA, "the alias *%s names no anchor before it", name);
        return fail_at(s, &event->start_mark, "yaml-syntax", fault);
    }
    if (target->open) {
        err_set(err, ERR_DATA, "the alias *%s stands inside of what it names", name);
        return fail_at(s, &event->start_mark, "alias-limit", fault);
    }
    struct yaml_node *node = new_node(s, YAML_KIND_ALIAS, event, document);
    node->anchor = target->anchor;
    node->target = target;
    node->size = target->size;
    node->weight = target->weight;
    target->aliases++;
    s->aliases++;
    s->spread += target->size;
    s->repeated += target->weight - 1; /* beside the alias itself */
    return 0;
}

static int open_collection(struct yaml_stream *s, const yaml_event_t *event, struct yaml_document *document,
                           struct yaml_fault *fault, struct err *err)
{
    bool mapping = event->type == YAML_MAPPING_START_EVENT;
    bool flow = mapping ? event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
                        : event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    if (s->depth >= s->limits.max_depth) {
        err_set(err, ERR_DATA, "the document is nested deeper than %zu levels", s->limits.max_depth);
        return fail_at(s, &event->start_mark, "alias-limit", fault);
    }
    struct yaml_node *node = new_node(s, mapping ? YAML_KIND_MAPPING : YAML_KIND_SEQUENCE, event, document);
    node->style = flow ? YAML_STYLE_FLOW : YAML_STYLE_BLOCK;
    node->open = true;
    node->size = (uint32_t)s->spread; /* both until it ends */
    node->weight = (uint32_t)(s->nodes + s->repeated - 1);
    if (mapping) {
        set_properties(s, node, event->data.mapping_start.anchor, event->data.mapping_start.tag,
                       (uint32_t)s->length);
    } else {
        set_properties(s, node, event->data.sequence_start.anchor, event->data.sequence_start.tag,
                       (uint32_t)s->length);
    }
    s->stack[s->depth++] = (struct frame){.node = node};
    return 0;
}

/* The end mark of a block collection lies at the next token; it really ends with its last child. */
static void close_collection(struct yaml_stream *s, const yaml_event_t *event)
{
    const struct frame *frame = &s->stack[--s->depth];
    frame->node->open = false;
    if (frame->node->style == YAML_STYLE_FLOW) {
        frame->node->end = offset_of(s, &event->end_mark);
    } else {
        frame->node->end = frame->last == NULL ? frame->node->value : frame->last->end;
    }
    frame->node->size = frame->node->end - frame->node->start + (uint32_t)s->spread - frame->node->size;
    frame->node->weight = (uint32_t)(s->nodes + s->repeated) - frame->node->weight;
}

/* What the node just read makes too much of. */
static int check_limits(struct yaml_stream *s, const yaml_event_t *event, const struct yaml_document *document,
                        struct yaml_fault *fault, struct err *err)
{
    const struct yaml_limits *most = &s->limits;
    bool alias = event->type == YAML_ALIAS_EVENT;
    if (s->aliases > most->max_aliases || s->anchored > most->max_aliases) {
        err_set(err, ERR_DATA, "the document has more than %zu %s", most->max_aliases, alias ? "aliases" : "anchors");
        return fail_at(s, &event->start_mark, "alias-limit", fault);
    }
    if (s->nodes > most->max_nodes) {
        err_set(err, ERR_DATA, "the document has more than %zu keys and values", most->max_nodes);
        return fail_at(s, &event->start_mark, "size-limit", fault);
    }
    if (alias && s->repeated > most->max_nodes) {
        err_set(err, ERR_DATA, "the aliases stand for more than %zu keys and values", most->max_nodes);
        return fail_at(s, &event->start_mark, "alias-limit", fault);
    }
    if (event->type == YAML_SCALAR_EVENT && event->data.scalar.length > most->max_scalar_bytes) {
        err_set(err, ERR_DATA, "a value is longer than %zu bytes", most->max_scalar_bytes);
        return fail_at(s, &event->start_mark, "size-limit", fault);
    }
    if (s->reached + s->spread > document->start + most->max_document_bytes) {
        err_set(err, ERR_DATA, "the document is larger than %zu bytes%s", most->max_document_bytes,
                s->spread > 0 ? ", with each alias counted as what it names" : "");
        return fail_at(s, &event->start_mark, alias ? "alias-limit" : "size-limit", fault);
    }
    return 0;
}

static int read_node(struct yaml_stream *s, const yaml_event_t *event, struct yaml_document *document,
                     struct yaml_fault *fault, struct err *err)
{
    int failed = 0;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        read_scalar(s, event, document);
        break;
    case YAML_ALIAS_EVENT:
        failed = read_alias(s, event, document, fault, err);
        break;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        failed = open_collection(s, event, document, fault, err);
        break;
    default:
        close_collection(s, event);
        return 0;
    }
    return failed ? -1 : check_limits(s, event, document, fault, err);
}

/* A document without a value is one plain, empty scalar: no root. */
static void end_document(struct yaml_stream *s, const yaml_event_t *event, struct yaml_document *document)
{
    const struct yaml_node *root = document->root;
    document->end = offset_of(s, &event->end_mark);
    s->floor = document->end;
    if (root != NULL && root->kind == YAML_KIND_SCALAR && root->length == 0 && root->start == root->end) {
        document->root = NULL;
    }
}

/* Documents are counted as they begin. */
static bool too_many(const struct yaml_stream *s)
{
    return s->documents > 0 && (size_t)s->documents > s->limits.max_documents;
}

static void begin_document(struct yaml_stream *s, const yaml_event_t *event, struct yaml_document *document)
{
    document->number = ++s->documents;
    document->start = offset_of(s, &event->start_mark);
    s->floor = offset_of(s, &event->end_mark);
}

/* JSON values may follow one another without a marker, which libyaml refuses: reading starts anew at the next. */
static bool next_value(struct yaml_stream *s)
{
    size_t at = offset_of(s, &s->parser.problem_mark);
    bool fresh = s->nodes == 0 && at >= s->floor && at > s->base && at < s->length;
    bool value = s->json && fresh && s->parser.error == YAML_PARSER_ERROR && strchr("{[", s->text[at]) != NULL;
    if (value) {
        start_parser(s, at);
    }
    return value;
}

/* Reads events up to the end of a document. 1 a document, 0 the end of the stream, -1 a fault. */
static int read_events(struct yaml_stream *s, struct yaml_document *document, struct yaml_fault *fault,
                       struct err *err)
{
    for (;;) {
        yaml_event_t event;
        while (yaml_parser_parse(&s->parser, &event) == 0) {
            if (!next_value(s)) {
                return parser_error(s, fault, err);
            }
        }
        int result = 0;
        bool done = event.type == YAML_DOCUMENT_END_EVENT || event.type == YAML_STREAM_END_EVENT ||
                    event.type == YAML_NO_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT) {
            begin_document(s, &event, document);
            result = too_many(s) ? -1 : 0;
        } else if (event.type == YAML_DOCUMENT_END_EVENT) {
            end_document(s, &event, document);
            result = 1;
        } else if (!done && event.type != YAML_STREAM_START_EVENT) {
            result = read_node(s, &event, document, fault, err);
        }
        yaml_event_delete(&event);
        if (done || result < 0) {
            return result;
        }
    }
}

/* Goes on behind a broken document: at the next marker that is not its own. */
static void restart(struct yaml_stream *s, struct yaml_document *document, size_t fault)
{
    size_t from = fault > s->floor ? fault : s->floor;
    size_t next = yaml_next_marker(s->text, s->length, from, s->floor);
    document->end = next;
    s->floor = next + 3;
    start_parser(s, next);
}

int yaml_next(struct yaml_stream *stream, struct arena *arena, struct yaml_document *document,
              struct yaml_fault *fault, struct err *err)
{
    long before = stream->documents;
    *document = (struct yaml_document){.start = stream->floor};
    stream->arena = arena;
    stream->depth = stream->nodes = stream->aliases = stream->anchored = stream->merges.done = stream->spread = 0;
    stream->reached = 0;
    memset(stream->anchors, 0, sizeof stream->anchors);
    if (!stream->running) {
        return 0;
    }
    int result = read_events(stream, document, fault, err);
    if (result < 0) {
        document->root = NULL;
        if (stream->documents == before) { /* broken before it began: in its directives */
            document->number = ++stream->documents;
        }
        if (too_many(stream)) {
            err_set(err, ERR_DATA, "the text has more than %zu documents: the rest of it is not read",
                    stream->limits.max_documents);
            yaml_fault_at(stream, document->start, "size-limit", fault);
            start_parser(stream, stream->length);
            return -1;
        }
        restart(stream, document, fault->offset);
    }
    return result;
}

struct yaml_node *yaml_resolve(struct yaml_node *node)
{
    return node != NULL && node->kind == YAML_KIND_ALIAS ? node->target : node;
}

bool yaml_find(struct yaml_stream *stream, struct yaml_node *node, const char *key, struct yaml_pair *pair)
{
    node = yaml_resolve(node);
    return node != NULL && node->kind == YAML_KIND_MAPPING && yaml_find_in(&stream->merges, node, key, strlen(key), pair);
}

bool yaml_each(struct yaml_stream *stream, struct yaml_node *node, yaml_visit *visit, void *context)
{
    node = yaml_resolve(node);
    return node == NULL || node->kind != YAML_KIND_MAPPING || yaml_each_in(&stream->merges, node, visit, context);
}

struct yaml_node *yaml_get(struct yaml_stream *stream, struct yaml_node *node, const char *key)
{
    struct yaml_pair pair;
    return yaml_find(stream, node, key, &pair) ? yaml_resolve(pair.value) : NULL;
}
