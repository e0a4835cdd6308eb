#!/usr/bin/env bash
set -euo pipefail
export NARTHEX="$PWD/narthex" CONFIGURATION="$PWD/test/server/gateway.yaml" PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 test/server/tls_scan_test.py -v
/usr/bin/python3 test/server/tls_hello_test.py -v
/usr/bin/python3 test/server/tls_secrets_test.py -v
