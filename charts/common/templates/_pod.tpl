{{/* Parts of a pod. They meet Pod Security "restricted" and go beyond it. */}}

{{/* image reference: a digest, when given, wins over what the tag may point to. */}}
{{- define "common.image" -}}
{{- $tag := .image.tag | default .root.Chart.AppVersion -}}
{{ .image.repository }}:{{ $tag }}{{ with .image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* Image, pull policy and the locked-down security context of a container. */}}
{{- define "common.container" -}}
image: {{ include "common.image" . }}
imagePullPolicy: {{ .image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  capabilities:
    drop: [ALL]
  privileged: false
  readOnlyRootFilesystem: true
  runAsGroup: 10001
  runAsNonRoot: true
  runAsUser: 10001
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{/*
Pod-level settings. "serviceAccount" defaults to the chart's name, "token" (mount the
account's token) to false. What runs once has no priority over anything: a test or a backup
must never push a server off a full node, nor be as hard to evict as the database.
*/}}
{{- define "common.pod" -}}
serviceAccountName: {{ .serviceAccount | default .root.Chart.Name }}
automountServiceAccountToken: {{ .token | default false }}
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if has .component (list "server" "tools") }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  runAsGroup: 10001
  runAsNonRoot: true
  runAsUser: 10001
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{/* Prefer different nodes for the replicas, but never leave one unscheduled for it. */}}
{{- define "common.spread" -}}
{{- if include "common.replicated" .root -}}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "common.selectorLabels" . | nindent 14 }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "common.selectorLabels" . | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}

{{/* "true" when more than one replica may run. */}}
{{- define "common.replicated" -}}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicas) 1) }}true{{ end }}
{{- end }}

{{/*
The three probes of an HTTP server on port "http", each with its own meaning: startup
gives the process time to come up, liveness restarts one that hangs, readiness takes it
out of the Service while it, or what it depends on, cannot serve. "readySeconds" lie between
two looks at the latter, 2 where it depends on others.
*/}}
{{- define "common.httpProbes" -}}
startupProbe:
  httpGet: {path: {{ .started | default .live }}, port: http}
  periodSeconds: 1
  timeoutSeconds: 3
  failureThreshold: 60
livenessProbe:
  httpGet: {path: {{ .live }}, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: {{ .ready }}, port: http}
  periodSeconds: {{ .readySeconds | default 2 }}
  timeoutSeconds: 3
  failureThreshold: 2
{{- end }}

{{/* Seconds that a server has to end its open requests: what the pause leaves, and some to spare. */}}
{{- define "common.shutdownTimeout" -}}
{{- max 0 (sub .Values.terminationGracePeriodSeconds (add .Values.preStopSeconds 5)) -}}
{{- end }}

{{/*
Endpoints are withdrawn while the old pod still answers: an ingress controller may go on
routing to it for some seconds after it was told to stop.
*/}}
{{- define "common.preStop" -}}
{{- if gt (int .Values.preStopSeconds) (int .Values.terminationGracePeriodSeconds) -}}
{{- fail (printf "preStopSeconds (%v) is longer than a pod may take to end: set it to at most terminationGracePeriodSeconds (%v)" .Values.preStopSeconds .Values.terminationGracePeriodSeconds) -}}
{{- end -}}
{{- with .Values.preStopSeconds -}}
lifecycle:
  preStop:
    sleep:
      seconds: {{ . }}
{{- end }}
{{- end }}

{{/*
A pod of `helm test`: runs "command" once in the chart's own image. "env" is a map; "secrets"
are a volume's source, mounted at "secretsPath". It stays until the next test, for its log.
*/}}
{{- define "common.testPod" -}}
{{- $test := merge (dict "component" "test" "name" (printf "%s-test" .root.Chart.Name) "image" (.image | default .root.Values.image)) . -}}
apiVersion: v1
kind: Pod
metadata:
  {{- include "common.metadata" $test | nindent 2 }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  {{- include "common.pod" $test | nindent 2 }}
  restartPolicy: Never
  activeDeadlineSeconds: 120
  containers:
    - name: test
      {{- include "common.container" $test | nindent 6 }}
      command:
        {{- toYaml .command | nindent 8 }}
      {{- with .env }}
      env:
        {{- range $name, $value := . }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
      {{- end }}
      resources:
        requests: {cpu: 10m, memory: 64Mi, ephemeral-storage: 16Mi}
        limits: {cpu: "1", memory: 192Mi, ephemeral-storage: 64Mi}
      volumeMounts:
        - {name: tmp, mountPath: /tmp}
        {{- if .secrets }}
        - {name: secrets, mountPath: {{ .secretsPath }}, readOnly: true}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: {sizeLimit: 16Mi}
    {{- with .secrets }}
    - name: secrets
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end }}

{{/* Whose certificate the database's server must have; libpq's own variable, set where it applies. */}}
{{- define "common.databaseAuthority" -}}
{{- if .caSecret }}
PGSSLROOTCERT: /run/secrets/todo/database-ca.crt
{{- else if eq .sslMode "verify-full" }}
PGSSLROOTCERT: system
{{- end }}
{{- end }}
