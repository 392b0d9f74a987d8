{{/*
Settings of kubernetes-mcp-server. What its account may not read, it cannot give; these are the
second wall: no tool that writes, none that needs the nodes' proxy, no Secret, no rights.
*/}}
{{- define "agents.toolsConfig" -}}
log_level = 1
read_only = true
stateless = true
toolsets = ["core"]
disabled_tools = ["nodes_log", "nodes_stats_summary", "projects_list"]
list_output = "table"
cluster_provider_strategy = "in-cluster"

[[denied_resources]]
group = ""
version = "v1"
kind = "Secret"

[[denied_resources]]
group = "rbac.authorization.k8s.io"
version = "v1"
kind = ""
{{- end }}

{{/* The way to the Todo MCP server's pods, which have a namespace of their own. */}}
{{- define "agents.todoEgress" -}}
{{- with .Values.todoTools }}
{{- if .enabled -}}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ .namespace | quote }}
      {{ include "common.peer" (dict "name" "mcp-server") | nindent 6 | trim }}
  ports:
    - {protocol: TCP, port: {{ include "agents.portOf" .url }}}
{{- end }}
{{- end }}
{{- end }}
