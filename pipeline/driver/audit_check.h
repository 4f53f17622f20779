#ifndef TARE_DRIVER_AUDIT_CHECK_H
#define TARE_DRIVER_AUDIT_CHECK_H

/* tare audit verify: the ledger's own chain, an exported file, and either beside anchors that were kept elsewhere. */

#include "pipeline/driver/command.h"

/* Checks an exported file with the anchors of --anchor, without any ledger, and prints what came of it. A broken one is the
 * session's verdict. */
int audit_check_file(struct session *session, const char *path, bool json, struct err *err);

/* Checks the ledger's chain, the anchors of --anchor against it, and it against the export `against` (NULL: none). */
int audit_check_ledger(struct session *session, const char *against, bool json, struct err *err);

#endif
