{{/* Names. `wirespan.name.gateway` and its like are also the DNS names of the Services. */}}
{{- define "wirespan.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "wirespan.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" -}}
{{- else if contains (include "wirespan.name" .) .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "wirespan.name" .) | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "wirespan.name.agent" -}}{{ include "wirespan.fullname" . }}-agent{{- end -}}
{{- define "wirespan.name.gateway" -}}{{ .Values.gateway.fullnameOverride | default (printf "%s-gateway" (include "wirespan.fullname" .)) }}{{- end -}}
{{- define "wirespan.name.backend" -}}{{ .Values.backend.fullnameOverride | default (printf "%s-backend" (include "wirespan.fullname" .)) }}{{- end -}}

{{/* (list . "gateway"): what a Service, a policy or a workload selects a part by; never changes over upgrades. */}}
{{- define "wirespan.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "wirespan.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* (list . "gateway"): metadata of an object of that part, from `labels:` on; a third entry: more annotations; a fourth: more labels. */}}
{{- define "wirespan.metadata" -}}
{{- $root := index . 0 -}}
{{- $more := dict -}}{{- $labels := $root.Values.additionalLabels -}}
{{- if gt (len .) 2 -}}{{- $more = index . 2 -}}{{- end -}}
{{- if gt (len .) 3 -}}{{- $labels = merge dict (index . 3) $labels -}}{{- end -}}
labels:
  {{- include "wirespan.selector" . | nindent 2 }}
  app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ $root.Release.Service }}
  app.kubernetes.io/part-of: wirespan
  helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
  {{- with $labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge dict $more $root.Values.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* (list . image): REGISTRY/REPOSITORY:TAG or @DIGEST. */}}
{{- define "wirespan.image" -}}
{{- $root := index . 0 -}}{{- $image := index . 1 -}}
{{- $repository := $image.repository -}}
{{- with $root.Values.global.imageRegistry -}}{{- $repository = printf "%s/%s" (trimSuffix "/" .) $image.repository -}}{{- end -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default $root.Chart.AppVersion ($image.tag | toString)) -}}
{{- end -}}
{{- end -}}

{{/* (list . "gateway"): the name of a part's ServiceAccount. */}}
{{- define "wirespan.serviceAccount" -}}
{{- $root := index . 0 -}}{{- $part := index $root.Values (index . 1) -}}
{{- if $part.serviceAccount.create -}}
{{- default (include (printf "wirespan.name.%s" (index . 1)) $root) $part.serviceAccount.name -}}
{{- else -}}
{{- default "default" $part.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Where each part's Secrets are; "" where there is none. */}}
{{- define "wirespan.authSecret" -}}
{{- if .Values.auth.enabled -}}{{ .Values.auth.existingSecret | default (printf "%s-auth" (include "wirespan.fullname" .)) }}{{- end -}}
{{- end -}}
{{- define "wirespan.tlsSecret" -}}
{{- if .Values.tls.enabled -}}{{ .Values.tls.existingSecret | default (printf "%s-gateway-tls" (include "wirespan.fullname" .)) }}{{- end -}}
{{- end -}}
{{/* The authority alone, where the agent has no certificate of its own, comes from the gateway's Secret. */}}
{{- define "wirespan.clientTlsSecret" -}}
{{- if not .Values.tls.enabled -}}
{{- else if not .Values.tls.mutual -}}{{ include "wirespan.tlsSecret" . }}
{{- else -}}{{ .Values.tls.existingClientSecret | default (printf "%s-agent-tls" (include "wirespan.fullname" .)) }}
{{- end -}}
{{- end -}}

{{- define "wirespan.gatewayHost" -}}
{{ include "wirespan.name.gateway" . }}-headless.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end -}}

{{/* deployment or statefulset. */}}
{{- define "wirespan.gatewayMode" -}}
{{- .Values.gateway.mode | default (ternary "statefulset" "deployment" .Values.gateway.queue.durable) -}}
{{- end -}}

{{/* What values.schema.json cannot say. Included by the first template that is always rendered. */}}
{{- define "wirespan.checks" -}}
{{- $g := .Values.gateway -}}
{{- if and $g.queue.durable (eq (include "wirespan.gatewayMode" .) "deployment") -}}
{{- fail "gateway.mode: a durable queue needs a claim for each replica: use mode statefulset (or leave it empty), or set gateway.queue.durable to false" -}}
{{- end -}}
{{- if and (or .Values.auth.enabled .Values.tls.enabled) (or $g.alternateConfig $g.configMap.existingName) -}}
{{- fail "auth.enabled and tls.enabled change the chart's own gateway configuration: with gateway.alternateConfig or gateway.configMap.existingName write `auth` and `tls` there, mount the Secrets by gateway.extraVolumes, and set the agent's export in agent.config" -}}
{{- end -}}
{{- if and $g.alternateConfig $g.configMap.existingName -}}
{{- fail "gateway.alternateConfig and gateway.configMap.existingName: one of them" -}}
{{- end -}}
{{- if and $g.queue.durable (or $g.alternateConfig $g.configMap.existingName) -}}
{{- fail "gateway.queue.durable changes the chart's own configuration: with a configuration of yours set gateway.mode to statefulset, name a file_storage extension there, and mount its folder by gateway.extraVolumes" -}}
{{- end -}}
{{- if .Values.auth.enabled -}}
{{- if eq (not .Values.auth.existingSecret) (not .Values.auth.generate) -}}
{{- fail "auth.enabled needs exactly one of auth.existingSecret and auth.generate" -}}
{{- end -}}
{{- end -}}
{{- if .Values.tls.enabled -}}
{{- $ways := 0 -}}
{{- range list .Values.tls.existingSecret .Values.tls.certManager.enabled .Values.tls.generate -}}{{- if . -}}{{- $ways = add1 $ways -}}{{- end -}}{{- end -}}
{{- if ne (int $ways) 1 -}}
{{- fail "tls.enabled needs exactly one of tls.existingSecret, tls.certManager.enabled and tls.generate" -}}
{{- end -}}
{{- if and .Values.tls.mutual .Values.tls.existingSecret (not .Values.tls.existingClientSecret) -}}
{{- fail "tls.mutual with tls.existingSecret needs tls.existingClientSecret: the certificate that the agent shows" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.agent.enabled (not $g.enabled) (not (dig "export" "endpoint" "" .Values.agent.config)) (not .Values.agent.alternateConfig) -}}
{{- fail "gateway.enabled is false, so agent.config.export.endpoint has to say where the agent sends to" -}}
{{- end -}}
{{- if and $g.enabled (not .Values.backend.enabled) (not (dig "exporters" dict $g.config)) (not $g.alternateConfig) (not $g.configMap.existingName) -}}
{{- fail "backend.enabled is false, so gateway.config.exporters has to say where the gateway sends to" -}}
{{- end -}}
{{- if gt (int (dig "rollingUpdate" "maxSurge" 0 .Values.agent.updateStrategy)) 0 -}}
{{- fail "agent.updateStrategy.rollingUpdate.maxSurge: a second agent of a node waits until the first has ended, and the rollout would wait for it; use maxUnavailable" -}}
{{- end -}}
{{- if and (include "wirespan.sidecars" .) (or (and .Values.auth.enabled .Values.auth.generate) (and .Values.tls.enabled (not .Values.tls.existingSecret))) -}}
{{- fail "agent.mode sidecar: the sidecars' namespaces need the Secrets too, so name existing ones (auth.existingSecret, tls.existingSecret, tls.existingClientSecret) and put them there" -}}
{{- end -}}
{{- if and $g.presets.kubernetesAttributes.enabled $g.alternateConfig -}}
{{- fail "gateway.presets change the chart's own configuration: write k8sattributes into gateway.alternateConfig; the rights follow" -}}
{{- end -}}
{{- if and $g.enabled (not .Values.backend.enabled) .Values.networkPolicy.enabled (not .Values.networkPolicy.gatewayEgress) -}}
{{- fail "networkPolicy.gatewayEgress: the gateway's backend is outside of this release, so the policy needs to know where" -}}
{{- end -}}
{{- if eq .Values.backend.type "store" -}}
{{- if ne .Values.backend.storage.type "badger" -}}
{{- fail "backend.storage.type is Jaeger's: with backend.type store everything is on the claim; leave it as it is" -}}
{{- end -}}
{{- else if and .Values.backend.enabled (gt (int .Values.backend.replicaCount) 1) (ne .Values.backend.storage.type "custom") -}}
{{- fail "backend.replicaCount: with storage badger or memory each replica would have a part of the traces; set backend.storage.type to custom and name a shared store in backend.config" -}}
{{- end -}}
{{- if and .Values.backend.ingress.enabled (not .Values.backend.ingress.authentication) -}}
{{- fail "backend.ingress.authentication: the page shows every request of the cluster and has no log-in of its own; give your ingress controller's annotations that ask for one" -}}
{{- end -}}
{{- end -}}

{{/* (list . "agent"): cluster-wide, so with the namespace in its name: two releases of one name may live in two namespaces. */}}
{{- define "wirespan.clusterRole" -}}
{{- $root := index . 0 -}}
{{- printf "%s-%s" $root.Release.Namespace (include (printf "wirespan.name.%s" (index . 1)) $root) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
