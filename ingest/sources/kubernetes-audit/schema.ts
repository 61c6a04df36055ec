// The audit Event of audit.k8s.io/v1 (kubernetes/apiserver pkg/apis/audit/v1/types.go), loose: a member of the wrong type reads as absent.
import { z } from 'zod';

const text = z.string().min(1).optional().catch(undefined);
const texts = z.array(z.string()).optional().catch(undefined);

const UserInfo = z.looseObject({ username: text, uid: text, groups: texts }).optional().catch(undefined);

export const KubernetesAuditEvent = z.looseObject({
  apiVersion: text,
  level: text,
  auditID: text,
  stage: text,
  requestURI: text,
  verb: text,
  user: UserInfo,
  impersonatedUser: UserInfo,
  sourceIPs: texts,
  userAgent: text,
  objectRef: z
    .looseObject({ resource: text, namespace: text, name: text, subresource: text, apiGroup: text })
    .optional()
    .catch(undefined),
  responseStatus: z
    .looseObject({ code: z.number().int().optional().catch(undefined), reason: text, message: text })
    .optional()
    .catch(undefined),
  requestObject: z.unknown().optional(),
  responseObject: z.unknown().optional(),
  requestReceivedTimestamp: text,
  stageTimestamp: text,
  annotations: z.looseObject({}).optional().catch(undefined),
});
export type KubernetesAuditEvent = z.infer<typeof KubernetesAuditEvent>;

export const KubernetesAuditParameters = z.strictObject({
  /** Becomes `orchestrator.cluster.name`, the scope of pods and service accounts. */
  cluster: z
    .string()
    .min(1)
    .optional()
    .describe('name of the cluster, `orchestrator.cluster.name`: the scope of its pods and service accounts'),
});
export type KubernetesAuditParameters = z.infer<typeof KubernetesAuditParameters>;
