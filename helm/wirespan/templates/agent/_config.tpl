{{/* The agent's configuration: what follows from the values, with agent.config over it. */}}
{{- define "wirespan.agentConfig" -}}
{{- if .Values.agent.alternateConfig -}}
{{- toYaml .Values.agent.alternateConfig -}}
{{- else -}}
{{- $exclude := list -}}
{{- range .Values.agent.exclude.executables -}}{{- $exclude = append $exclude (dict "executable" .) -}}{{- end -}}
{{- $kubernetes := dict "enabled" "off" -}}
{{- if .Values.agent.kubernetes.enabled -}}
{{- $kubernetes = dict "enabled" "on" "pod_labels" .Values.agent.kubernetes.podLabels "pod_annotations" .Values.agent.kubernetes.podAnnotations -}}
{{- range .Values.agent.exclude.namespaces -}}{{- $exclude = append $exclude (dict "pod_namespace" .) -}}{{- end -}}
{{- end -}}
{{- $ignore := list -}}
{{- range .Values.agent.exclude.userAgents -}}{{- $ignore = append $ignore (dict "user_agent" .) -}}{{- end -}}
{{- $config := dict
      "admin" (dict "listen" ":8890")
      "metrics" (dict "listen" ":9464")
      "control" (dict "socket" "/run/wirespan/agent.sock")
      "capture" (dict "handover" (ternary "30s" "0s" (eq (include "wirespan.handoverWanted" .) "true")) "filter" (dict "exclude" $exclude))
      "kubernetes" $kubernetes
      "exchanges" (dict "ignore" $ignore)
      "traces" (dict "max_per_second" (int .Values.agent.maxTracesPerSecond)) -}}
{{- if .Values.gateway.enabled -}}
{{- $export := dict "protocol" "grpc" "endpoint" (printf "dns:///%s:4317" (include "wirespan.gatewayHost" .)) "insecure" (not .Values.tls.enabled) -}}
{{- if .Values.tls.enabled -}}
{{- $tls := dict "ca_file" "/etc/wirespan/tls/ca.crt" -}}
{{- if .Values.tls.mutual -}}{{- $tls = merge $tls (dict "cert_file" "/etc/wirespan/tls/tls.crt" "key_file" "/etc/wirespan/tls/tls.key") -}}{{- end -}}
{{- $_ := set $export "tls" $tls -}}
{{- end -}}
{{- if .Values.auth.enabled -}}{{- $_ := set $export "headers" (dict "authorization" "Bearer ${env:WIRESPAN_API_KEY}") -}}{{- end -}}
{{- $_ := set $config "export" $export -}}
{{- end -}}
{{- toYaml (mergeOverwrite $config (deepCopy .Values.agent.config)) -}}
{{- end -}}
{{- end -}}

{{/* "true" if an agent may leave what it has to the next one. Whether one comes it asks the API server. */}}
{{- define "wirespan.handoverWanted" -}}
{{- $a := .Values.agent -}}
{{- if and (include "wirespan.daemonset" .) $a.handover $a.kubernetes.enabled (not $a.releaseHandover) -}}true{{- end -}}
{{- end -}}

{{/* "true" if it does: not where the configuration says otherwise. */}}
{{- define "wirespan.handsOver" -}}
{{- $capture := get (fromYaml (include "wirespan.agentConfig" .)) "capture" | default dict -}}
{{- if and (include "wirespan.handoverWanted" .) (not (regexMatch "^0+[a-z]*$" (ternary (get $capture "handover") "30s" (hasKey $capture "handover") | toString))) -}}true{{- end -}}
{{- end -}}
