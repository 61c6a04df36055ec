// One Tetragon event as ECS: which of its kinds it is, what happened, and what a tracing policy did about it.
import type { JsonObject } from '../../../platform/core/event.ts';
import { writeField } from '../../../platform/core/fields.ts';
import { parseTime } from '../../parse-time.ts';
import { asInteger, asText } from '../../read-value.ts';
import type { EventDraft } from '../../source.ts';
import { maskBuffers, writeArguments, writeConnection } from './map-arguments.ts';
import { writeProcess } from './map-process.ts';
import { TetragonBody, TetragonEvent, type TetragonParameters } from './schema.ts';

interface Kind {
  readonly dataset: string;
  readonly category: string;
  readonly type: readonly string[];
}

/** The members of GetEventsResponse's `event`, and the connections that Isovalent's exporter adds. */
export const KINDS = {
  process_exec: { dataset: 'tetragon.exec', category: 'process', type: ['start'] },
  process_exit: { dataset: 'tetragon.exit', category: 'process', type: ['end'] },
  process_kprobe: { dataset: 'tetragon.policy', category: 'process', type: ['info'] },
  process_tracepoint: { dataset: 'tetragon.policy', category: 'process', type: ['info'] },
  process_uprobe: { dataset: 'tetragon.policy', category: 'process', type: ['info'] },
  process_usdt: { dataset: 'tetragon.policy', category: 'process', type: ['info'] },
  process_lsm: { dataset: 'tetragon.policy', category: 'process', type: ['info'] },
  process_loader: { dataset: 'tetragon.loader', category: 'library', type: ['start'] },
  process_connect: { dataset: 'tetragon.connection', category: 'network', type: ['connection', 'start'] },
  process_accept: { dataset: 'tetragon.connection', category: 'network', type: ['connection', 'start'] },
  process_close: { dataset: 'tetragon.connection', category: 'network', type: ['connection', 'end'] },
  process_listen: { dataset: 'tetragon.connection', category: 'network', type: ['info'] },
  process_throttle: { dataset: 'tetragon.sensor', category: 'host', type: ['info'] },
  rate_limit_info: { dataset: 'tetragon.sensor', category: 'host', type: ['info'] },
} as const satisfies Record<string, Kind>;
export type KindName = keyof typeof KINDS;

/** What a policy did beyond telling: it ended the process or made its call fail. */
const ENFORCED = /^KPROBE_ACTION_(?:SIGKILL|SIGNAL|OVERRIDE|NOTIFYENFORCER|NOTIFYKILLER)$/;

const BODY_FIELDS = [
  'function_name',
  'subsys',
  'event',
  'path',
  'symbol',
  'policy_name',
  'return',
  'action',
  'return_action',
  'signal',
  'stats',
  'type',
  'cgroup',
] as const;

/** The kind of an event, or undefined when it has none that is known. */
export function findKind(value: JsonObject): KindName | undefined {
  return (Object.keys(KINDS) as KindName[]).find((name) => Object.hasOwn(value, name));
}

/** The draft of one event; what programs read and wrote is taken out of `value`, which the draft keeps. */
export function mapTetragonEvent(options: {
  name: KindName;
  value: JsonObject;
  content: JsonObject;
  parameters: TetragonParameters;
}): EventDraft {
  const { name, value, content, parameters } = options;
  const masked = maskBuffers(content['args']);
  const event = TetragonEvent.parse(value);
  const body = TetragonBody.parse(content);
  const kind: Kind = KINDS[name];
  const fields: JsonObject = {};
  writeProcess({ fields, subject: body.process, parent: body.parent });
  const categories = [kind.category, ...writeArguments(fields, body.args ?? [])];
  writeEnds(fields, name, body);
  const enforced = [body.action, body.return_action].some((action) => ENFORCED.test(action ?? ''));
  fields['event'] = {
    kind: 'event',
    module: 'tetragon',
    category: [...new Set(categories)],
    type: enforced ? [...kind.type, 'denied'] : [...kind.type],
    action: actionOf(name, body),
    ...(enforced ? { outcome: 'failure' } : {}),
  };
  writeField(fields, 'message', body.message);
  if (body.policy_name !== undefined) fields['rule'] = { name: body.policy_name, ruleset: 'tetragon' };
  if (body.tags && body.tags.length > 0) fields['tags'] = body.tags;
  for (const member of BODY_FIELDS) writeField(fields, `tetragon.${member}`, body[member]);
  if (body.args && body.args.length > 0) writeField(fields, 'tetragon.args', body.args);
  writeField(fields, 'tetragon.dropped_events', asInteger(body.number_of_dropped_process_events));
  if (name === 'process_exit') writeField(fields, 'process.exit_code', asInteger(body.status) ?? 0);
  if (name === 'process_loader') writeField(fields, 'dll.path', body.path);
  if (event.node_name !== undefined) {
    fields['host'] = { name: event.node_name, hostname: event.node_name };
    if (fields['kubernetes'] !== undefined) writeField(fields, 'kubernetes.node.name', event.node_name);
  }
  const cluster = parameters.cluster ?? event.cluster_name;
  if (cluster !== undefined) {
    writeField(fields, 'orchestrator.cluster.name', cluster);
    writeField(fields, 'orchestrator.type', 'kubernetes');
  }
  return {
    dataset: kind.dataset,
    timestamp: parseTime(event.time)?.timestamp,
    ...ownId({ name, event, body }),
    fields,
    ...(masked ? { original: JSON.stringify(value) } : {}),
  };
}

/** `exec`, `exit`, `connect`; for hooks the function, without the prefix that the kernel gives system calls. */
function actionOf(name: KindName, body: TetragonBody): string {
  if (name === 'rate_limit_info') return 'events-dropped';
  const hook = body.function_name ?? body.symbol ?? body.event;
  if (hook !== undefined) return hook.replace(/^__(?:x64|arm64|ia32)_/, '');
  return name.replace(/^process_/, '');
}

function writeEnds(fields: JsonObject, name: KindName, body: TetragonBody): void {
  if (name === 'process_listen') {
    // The process is the server here: nobody has called yet.
    writeConnection(fields, { destination: [body.ip, body.port], protocol: body.protocol });
  } else if (body.source_ip !== undefined || body.destination_ip !== undefined) {
    writeConnection(fields, {
      source: [body.source_ip, body.source_port],
      destination: [body.destination_ip, body.destination_port],
      protocol: body.protocol,
    });
  }
}

/** A process starts and ends once: Tetragon tells of running ones again when it starts, with the same id. */
function ownId(options: { name: KindName; event: TetragonEvent; body: TetragonBody }): { uniqueId?: string } {
  const { name, event, body } = options;
  const id = asText(body.process?.exec_id);
  if (id === undefined || (name !== 'process_exec' && name !== 'process_exit')) return {};
  return { uniqueId: `${name}\n${event.node_name ?? ''}\n${id}` };
}
