#!/usr/bin/env bash
set -euo pipefail
export NARTHEX="$PWD/narthex" CONFIGURATION="$PWD/test/server/gateway.yaml" PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 test/server/command_test.py -v
/usr/bin/python3 test/server/smoke_test.py -v
/usr/bin/python3 test/server/observe_test.py -v
/usr/bin/python3 test/server/reload_test.py -v
