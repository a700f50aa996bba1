#!/usr/bin/env bash
# `./dev bench coverage [NAMESPACES...]`: what one look at what all processes hold costs, by /proc and as the kernel tells
# it, on the machine as it is and with so many more network namespaces (50), each with a process that listens in it.
# Root; the namespaces and the processes are gone afterwards.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$PWD/build/bench/tests/bench/coverage_bench
made=0
pids=()

tidy() {
  [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
  for ((i = 1; i <= made; i++)); do ip netns del "ws-bench-$$-$i" 2>/dev/null || true; done
}
trap tidy EXIT

listen='import socket, time
listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen()
client = socket.create_connection(listener.getsockname()); server = listener.accept()
print(flush=True); time.sleep(3600)'

for wanted in 0 "${@:-50}"; do
  while [ "$made" -lt "$wanted" ]; do
    made=$((made + 1))
    ip netns add "ws-bench-$$-$made"
    ip -n "ws-bench-$$-$made" link set lo up
    exec {ready}< <(exec ip netns exec "ws-bench-$$-$made" python3 -c "$listen")
    pids+=($!)
    read -r -u "$ready" _ || true
  done
  echo "with $made more network namespaces:"
  "$program" --benchmark_min_time=1
done
