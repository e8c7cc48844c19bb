{{/*
The name that all objects of a release begin with. Short: a pod's name adds part and number. A
release's name may have dots and begin with a digit, a Service's may not.
*/}}
{{- define "kith.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- $full = default $full .Values.fullnameOverride | replace "." "-" }}
{{- if regexMatch "^[0-9]" $full }}{{ $full = printf "kith-%s" $full }}{{ end }}
{{- $full | trunc 40 | trimAll "-" }}
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

{{/* The name of a part's objects. */}}
{{- define "kith.name" -}}
{{ include "kith.fullname" .root }}-{{ .component }}
{{- end }}

{{/* Takes root and the part's own image; one with a tag is not ours. */}}
{{- define "kith.image" -}}
{{- $tag := default (default .root.Chart.AppVersion .root.Values.image.tag) .image.tag -}}
image: {{ printf "%s:%s" .image.repository $tag }}
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

{{/* What every pod has: takes root and the part's values. */}}
{{- define "kith.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "kith.podSecurityContext" .root | nindent 2 }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $key := list "priorityClassName" "runtimeClassName" }}
{{- with index $.values $key }}
{{ $key }}: {{ quote . }}
{{- end }}
{{- end }}
{{- range $key := list "nodeSelector" "tolerations" "affinity" }}
{{- with index $.values $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{/* Variables: a map of values, or of where they come from. */}}
{{- define "kith.env" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  {{- if kindIs "map" $value }}
  valueFrom: {{ toJson $value }}
  {{- else if and (kindIs "float64" $value) (eq (floor $value) $value) }}
  value: {{ int64 $value | quote }} # a large one would be written as 1e+06
  {{- else }}
  value: {{ quote $value }}
  {{- end }}
{{- end }}
{{- end }}

{{/* A claim that outlives the release: takes root, name, component and the values of the claim. */}}
{{- define "kith.claim" -}}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .name }}
  labels:
    {{- include "kith.labels" . | nindent 4 }}
  annotations:
    helm.sh/resource-policy: keep # what lies there outlives the release
spec:
  {{- with .claim }}
  accessModes: [{{ .accessMode }}]
  {{- with .storageClassName }}
  storageClassName: {{ quote . }}
  {{- end }}
  resources:
    requests: {storage: {{ quote .size }}}
  {{- end }}
{{- end }}

{{/*
A secret that is made once: takes root, name, component and what a new one holds. One that is there
stays as it is: a token made beside hashes that are kept would be nobody's.
*/}}
{{- define "kith.secret" -}}
{{- $there := lookup "v1" "Secret" .root.Release.Namespace .name -}}
apiVersion: v1
kind: Secret
metadata:
  name: {{ .name }}
  labels:
    {{- include "kith.labels" . | nindent 4 }}
  annotations:
    helm.sh/resource-policy: keep # who holds a token need not get another
{{- if $there }}
data: {{ $there.data | default dict | toJson }}
{{- else }}
data:
  {{- range $key, $new := .fresh }}
  {{ $key }}: {{ b64enc $new }}
  {{- end }}
{{- end }}
{{- end }}
