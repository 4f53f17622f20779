#ifndef TARE_ANALYZE_SCALING_WEEKDAYS_H
#define TARE_ANALYZE_SCALING_WEEKDAYS_H

/* Sets of weekdays: bit 0 is Sunday, as cron counts them. */

enum { ALL_DAYS = 0x7f, WEEKEND_DAYS = 0x41, WEEKDAYS_TEXT = 16 };

/* How many days are in a set. */
int weekdays_count(unsigned days);

/* The set a day earlier, a day later. */
unsigned weekdays_before(unsigned days);
unsigned weekdays_after(unsigned days);

/* As cron writes it: "*", "1-5", "0,6". Returns `out`. */
char *weekdays_text(unsigned days, char out[WEEKDAYS_TEXT]);

#endif
