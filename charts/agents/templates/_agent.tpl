{{/*
What both worlds make of an agent. Each takes (dict "root" $ "name" NAME "agent" AGENT).
*/}}

{{- define "agents.prompt" -}}
{{- $file := printf "files/%s.md" .name -}}
{{- $prompt := .agent.prompt | default (.root.Files.Get $file) -}}
{{- if not $prompt }}{{ fail (printf "agents.%s has no prompt and there is no %s: give agents.%s.prompt" .name $file .name) }}{{ end -}}
{{- $rules := .root.Files.Get "files/rules.md" | replace "{namespaces}" (join ", " .root.Values.tools.namespaces) -}}
{{ trim $prompt }}

{{ trim $rules }}
{{- end }}

{{/*
Approval for a tool that is not there would wait for nothing: a slip. A tool that is not known to
only read waits for a person. Takes (dict "path" PATH "tools" LIST "approval" LIST).
*/}}
{{- define "agents.checkTools" -}}
{{- $reading := list "events_list" "namespaces_list" "nodes_top" "pods_get" "pods_list" "pods_list_in_namespace" "pods_log" "pods_top" "resources_get" "resources_list" "list_tasks" }}
{{- range .approval }}
{{- if not (has . $.tools) }}{{ fail (printf "%s.requireApproval names %s, which is not in its tools: %s" $.path . (join ", " $.tools)) }}{{ end }}
{{- end }}
{{- range .tools }}
{{- if not (or (has . $reading) (has . ($.approval | default list))) }}{{ fail (printf "%s.tools names %s, which is not known to only read: name it in %s.requireApproval as well" $.path . $.path) }}{{ end }}
{{- end }}
{{- end }}

{{- define "agents.check" -}}
{{- include "agents.checkTools" (dict "path" (printf "agents.%s" .name) "tools" .agent.tools "approval" .agent.requireApproval) }}
{{- with .root.Values.todoTools }}
{{- if .enabled }}
{{- include "agents.checkTools" (dict "path" "todoTools" "tools" .tools "approval" .requireApproval) }}
{{- if not .existingSecret }}{{ fail "todoTools.existingSecret is empty: the Todo MCP server answers nobody without a token" }}{{ end }}
{{- range .agents }}
{{- if not (hasKey $.root.Values.agents .) }}{{ fail (printf "todoTools.agents names %s; there are %s" . (keys $.root.Values.agents | sortAlpha | join ", ")) }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* "true" when the agent uses the task tools. */}}
{{- define "agents.hasTodoTools" -}}
{{- if and .root.Values.todoTools.enabled (has .name .root.Values.todoTools.agents) }}true{{ end }}
{{- end }}

{{/* The port of an address, as network policies name it. */}}
{{- define "agents.portOf" -}}
{{- $url := urlParse . -}}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (eq $url.scheme "https" | ternary "443" "80") -}}
{{- end }}

{{/* One tool server of config.json. Takes (dict "url" URL "tools" LIST "approval" LIST). */}}
{{- define "agents.httpTools" -}}
{{- dict
  "params" (dict
    "url" .url
    "headers" (dict)
    "timeout" 10.0
    "sse_read_timeout" 60.0
    "terminate_on_close" true)
  "tools" .tools
  "require_approval" (.approval | default list)
  | toJson }}
{{- end }}

{{- define "agents.toolsUrl" -}}
http://kubernetes-mcp-server.{{ .Release.Namespace }}:8080
{{- end }}

{{- define "agents.skills" -}}
{{- range $skill := .agent.skills }}
- {{ merge (dict "tags" (list "kubernetes" "operations")) $skill | toJson }}
{{- end }}
{{- end }}

{{/*
config.json of kagent's runtime. OpenAI's newer models know only max_completion_tokens, other servers
only max_tokens.
*/}}
{{- define "agents.config" -}}
{{- $values := .root.Values.model -}}
{{- $model := dict "type" "openai" "model" $values.name "timeout" (int $values.timeoutSeconds) -}}
{{- with $values.temperature }}{{ $_ := set $model "temperature" (float64 .) }}{{ end -}}
{{- with $values.baseUrl }}{{ $_ := set $model "base_url" . }}{{ end -}}
{{- $servers := list (include "agents.httpTools" (dict "url" (printf "%s/mcp" (include "agents.toolsUrl" .root)) "tools" .agent.tools "approval" .agent.requireApproval) | fromJson) -}}
{{- if include "agents.hasTodoTools" . }}
{{- $todo := .root.Values.todoTools }}
{{- /* The runtime adds the header from its file: this is a ConfigMap. */}}
{{- $servers = append $servers (include "agents.httpTools" (dict "url" $todo.url "tools" $todo.tools "approval" $todo.requireApproval) | fromJson) }}
{{- end -}}
{{- $_ := set $model ($values.baseUrl | empty | ternary "max_completion_tokens" "max_tokens") (int $values.maxTokens) -}}
{{- dict
  "model" $model
  "description" .agent.description
  "instruction" (include "agents.prompt" .)
  "http_tools" $servers
  "stream" true
  | toPrettyJson }}
{{- end }}

{{/* The card by which clients know the agent. */}}
{{- define "agents.card" -}}
{{- dict
  "name" (.name | replace "-" "_")
  "description" .agent.description
  "url" (printf "http://agents.%s:8080/api/a2a/%s/%s/" .root.Release.Namespace .root.Release.Namespace .name)
  "version" .root.Chart.AppVersion
  "capabilities" (dict "streaming" true "pushNotifications" false "stateTransitionHistory" true)
  "defaultInputModes" (list "text")
  "defaultOutputModes" (list "text")
  "skills" (include "agents.skills" . | fromYamlArray)
  | toPrettyJson }}
{{- end }}

{{/* Data of the ConfigMap: two files an agent. */}}
{{- define "agents.files" -}}
{{- range $name, $agent := .Values.agents }}
{{- $each := dict "root" $ "name" $name "agent" $agent }}
{{- include "agents.check" $each }}
{{ $name }}.config.json: |
  {{- include "agents.config" $each | nindent 2 }}
{{ $name }}.agent-card.json: |
  {{- include "agents.card" $each | nindent 2 }}
{{- end }}
{{- end }}
