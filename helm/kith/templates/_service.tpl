{{/*
A service of Kith. The templates of the parts hand all of these the same dict: root, component (its
name), values (of the part), port, health (the gRPC service that readiness asks for) or, over HTTP,
scheme (http or https), env, and what it reads or writes: mounts, volumes.
*/}}

{{/* What every service is told, under what this one is told, under what the operator says. */}}
{{- define "kith.serviceEnv" -}}
{{- $env := dict "HOME" "/tmp" "KITH_PRODUCTION" "true" "KITH_GRACE_S" .root.Values.graceS "KITH_METRICS_PORT" 9464 }}
{{- if .health }}
{{- $_ := set $env "KITH_MAX_CONNECTION_AGE_S" .root.Values.connectionAgeS }}
{{- end }}
{{- with .root.Values.telemetry.endpoint }}
{{- $_ := set $env "OTEL_EXPORTER_OTLP_ENDPOINT" . }}
{{- end }}
{{- if .root.Values.tls.secret }}
{{- $env = merge (dict "KITH_TLS_CERT" "/run/kith/tls/tls.crt" "KITH_TLS_KEY" "/run/kith/tls/tls.key") $env }}
{{- if .calls }}
{{- $_ := set $env "KITH_TLS_CA" "/run/kith/tls/ca.crt" }}
{{- end }}
{{- end }}
{{- include "kith.env" (mergeOverwrite $env .env .values.env) }}
{{- end }}

{{/* Kubernetes' own gRPC probes know no TLS. Liveness is patient, and content with any answer. */}}
{{- define "kith.probes" -}}
{{- $live := dict "grpc" (dict "port" .port "service" "live") }}
{{- $ready := dict "grpc" (dict "port" .port "service" .health) }}
{{- if not .health }}
{{- $live = dict "httpGet" (dict "port" .port "path" "/healthz" "scheme" (upper .scheme)) }}
{{- $ready = dict "httpGet" (dict "port" .port "path" "/readyz" "scheme" (upper .scheme)) }}
{{- else if .root.Values.tls.secret }}
{{- $live = dict "tcpSocket" (dict "port" .port) }}
{{- /* The probe trusts this one, also where the service itself calls nobody. */}}
{{- $trust := "KITH_TLS_CA=/run/kith/tls/ca.crt" }}
{{- $probe := list "env" $trust "python" "-P" "-m" "services.runtime.probe" (printf "127.0.0.1:%v" .port) }}
{{- $ready = dict "exec" (dict "command" $probe) }}
{{- end -}}
startupProbe:
  {{- toYaml $live | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 60
readinessProbe:
  {{- toYaml $ready | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 2
livenessProbe:
  {{- toYaml $live | nindent 2 }}
  periodSeconds: 20
  timeoutSeconds: 10
  failureThreshold: 6
{{- end }}

{{- define "kith.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "kith.name" . }}
  labels:
    {{- include "kith.labels" . | nindent 4 }}
spec:
  {{- if not (dig "autoscaling" "enabled" false .values) }}
  replicas: {{ int64 (default 1 .values.replicas) }}
  {{- end }}
  revisionHistoryLimit: 3
  strategy:
    {{- if .alone }}
    type: Recreate # two at once would undo each other's edits, and can't both open a folder
    {{- else }}
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
    {{- end }}
  selector:
    matchLabels:
      {{- include "kith.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "kith.selectorLabels" . | nindent 8 }}
    spec:
      {{- include "kith.pod" . | nindent 6 }}
      terminationGracePeriodSeconds: {{ add .root.Values.graceS 15 }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "kith.selectorLabels" . | nindent 14 }}
      containers:
        - name: {{ .container | default .component }}
          {{- include "kith.image" (dict "root" .root "image" .values.image) | nindent 10 }}
          ports:
            - {name: {{ .scheme | default "grpc" }}, containerPort: {{ .port }}}
            {{- range $method, $port := .further }}
            - {name: grpc-{{ $method }}, containerPort: {{ int64 $port }}}
            {{- end }}
            - {name: metrics, containerPort: 9464}
          env:
            {{- include "kith.serviceEnv" . | trim | nindent 12 }}
          {{- with .envFrom }}
          envFrom:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- include "kith.probes" . | nindent 10 }}
          lifecycle: # until nobody sends anything new
            preStop: {exec: {command: [sleep, "5"]}}
          resources:
            {{- toYaml .values.resources | nindent 12 }}
          securityContext:
            {{- include "kith.containerSecurityContext" .root | nindent 12 }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            {{- if .root.Values.tls.secret }}
            - {name: tls, mountPath: /run/kith/tls, readOnly: true}
            {{- end }}
            {{- with .mounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - {name: tmp, emptyDir: {}}
        {{- with .root.Values.tls.secret }}
        - {name: tls, secret: {secretName: {{ quote . }}, defaultMode: 0440}}
        {{- end }}
        {{- with .volumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end }}

{{/* Without an address of its own: the name stands for all pods, and callers go to each in turn. */}}
{{- define "kith.headless" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "kith.name" . }}
  labels:
    {{- include "kith.labels" . | nindent 4 }}
spec:
  clusterIP: None
  selector:
    {{- include "kith.selectorLabels" . | nindent 4 }}
  ports:
    - {name: grpc, port: {{ .port }}, targetPort: grpc}
    {{- range $method, $port := .further }}
    - {name: grpc-{{ $method }}, port: {{ int64 $port }}, targetPort: grpc-{{ $method }}}
    {{- end }}
    - {name: metrics, port: 9464, targetPort: metrics}
{{- end }}
