{{/* limits.memory in MiB; the schema lets only Mi and Gi through. */}}
{{- define "postgres.memoryMiB" -}}
{{- $memory := .Values.resources.limits.memory -}}
{{- if hasSuffix "Gi" $memory -}}
{{ mul 1024 (trimSuffix "Gi" $memory | int) }}
{{- else -}}
{{ trimSuffix "Mi" $memory }}
{{- end -}}
{{- end }}

{{/*
Server settings from the memory limit: a quarter is shared buffers (the manual's starting
point for a dedicated server), the page cache may hold as much again, and sorting in every
connection at once still fits the rest. No parallel workers: they need /dev/shm, and one
CPU gains nothing from them.
*/}}
{{- define "postgres.settings" -}}
{{- $memory := include "postgres.memoryMiB" . | int -}}
shared_buffers: {{ div $memory 4 }}MB
effective_cache_size: {{ div $memory 2 }}MB
maintenance_work_mem: {{ max 16 (div $memory 16) }}MB
work_mem: {{ max 1 (div (div $memory 4) .Values.maxConnections) }}MB
max_connections: {{ .Values.maxConnections | quote }}
max_parallel_workers_per_gather: "0"
max_parallel_maintenance_workers: "0"
wal_buffers: 4MB
min_wal_size: 64MB
max_wal_size: 256MB
checkpoint_completion_target: "0.9"
random_page_cost: "1.1"
jit: "off"
password_encryption: scram-sha-256
idle_in_transaction_session_timeout: 60s
log_min_duration_statement: 500ms
log_connections: "off"
log_lock_waits: "on"
log_timezone: Etc/UTC
ssl: "on"
ssl_cert_file: /run/secrets/tls/tls.crt
ssl_key_file: /run/secrets/tls/tls.key
ssl_min_protocol_version: TLSv1.3
timezone: Etc/UTC
{{- if .Values.archive.enabled }}
archive_mode: "on"
archive_command: /bin/sh /opt/archive/archive.sh segment "%p" "%f"
archive_timeout: {{ .Values.archive.timeoutSeconds }}s
{{- end }}
{{- end }}
