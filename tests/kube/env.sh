# shellcheck shell=bash disable=SC2034
# Sourced by the other scripts: where things are, and how to run something inside of the cluster's namespaces.
#
# All of it is below KUBE_WORK; binaries stay there from run to run (building Kubernetes takes a quarter of an hour, once).
KUBE_WORK=${KUBE_WORK:-${TMPDIR:-/tmp}/kube}
KUBERNETES=${KUBERNETES:-1.34.4} COREDNS=1.14.7 POLICIES=1.1.0
bin=$KUBE_WORK/bin kube=$bin/v$KUBERNETES etc=$KUBE_WORK/etc keys=$KUBE_WORK/pki run=$KUBE_WORK/run logs=$KUBE_WORK/log data=$KUBE_WORK/data
# The node's address is on a veth pair in a network namespace of its own.
node=node1 node_address=192.168.77.1 pods=10.244.0.0/24 pods_all=10.244.0.0/16 services=10.96.0.0/16 first_service=10.96.0.1
export PATH=$kube:$bin:$PATH

alive() { [ -s "$run/$1.pid" ] && kill -0 "$(cat "$run/$1.pid")" 2>/dev/null; }
inside() { nsenter -t "$(cat "$run/namespaces.pid")" -m -n -- "$@"; }  # mount and network namespace
innet() { nsenter -t "$(cat "$run/namespaces.pid")" -n -- "$@"; }      # the network alone: this machine's files
kubectl_admin() { innet "$kube/kubectl" --kubeconfig "$etc/admin.conf" "$@"; }

start() { # name command...: in the namespaces, in the background, its pid remembered
  local name=$1
  shift
  # shellcheck disable=SC2016
  setsid nsenter -t "$(cat "$run/namespaces.pid")" -m -n -- sh -c 'echo $$ >"$1"; shift; exec "$@"' sh "$run/$name.pid" "$@" \
    >>"$logs/$name.log" 2>&1 </dev/null &
  disown
}

wait_until() { # seconds what command...
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || { echo "kube: waited in vain for $what" >&2; return 1; }
    sleep 0.2
  done
}
