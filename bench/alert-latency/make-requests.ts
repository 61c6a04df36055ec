// Makes the requests of the latency bench from recorded audit events: NDJSON stamped as it is sent, with probes that match.
import { readFileSync } from 'node:fs';

export interface BenchRequest {
  /** Numbers of the probes in it. */
  readonly probes: readonly number[];
  /** The NDJSON body, its events stamped with the time given. */
  body(now: number): string;
}

interface AuditEvent {
  auditID: string;
  requestReceivedTimestamp: string;
  stageTimestamp: string;
  verb: string;
  user: { username: string };
  objectRef?: { resource?: string; name?: string };
}

/**
 * Traffic of controllers, kubelet and monitoring as recorded; every `probe_every`th event is a secret read by
 * an account and of a name of its own.
 */
export function makeRequests(options: {
  recording: string;
  count: number;
  events_each: number;
  probe_every: number;
}): BenchRequest[] {
  const { recording, count, events_each, probe_every } = options;
  const recorded = readFileSync(recording, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditEvent);
  const background = recorded.filter(({ user: { username } }) =>
    /^(?:system:kube-|system:node:|prometheus)/.test(username),
  );
  const probe = recorded.find(({ verb, objectRef }) => verb === 'get' && objectRef?.resource === 'secrets');
  if (!probe || background.length === 0) throw new Error(`${recording} holds no traffic to send`);
  return Array.from({ length: count }, (_, request) => {
    const numbers = Array.from({ length: events_each }, (_, at) => request * events_each + at);
    return {
      probes: numbers.filter((number) => number % probe_every === 0),
      body(now) {
        const time = `${new Date(now).toISOString().slice(0, -1)}000Z`;
        return numbers
          .map((number) => {
            const name = `probe-${number}`;
            const event: AuditEvent =
              number % probe_every === 0
                ? {
                    ...probe,
                    user: { ...probe.user, username: `system:serviceaccount:bench:${name}` },
                    objectRef: { ...probe.objectRef, name },
                  }
                : (background[number % background.length] as AuditEvent);
            const auditID = `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
            return JSON.stringify({
              ...event,
              auditID,
              requestReceivedTimestamp: time,
              stageTimestamp: time,
            });
          })
          .join('\n');
      },
    };
  });
}

/** The number in a probe's name, or undefined. */
export function probeNumber(text: string): number | undefined {
  const digits = /^probe-(\d+)$/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
