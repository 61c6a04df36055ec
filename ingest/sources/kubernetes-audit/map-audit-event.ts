// One Kubernetes audit event as ECS; the original members stay under `kubernetes.audit`, named as Elastic's integration names them.
import type { JsonObject } from '../../../platform/core/event.ts';
import { parseTime } from '../../parse-time.ts';
import { asAddress, asObject, asText } from '../../read-value.ts';
import type { EventDraft } from '../../source.ts';
import type { KubernetesAuditEvent, KubernetesAuditParameters } from './schema.ts';

const TYPE_OF_VERB: Readonly<Record<string, string>> = {
  get: 'access',
  list: 'access',
  watch: 'access',
  create: 'creation',
  update: 'change',
  patch: 'change',
  delete: 'deletion',
  deletecollection: 'deletion',
};

/** Resources whose change changes who may do what. */
const IAM_RESOURCES = new Set([
  'roles',
  'rolebindings',
  'clusterroles',
  'clusterrolebindings',
  'serviceaccounts',
]);

/** The draft of one audit event; its own id is auditID and stage, since each stage of a request is an event. */
export function mapAuditEvent(options: {
  event: KubernetesAuditEvent;
  parameters: KubernetesAuditParameters;
}): EventDraft {
  const { event, parameters } = options;
  const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...audit } = event;
  dropManagedFields(event.requestObject);
  dropManagedFields(event.responseObject);
  const time = parseTime(event.stageTimestamp) ?? parseTime(event.requestReceivedTimestamp);
  const code = event.responseStatus?.code;
  const outcome = outcomeOf(event);
  const address = event.sourceIPs?.map(asAddress).find((found) => found !== undefined);
  const names = [event.user?.username, event.impersonatedUser?.username].filter((name) => name !== undefined);
  const user = userOf(event);
  const fields: JsonObject = {
    event: {
      kind: 'event',
      module: 'kubernetes',
      category: IAM_RESOURCES.has(event.objectRef?.resource ?? '')
        ? ['configuration', 'iam']
        : ['configuration'],
      type: [TYPE_OF_VERB[event.verb ?? ''] ?? 'info'],
      ...(event.verb === undefined ? {} : { action: event.verb }),
      ...(outcome === undefined ? {} : { outcome }),
    },
    orchestrator: orchestratorOf(event, parameters),
    kubernetes: { audit: definedOnly(audit) },
    ...(user === undefined ? {} : { user }),
    ...(address === undefined ? {} : { source: { ip: address, address }, client: { ip: address } }),
    ...(event.userAgent === undefined ? {} : { user_agent: { original: event.userAgent } }),
    ...(event.requestURI === undefined ? {} : { url: urlOf(event.requestURI) }),
    ...(code === undefined ? {} : { http: { response: { status_code: code } } }),
    related: {
      ...(names.length === 0 ? {} : { user: [...new Set(names)] }),
      ...(address === undefined ? {} : { ip: [address] }),
    },
  };
  const images = imagesOf(event.requestObject);
  if (images.length > 0) fields['container'] = { image: { name: images.length === 1 ? images[0] : images } };
  return {
    dataset: 'kubernetes.audit',
    timestamp: time?.timestamp,
    ...(event.auditID === undefined ? {} : { uniqueId: `${event.auditID}/${event.stage ?? ''}` }),
    fields,
  };
}

/** 4xx and 5xx are failures (a refused request is `failure`, as `authorization.k8s.io/decision` forbid is). */
function outcomeOf(event: KubernetesAuditEvent): string | undefined {
  const code = event.responseStatus?.code;
  if (code !== undefined) return code >= 400 ? 'failure' : 'success';
  const decision = event.annotations?.['authorization.k8s.io/decision'];
  if (decision === 'forbid') return 'failure';
  return decision === 'allow' && event.stage === 'ResponseComplete' ? 'success' : 'unknown';
}

function userOf(event: KubernetesAuditEvent): JsonObject | undefined {
  const { user, impersonatedUser } = event;
  if (!user && !impersonatedUser) return undefined;
  return {
    ...(user?.username === undefined ? {} : { name: user.username }),
    ...(user?.uid === undefined ? {} : { id: user.uid }),
    ...(user?.groups === undefined || user.groups.length === 0 ? {} : { group: { name: user.groups } }),
    ...(impersonatedUser?.username === undefined ? {} : { effective: { name: impersonatedUser.username } }),
  };
}

function orchestratorOf(event: KubernetesAuditEvent, parameters: KubernetesAuditParameters): JsonObject {
  const { objectRef } = event;
  const namespace = objectRef?.namespace;
  return {
    type: 'kubernetes',
    ...(parameters.cluster === undefined ? {} : { cluster: { name: parameters.cluster } }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(objectRef?.resource === undefined
      ? {}
      : {
          resource: {
            type: objectRef.resource,
            ...(objectRef.name === undefined ? {} : { name: objectRef.name }),
          },
        }),
  };
}

function urlOf(uri: string): JsonObject {
  const mark = uri.indexOf('?');
  if (mark < 0) return { original: uri, path: uri };
  return { original: uri, path: uri.slice(0, mark), query: uri.slice(mark + 1) };
}

/** Images of the containers of a pod, or of the template of what makes pods. */
function imagesOf(requestObject: unknown): string[] {
  const spec = asObject(asObject(requestObject)?.['spec']);
  if (!spec) return [];
  const template = asObject(asObject(spec['template'])?.['spec']);
  const containers = [spec, template].flatMap((pod) =>
    ['containers', 'initContainers'].flatMap((member) => {
      const list = pod?.[member];
      return Array.isArray(list) ? (list as unknown[]) : [];
    }),
  );
  return [
    ...new Set(
      containers.map((one) => asText(asObject(one)?.['image'])).filter((image) => image !== undefined),
    ),
  ];
}

/** Server-side apply's bookkeeping, most of an object's size, with keys such as `.` that no index takes; it stays in the original. */
function dropManagedFields(object: unknown): void {
  const metadata = asObject(asObject(object)?.['metadata']);
  if (metadata) delete metadata['managedFields'];
}

/** Without the members that the schema read as absent. */
function definedOnly(object: JsonObject): JsonObject {
  for (const key of Object.keys(object)) if (object[key] === undefined) delete object[key];
  return object;
}
