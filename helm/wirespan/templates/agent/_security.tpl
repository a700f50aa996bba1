{{/* The agent's rights. root, because capabilities reach no other user of a container; with nothing but those it needs. */}}
{{- define "wirespan.agentSecurity" -}}
{{- $a := .Values.agent -}}
{{- if $a.privileged -}}
{{- toYaml (merge dict $a.securityContext (dict "privileged" true "runAsUser" 0 "readOnlyRootFilesystem" true)) -}}
{{- else -}}
{{- $add := list "BPF" "PERFMON" "SYS_PTRACE" "DAC_READ_SEARCH" -}}
{{- if $a.observeOldConnections -}}{{- $add = append $add "SYS_ADMIN" -}}{{- end -}}
{{- if $a.lockedMemoryLimit -}}{{- $add = append $add "SYS_RESOURCE" -}}{{- end -}}
{{- $add = concat $add $a.extraCapabilities | uniq -}}
{{- $context := dict "privileged" false "allowPrivilegeEscalation" false "runAsUser" 0 "runAsNonRoot" false "readOnlyRootFilesystem" true
      "capabilities" (dict "drop" (list "ALL") "add" $add)
      "seccompProfile" (dict "type" "RuntimeDefault")
      "seLinuxOptions" (dict "type" "spc_t") -}}
{{- /* The runtimes' own AppArmor profiles refuse to read other programs' /proc. A field from 1.30, an annotation before. */ -}}
{{- if semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version -}}
{{- $_ := set $context "appArmorProfile" (dict "type" "Unconfined") -}}
{{- end -}}
{{- toYaml (merge dict $a.securityContext $context) -}}
{{- end -}}
{{- end -}}
