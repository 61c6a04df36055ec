// Real-shaped Kubernetes audit records whose alerts are known to depend on every one of them being worked once.
import { randomUUID } from 'node:crypto';

/** One record as a sender has it, and the name by which it is found again. */
export interface LoadRecord {
  readonly name: string;
  readonly line: string;
}

/** Rules over the load: one of single events, one that counts, one that follows an order. */
export const RULES = `title: Secret Of The Load Is Read
id: 7a5f0a11-0f64-4f0f-9a55-5c7f3f0a0001
name: load_secret_read
status: test
logsource: { product: kubernetes, service: audit }
detection:
  selection: { verb: get, objectRef.resource: secrets, responseStatus.code: 200 }
  condition: selection
level: medium
---
title: Request Of The Load Is Refused
id: 7a5f0a11-0f64-4f0f-9a55-5c7f3f0a0002
name: load_refused
status: test
logsource: { product: kubernetes, service: audit }
detection:
  selection: { responseStatus.code: 403 }
  condition: selection
level: informational
---
title: One Account Is Refused Five Times
id: 7a5f0a11-0f64-4f0f-9a55-5c7f3f0a0003
status: test
correlation:
  type: event_count
  rules: [load_refused]
  group-by: [user.username]
  timespan: 10m
  condition: { gte: 5 }
level: medium
---
title: One Account Is Refused And Then Reads A Secret
id: 7a5f0a11-0f64-4f0f-9a55-5c7f3f0a0004
status: test
correlation:
  type: temporal_ordered
  rules: [load_refused, load_secret_read]
  group-by: [user.username]
  timespan: 10m
level: high
`;

/**
 * `accounts` accounts that are each refused six times, every second of them then reading a secret, among as many
 * harmless reads again. In the order of their times, a few milliseconds apart, all before `end` (ms since the epoch).
 */
export function makeLoad(options: {
  round: string;
  accounts: number;
  end: number;
  /** So much more in each record. */
  padding_bytes?: number;
}): LoadRecord[] {
  const { round, accounts, end, padding_bytes = 0 } = options;
  const drafts: { account: string; resource: string; code: number; verb: string }[] = [];
  for (let turn = 0; turn < 7; turn++) {
    for (let at = 0; at < accounts; at++) {
      const account = `${round}-${at}`;
      if (turn < 6) drafts.push({ account, resource: 'pods', code: 403, verb: 'list' });
      else if (at % 2 === 0) drafts.push({ account, resource: 'secrets', code: 200, verb: 'get' });
      drafts.push({ account: `${round}-quiet-${at % 7}`, resource: 'configmaps', code: 200, verb: 'get' });
    }
  }
  const step_ms = 5;
  return drafts.map(({ account, resource, code, verb }, at) => {
    const name = `${round}-${at}`;
    const time = new Date(end - (drafts.length - at) * step_ms).toISOString();
    const record = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: 'Metadata',
      auditID: randomUUID(),
      stage: 'ResponseComplete',
      requestURI: `/api/v1/namespaces/load/${resource}/${name}`,
      verb,
      user: { username: account, groups: ['system:authenticated'] },
      sourceIPs: [`10.20.${at % 200}.11`],
      userAgent: `kubectl/v1.34.2${'+'.repeat(padding_bytes)}`,
      objectRef: { resource, namespace: 'load', name, apiVersion: 'v1' },
      responseStatus: { metadata: {}, code },
      requestReceivedTimestamp: time,
      stageTimestamp: time,
    };
    return { name, line: JSON.stringify(record) };
  });
}
