{{/*
Parts of a NetworkPolicy. The namespace denies everything by default; each chart names
the flows of its own pods, and a flow needs both ends: egress here, ingress there.
*/}}

{{/* Head of the policy for the pods of one component: all not named below is denied. */}}
{{- define "common.networkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "common.metadata" . | nindent 2 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  podSelector:
    matchLabels:
      {{- include "common.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
{{- end }}

{{/* Pods of this namespace, by chart name and component (default "server"). */}}
{{- define "common.peer" -}}
podSelector:
  matchLabels:
    app.kubernetes.io/name: {{ .name }}
    app.kubernetes.io/component: {{ .component | default "server" }}
{{- end }}

{{/* The ingress controller's pods, wherever it runs. */}}
{{- define "common.ingressControllerPeer" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ .Values.networkPolicy.ingressController.namespace | quote }}
podSelector:
  matchLabels:
    {{- toYaml .Values.networkPolicy.ingressController.podLabels | nindent 4 }}
{{- end }}

{{/* Any pod of the namespace that the monitoring system runs in. */}}
{{- define "common.monitoringPeer" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ .Values.metrics.namespace | quote }}
{{- end }}

{{/* Egress to the cluster's DNS. */}}
{{- define "common.dnsEgress" -}}
to:
  - namespaceSelector:
      matchLabels:
        kubernetes.io/metadata.name: kube-system
    podSelector:
      matchLabels:
        k8s-app: kube-dns
ports:
  - {protocol: UDP, port: 53}
  - {protocol: TCP, port: 53}
{{- end }}

{{/* The flows of a chart's test pod: DNS, and the chart's own server on "port". */}}
{{- define "common.testNetworkPolicy" -}}
{{ include "common.networkPolicy" (dict "root" .root "component" "test" "name" (printf "%s-test" .root.Chart.Name)) }}
  ingress: []
  egress:
    - {{ include "common.dnsEgress" . | indent 6 | trim }}
    - to:
        - {{ include "common.peer" (dict "name" .root.Chart.Name) | indent 10 | trim }}
      ports:
        - {protocol: TCP, port: {{ .port }}}
{{- end }}
