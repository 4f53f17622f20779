#ifndef TARE_TESTS_YAML_READING_H
#define TARE_TESTS_YAML_READING_H

/* A text that a test reads document by document. Include it behind cmocka.h. */

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/yaml.h"

struct text {
    const char *bytes;
    struct arena arena;
    struct yaml_stream *stream;
    struct yaml_document document;
    struct yaml_fault fault;
    struct err err;
};

static inline struct text *text_open_length(const char *bytes, size_t length, const struct yaml_limits *limits)
{
    struct text *text = xcalloc(sizeof *text);
    text->bytes = bytes;
    arena_init(&text->arena);
    if (yaml_open(bytes, length, limits, &text->stream, &text->fault, &text->err)) {
        text->stream = NULL;
    }
    return text;
}

static inline struct text *text_open(const char *bytes)
{
    struct text *text = text_open_length(bytes, strlen(bytes), NULL);
    assert_non_null(text->stream);
    return text;
}

static inline int text_next(struct text *text)
{
    return yaml_next(text->stream, &text->arena, &text->document, &text->fault, &text->err);
}

static inline void text_free(struct text *text)
{
    yaml_close(text->stream);
    arena_release(&text->arena);
    free(text);
}

static inline struct yaml_node *get(struct text *text, const char *key)
{
    return yaml_get(text->stream, text->document.root, key);
}

#endif
