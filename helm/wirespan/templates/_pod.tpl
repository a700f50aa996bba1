{{/* (list . "gateway"): the parts of a pod that every workload has, below `spec:` of the pod. */}}
{{- define "wirespan.pod" -}}
{{- $root := index . 0 -}}{{- $part := index $root.Values (index . 1) -}}
serviceAccountName: {{ include "wirespan.serviceAccount" . }}
{{- $calls := and (eq (index . 1) "agent") $root.Values.agent.kubernetes.enabled -}}
{{- if eq (index . 1) "gateway" -}}{{- $calls = eq (include "wirespan.gatewayReadsPods" $root) "true" -}}{{- end }}
automountServiceAccountToken: {{ $calls }}
enableServiceLinks: false
{{- with $root.Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $part.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* (list . "gateway" config port): annotations and labels of a pod. `config` makes pods roll when it changes. */}}
{{- define "wirespan.podMetadata" -}}
{{- $root := index . 0 -}}{{- $part := index $root.Values (index . 1) -}}
labels:
  {{- include "wirespan.selector" (list $root (index . 1)) | nindent 2 }}
  app.kubernetes.io/part-of: wirespan
  {{- with $root.Values.additionalLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with $part.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/config: {{ index . 2 | sha256sum }}
  {{- if $root.Values.monitoring.scrapeAnnotations }}
  prometheus.io/scrape: "true"
  prometheus.io/port: {{ index . 3 | quote }}
  prometheus.io/path: /metrics
  {{- end }}
  {{- with $part.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* (list . "gateway"): of a part that needs no rights; passes PodSecurity "restricted". */}}
{{- define "wirespan.restrictedPod" -}}
{{- $part := index (index . 0).Values (index . 1) -}}
{{- toYaml (merge dict $part.podSecurityContext (dict "runAsNonRoot" true "runAsUser" 65532 "runAsGroup" 65532 "fsGroup" 65532
      "fsGroupChangePolicy" "OnRootMismatch" "seccompProfile" (dict "type" "RuntimeDefault"))) -}}
{{- end -}}
{{- define "wirespan.restrictedContainer" -}}
{{- $part := index (index . 0).Values (index . 1) -}}
{{- toYaml (merge dict $part.securityContext (dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true
      "capabilities" (dict "drop" (list "ALL")))) -}}
{{- end -}}

{{/* (list probe path port): a probe of values with its httpGet. A probe of null is none. */}}
{{- define "wirespan.probe" -}}
{{- toYaml (merge dict (index . 0) (dict "httpGet" (dict "path" (index . 1) "port" (index . 2)))) -}}
{{- end -}}
