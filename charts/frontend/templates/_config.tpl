{{/* Data of the ConfigMap. */}}
{{- define "frontend.config" -}}
HOSTNAME: 0.0.0.0
PORT: "3000"
TODO_BACKEND_URL: {{ .Values.backendUrl | quote }}
NEXT_TELEMETRY_DISABLED: "1"
{{- end }}
