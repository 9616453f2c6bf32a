#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every table is read as docs/maps.md reads it, and says what the document shows.
cd "$(dirname "$0")/../.." || exit 1
exec tests/tools/run-document docs/maps.md
