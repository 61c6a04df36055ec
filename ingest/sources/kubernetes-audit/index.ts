// Kubernetes audit events: lines of the audit log, and the EventList that the audit webhook posts.
import type { JsonObject } from '../../../platform/core/event.ts';
import { createJsonNormaliser, eventOf, rejected } from '../../normalise-json.ts';
import { asObject } from '../../read-value.ts';
import type { Normalised, SourceAdapter } from '../../source.ts';
import { mapAuditEvent } from './map-audit-event.ts';
import { KubernetesAuditEvent, KubernetesAuditParameters } from './schema.ts';

const VERSION = /^audit\.k8s\.io\//;

export const kubernetesAuditAdapter: SourceAdapter = {
  id: 'kubernetes-audit',
  title: 'Kubernetes audit',
  description:
    'Audit events of kube-apiserver (audit.k8s.io/v1): the log file, one event a line, or the webhook backend, which posts an EventList. The requests and answers that the audit policy records are kept under `kubernetes.audit.*`.',
  datasets: [
    {
      name: 'kubernetes.audit',
      class: 'control-plane-audit',
      description: 'Who asked the Kubernetes API for what, and what it answered',
    },
  ],
  framing: 'json',
  // The webhook joins up to 400 events in one body.
  max_record_bytes: 33_554_432,
  receivers: ['http', 'bulk', 'file'],
  parameters: KubernetesAuditParameters,
  example: `- id: cluster-audit
  format: kubernetes-audit
  receivers:
    - type: http
  access:
    token: { $env: CLUSTER_AUDIT_TOKEN }
  parameters:
    cluster: plant-7
# kube-apiserver --audit-webhook-config-file takes a kubeconfig; its token is sent as Bearer, over https only:
#   apiVersion: v1
#   kind: Config
#   clusters: [{ name: picket, cluster: { server: 'https://picket.plant-7:8443/ingest/v1/cluster-audit', certificate-authority: /etc/kubernetes/picket-ca.crt } }]
#   users: [{ name: apiserver, user: { token: the-token-of-the-source } }]
#   contexts: [{ name: picket, context: { cluster: picket, user: apiserver } }]
#   current-context: picket
`,
  createNormaliser(context) {
    const parameters = KubernetesAuditParameters.parse(context.parameters);
    const one = (value: JsonObject, place?: string): Normalised => {
      const { kind, apiVersion } = value;
      if (kind !== 'Event' || typeof apiVersion !== 'string' || !VERSION.test(apiVersion)) {
        return rejected('KUBERNETES_NOT_AUDIT', 'no Event of audit.k8s.io', place);
      }
      return eventOf(mapAuditEvent({ event: KubernetesAuditEvent.parse(value), parameters }));
    };
    return createJsonNormaliser({
      context,
      map(value) {
        if (value['kind'] !== 'EventList') return [one(value)];
        const { items } = value;
        if (!Array.isArray(items)) return [rejected('KUBERNETES_LIST_INVALID', 'items is no list', 'items')];
        if (items.length === 0) return [{ kind: 'filtered', rule: 'kubernetes-empty-list' }];
        return items.map((item: unknown, at) => {
          const event = asObject(item);
          if (!event) return rejected('KUBERNETES_NOT_AUDIT', 'no Event of audit.k8s.io', `items.${at}`);
          // In a list the members kind and apiVersion may be left to the list (the webhook does leave them out).
          event['kind'] ??= 'Event';
          event['apiVersion'] ??= value['apiVersion'];
          const original = JSON.stringify(event);
          const outcome = one(event, `items.${at}`);
          return outcome.kind === 'event' ? eventOf({ ...outcome.draft, original }) : outcome;
        });
      },
    });
  },
};
