{{/* What more than one template needs. Names are fixed: a namespace has one control plane, and agents by their names, as
`berth broker export keda` and deploy/kubernetes have them. */}}

{{/* The roles of this release, by blanks. */}}
{{- define "berth.roles" -}}
{{- if .Values.api.enabled }}api {{ end }}
{{- if .Values.scheduler.enabled }}scheduler {{ end }}
{{- if .Values.agent.name }}agent{{ end }}
{{- end }}

{{/* Takes root and role. */}}
{{- define "berth.name" -}}
berth-{{ .role }}{{ if eq .role "agent" }}-{{ .root.Values.agent.name }}{{ end }}
{{- end }}

{{- define "berth.instance" -}}
{{ ternary .root.Values.agent.name .root.Release.Name (eq .role "agent") }}
{{- end }}

{{- define "berth.selector" -}}
app.kubernetes.io/name: berth-{{ .role }}
app.kubernetes.io/instance: {{ include "berth.instance" . }}
{{- end }}

{{/* Labels and annotations of an object. Takes root; role, if it is one's; labels and annotations of its own. */}}
{{- define "berth.meta" -}}
labels:
  {{- include "berth.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- $annotations := merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "berth.labels" -}}
{{- if .role }}{{ include "berth.selector" . }}
{{ end -}}
app.kubernetes.io/part-of: berth
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "berth.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- define "berth.serviceAccount" -}}
{{- $account := (get .root.Values .role).serviceAccount -}}
{{ $account.name | default (ternary (include "berth.name" .) "default" $account.create) }}
{{- end }}

{{/* Where /metrics, /healthz and /readyz are. */}}
{{- define "berth.metricsPort" -}}
{{ get (dict "scheduler" 8001 "agent" 8002 "api" 8003) . }}
{{- end }}

{{/* Lays the keys of each of `from` over those of `into`. */}}
{{- define "berth.lay" -}}
{{- range $layer := .from }}{{ range $key, $value := $layer }}{{ $_ := set $.into $key $value }}{{ end }}{{ end -}}
{{- end }}

{{/* The broker of a role: an agent may have one of its own. */}}
{{- define "berth.broker" -}}
{{- $broker := deepCopy .root.Values.broker -}}
{{- if eq .role "agent" -}}
{{- $own := .root.Values.agent.broker -}}
{{- if or $own.url $own.existingSecret -}}
{{- $_ := set $broker "url" "" -}}
{{- $_ := set $broker "existingSecret" "" -}}
{{- end -}}
{{- $broker = mergeOverwrite $broker (deepCopy $own) -}}
{{- $_ := set $broker "secret" ($broker.existingSecret | default "berth-agent") -}}
{{- else -}}
{{- $_ := set $broker "secret" ($broker.existingSecret | default "berth-broker") -}}
{{- end -}}
{{- if $broker.url -}}
{{- $_ := set $broker "urlKey" "broker-url" -}}
{{- $_ := set $broker "managementUrlKey" (ternary "broker-management-url" "" (ne $broker.managementUrl "")) -}}
{{- end -}}
{{- toYaml $broker }}
{{- end }}

{{- define "berth.brokerSecret" -}}
broker-url: {{ .url | quote }}
{{- with .managementUrl }}
broker-management-url: {{ . | quote }}
{{- end }}
{{- end }}

{{/* The fields of a pod's `spec` that are a role's own. Takes root and the role's values. */}}
{{- define "berth.pod" -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The fields of a container that are a role's own. Takes root and the role's values. */}}
{{- define "berth.container" -}}
image: {{ include "berth.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
{{- with .values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A Secret among the sources of a projected volume. Takes secret and items: the key of each path, or nothing. */}}
{{- define "berth.projected" -}}
- secret:
    name: {{ .secret }}
    items:
      {{- range $path, $key := .items }}
      {{- with $key }}
      - key: {{ . }}
        path: {{ $path }}
      {{- end }}
      {{- end }}
{{- end }}

{{/* The same of files for TLS. Takes tls and folder. */}}
{{- define "berth.projectedTls" -}}
{{- $items := dict -}}
{{- range $key := list .tls.ca .tls.cert .tls.key | compact }}{{ $_ := set $items (print $.folder "/" $key) $key }}{{ end -}}
{{- if .tls.existingSecret }}{{ include "berth.projected" (dict "secret" .tls.existingSecret "items" $items) }}{{ end -}}
{{- end }}

{{/* Where the database's URL is. */}}
{{- define "berth.projectedDatabase" -}}
{{- $items := dict "secrets/database-url" (ternary "database-url" .Values.database.urlKey (ne .Values.database.url "")) -}}
{{- include "berth.projected" (dict "secret" (.Values.database.existingSecret | default .secret) "items" $items) }}
{{- include "berth.projectedTls" (dict "tls" .Values.database.tls "folder" "database-tls") | trim | nindent 0 }}
{{- end }}
