#include "pipeline/io/json_skim.h"

#include <stdint.h>
#include <string.h>

/* A position in the text; NULL once the text turned out to be broken. */
struct place {
    const char *at;
    const char *end;
};

/* What a byte means outside of strings. */
enum meaning { PLAIN, QUOTE, OPENS, CLOSES, PARTS, BLANK };

static const uint8_t meanings[256] = {
    ['"'] = QUOTE,  ['{'] = OPENS, ['['] = OPENS,  ['}'] = CLOSES, [']'] = CLOSES, [','] = PARTS,
    [':'] = PARTS,  [' '] = BLANK, ['\t'] = BLANK, ['\r'] = BLANK, ['\n'] = BLANK,
};

static enum meaning meaning_at(const struct place *place)
{
    return (enum meaning)meanings[(unsigned char)*place->at];
}

static bool broken(struct place *place)
{
    place->at = NULL;
    return false;
}

static bool skip_blanks(struct place *place)
{
    while (place->at < place->end && meaning_at(place) == BLANK) {
        place->at++;
    }
    return place->at < place->end || broken(place);
}

/* Whether the byte comes next, behind blanks; then it is passed. */
static bool take(struct place *place, char byte)
{
    if (!skip_blanks(place) || *place->at != byte) {
        return false;
    }
    place->at++;
    return true;
}

/* A quote ends a string unless an odd number of backslashes stands before it. */
static bool skip_string(struct place *place)
{
    const char *start = place->at + 1;
    const char *from = start;
    for (;;) {
        const char *quote = from < place->end ? memchr(from, '"', (size_t)(place->end - from)) : NULL;
        if (quote == NULL) {
            return broken(place);
        }
        const char *before = quote;
        while (before > start && before[-1] == '\\') {
            before--;
        }
        from = quote + 1;
        if ((quote - before) % 2 == 0) {
            place->at = from;
            return true;
        }
    }
}

/* To the bracket that closes the one at the place. */
static bool skip_nested(struct place *place)
{
    size_t depth = 0;
    while (place->at < place->end) {
        switch (meaning_at(place)) {
        case QUOTE:
            if (!skip_string(place)) {
                return false;
            }
            continue;
        case OPENS:
            depth++;
            break;
        case CLOSES:
            depth--;
            break;
        default:
            break;
        }
        place->at++;
        if (depth == 0) {
            return true;
        }
    }
    return broken(place);
}

static bool skip_value(struct place *place)
{
    switch (meaning_at(place)) {
    case QUOTE:
        return skip_string(place);
    case OPENS:
        return skip_nested(place);
    case PLAIN:
        while (place->at < place->end && meaning_at(place) == PLAIN) {
            place->at++;
        }
        return true;
    default:
        return broken(place);
    }
}

/* The rule for a key, which stands in the text without quotes; NULL for none. */
static const struct json_cut *rule_for(const struct json_cut *cut, const char *key, size_t length)
{
    for (; cut->key != NULL; cut++) {
        bool any = cut->key[0] == '*' && cut->key[1] == '\0';
        if (any || (strlen(cut->key) == length && memcmp(cut->key, key, length) == 0)) {
            return memchr(key, '\\', length) == NULL ? cut : NULL;
        }
    }
    return NULL;
}

static void add(struct buf *out, const char *from, const char *to)
{
    (void)buf_add(out, from, (size_t)(to - from));
}

static bool copy_value(struct place *place, const struct json_cut *cut, struct buf *out);

/* One member; `first` says whether none was added before it. */
static bool copy_member(struct place *place, const struct json_cut *cut, bool *first, struct buf *out)
{
    if (!skip_blanks(place) || *place->at != '"') {
        return broken(place);
    }
    const char *key = place->at;
    if (!skip_string(place)) {
        return false;
    }
    const char *key_end = place->at;
    const struct json_cut *rule = rule_for(cut, key + 1, (size_t)(key_end - key) - 2);
    if (!take(place, ':') || !skip_blanks(place)) {
        return broken(place);
    }
    if (rule != NULL && rule->drop) {
        return skip_value(place);
    }
    (void)(*first ? 0 : buf_add_char(out, ','));
    *first = false;
    add(out, key, key_end);
    (void)buf_add_char(out, ':');
    return copy_value(place, rule == NULL ? NULL : rule->inside, out);
}

/* The items of an array or the members of an object, up to and with what closes it. */
static bool copy_nested(struct place *place, const struct json_cut *cut, struct buf *out)
{
    bool object = *place->at == '{';
    char closing = object ? '}' : ']';
    bool first = true;
    (void)buf_add_char(out, *place->at++);
    if (!take(place, closing)) {
        bool more = place->at != NULL;
        while (more) {
            if (object) {
                more = copy_member(place, cut, &first, out);
            } else {
                (void)(first ? 0 : buf_add_char(out, ','));
                first = false;
                /* The list is for the members of objects, not for those of arrays in the array. */
                more = skip_blanks(place) && copy_value(place, *place->at == '{' ? cut : NULL, out);
            }
            more = more && take(place, ',');
        }
        if (place->at == NULL || !take(place, closing)) {
            return broken(place);
        }
    }
    (void)buf_add_char(out, closing);
    return true;
}

static bool copy_value(struct place *place, const struct json_cut *cut, struct buf *out)
{
    if (cut != NULL && meaning_at(place) == OPENS) {
        return copy_nested(place, cut, out);
    }
    const char *from = place->at;
    if (!skip_value(place)) {
        return false;
    }
    add(out, from, place->at);
    return true;
}

bool json_skim(const char *text, size_t length, const struct json_cut *cut, struct buf *out)
{
    struct place place = {.at = text, .end = text + length};
    size_t before = out->length;
    bool whole = skip_blanks(&place) && *place.at == '{' && copy_nested(&place, cut, out);
    while (whole && place.at < place.end) {
        whole = meaning_at(&place) == BLANK;
        place.at++;
    }
    if (!whole || out->overflow) {
        if (out->data != NULL) {
            out->length = before;
            out->data[before] = '\0';
        }
        return false;
    }
    return true;
}
