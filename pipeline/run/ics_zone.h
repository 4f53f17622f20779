#ifndef TARE_RUN_ICS_ZONE_H
#define TARE_RUN_ICS_ZONE_H

/* The zones of a calendar: names of the IANA database are read from the system, other names are those of the file's own
 * VTIMEZONE components (whose rules are followed until the year 2100). */

#include "pipeline/run/ics.h"
#include "pipeline/run/tz.h"

struct ics_zones;

/* For the zones that `ics` names (borrowed, must outlive the last ics_zone). New, free with ics_zones_free. */
struct ics_zones *ics_zones_new(struct ics *ics, struct arena *arena);

/* Frees the zones too; NULL is allowed. */
void ics_zones_free(struct ics_zones *zones);

/* The zone `name` in the VCALENDAR `owner`, read once. ERR_CONFIG; a VTIMEZONE that is wrong notes its own line as the fault of
 * `ics`, else `number`. *out belongs to `zones`. */
int ics_zone(struct ics_zones *zones, size_t owner, const char *name, size_t number, const struct tz **out, struct err *err);

#endif
