#include "pipeline/driver/words.h"

#include <stdlib.h>

#include "pipeline/base/mem.h"

void words_add(struct words *words, char *word)
{
    GROW(words->items, words->capacity, words->count + 1);
    words->items[words->count++] = word;
}

void words_add_all(struct words *words, char **more)
{
    for (size_t i = 0; more[i] != NULL; i++) {
        words_add(words, more[i]);
    }
    free(more);
}

void words_release(struct words *words)
{
    for (size_t i = 0; i < words->count; i++) {
        free(words->items[i]);
    }
    free(words->items);
}
