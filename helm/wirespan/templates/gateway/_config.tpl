{{/* The gateway's configuration: what follows from the values, with gateway.config over it (null removes a key there). */}}
{{- define "wirespan.gatewayConfig" -}}
{{- if .Values.gateway.alternateConfig -}}
{{- toYaml .Values.gateway.alternateConfig -}}
{{- else -}}
{{- toYaml (fromYaml (include "wirespan.gatewayOwnConfig" .)) -}}
{{- end -}}
{{- end -}}

{{- define "wirespan.gatewayOwnConfig" -}}
{{- $grpc := dict "keepalive" (dict "server_parameters" (dict "max_connection_age" .Values.gateway.maxConnectionAge "max_connection_age_grace" "10s")) -}}
{{- $http := dict -}}
{{- $extensions := dict "health_check" dict -}}
{{- if .Values.tls.enabled -}}
{{- $tls := dict "cert_file" "/etc/wirespan/tls/tls.crt" "key_file" "/etc/wirespan/tls/tls.key" "reload_interval" "1m" -}}
{{- if .Values.tls.mutual -}}{{- $tls = merge $tls (dict "client_ca_file" "/etc/wirespan/tls/ca.crt" "client_ca_file_reload" true) -}}{{- end -}}
{{- $_ := set $grpc "tls" $tls -}}{{- $_ := set $http "tls" $tls -}}
{{- end -}}
{{- if .Values.auth.enabled -}}
{{- $_ := set $extensions "bearertokenauth" (dict "filename" (printf "/etc/wirespan/auth/%s" .Values.auth.key)) -}}
{{- $_ := set $grpc "auth" (dict "authenticator" "bearertokenauth") -}}
{{- $_ := set $http "auth" (dict "authenticator" "bearertokenauth") -}}
{{- end -}}
{{- $exporters := dict -}}
{{- if .Values.backend.enabled -}}
{{- $exporters = dict "otlp/backend" (dict "endpoint" (printf "%s:4317" (include "wirespan.name.backend" .)) "tls" (dict "insecure" true)) -}}
{{- end -}}
{{- $config := dict
      "receivers" (dict "otlp" (dict "protocols" (dict "grpc" $grpc "http" $http)))
      "processors" (dict "memory_limiter" (dict "check_interval" "1s" "limit_percentage" 80 "spike_limit_percentage" 25) "batch" dict)
      "exporters" $exporters -}}
{{- $processors := list "memory_limiter" "batch" -}}
{{- $k8s := .Values.gateway.presets.kubernetesAttributes -}}
{{- if $k8s.enabled -}}
{{- $processors = list "memory_limiter" "k8sattributes" "batch" -}}
{{- $extract := dict "peers" $k8s.peers "metadata" (list "k8s.namespace.name" "k8s.pod.name" "k8s.pod.uid" "k8s.pod.start_time" "k8s.node.name"
      "k8s.deployment.name" "k8s.statefulset.name" "k8s.daemonset.name" "k8s.cronjob.name" "k8s.job.name" "k8s.container.name") -}}
{{- if $k8s.extractAllPodLabels -}}{{- $_ := set $extract "labels" (list (dict "key_regex" "(.*)" "tag_name" "$$1" "from" "pod")) -}}{{- end -}}
{{- if $k8s.extractAllPodAnnotations -}}{{- $_ := set $extract "annotations" (list (dict "key_regex" "(.*)" "tag_name" "$$1" "from" "pod")) -}}{{- end -}}
{{- $associations := list -}}
{{- range list "k8s.pod.uid" "container.id" "k8s.pod.ip" -}}
{{- $associations = append $associations (dict "sources" (list (dict "from" "resource_attribute" "name" .))) -}}
{{- end -}}
{{- $associations = append $associations (dict "sources" (list (dict "from" "connection"))) -}}
{{- $_ := set $config.processors "k8sattributes" (dict "extract" $extract "pod_association" $associations) -}}
{{- end -}}
{{- $config = mergeOverwrite $config (deepCopy (omit .Values.gateway.config "service" "extensions")) -}}
{{- $exporters = get $config "exporters" -}}
{{- range $key, $value := $exporters -}}{{- if kindIs "invalid" $value -}}{{- $_ := unset $exporters $key -}}{{- end -}}{{- end -}}
{{- if .Values.gateway.queue.durable -}}
{{- $_ := set $extensions "file_storage/queue" (dict "directory" "/var/lib/wirespan/queue") -}}
{{- range $key, $value := $exporters -}}
{{- if has (first (splitList "/" $key)) (list "otlp" "otlp_grpc" "otlphttp" "otlp_http" "jaeger" "zipkin") -}}
{{- $_ := set $value "sending_queue" (merge dict (get $value "sending_queue" | default dict) (dict "storage" "file_storage/queue" "sizer" "bytes" "queue_size" 4294967296)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $extensions = mergeOverwrite $extensions (deepCopy (get .Values.gateway.config "extensions" | default dict)) -}}
{{- $_ := set $config "extensions" $extensions -}}
{{- /* Metrics and logs go to what takes them: the chart's own backend keeps traces, and if it is wirespan's store what agents' metrics say. */ -}}
{{- $taking := list -}}
{{- range $key := keys $exporters | sortAlpha -}}
{{- if not (has (first (splitList "/" $key)) (list "jaeger" "zipkin")) -}}{{- if ne $key "otlp/backend" -}}{{- $taking = append $taking $key -}}{{- end -}}{{- end -}}
{{- end -}}
{{- $receivers := keys (get $config "receivers") | sortAlpha -}}
{{- $pipelines := dict "traces" (dict "receivers" $receivers "processors" $processors "exporters" (keys $exporters | sortAlpha)) -}}
{{- $storing := and .Values.backend.enabled (eq .Values.backend.type "store") (hasKey $exporters "otlp/backend") -}}
{{- range $signal := list "metrics" "logs" -}}
{{- $to := ternary (append $taking "otlp/backend" | sortAlpha) $taking (and $storing (eq $signal "metrics")) -}}
{{- if $to -}}
{{- $_ := set $pipelines $signal (dict "receivers" (list "otlp") "processors" $processors "exporters" $to) -}}
{{- end -}}
{{- end -}}
{{- $service := dict "extensions" (keys $extensions | sortAlpha) "pipelines" $pipelines -}}
{{- $_ := set $config "service" (mergeOverwrite $service (deepCopy (get .Values.gateway.config "service" | default dict))) -}}
{{- toYaml $config -}}
{{- end -}}

{{/* "true" if the gateway is known to take OTLP over HTTP on 4318, which a Collector's file need not. */}}
{{- define "wirespan.gatewayTakesHttp" -}}
{{- if not .Values.gateway.configMap.existingName -}}
{{- if hasKey (dig "receivers" "otlp" "protocols" dict (fromYaml (include "wirespan.gatewayConfig" .)) | default dict) "http" -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{/* "true" if the gateway asks the API server for pods: by the preset, or by a k8sattributes in a configuration that is known here. */}}
{{- define "wirespan.gatewayReadsPods" -}}
{{- $found := .Values.gateway.presets.kubernetesAttributes.enabled -}}
{{- if not .Values.gateway.configMap.existingName -}}
{{- range $name, $settings := dig "processors" dict (fromYaml (include "wirespan.gatewayConfig" .)) -}}
{{- if has (first (splitList "/" $name)) (list "k8sattributes" "k8s_attributes") -}}
{{- if not (dig "passthrough" false ($settings | default dict)) -}}{{- $found = true -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $found .Values.gateway.enabled -}}true{{- end -}}
{{- end -}}

{{/* What the gateway asks the API server for, as rules of a role: pods, and what is around them as far as a k8sattributes that is known here says so. */}}
{{- define "wirespan.gatewayRules" -}}
{{- $kinds := dict -}}
{{- $more := dict "k8s.cluster.uid" "namespace" "k8s.node.uid" "node" "k8s.deployment.uid" "replicaset" "k8s.cronjob.uid" "job" -}}
{{- if not .Values.gateway.configMap.existingName -}}
{{- range $name, $settings := dig "processors" dict (fromYaml (include "wirespan.gatewayConfig" .)) -}}
{{- if has (first (splitList "/" $name)) (list "k8sattributes" "k8s_attributes") -}}
{{- $extract := dig "extract" dict ($settings | default dict) | default dict -}}
{{- range get $extract "metadata" | default list -}}{{- with get $more . -}}{{- $_ := set $kinds . true -}}{{- end -}}{{- end -}}
{{- range concat (get $extract "labels" | default list) (get $extract "annotations" | default list) -}}{{- $_ := set $kinds (get . "from" | default "pod") true -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if hasKey $kinds "deployment" -}}{{- $_ := set $kinds "replicaset" true -}}{{- end -}}
{{- $core := list "pods" -}}{{- $apps := list -}}
{{- range list "namespace" "node" -}}{{- if hasKey $kinds . -}}{{- $core = append $core (printf "%ss" .) -}}{{- end -}}{{- end -}}
{{- range list "deployment" "replicaset" "statefulset" "daemonset" -}}{{- if hasKey $kinds . -}}{{- $apps = append $apps (printf "%ss" .) -}}{{- end -}}{{- end -}}
- {apiGroups: [""], resources: [{{ join ", " $core }}], verbs: [list, watch]}
{{- if $apps }}
- {apiGroups: [apps], resources: [{{ join ", " $apps }}], verbs: [list, watch]}
{{- end }}
{{- if hasKey $kinds "job" }}
- {apiGroups: [batch], resources: [jobs], verbs: [list, watch]}
{{- end }}
{{- end -}}

{{/* "true" if the gateway takes metrics, as far as its configuration is known here. */}}
{{- define "wirespan.gatewayTakesMetrics" -}}
{{- if not .Values.gateway.configMap.existingName -}}
{{- range $name, $_ := dig "service" "pipelines" dict (fromYaml (include "wirespan.gatewayConfig" .)) -}}
{{- if hasPrefix "metrics" $name -}}true{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
