#!/usr/bin/env bash
# The scenarios over TLS and HTTP/2, on the binary that Bazel built.
set -euo pipefail
export NARTHEX="$PWD/narthex" NARTHEX_BENCH="$PWD/test/bench" PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 test/bench/scenarios_test.py
