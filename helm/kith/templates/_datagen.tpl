{{- define "kith.datagen.claim" -}}
{{- default (printf "%s-datasets" (include "kith.fullname" .)) .Values.datagen.datasets.claim }}
{{- end }}

{{/* A Job can't be changed but for its parallelism: whatever else changes makes it another one. */}}
{{- define "kith.datagen.job" -}}
{{- $changed := include "kith.datagen.spec" . | sha256sum | trunc 8 }}
{{- printf "%s-datagen-%s" (include "kith.fullname" .) $changed }}
{{- end }}

{{- define "kith.datagen.out" -}}
{{- with .Values.datagen }}/datasets/{{ default (.split | base | trimSuffix ".yaml" | trimSuffix ".yml") .datasets.folder }}{{ end }}
{{- end }}

{{- define "kith.datagen.args" -}}
{{- with .Values.datagen -}}
- --engine={{ .engine }}
- --split={{ .split }}
- --out={{ include "kith.datagen.out" $ }}
- --shard=$(JOB_COMPLETION_INDEX)/{{ int64 .shards }}
{{- if .limit }}
- --limit={{ int64 .limit }}
{{- end }}
{{- if .seed }}
- --seed={{ int64 .seed }}
{{- end }}
{{- if .pack }}
- --pack
{{- end }}
{{- range $name := list "seeds" "models" }}
{{- with index $.Values.datagen $name }}
{{- if .claim }}
- --{{ $name }}={{ list "" $name .folder | join "/" | trimSuffix "/" }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* All of the Job's spec that can't be changed. */}}
{{- define "kith.datagen.spec" -}}
{{- $part := dict "root" $ "component" "datagen" "image" .Values.datagen.image }}
{{- with .Values.datagen -}}
completionMode: Indexed
completions: {{ int64 .shards }}
backoffLimitPerIndex: {{ int64 .backoffLimitPerIndex }}
podFailurePolicy:
  rules:
    - action: Ignore # evicted or preempted: its next try is not counted
      onPodConditions:
        - {type: DisruptionTarget, status: "True"}
    - action: FailJob # what was asked is wrong, and so it is in every pod
      onExitCodes: {containerName: make, operator: In, values: [2]}
template:
  metadata:
    labels:
      {{- include "kith.selectorLabels" $part | nindent 6 }}
  spec:
    restartPolicy: Never
    terminationGracePeriodSeconds: 2 # it has nothing to put away
    {{- include "kith.pod" (dict "root" $ "values" .) | nindent 4 }}
    containers:
      - name: make
        {{- include "kith.image" $part | nindent 8 }}
        command: [kith, datagen, make]
        args:
          {{- include "kith.datagen.args" $ | nindent 10 }}
        env:
          - {name: OMP_NUM_THREADS, value: "1"}
          - {name: HOME, value: /tmp}
        resources:
          {{- toYaml (index .resources .engine) | nindent 10 }}
        securityContext:
          {{- include "kith.containerSecurityContext" $ | nindent 10 }}
        volumeMounts:
          - {name: datasets, mountPath: /datasets}
          - {name: tmp, mountPath: /tmp}
          {{- range $name := list "seeds" "models" }}
          {{- if (index $.Values.datagen $name).claim }}
          - {name: {{ $name }}, mountPath: /{{ $name }}, readOnly: true}
          {{- end }}
          {{- end }}
    volumes:
      - name: datasets
        persistentVolumeClaim: {claimName: {{ include "kith.datagen.claim" $ | quote }}}
      - name: tmp
        emptyDir: {}
      {{- range $name := list "seeds" "models" }}
      {{- with (index $.Values.datagen $name).claim }}
      - name: {{ $name }}
        persistentVolumeClaim: {claimName: {{ quote . }}, readOnly: true}
      {{- end }}
      {{- end }}
{{- end }}
{{- end }}
