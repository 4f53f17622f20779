#ifndef TARE_ASK_NUMBERS_H
#define TARE_ASK_NUMBERS_H

/* Numbers with a unit in plain text: "300m", "1.5 CPU", "512Mi", "$12", "40 %", "7 days". For finding what a question means, and for
 * checking that what a model says stands in the facts. */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/io/json.h"

enum number_unit { NUMBER_CPU /* millicores */, NUMBER_MEMORY /* bytes */, NUMBER_MONEY /* dollars */, NUMBER_SHARE /* percent */,
                   NUMBER_TIME /* seconds */ };

struct number {
    enum number_unit unit;
    double value;
    double slack; /* half of the last digit that was written, at most a fiftieth of the value */
    const char *at; /* where it stands in the text, and how long it is */
    size_t length;
};

/* The next number with a unit from *text on, which is moved behind it; false where there is none. A number inside a name (cart-300m) is
 * none. */
bool number_next(const char **text, struct number *out);

/* Whether a number occurs in `text`, as far as both were written: 0.3 CPU is 300m. */
bool number_in_text(const struct number *number, const char *text);

/* Whether a number occurs in a string of `value`, however deep. */
bool number_in(const struct number *number, const json_t *value);

#endif
