#ifndef TARE_COLLECT_JSON_PULL_H
#define TARE_COLLECT_JSON_PULL_H

/*
 * JSON as tokens, from pieces that may end anywhere: nothing but the token in work is kept. The grammar is
 * checked (RFC 8259: one value, commas and colons in their places, UTF-8 and escapes in strings), depth and
 * token size are bounded. Numbers are handed out as text.
 */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/buf.h"

enum { JSON_PULL_DEPTH = 64, JSON_PULL_TOKEN_MAX = 256 * 1024 };

enum json_token {
    JSON_TOKEN_MORE,   /* the piece is used up */
    JSON_TOKEN_BAD,    /* not JSON; `problem` says why */
    JSON_TOKEN_OBJECT, /* { */
    JSON_TOKEN_OBJECT_END,
    JSON_TOKEN_ARRAY, /* [ */
    JSON_TOKEN_ARRAY_END,
    JSON_TOKEN_KEY,    /* text */
    JSON_TOKEN_STRING, /* text */
    JSON_TOKEN_NUMBER, /* text */
    JSON_TOKEN_WORD    /* true, false, null: text */
};

/* What may come next. */
enum json_expect {
    JSON_EXPECT_VALUE,
    JSON_EXPECT_FIRST_ELEMENT,
    JSON_EXPECT_ELEMENT_END, /* ',' or ']' */
    JSON_EXPECT_FIRST_KEY,
    JSON_EXPECT_KEY,
    JSON_EXPECT_COLON,
    JSON_EXPECT_MEMBER_END, /* ',' or '}' */
    JSON_EXPECT_NOTHING     /* the value is whole */
};

struct json_pull {
    enum json_expect expect;
    unsigned depth;
    bool in_object[JSON_PULL_DEPTH];
    struct buf text;    /* of the last token, or of the one in work */
    unsigned char mode; /* what is in work: see json_pull.c */
    unsigned escape;    /* hex digits still to come of a \u escape */
    unsigned unit;      /* its value so far */
    unsigned high;      /* a high surrogate that waits for its low one */
    const char *problem;
};

/* Prepares for a new text. */
void json_pull_init(struct json_pull *json);

/* Frees. */
void json_pull_release(struct json_pull *json);

/* Forgets everything and starts anew, keeping the memory. */
void json_pull_reset(struct json_pull *json);

/* Next token of the piece [*at, end); moves *at behind it. JSON_TOKEN_MORE when the piece ends before a token
 * does. */
enum json_token json_pull_next(struct json_pull *json, const char **at, const char *end);

/* Whether one whole value was read (a bare number counts only once something follows it). */
bool json_pull_done(const struct json_pull *json);

#endif
