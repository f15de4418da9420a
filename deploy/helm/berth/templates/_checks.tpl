{{/* What the schema can't say: values that contradict each other, and secrets, which a schema's complaint would show. */}}
{{- define "berth.check" -}}
{{- $v := .Values -}}
{{- $controls := or $v.api.enabled $v.scheduler.enabled -}}
{{- $broker := "^(amqps?|rediss?|rediss?[+]sentinel)://.+" -}}
{{- if not (regexMatch $broker ($v.broker.url | default "amqp://-")) }}{{ fail "broker.url: it begins with amqp(s)://, redis(s):// or redis(s)+sentinel://" }}{{ end -}}
{{- if not (regexMatch $broker ($v.agent.broker.url | default "amqp://-")) }}{{ fail "agent.broker.url: it begins with amqp(s)://, redis(s):// or redis(s)+sentinel://" }}{{ end -}}
{{- if not (regexMatch "^(off$|https?://.+)" ($v.broker.managementUrl | default "off")) }}{{ fail "broker.managementUrl: it is off, or begins with http(s)://" }}{{ end -}}
{{- if not (regexMatch "^postgres(ql)?://.+" ($v.database.url | default "postgres://-")) }}{{ fail "database.url: it begins with postgres://; SQLite serves one process" }}{{ end -}}
{{- if and $v.broker.url $v.broker.existingSecret }}{{ fail "broker.url and broker.existingSecret: give one of the two" }}{{ end -}}
{{- if and $v.agent.broker.url $v.agent.broker.existingSecret }}{{ fail "agent.broker.url and agent.broker.existingSecret: give one of the two" }}{{ end -}}
{{- if and $v.broker.existingSecret $v.broker.managementUrl }}{{ fail "broker.managementUrl: it goes with broker.url; with an existing Secret name its key by broker.managementUrlKey" }}{{ end -}}
{{- if and $v.database.url $v.database.existingSecret }}{{ fail "database.url and database.existingSecret: give one of the two" }}{{ end -}}
{{- if and $controls (not (or $v.database.url $v.database.existingSecret)) }}{{ fail "database.existingSecret (or database.url): the api and the scheduler need a database" }}{{ end -}}
{{- if and (or $controls $v.agent.name) (not (or $v.broker.url $v.broker.existingSecret)) -}}
{{- if or $controls (not (or $v.agent.broker.url $v.agent.broker.existingSecret)) }}{{ fail "broker.existingSecret (or broker.url): every role needs the broker" }}{{ end -}}
{{- end -}}
{{- if and $v.ingress.enabled (not $v.api.enabled) }}{{ fail "ingress.enabled: there is nothing to reach without api.enabled" }}{{ end -}}
{{- $served := $v.externalMetrics.servedBy -}}
{{- if and $served (not (has $served (include "berth.roles" . | splitList " "))) }}{{ printf "externalMetrics.servedBy: this release has no %s" $served | fail }}{{ end -}}
{{- if and $v.externalMetrics.tls.caBundle (not $v.externalMetrics.tls.existingSecret) }}{{ fail "externalMetrics.tls.caBundle: it goes with externalMetrics.tls.existingSecret" }}{{ end -}}
{{- range $role := include "berth.roles" . | splitList " " | compact -}}
{{- $scaling := (get $v $role).autoscaling -}}
{{- if and $scaling.enabled (not (or $scaling.cpuPercent $scaling.admissiblePerReplica $scaling.oldestSeconds $scaling.requestsPerReplica $scaling.metrics)) }}{{ printf "%s.autoscaling: without cpuPercent, a number of waiting work or requests, and metrics there is nothing to scale by" $role | fail }}{{ end -}}
{{- if and $scaling.enabled (gt (int $scaling.minReplicas) (int $scaling.maxReplicas)) }}{{ printf "%s.autoscaling.minReplicas: more than maxReplicas" $role | fail }}{{ end -}}
{{- end -}}
{{- end }}
