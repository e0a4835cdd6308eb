#!/usr/bin/env bash
set -euo pipefail
export NARTHEX="$PWD/narthex" PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 test/differential/run.py
