/* SPDX-License-Identifier: Apache-2.0 */
/* The annotations that rf_exclusions_read (objects.h) knows. Their values are comma-separated. */
#pragma once

#include "objects/objects.h"

#define RF_ANNOTATION_OUTBOUND_PORTS  "openservicemesh.io/outbound-port-exclusion-list"
#define RF_ANNOTATION_INBOUND_PORTS   "openservicemesh.io/inbound-port-exclusion-list"
#define RF_ANNOTATION_OUTBOUND_RANGES "openservicemesh.io/outbound-ip-range-exclusion-list"
/* Known, but everything stays inspected: that is the closed side of what it says. */
#define RF_ANNOTATION_OUTBOUND_INCLUSION "openservicemesh.io/outbound-ip-range-inclusion-list"
