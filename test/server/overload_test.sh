#!/usr/bin/env bash
set -euo pipefail
export NARTHEX="$PWD/narthex" CONFIGURATION="$PWD/test/server/gateway.yaml" PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 test/server/overload_test.py -v
