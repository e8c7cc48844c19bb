{{- define "kith.evaluation.claim" -}}
{{- default (printf "%s-reports" (include "kith.fullname" .)) .Values.evaluation.reports.claim }}
{{- end }}

{{/* A Job can't be changed: whatever changes makes it another one. */}}
{{- define "kith.evaluation.job" -}}
{{- $changed := include "kith.evaluation.spec" . | sha256sum | trunc 8 }}
{{- printf "%s-evaluation-%s" (include "kith.fullname" .) $changed }}
{{- end }}

{{- define "kith.evaluation.out" -}}
/reports/{{ default .Values.evaluation.method .Values.evaluation.reports.folder }}
{{- end }}

{{- define "kith.evaluation.args" -}}
{{- with .Values.evaluation -}}
- --server={{ include "kith.assistantOf" (dict "root" $ "method" .method) }}
- --json
- evaluate
- --out={{ include "kith.evaluation.out" $ }}
{{- range .datasets.folders }}
- --data=/datasets/{{ . }}
{{- end }}
{{- range $option, $value := dict "tasks" .tasks "controls" .controls "memory-sizes" .memorySizes }}
{{- with $value }}
- --{{ $option }}={{ . }}
{{- end }}
{{- end }}
{{- if .quick }}
- --quick
{{- end }}
- --concurrency={{ int64 .concurrency }}
- --seed={{ int64 .seed }}
{{- end }}
{{- end }}

{{- define "kith.evaluation.spec" -}}
{{- $part := dict "root" $ "component" "evaluation" "image" .Values.evaluation.image "values" .Values.evaluation }}
{{- with .Values.evaluation -}}
backoffLimit: {{ int64 .backoffLimit }}
podFailurePolicy:
  rules:
    - action: Ignore # evicted or preempted: its next try is not counted
      onPodConditions:
        - {type: DisruptionTarget, status: "True"}
    - action: FailJob # what was asked is wrong
      onExitCodes: {containerName: evaluate, operator: In, values: [2]}
template:
  metadata:
    labels:
      {{- include "kith.selectorLabels" $part | nindent 6 }}
  spec:
    restartPolicy: Never
    {{- include "kith.pod" $part | nindent 4 }}
    containers:
      - name: evaluate
        {{- include "kith.image" $part | nindent 8 }}
        command: [kith]
        args:
          {{- include "kith.evaluation.args" $ | nindent 10 }}
        env:
          {{- include "kith.env" (mergeOverwrite (include "kith.evaluation.env" $ | fromYaml) .env) | trim | nindent 10 }}
        resources:
          {{- toYaml .resources | nindent 10 }}
        securityContext:
          {{- include "kith.containerSecurityContext" $ | nindent 10 }}
        volumeMounts:
          - {name: datasets, mountPath: /datasets, readOnly: true}
          - {name: reports, mountPath: /reports}
          - {name: tmp, mountPath: /tmp}
          {{- if $.Values.tls.secret }}
          - {name: tls, mountPath: /run/kith/tls, readOnly: true}
          {{- end }}
    volumes:
      - name: datasets
        persistentVolumeClaim: {claimName: {{ default (include "kith.datagen.claim" $) .datasets.claim | quote }}, readOnly: true}
      - name: reports
        persistentVolumeClaim: {claimName: {{ include "kith.evaluation.claim" $ | quote }}}
      - {name: tmp, emptyDir: {}}
      {{- with $.Values.tls.secret }}
      - {name: tls, secret: {secretName: {{ quote . }}, defaultMode: 0440}}
      {{- end }}
{{- end }}
{{- end }}

{{- define "kith.evaluation.env" -}}
HOME: /tmp
OMP_NUM_THREADS: "1"
KITH_TOKEN:
  secretKeyRef: {name: {{ include "kith.users" . }}, key: evaluator-token}
{{- if .Values.tls.secret }}
KITH_TLS_CA: /run/kith/tls/ca.crt
{{- end }}
{{- end }}
