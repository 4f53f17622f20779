#ifndef TARE_STAGES_PRICES_WORDS_H
#define TARE_STAGES_PRICES_WORDS_H

/* Words to search by: letters and digits count, case and the signs between them do not ("d2sv5" fits "Standard_D2s_v5"). */

#include <stdbool.h>
#include <stddef.h>

struct words {
    char **items;
    size_t count;
};

/* Copies the words; names that people have for a provider become the provider's ("amazon" is aws). words_release. */
void words_init(struct words *words, const char *const *texts, size_t count);

/* Frees. */
void words_release(struct words *words);

/* Puts another text in the place of a word. */
void words_replace(struct words *words, size_t index, const char *text);

/* Whether each of the words is a piece of one of the fields (NULL: no field). True without words. */
bool words_fit(const struct words *words, const char *const *fields, size_t count);

#endif
