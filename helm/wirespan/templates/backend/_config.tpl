{{/* The backend's file and its content: Jaeger's, or a gateway's with a store. */}}
{{- define "wirespan.backendFile" -}}{{ ternary "config.yaml" "jaeger.yaml" (eq .Values.backend.type "store") }}{{- end -}}
{{- define "wirespan.backendConfig" -}}
{{- include (printf "wirespan.%sConfig" .Values.backend.type) . -}}
{{- end -}}

{{/* wirespan's own store: OTLP in, blocks on the claim, Jaeger's query API on 16686. The claim is the bound; a tenth stays free.
     Of metrics it keeps what agents say: their RED metrics go into its rates. */}}
{{- define "wirespan.storeConfig" -}}
{{- $s := .Values.backend.storage -}}
{{- $config := dict
      "extensions" (dict "health_check" (dict "endpoint" "0.0.0.0:13133"))
      "receivers" (dict "otlp" (dict "protocols" (dict "grpc" (dict "endpoint" "0.0.0.0:4317") "http" (dict "endpoint" "0.0.0.0:4318"))))
      "processors" (dict "memory_limiter" (dict "check_interval" "1s" "limit_percentage" 80 "spike_limit_percentage" 25))
      "exporters" (dict "store" (dict "directory" "/var/lib/wirespan/store"
        "retention" (dict "max_age" $s.retention "max_size_mib" (include "wirespan.storeMib" $s.size | int))
        "query" (dict "endpoint" "0.0.0.0:16686")))
      "service" (dict "extensions" (list "health_check")
        "pipelines" (dict
          "traces" (dict "receivers" (list "otlp") "processors" (list "memory_limiter") "exporters" (list "store"))
          "metrics" (dict "receivers" (list "otlp") "processors" (list "memory_limiter") "exporters" (list "store")))) -}}
{{- toYaml (mergeOverwrite $config (deepCopy .Values.backend.config)) -}}
{{- end -}}

{{/* Nine tenths of a quantity, in MiB. */}}
{{- define "wirespan.storeMib" -}}
{{- $number := regexFind "^[0-9]+" (. | toString) | int64 -}}{{- $unit := regexFind "[A-Za-z]*$" (. | toString) -}}
{{- $mib := get (dict "Mi" 1 "Gi" 1024 "Ti" 1048576 "M" 0.9537 "G" 953.67 "T" 953674.3) $unit -}}
{{- if or (not $mib) (not (regexMatch "^[0-9]+[A-Za-z]+$" (. | toString))) -}}
{{- fail (printf "backend.storage.size: with backend.type store a whole number of Mi, Gi, Ti, M, G or T, not %v" .) -}}
{{- end -}}
{{- $most := mulf $number $mib 0.9 | int64 -}}
{{- if lt $most 256 -}}{{- fail "backend.storage.size: the store needs 285Mi and more" -}}{{- end -}}
{{- $most -}}
{{- end -}}

{{/* Jaeger 2's configuration: OTLP and Jaeger's own gRPC in, badger or memory behind, the page on 16686. */}}
{{- define "wirespan.jaegerConfig" -}}
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
