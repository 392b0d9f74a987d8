{{/* Whole objects that look the same in each chart. */}}

{{- define "common.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "common.metadata" (dict "root" . "component" "server") | nindent 2 }}
automountServiceAccountToken: false
{{- end }}

{{/* A ClusterIP Service for the one port that the server's container names "http". */}}
{{- define "common.httpService" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "common.metadata" (dict "root" .root "component" "server") | nindent 2 }}
spec:
  type: ClusterIP
  selector:
    {{- include "common.selectorLabels" (dict "root" .root "component" "server") | nindent 4 }}
  ports:
    - name: http
      port: {{ .port }}
      targetPort: http
      protocol: TCP
      appProtocol: http
{{- end }}

{{- define "common.podDisruptionBudget" -}}
{{- if include "common.replicated" . }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "common.metadata" (dict "root" . "component" "server") | nindent 2 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "common.selectorLabels" (dict "root" . "component" "server") | nindent 6 }}
{{- end }}
{{- end }}

{{/* Up at once when load comes, down slowly, so that a short pause does not undo it. */}}
{{- define "common.horizontalPodAutoscaler" -}}
{{- with .Values.autoscaling }}
{{- if .enabled }}
{{- if lt (int .maxReplicas) (int $.Values.replicas) }}
{{- fail (printf "autoscaling.maxReplicas (%d) is below replicas (%d), which is the lower bound: raise maxReplicas or lower replicas" (int .maxReplicas) (int $.Values.replicas)) }}
{{- end }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "common.metadata" (dict "root" $ "component" "server") | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ $.Chart.Name }}
  minReplicas: {{ $.Values.replicas }}
  maxReplicas: {{ .maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ .targetCPUUtilizationPercentage }}
  behavior:
    scaleUp:
      stabilizationWindowSeconds: 0
      policies:
        - {type: Percent, value: 200, periodSeconds: 15}
    scaleDown:
      stabilizationWindowSeconds: 120
      policies:
        - {type: Pods, value: 1, periodSeconds: 30}
{{- end }}
{{- end }}
{{- end }}

{{- define "common.serviceMonitor" -}}
{{- with .Values.metrics.serviceMonitor }}
{{- if .enabled }}
{{- if not $.Values.metrics.namespace }}
{{- fail "metrics.serviceMonitor.enabled needs metrics.namespace: the network policy lets nobody else scrape. Set it to the namespace in which Prometheus runs" }}
{{- end }}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  {{- include "common.metadata" (dict "root" $ "component" "server") | nindent 2 }}
    {{- with .labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels:
      {{- include "common.selectorLabels" (dict "root" $ "component" "server") | nindent 6 }}
  namespaceSelector:
    matchNames: [{{ $.Release.Namespace | quote }}]
  endpoints:
    - port: http
      path: /metrics
      interval: {{ .interval }}
{{- end }}
{{- end }}
{{- end }}
