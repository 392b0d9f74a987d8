{{/* Data of the ConfigMap: the server's settings but for the paths of its secrets. */}}
{{- define "mcp-server.config" -}}
TODO_DATABASE_HOST: {{ .Values.database.host | quote }}
TODO_DATABASE_PORT: {{ .Values.database.port | quote }}
TODO_DATABASE_NAME: {{ .Values.database.name | quote }}
TODO_DATABASE_USER: {{ .Values.database.user | quote }}
TODO_DATABASE_SSLMODE: {{ .Values.database.sslMode | quote }}
{{- include "common.databaseAuthority" .Values.database }}
TODO_LOG_LEVEL: {{ .Values.logLevel | quote }}
TODO_PORT: "8000"
TODO_SHUTDOWN_TIMEOUT: {{ include "common.shutdownTimeout" . | quote }}
TODO_MCP_AUDIENCE: {{ .Values.identity.audience | quote }}
{{- /* The names of the Service, as this and other namespaces call it, with any port. */}}
{{- $there := printf "%s.%s" .Chart.Name .Release.Namespace }}
{{- $names := list .Chart.Name $there (printf "%s.svc" $there) (printf "%s.svc.cluster.local" $there) }}
TODO_MCP_ALLOWED_HOSTS: "{{ range $names }}{{ . }}:*,{{ end }}{{ join "," .Values.allowedHosts }}"
{{- end }}
