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

{{/* Approval for a tool that the agent does not have would wait for nothing: a slip. */}}
{{- define "agents.check" -}}
{{- range .agent.requireApproval }}
{{- if not (has . $.agent.tools) }}{{ fail (printf "agents.%s.requireApproval names %s, which is not in its tools: %s" $.name . (join ", " $.agent.tools)) }}{{ end }}
{{- end }}
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
{{- $_ := set $model ($values.baseUrl | empty | ternary "max_completion_tokens" "max_tokens") (int $values.maxTokens) -}}
{{- dict
  "model" $model
  "description" .agent.description
  "instruction" (include "agents.prompt" .)
  "http_tools" (list (dict
    "params" (dict
      "url" (printf "%s/mcp" (include "agents.toolsUrl" .root))
      "headers" (dict)
      "timeout" 10.0
      "sse_read_timeout" 60.0
      "terminate_on_close" true)
    "tools" .agent.tools
    "require_approval" (.agent.requireApproval | default list)))
  "stream" false
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
