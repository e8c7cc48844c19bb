{{- define "kith.vllm.template" -}}
{{ .Files.Get (printf "files/%s.jinja" .Values.vllm.chatTemplate) }}
{{- end }}

{{- define "kith.vllm.args" -}}
{{- with .Values.vllm -}}
- {{ list "/models" $.Values.models.folder .model | compact | join "/" }}
- --served-model-name={{ .servedName }}
{{- if .chatTemplate }}
- --chat-template=/run/kith/template/template.jinja
- --chat-template-content-format=openai
{{- end }}
- --generation-config=vllm # nothing but the request decides how an answer is drawn
- --dtype={{ .dtype }}
- --max-model-len={{ int64 .maxModelLen }}
- {{ printf "--limit-mm-per-prompt={\"image\": %d}" (int64 .imagesPerPrompt) | squote }}
- --gpu-memory-utilization={{ .gpuMemoryUtilization }}
- --tensor-parallel-size={{ int64 .tensorParallel }}
- --enable-prompt-tokens-details
- --host=0.0.0.0
- --port=8000
{{- range .args }}
- {{ quote . }}
{{- end }}
{{- end }}
{{- end }}

{{/* Its key comes by a variable, since a command line can be read by others. */}}
{{- define "kith.vllm.env" -}}
HF_HUB_OFFLINE: "1"
VLLM_NO_USAGE_STATS: "1"
HOME: /cache
USER: kith
VLLM_CACHE_ROOT: /cache/vllm
TRITON_CACHE_DIR: /cache/triton
TORCHINDUCTOR_CACHE_DIR: /cache/inductor
VLLM_API_KEY:
  secretKeyRef: {name: {{ include "kith.fullname" . }}-vllm, key: api-key}
{{- end }}
