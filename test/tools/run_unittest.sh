#!/usr/bin/env bash
# Runs one Python file of unit tests; fails when it holds none.
set -euo pipefail
PYTHONPATH=tools PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$1" -v
