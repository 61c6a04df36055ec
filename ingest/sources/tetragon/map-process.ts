// The process of a Tetragon event, its parent, container and pod as ECS.
import type { JsonObject } from '../../../platform/core/event.ts';
import { writeField } from '../../../platform/core/fields.ts';
import { parseTime } from '../../parse-time.ts';
import { asInteger, asText, baseName } from '../../read-value.ts';
import type { TetragonProcess } from './schema.ts';

/** The uid that the kernel gives a process without a login (`AUDIT_UID_UNSET`). */
const NO_LOGIN = 4_294_967_295;

const WORKLOADS = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob'] as const;

/** Writes `process`, `user`, `container`, `orchestrator` and `kubernetes` into the event's fields. */
export function writeProcess(options: {
  fields: JsonObject;
  subject: TetragonProcess | undefined;
  parent: TetragonProcess | undefined;
}): void {
  const { fields, subject, parent } = options;
  if (subject) {
    fields['process'] = { ...processOf(subject), ...(parent ? { parent: processOf(parent) } : {}) };
    const uid = asText(subject.uid);
    if (uid !== undefined) fields['user'] = { id: uid };
    const auid = asInteger(subject.auid);
    if (auid !== undefined && auid !== NO_LOGIN) writeField(fields, 'tetragon.login_uid', String(auid));
    for (const name of ['flags', 'cap', 'ns', 'binary_properties'] as const)
      writeField(fields, `tetragon.process.${name}`, subject[name]);
  } else if (parent) fields['process'] = { parent: processOf(parent) };
  writePod(fields, subject ?? parent);
}

function processOf(process: TetragonProcess): JsonObject {
  const { binary, arguments: words } = process;
  const start = parseTime(process.start_time);
  return defined({
    entity_id: process.exec_id,
    pid: asInteger(process.pid),
    executable: binary,
    name: binary === undefined ? undefined : baseName(binary) || undefined,
    command_line: binary === undefined ? words : words === undefined ? binary : `${binary} ${words}`,
    working_directory: process.cwd,
    start: start && new Date(start.timestamp).toISOString(),
  });
}

function writePod(fields: JsonObject, process: TetragonProcess | undefined): void {
  const pod = process?.pod;
  const container = pod?.container;
  const [runtime, id] = splitId(container?.id) ?? [undefined, process?.docker];
  const image = container?.image;
  const named = /^(.+?)(?::([\w][\w.-]{0,127}))?(?:@sha256:[0-9a-f]{64})?$/.exec(image?.name ?? '');
  const digest = /@(sha256:[0-9a-f]{64})$/.exec(image?.id ?? '')?.[1];
  const privileged = container?.security_context?.privileged;
  const found = defined({
    id,
    runtime,
    name: container?.name,
    ...(privileged === undefined ? {} : { security_context: { privileged } }),
    ...(image
      ? {
          image: defined({
            name: named?.[1],
            tag: named?.[2] === undefined ? undefined : [named[2]],
            hash: digest === undefined ? undefined : { all: [digest] },
          }),
        }
      : {}),
  });
  if (Object.keys(found).length > 0) fields['container'] = found;
  if (!pod) return;
  writeField(fields, 'orchestrator.type', 'kubernetes');
  writeField(fields, 'orchestrator.namespace', pod.namespace);
  writeField(fields, 'kubernetes.namespace', pod.namespace);
  writeField(fields, 'kubernetes.pod.uid', pod.uid);
  if (pod.name !== undefined) {
    writeField(fields, 'kubernetes.pod.name', pod.name);
    writeField(fields, 'orchestrator.resource.type', 'pod');
    writeField(fields, 'orchestrator.resource.name', pod.name);
  }
  const kind = WORKLOADS.find((name) => name === pod.workload_kind);
  if (kind !== undefined) writeField(fields, `kubernetes.${kind.toLowerCase()}.name`, pod.workload);
}

/** `containerd://551e…` as its runtime and id. */
function splitId(id: string | undefined): [string, string] | undefined {
  const parts = /^([a-z][a-z0-9.-]*):\/\/(.+)$/.exec(id ?? '');
  return parts?.[1] === undefined || parts[2] === undefined ? undefined : [parts[1], parts[2]];
}

function defined(object: JsonObject): JsonObject {
  for (const key of Object.keys(object)) if (object[key] === undefined) delete object[key];
  return object;
}
