{{/* The file of a role's settings, without secrets. Takes root and role. */}}
{{- define "berth.settings" -}}
{{- $values := get .root.Values .role }}
{{- $broker := include "berth.broker" . | fromYaml }}
{{- $settings := dict }}
{{- include "berth.lay" (dict "into" $settings "from" (list .root.Values.settings $values.settings)) }}
{{- $_ := set $settings "metrics_listen" (printf "0.0.0.0:%s" (include "berth.metricsPort" .role)) }}
{{- if $broker.tls.existingSecret }}
{{- range $setting, $key := dict "broker_ca_file" "ca" "broker_cert_file" "cert" "broker_key_file" "key" }}
{{- if get $broker.tls $key }}{{ $_ := set $settings $setting (printf "/etc/berth/broker-tls/%s" (get $broker.tls $key)) }}{{ end }}
{{- end }}
{{- end }}
{{- if eq .role .root.Values.externalMetrics.servedBy }}
{{- $_ := set $settings "external_metrics_listen" "0.0.0.0:8443" }}
{{- $_ := set $settings "external_metrics_cert_file" "/etc/berth/external-metrics/tls.crt" }}
{{- $_ := set $settings "external_metrics_key_file" "/etc/berth/external-metrics/tls.key" }}
{{- end }}
{{- if eq .role "api" }}
{{- $_ := set $settings "listen" "0.0.0.0:8000" }}
{{- end }}
{{- if eq .role "agent" }}
{{- $_ := set $settings "agent_name" $values.name }}
{{- $_ := set $settings "executor" "kubernetes" }}
{{- $_ := set $settings "data_dir" "/tmp/berth" }}
{{- $_ := set $settings "namespaces" ($values.namespaces | default (list .root.Release.Namespace)) }}
{{- $_ := set $settings "helper_image" ($values.helperImage | default (include "berth.image" .root)) }}
{{- if $values.labels }}
{{- $labels := list }}
{{- range $key, $value := $values.labels }}{{ $labels = append $labels (printf "%s=%s" $key $value) }}{{ end }}
{{- $_ := set $settings "labels" $labels }}
{{- end }}
{{- if $values.connections }}{{ $_ := set $settings "connections" "/etc/berth/connections.yaml" }}{{ end }}
{{- end }}
{{- toYaml $settings }}
{{- end }}
