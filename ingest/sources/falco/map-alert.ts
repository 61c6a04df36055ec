// One Falco alert as ECS: the rule, the process with its parent, the container, pod, file and connection it speaks of.
import type { JsonObject } from '../../../platform/core/event.ts';
import { writeField } from '../../../platform/core/fields.ts';
import { parseTime } from '../../parse-time.ts';
import { asAddress, asInteger, asPort, asText } from '../../read-value.ts';
import type { EventDraft } from '../../source.ts';
import type { FalcoAlert, FalcoParameters } from './schema.ts';

/** Falco's priorities (syslog's words) on the score scale of Picket's levels. */
const SEVERITY: Readonly<Record<string, number>> = {
  emergency: 99,
  alert: 99,
  critical: 99,
  error: 73,
  warning: 47,
  notice: 21,
  informational: 1,
  info: 1,
  debug: 1,
};

type Read = (value: unknown) => unknown;

/** Falco's output fields (falco.org/docs/reference/rules/supported-fields) and where they go. */
const FIELDS: readonly (readonly [string, string, Read])[] = [
  ['proc.name', 'process.name', asText],
  ['proc.exepath', 'process.executable', asText],
  ['proc.cmdline', 'process.command_line', asText],
  ['proc.pid', 'process.pid', asInteger],
  ['proc.cwd', 'process.working_directory', asText],
  ['proc.pname', 'process.parent.name', asText],
  ['proc.ppid', 'process.parent.pid', asInteger],
  ['proc.pcmdline', 'process.parent.command_line', asText],
  ['proc.pexepath', 'process.parent.executable', asText],
  ['user.name', 'user.name', asText],
  ['user.uid', 'user.id', asText],
  ['container.id', 'container.id', asText],
  ['container.name', 'container.name', asText],
  ['container.image.repository', 'container.image.name', asText],
  ['container.image.tag', 'container.image.tag', asText],
  ['k8s.ns.name', 'orchestrator.namespace', asText],
  ['k8s.ns.name', 'kubernetes.namespace', asText],
  ['k8s.pod.name', 'kubernetes.pod.name', asText],
  ['k8s.pod.uid', 'kubernetes.pod.uid', asText],
  ['k8s.deployment.name', 'kubernetes.deployment.name', asText],
  ['k8s.node.name', 'kubernetes.node.name', asText],
  ['evt.type', 'event.action', asText],
  ['fd.cip', 'source.ip', asAddress],
  ['fd.cport', 'source.port', asPort],
  ['fd.sip', 'destination.ip', asAddress],
  ['fd.sport', 'destination.port', asPort],
  ['fd.l4proto', 'network.transport', asText],
];

/** The draft of one alert; `uuid` (Falco 0.37 on) is its own id. */
export function mapFalcoAlert(options: { alert: FalcoAlert; parameters: FalcoParameters }): EventDraft {
  const { alert, parameters } = options;
  const values = alert.output_fields ?? {};
  const tags = alert.tags ?? [];
  const fields: JsonObject = {
    event: {
      kind: 'alert',
      module: 'falco',
      provider: alert.source ?? 'syscall',
      category: ['process'],
      type: ['info'],
      severity: SEVERITY[alert.priority?.toLowerCase() ?? ''] ?? 47,
    },
    ...(alert.output === undefined ? {} : { message: alert.output }),
    ...(alert.priority === undefined ? {} : { log: { level: alert.priority.toLowerCase() } }),
    rule: { name: alert.rule, ...(alert.source === undefined ? {} : { ruleset: alert.source }) },
    ...(alert.hostname === undefined ? {} : { host: { name: alert.hostname, hostname: alert.hostname } }),
    ...(tags.length === 0 ? {} : { tags }),
    falco: {
      ...(alert.uuid === undefined ? {} : { uuid: alert.uuid }),
      ...(alert.rule === undefined ? {} : { rule: alert.rule }),
      ...(alert.priority === undefined ? {} : { priority: alert.priority }),
      ...(alert.source === undefined ? {} : { source: alert.source }),
      output_fields: values,
    },
  };
  for (const [name, field, read] of FIELDS) {
    const value = Object.hasOwn(values, name) ? read(values[name]) : undefined;
    if (value !== undefined && value !== '<NA>') writeField(fields, field, value);
  }
  writeConnection(fields, values);
  // `host` is what Falco calls the machine itself, where an id of a container would stand.
  if (values['container.id'] === 'host') delete fields['container'];
  const path = asText(values['fd.name']);
  if (path?.startsWith('/') && path !== '<NA>') writeField(fields, 'file.path', path);
  writeDigest(fields, values['container.image.digest']);
  writeTechniques(fields, tags);
  const cluster = parameters.cluster ?? asText(values['k8smeta.cluster.name']);
  if (cluster !== undefined) writeField(fields, 'orchestrator.cluster.name', cluster);
  if (fields['kubernetes'] !== undefined || cluster !== undefined) {
    writeField(fields, 'orchestrator.type', 'kubernetes');
  }
  const pod = asText(values['k8s.pod.name']);
  if (pod !== undefined && pod !== '<NA>') {
    writeField(fields, 'orchestrator.resource.type', 'pod');
    writeField(fields, 'orchestrator.resource.name', pod);
  }
  return {
    dataset: 'falco.alerts',
    timestamp: timeOf(alert, values),
    ...(alert.uuid === undefined ? {} : { uniqueId: alert.uuid }),
    fields,
  };
}

/**
 * Both ends of a connection that has no `fd.cip` and `fd.sip` (most rules print neither): from `fd.name`, for
 * sockets `client:port->server:port`, and else from `fd.lip` and `fd.rip`, taken for a connection going out.
 */
function writeConnection(fields: JsonObject, values: JsonObject): void {
  const [client, server] = (asText(values['fd.name']) ?? '').split('->').map(readEnd);
  const ends = [
    ['source', client ?? { ip: asAddress(values['fd.lip']), port: asPort(values['fd.lport']) }],
    ['destination', server ?? { ip: asAddress(values['fd.rip']), port: asPort(values['fd.rport']) }],
  ] as const;
  for (const [end, { ip, port }] of ends) {
    const known = fields[end] as JsonObject | undefined;
    if (ip === undefined || (known?.['ip'] !== undefined && known['ip'] !== ip)) continue;
    writeField(fields, `${end}.ip`, ip);
    if (port !== undefined && known?.['port'] === undefined) writeField(fields, `${end}.port`, port);
  }
}

/** `10.0.0.5:443` or `[2001:db8::1]:443` (Falco leaves the brackets out); undefined when it is no end of a connection. */
function readEnd(text: string): { ip: string; port: number | undefined } | undefined {
  const parts = /^\[?([0-9A-Fa-f.:]+?)\]?:(\d{1,5})$/.exec(text);
  const ip = asAddress(parts?.[1]);
  return ip === undefined ? undefined : { ip, port: asPort(parts?.[2]) };
}

/** `time` (RFC 3339) or nanoseconds in `evt.time`, which JSON output with a plugin gives as a number. */
function timeOf(alert: FalcoAlert, values: JsonObject): number | undefined {
  const written = parseTime(alert.time);
  if (written) return written.timestamp;
  const nanoseconds = Number(asText(alert.time) ?? asText(values['evt.time']));
  return Number.isFinite(nanoseconds) && nanoseconds > 1e15 ? Math.trunc(nanoseconds / 1e6) : undefined;
}

function writeDigest(fields: JsonObject, digest: unknown): void {
  if (typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest)) {
    writeField(fields, 'container.image.hash.all', [digest]);
  }
}

/** Falco tags techniques as `T1059` and tactics as `mitre_execution`. */
function writeTechniques(fields: JsonObject, tags: readonly string[]): void {
  const techniques = tags.filter((tag) => /^T\d{4}(?:\.\d{3})?$/.test(tag));
  const tactics = tags
    .filter((tag) => tag.startsWith('mitre_'))
    .map((tag) => tag.slice(6).replaceAll('_', ' '));
  if (techniques.length > 0) writeField(fields, 'threat.technique.id', techniques);
  if (tactics.length > 0) writeField(fields, 'threat.tactic.name', tactics);
}
