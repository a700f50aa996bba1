{{/* The agent as a sidecar: it observes the pod that it runs in. It sees the node's processes by a mounted /proc, so the pod needs neither
     hostPID nor shareProcessNamespace, and no right with the API: the downward API names the pod, and the gateway's k8sattributes the rest. */}}
{{- define "wirespan.sidecarConfig" -}}
{{- $own := dict
      "node" (dict "root" "/host")
      "metrics" (dict "listen" "")
      "capture" (dict "handover" "0s" "ring_bytes" "4MiB" "filter" (dict "own_pod" true "exclude" list))
      "kubernetes" (dict "enabled" "off" "pod_labels" list "pod_annotations" list) -}}
{{- $config := fromYaml (include "wirespan.agentConfig" .) -}}
{{- toYaml (mergeOverwrite $config $own (deepCopy .Values.agent.sidecar.config)) -}}
{{- end -}}

{{- define "wirespan.name.sidecar" -}}{{ include "wirespan.fullname" . }}-sidecar{{- end -}}

{{/* Of a pod's `initContainers` from 1.29 on, where restartPolicy makes it one that runs beside the others and lets a Job end. Before, of its
     `containers`. */}}
{{- define "wirespan.sidecarContainer" -}}
{{- $a := .Values.agent -}}
name: wirespan-agent
image: {{ include "wirespan.image" (list . $a.image) | quote }}
imagePullPolicy: {{ $a.image.pullPolicy }}
{{- if include "wirespan.nativeSidecars" . }}
restartPolicy: Always
{{- end }}
args: [run, --config, /etc/wirespan/agent.yaml]
{{- $noMetrics := or (eq $a.exportMetrics "never") (and (eq $a.exportMetrics "auto") .Values.gateway.enabled (not (include "wirespan.gatewayTakesMetrics" .))) }}
{{- $auth := and .Values.auth.enabled .Values.gateway.enabled }}
env:
  - name: POD_UID
    valueFrom: {fieldRef: {fieldPath: metadata.uid}}
  - name: POD_NAME
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  - name: POD_NAMESPACE
    valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
  {{- if $noMetrics }}
  - {name: OTEL_METRICS_EXPORTER, value: none}
  {{- end }}
  {{- if $auth }}
  - name: WIRESPAN_API_KEY
    valueFrom: {secretKeyRef: {name: {{ include "wirespan.authSecret" . }}, key: {{ .Values.auth.key }}}}
  {{- end }}
# The other containers start once it observes, or waits because an agent observes the whole node. No readiness: the pod must not wait with it.
{{- if include "wirespan.nativeSidecars" . }}
startupProbe: {periodSeconds: 1, failureThreshold: 60, timeoutSeconds: 5, httpGet: {path: /startz, port: 8890}}
{{- end }}
livenessProbe: {periodSeconds: 15, failureThreshold: 4, timeoutSeconds: 5, httpGet: {path: /healthz, port: 8890}}
resources:
  {{- toYaml $a.sidecar.resources | nindent 2 }}
securityContext:
  {{- include "wirespan.agentSecurity" . | nindent 2 }}
volumeMounts:
  - {name: wirespan-config, mountPath: /etc/wirespan/agent.yaml, subPath: agent.yaml, readOnly: true}
  - {name: wirespan-run, mountPath: /run/wirespan}
  - {name: wirespan-proc, mountPath: /host/proc, readOnly: true}
  {{- if and .Values.tls.enabled .Values.gateway.enabled }}
  - {name: wirespan-tls, mountPath: /etc/wirespan/tls, readOnly: true}
  {{- end }}
{{- end -}}

{{/* Of the pod's `volumes`. */}}
{{- define "wirespan.sidecarVolumes" -}}
- name: wirespan-config
  configMap: {name: {{ include "wirespan.name.sidecar" . }}}
- name: wirespan-run
  emptyDir: {medium: Memory, sizeLimit: 1Mi}
- name: wirespan-proc
  hostPath: {path: /proc, type: Directory}
{{- if and .Values.tls.enabled .Values.gateway.enabled }}
- name: wirespan-tls
  secret:
    secretName: {{ include "wirespan.clientTlsSecret" . }}
    defaultMode: 0400
    {{- if not .Values.tls.mutual }}
    items: [{key: ca.crt, path: ca.crt}]
    {{- end }}
{{- end }}
{{- end -}}

{{- define "wirespan.nativeSidecars" -}}
{{- if semverCompare ">=1.29-0" .Capabilities.KubeVersion.Version -}}true{{- end -}}
{{- end -}}

{{/* "true" if the chart is to make DaemonSet or sidecars. */}}
{{- define "wirespan.daemonset" -}}
{{- if and .Values.agent.enabled (ne .Values.agent.mode "sidecar") -}}true{{- end -}}
{{- end -}}
{{- define "wirespan.sidecars" -}}
{{- if and .Values.agent.enabled (ne .Values.agent.mode "daemonset") -}}true{{- end -}}
{{- end -}}
