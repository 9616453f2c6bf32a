#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The commands of docs/from-osm.md, run as they stand there.
cd "$(dirname "$0")/../.." || exit 1
exec tests/tools/run-document docs/from-osm.md
