#include "reports/csv/cells.h"

#include <inttypes.h>

#include "reports/text/escape.h"

void csv_text(struct buf *out, const char *text)
{
    if (text != NULL) {
        escape_csv(out, text);
    }
    buf_add_char(out, ',');
}

void csv_number(struct buf *out, bool present, int64_t number)
{
    if (present) {
        buf_printf(out, "%" PRId64, number);
    }
    buf_add_char(out, ',');
}

void csv_real(struct buf *out, bool present, double number)
{
    if (present) {
        buf_printf(out, "%.15g", number);
    }
    buf_add_char(out, ',');
}
