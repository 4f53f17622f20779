#ifndef TARE_DRIVER_WORDS_H
#define TARE_DRIVER_WORDS_H

/* The words of a program that is about to be run. */

#include <stddef.h>

struct words {
    char **items;
    size_t count;
    size_t capacity;
};

/* Adds a word (stolen); NULL ends the list, as argv has it. */
void words_add(struct words *words, char *word);

/* Adds the words of a NULL-terminated array (both stolen), as options_forward makes it. */
void words_add_all(struct words *words, char **more);

/* Frees the words. */
void words_release(struct words *words);

#endif
