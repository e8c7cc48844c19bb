{{/* Where each part finds the others, and what it shows them. */}}

{{/* Parts that are on and serve, with the port of each; one a line, as in "assistant: 7450". */}}
{{- define "kith.ports" -}}
{{- $ports := dict "gateway" 7460 "assistant" 7450 "detection" 7451 "embedding" 7452 "generation" 7453 "words" 7452 "vllm" 8000 }}
{{- range $part, $port := $ports }}
{{- if (index $.Values $part).enabled }}
{{ $part }}: {{ $port }}
{{- end }}
{{- end }}
{{- if .Values.baselines.enabled }}
{{- range .Values.baselines.methods }}
{{ . }}: 7450
{{- end }}
{{- end }}
{{- end }}

{{/* HOST:PORT of the assistant that a method has: takes root and method. */}}
{{- define "kith.assistantOf" -}}
{{- $full := include "kith.fullname" .root }}
{{- $own := .root.Values.assistant }}
{{- $baselines := ternary .root.Values.baselines.methods list .root.Values.baselines.enabled }}
{{- if and $own.enabled (eq .method $own.method) }}{{ $full }}-assistant:7450
{{- else if and $own.enabled (hasKey $own.furtherMethods .method) }}{{ $full }}-assistant:{{ int64 (get $own.furtherMethods .method) }}
{{- else if has .method $baselines }}{{ $full }}-{{ .method }}:7450
{{- else }}{{ fail (printf "nothing here serves the method %s; add it to baselines.methods or assistant.furtherMethods" .method) }}
{{- end }}
{{- end }}

{{/* Which models, for a part that runs some: takes root, and key, mounts or volumes. */}}
{{- define "kith.modelsEnv" -}}
{{- with .Values.models }}
KITH_PROFILE: {{ $.Values.profile }}
{{- if .claim }}
KITH_WEIGHTS: {{ list "/models" .folder | join "/" | trimSuffix "/" }}
{{- end }}
{{- if .trusted }}
KITH_TRUSTED_WEIGHTS: /run/kith/trusted/weights
{{- end }}
{{- end }}
{{- end }}

{{- define "kith.modelsMounts" -}}
{{- with .Values.models.claim }}
- {name: models, mountPath: /models, readOnly: true}
{{- end }}
{{- with .Values.models.trusted }}
- {name: trusted, mountPath: /run/kith/trusted, readOnly: true}
{{- end }}
{{- end }}

{{- define "kith.modelsVolumes" -}}
{{- with .Values.models.claim }}
- {name: models, persistentVolumeClaim: {claimName: {{ quote . }}, readOnly: true}}
{{- end }}
{{- with .Values.models.trusted }}
- {name: trusted, configMap: {name: {{ include "kith.fullname" $ }}-trusted}}
{{- end }}
{{- end }}

{{/* A file of tokens: takes the name of its secret. */}}
{{- define "kith.tokensVolume" -}}
- {name: tokens, secret: {secretName: {{ quote . }}, defaultMode: 0440, items: [{key: tokens, path: tokens}]}}
{{- end }}

{{- define "kith.tokensMount" -}}
- {name: tokens, mountPath: /run/kith/tokens, readOnly: true}
{{- end }}

{{- define "kith.serviceToken" -}}
secretKeyRef: {name: {{ include "kith.fullname" . }}-service, key: token}
{{- end }}

{{- define "kith.users" -}}
{{ default (printf "%s-users" (include "kith.fullname" .)) .Values.users.secret }}
{{- end }}

{{/* A service that runs a model, and knows no user: takes what kith.deployment takes. */}}
{{- define "kith.stage" -}}
{{- $service := printf "%s-service" (include "kith.fullname" .root) }}
{{- $mounts := include "kith.modelsMounts" .root | fromYamlArray }}
{{- $volumes := include "kith.modelsVolumes" .root | fromYamlArray }}
{{- $_ := set . "mounts" (concat $mounts (include "kith.tokensMount" . | fromYamlArray)) }}
{{- $_ := set . "volumes" (concat $volumes (include "kith.tokensVolume" $service | fromYamlArray)) }}
{{- include "kith.deployment" . }}
---
{{ include "kith.headless" . }}
{{- end }}

{{/* Who calls whom, so that nobody else is let in. */}}
{{- define "kith.callers" -}}
{{- $assistants := list "assistant" }}
{{- if .Values.baselines.enabled }}
{{- $assistants = concat $assistants .Values.baselines.methods }}
{{- end }}
{{- range $assistants }}
{{ . }}: [gateway, evaluation]
{{- end }}
detection: {{ toJson $assistants }}
embedding: {{ toJson $assistants }}
generation: [assistant]
words: [detection]
vllm: [generation]
{{- end }}

{{/* What no policy lets through though a value names it: what it is, who calls it, what to set. */}}
{{- define "kith.closed" -}}
{{- $egress := .Values.networkPolicy.egress }}
{{- if .Values.networkPolicy.enabled }}
{{- with .Values.assistant }}
{{- if and .enabled (not $egress.assistant) (not $egress.all) }}
{{- if and $.Values.qdrant.url (not $.Values.qdrant.pods) }}
- [qdrant.url, assistant, qdrant.pods or networkPolicy.egress.assistant]
{{- end }}
{{- if .photos.url }}
- [assistant.photos.url, assistant, networkPolicy.egress.assistant]
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.generation }}
{{- if and .enabled .engine.url (not $.Values.vllm.enabled) (not $egress.generation) (not $egress.all) }}
- [generation.engine.url, generation, networkPolicy.egress.generation]
{{- end }}
{{- end }}
{{- if and .Values.telemetry.endpoint (not $egress.all) }}
- [telemetry.endpoint, every part, networkPolicy.egress.all]
{{- end }}
{{- if and .Values.telemetry.serviceMonitor.enabled (not .Values.networkPolicy.metricsFrom) }}
- [telemetry.serviceMonitor, Prometheus, networkPolicy.metricsFrom]
{{- end }}
{{- end }}
{{- end }}
