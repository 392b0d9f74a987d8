{{/* The container that dumps the database. */}}
{{- define "postgres.backupContainer" -}}
name: backup
{{ include "common.container" (dict "root" . "image" .Values.image) }}
command: [/bin/sh, /opt/backup/backup.sh]
env:
  - {name: PGHOST, value: postgres}
  - {name: PGUSER, value: todo_owner}
  - {name: PGDATABASE, value: {{ .Values.database | quote }}}
  {{- include "postgres.clientTLS" . | nindent 2 }}
  - {name: BACKUP_DIR, value: /backups}
  - {name: BACKUP_KEEP, value: {{ .Values.backup.keep | quote }}}
  - {name: PASSWORD_FILE, value: /run/secrets/todo/owner-password}
resources:
  {{- toYaml .Values.backup.resources | nindent 2 }}
volumeMounts:
  - {name: backups, mountPath: /backups}
  - {name: script, mountPath: /opt/backup, readOnly: true}
  - {name: secrets, mountPath: /run/secrets/todo, readOnly: true}
  - {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "postgres.backupVolumes" -}}
- name: backups
  persistentVolumeClaim: {claimName: postgres-backup}
- name: script
  configMap: {name: postgres-backup, defaultMode: 0440}
- name: secrets
  {{- include "postgres.clientSecrets" (dict "root" . "passwords" (list "owner-password")) | nindent 2 }}
- name: tmp
  emptyDir: {sizeLimit: 16Mi}
{{- end }}

{{/*
The server's node, for pods that share a volume with it: one that is ReadWriteOnce can be mounted on
one node only. A pod that does its work without a server, too, only "prefers" it.
*/}}
{{- define "postgres.besideServer" -}}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels"
    (include "common.selectorLabels" (dict "root" .root "component" "server") | fromYaml)) -}}
affinity:
  podAffinity:
    {{- if .prefers }}
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          {{- toYaml $term | nindent 10 }}
    {{- else }}
    requiredDuringSchedulingIgnoredDuringExecution:
      - {{ toYaml $term | indent 8 | trim }}
    {{- end }}
{{- end }}

{{/* Settings of libpq: only the server that our authority vouches for, and only with TLS. */}}
{{- define "postgres.clientTLS" -}}
- {name: PGSSLMODE, value: verify-full}
- {name: PGSSLROOTCERT, value: /run/secrets/todo/ca.crt}
{{- end }}

{{/* A volume's source with the authority's certificate and the named "passwords". */}}
{{- define "postgres.clientSecrets" -}}
projected:
  defaultMode: 0440
  sources:
    - secret:
        name: {{ .root.Values.existingSecret | quote }}
        items:
          {{- range .passwords }}
          - {key: {{ . | quote }}, path: {{ . | quote }}}
          {{- end }}
    - secret:
        name: {{ .root.Values.tls.existingSecret | quote }}
        items:
          - {key: ca.crt, path: ca.crt}
{{- end }}

{{/*
The container that restores the newest backup into a server of its own. That server has no port,
and neither the pod's account nor its network policy lets it reach anything.
*/}}
{{- define "postgres.drillContainer" -}}
name: drill
{{ include "common.container" (dict "root" . "image" .Values.image) }}
command: [/bin/sh, /opt/backup/drill.sh]
env:
  - {name: PGDATA, value: /scratch/pgdata}
  - {name: PGHOST, value: /run/postgresql}
  - {name: TODO_DATABASE_NAME, value: {{ .Values.database | quote }}}
  - {name: TODO_PASSWORDS_DIR, value: /tmp/passwords}
  - {name: BACKUP_DIR, value: /backups}
resources:
  {{- toYaml .Values.backup.drill.resources | nindent 2 }}
volumeMounts:
  - {name: backups, mountPath: /backups, readOnly: true}
  - {name: script, mountPath: /opt/backup, readOnly: true}
  - {name: scratch, mountPath: /scratch}
  - {name: run, mountPath: /run/postgresql}
  - {name: shm, mountPath: /dev/shm}
  - {name: tmp, mountPath: /tmp}
{{- end }}

{{/* Volumes of a drill beside the backups; the scratch server's data goes with the pod. */}}
{{- define "postgres.drillVolumes" -}}
- name: scratch
  ephemeral:
    volumeClaimTemplate:
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .Values.storage.className }}
        storageClassName: {{ . | quote }}
        {{- end }}
        resources:
          requests:
            storage: {{ .Values.storage.size }}
- name: run
  emptyDir: {medium: Memory, sizeLimit: 8Mi}
- name: shm
  emptyDir: {medium: Memory, sizeLimit: 32Mi}
{{- end }}

{{/*
The container beside the server that makes base backups: through the server's socket, so that no
password and no port for replication is needed.
*/}}
{{- define "postgres.archiveContainer" -}}
name: archive
{{ include "common.container" (dict "root" . "image" .Values.image) }}
command: [/bin/sh, /opt/archive/archive.sh, base]
env:
  - {name: PGDATA, value: /var/lib/postgresql/data/pgdata}
  - {name: PGHOST, value: /run/postgresql}
  - {name: ARCHIVE_DIR, value: /archive}
  - {name: ARCHIVE_BASE_SECONDS, value: {{ .Values.archive.baseSeconds | quote }}}
  - {name: ARCHIVE_BASE_KEEP, value: {{ .Values.archive.keep | quote }}}
resources:
  {{- toYaml .Values.archive.resources | nindent 2 }}
volumeMounts:
  - {name: data, mountPath: /var/lib/postgresql/data, readOnly: true}
  - {name: archive, mountPath: /archive}
  - {name: archive-script, mountPath: /opt/archive, readOnly: true}
  - {name: run, mountPath: /run/postgresql}
  - {name: archive-tmp, mountPath: /tmp}
{{- end }}

{{/* The container that recovers a moment: like a drill's, with the archive, and it writes a backup. */}}
{{- define "postgres.recoveryContainer" -}}
name: recovery
{{ include "common.container" (dict "root" . "image" .Values.image) }}
command: [/bin/sh, /opt/archive/recover.sh]
env:
  - {name: RECOVERY_TIME, value: ""}
  - {name: PGDATA, value: /scratch/pgdata}
  - {name: PGHOST, value: /run/postgresql}
  - {name: TODO_DATABASE_NAME, value: {{ .Values.database | quote }}}
  - {name: TODO_PASSWORDS_DIR, value: /tmp/passwords}
  - {name: ARCHIVE_DIR, value: /archive}
  - {name: BACKUP_DIR, value: /backups}
resources:
  {{- toYaml .Values.backup.drill.resources | nindent 2 }}
volumeMounts:
  - {name: archive, mountPath: /archive, readOnly: true}
  - {name: archive-script, mountPath: /opt/archive, readOnly: true}
  - {name: backups, mountPath: /backups}
  - {name: script, mountPath: /opt/backup, readOnly: true}
  - {name: scratch, mountPath: /scratch}
  - {name: run, mountPath: /run/postgresql}
  - {name: shm, mountPath: /dev/shm}
  - {name: tmp, mountPath: /tmp}
{{- end }}
