#ifndef TARE_TESTS_PACKING_VERIFY_H
#define TARE_TESTS_PACKING_VERIFY_H

#include "pricing/packing/fleet_place.h"

/* Checks who runs where against nothing but the input: room, pods and DaemonSets of each node, labels, taints, host ports, affinities, and
 * that every pod is placed once or listed. NULL where all holds, else what does not (static). It shares no code with the packer. */
const char *packing_verify(const struct fleet_place *place);

#endif
