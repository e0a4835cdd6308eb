#!/usr/bin/env bash
# The yardsticks themselves: load, relay and the upstreams agree with one another, and load notices wrong answers.
set -euo pipefail
cd "$(dirname "$0")"

children=()
trap 'kill "${children[@]}" 2>/dev/null || true' EXIT

Fail() { echo "FAILED: $*" >&2; exit 1; }

# Starts a program that announces its port; leaves the port in $port.
Start() {
  local output="$TEST_TMPDIR/$1.out" line=
  mkfifo "$output"
  "./$@" >"$output" &
  children+=($!)
  read -r _ line <"$output"
  port=$line
}

Start upstream 0; upstream=$port
Start relay 0 "$upstream"; relay=$port

Expect() { [[ $2 == *"$3"* ]] || Fail "$1: $2"; }

result=$(./load --port "$relay" --connections 8 --warmup 0.05 --seconds 0.2 --pid $$)
Expect 'through the relay' "$result" '"errors": 0,'
[[ $result != *'"requests": 0,'* ]] || Fail "nothing answered: $result"

result=$(./load --port "$relay" --connections 4 --path /1m --body 1048576 --warmup 0.05 --seconds 0.2)
Expect '1 MiB through the relay' "$result" '"errors": 0,'
[[ $result != *'"requests": 0,'* ]] || Fail "nothing answered: $result"

result=$(./load --port "$upstream" --connections 1 --body 7 --warmup 0 --seconds 0.1) && Fail 'a wrong length passed'
Expect 'a wrong length' "$result" '"requests": 0,'

result=$(./load --port "$relay" --connections 300 --idle </dev/null)
Expect 'idle connections' "$result" '{"connections": 300, "errors": 0}'
Expect 'idle connections' "$result" '{"connections": 300, "closed": 0}'

result=$(./load --port "$relay" --connections 2 --idle --body 7 </dev/null) && Fail 'a wrong idle answer passed'
Expect 'a wrong idle answer' "$result" '"errors": 2}'

Start grpc_upstream 0; service=$port
Grpc() { ./load --port "$service" --protocol grpc --connections 2 --streams 8 --path /bench.Echo/Unary "$@"; }

result=$(Grpc --body 32 --warmup 0.05 --seconds 0.2)
Expect 'gRPC' "$result" '"errors": 0,'
[[ $result != *'"requests": 0,'* ]] || Fail "nothing answered: $result"

result=$(./load --port "$service" --protocol http2 --body 0 --warmup 0 --seconds 0.1)
Expect 'HTTP/2' "$result" '"errors": 0,'

result=$(./load --port "$service" --protocol http2 --body 7 --warmup 0 --seconds 0.1) && Fail 'a wrong length passed'
Expect 'a wrong length over HTTP/2' "$result" '"requests": 0,'

result=$(./load --port "$upstream" --protocol grpc --body 32 --warmup 0 --seconds 0.1) && Fail 'HTTP/1 passed as gRPC'
Expect 'HTTP/1 for gRPC' "$result" '"requests": 0,'

result=$(./load --port "$upstream" --tls full --warmup 0 --seconds 0.1) && Fail 'clear text passed as TLS'
Expect 'clear text for TLS' "$result" '"requests": 0,'

./load --port "$service" --protocol http2 --tls full --seconds 0.1 2>/dev/null && Fail 'options that do not fit passed'
true
