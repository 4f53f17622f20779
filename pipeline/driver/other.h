#ifndef TARE_DRIVER_OTHER_H
#define TARE_DRIVER_OTHER_H

/* The artifact of another run as a file that is named by the run, for tare-report --compare. It lies in a folder of its own that only
 * this user can enter, and is gone after the report. */

#include "pipeline/driver/command.h"

struct other {
    char *folder;
    char *file; /* FOLDER/run-N */
};

/* Puts the artifact with this digest into the file. ERR_CANTCREAT, ERR_IO and those of the ledger. other_close in any case. */
int other_open(struct session *session, int64_t run, const char *digest, struct other *other, struct err *err);

/* Removes file and folder. Safe to call on one that is all zero. */
void other_close(struct other *other);

#endif
