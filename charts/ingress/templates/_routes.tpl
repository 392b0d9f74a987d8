{{/* The routes, as a list under "routes": path, Service and its port. */}}
{{- define "ingress.routes" -}}
routes:
  - {path: /api, service: backend, port: 8000}
  {{- if .Values.mcp.public }}
  - {path: /mcp, service: mcp-server, port: 8000}
  {{- end }}
  - {path: /, service: frontend, port: 3000}
{{- end }}
