{{/* Jaeger 2's configuration: OTLP and Jaeger's own gRPC in, badger or memory behind, the page on 16686. */}}
{{- define "wirespan.backendConfig" -}}
{{- $s := .Values.backend.storage -}}
{{- $store := dict -}}
{{- if eq $s.type "badger" -}}
{{- $store = dict "badger" (dict "ephemeral" false "directories" (dict "keys" "/var/lib/jaeger/keys" "values" "/var/lib/jaeger/values") "ttl" (dict "spans" $s.retention)) -}}
{{- else if eq $s.type "memory" -}}
{{- $store = dict "memory" (dict "max_traces" (int $s.maxTraces)) -}}
{{- end -}}
{{- $config := dict
      "extensions" (dict
        "healthcheckv2" (dict "use_v2" true "http" (dict "endpoint" "0.0.0.0:13133"))
        "jaeger_storage" (dict "backends" (dict "store" $store))
        "jaeger_query" (dict "storage" (dict "traces" "store") "http" (dict "endpoint" "0.0.0.0:16686") "grpc" (dict "endpoint" "0.0.0.0:16685")))
      "receivers" (dict
        "otlp" (dict "protocols" (dict "grpc" (dict "endpoint" "0.0.0.0:4317") "http" (dict "endpoint" "0.0.0.0:4318")))
        "jaeger" (dict "protocols" (dict "grpc" (dict "endpoint" "0.0.0.0:14250"))))
      "exporters" (dict "jaeger_storage_exporter" (dict "trace_storage" "store"))
      "service" (dict
        "extensions" (list "jaeger_storage" "jaeger_query" "healthcheckv2")
        "telemetry" (dict "metrics" (dict "readers" (list (dict "pull" (dict "exporter" (dict "prometheus" (dict "host" "0.0.0.0" "port" 8888)))))))
        "pipelines" (dict "traces" (dict "receivers" (list "otlp" "jaeger") "exporters" (list "jaeger_storage_exporter")))) -}}
{{- toYaml (mergeOverwrite $config (deepCopy .Values.backend.config)) -}}
{{- end -}}
