{{/* The name that all objects of a release begin with. Short: a pod's name adds part and number. */}}
{{- define "kith.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $full .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* What tells the objects of a part from others; it stays the same from version to version. */}}
{{- define "kith.selectorLabels" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "kith.labels" -}}
{{ include "kith.selectorLabels" . }}
app.kubernetes.io/part-of: kith
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Takes root and the part's own image. */}}
{{- define "kith.image" -}}
image: {{ printf "%s:%s" .image.repository (default .root.Chart.AppVersion .root.Values.image.tag) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
{{- end }}

{{/* Every pod runs as nobody, every container without rights on a root it can't write. */}}
{{- define "kith.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "kith.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}
