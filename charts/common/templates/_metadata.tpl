{{/*
Labels. Each takes (dict "root" $ "component" "server"). The component keeps a
Service from picking up the pods of a migration, a backup or a test.
*/}}

{{- define "common.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Pods carry no chart version: a new chart digest alone must not restart them. */}}
{{- define "common.podLabels" -}}
{{ include "common.selectorLabels" . }}
app.kubernetes.io/part-of: todo
{{- end }}

{{- define "common.labels" -}}
{{ include "common.podLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "_" }}
{{- end }}

{{/* Name, namespace and labels of an object; "name" defaults to the chart's name. */}}
{{- define "common.metadata" -}}
name: {{ .name | default .root.Chart.Name | quote }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "common.labels" . | nindent 2 }}
{{- end }}
