{{- define "hub.labels" -}}
app.kubernetes.io/name: edgewright-hub
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "hub.image" -}}
{{- $repository := required "image.repository is required: the image that `edgewright forge hub-image` pushed" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}
