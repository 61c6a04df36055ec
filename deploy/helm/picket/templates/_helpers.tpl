{{- define "picket.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "picket.labels" -}}
app.kubernetes.io/name: picket
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- /* Of one role: { root, role }. */}}
{{- define "picket.selector" -}}
app.kubernetes.io/name: picket
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{- /* The roles that run, as JSON. */}}
{{- define "picket.roles" -}}
{{- if eq .Values.mode "whole" -}}["all"]{{- else -}}["ingest","index","detect","api"]{{- end -}}
{{- end }}

{{- /* The component that serves a port: { root, role }. */}}
{{- define "picket.component" -}}
{{- if eq .root.Values.mode "whole" -}}all{{- else -}}{{ .role }}{{- end -}}
{{- end }}

{{- /* The configuration that the processes read. */}}
{{- define "picket.site" -}}
{{- $site := deepCopy .Values.site -}}
{{- $_ := set $site "data" "/var/lib/picket/data" -}}
{{- if ne .Values.mode "whole" -}}{{- $_ := set $site "keys" "/etc/picket/keys" -}}{{- end -}}
{{- $listen := dict "host" "0.0.0.0" "port" 7400 -}}
{{- $_ := set $site "listen" (merge $listen (default dict $site.listen)) -}}
{{- if .Values.ingest.enabled -}}
{{- $_ := set $site "ingest" (merge (dict "host" "0.0.0.0" "port" 8686) (default dict $site.ingest)) -}}
{{- end -}}
{{- if .Values.link.enabled -}}
{{- $link := dict "host" "0.0.0.0" "port" 8443 -}}
{{- if .Values.link.names -}}{{- $_ := set $link "names" .Values.link.names -}}{{- end -}}
{{- if .Values.link.url -}}{{- $_ := set $link "url" .Values.link.url -}}{{- end -}}
{{- $_ := set $site "link" (merge $link (default dict $site.link)) -}}
{{- end -}}
{{- $metrics := default dict $site.metrics -}}
{{- $_ := set $metrics "prometheus" (dict "host" "0.0.0.0" "port" 9464) -}}
{{- $_ := set $site "metrics" $metrics -}}
{{- toYaml $site -}}
{{- end }}
