{{/* Where the database is: shared by the server and the migration. */}}
{{- define "backend.databaseEnv" -}}
TODO_DATABASE_HOST: {{ .host | quote }}
TODO_DATABASE_PORT: {{ .port | quote }}
TODO_DATABASE_NAME: {{ .name | quote }}
TODO_DATABASE_SSLMODE: {{ .sslMode | quote }}
{{- include "common.databaseAuthority" . }}
{{- end }}

{{/* Data of the ConfigMap: the server's settings but for the paths of its secrets. */}}
{{- define "backend.config" -}}
{{ include "backend.databaseEnv" .Values.database }}
TODO_DATABASE_USER: {{ .Values.database.user | quote }}
TODO_LOG_LEVEL: {{ .Values.logLevel | quote }}
TODO_PORT: "8000"
TODO_SHUTDOWN_TIMEOUT: {{ include "common.shutdownTimeout" . | quote }}
TODO_MCP_URL: {{ .Values.mcp.url | quote }}
TODO_MCP_AUDIENCE: {{ .Values.mcp.audience | default .Values.mcp.url | quote }}
TODO_PUBLIC_ORIGINS: {{ join "," .Values.publicOrigins | quote }}
TODO_COOKIE_SECURE: {{ .Values.cookieSecure | quote }}
TODO_ASSISTANT_ENGINE: {{ .Values.assistant.engine | quote }}
TODO_CHAT_TURNS_PER_MINUTE: {{ .Values.assistant.turnsPerMinute | quote }}
TODO_OPENAI_STREAM: {{ .Values.assistant.openai.stream | quote }}
{{- with .Values.assistant.openai.baseUrl }}
TODO_OPENAI_BASE_URL: {{ . | quote }}
{{- end }}
{{- with .Values.assistant.openai.model }}
TODO_OPENAI_MODEL: {{ . | quote }}
{{- end }}
{{- end }}

{{/* "true" when the backend may call a model, and so needs a way out. */}}
{{- define "backend.usesModel" -}}
{{- with .Values.assistant }}
{{- if and (ne .engine "offline") (or (eq .engine "openai") .openai.baseUrl .openai.existingSecret) }}true{{ end }}
{{- end }}
{{- end }}

{{/* Egress to the database, here or outside. */}}
{{- define "backend.databaseEgress" -}}
{{- if not .Values.database.external -}}
to:
  - {{ include "common.peer" (dict "name" "postgres") | indent 4 | trim }}
{{ end -}}
ports:
  - {protocol: TCP, port: {{ .Values.database.port }}}
{{- end }}
