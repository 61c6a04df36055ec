// One line in words for an event, from its ECS fields: what an analyst reads first.
import type { PicketEvent } from '../../platform/core/event.ts';
import { scalarText } from '../../platform/core/expression/compile.ts';
import { readFirst, splitField } from '../../platform/core/fields.ts';

/** Longer lines are cut with an ellipsis. */
export const MAX_SUMMARY_LENGTH = 300;

/** Who did what to what, where, as far as the event says; its action or dataset when it says nothing more. */
export function summariseEvent(event: PicketEvent): string {
  const line = (describeObject(event) ?? describeFlow(event) ?? describeProcess(event) ?? describeRest(event))
    .replaceAll(/\s+/g, ' ')
    .trim();
  return line.length > MAX_SUMMARY_LENGTH ? `${line.slice(0, MAX_SUMMARY_LENGTH - 1)}…` : line;
}

function text(event: PicketEvent, field: string): string | undefined {
  const value = scalarText(readFirst(event, splitField(field)));
  return value === undefined || value === '' ? undefined : value;
}

/** A request to an orchestrator: `user create pods default/web (success)`. */
function describeObject(event: PicketEvent): string | undefined {
  const resource = text(event, 'orchestrator.resource.type');
  const action = text(event, 'event.action');
  if (event.event.dataset !== 'kubernetes.audit' || resource === undefined || action === undefined)
    return undefined;
  const subresource = text(event, 'kubernetes.audit.objectRef.subresource');
  const name = [text(event, 'orchestrator.namespace'), text(event, 'orchestrator.resource.name')]
    .filter((part) => part !== undefined)
    .join('/');
  return join([
    text(event, 'user.name') ?? 'someone',
    action,
    subresource === undefined ? resource : `${resource}/${subresource}`,
    name,
    prefix('from', text(event, 'source.ip')),
    inBrackets(text(event, 'event.outcome')),
  ]);
}

/** A flow or connection: `10.0.0.5 → 203.0.113.7:443 tcp, 1234 bytes`. */
function describeFlow(event: PicketEvent): string | undefined {
  const destination = text(event, 'destination.ip');
  const source = text(event, 'source.ip');
  if (destination === undefined || source === undefined) return undefined;
  const port = text(event, 'destination.port');
  return join([
    prefix('', text(event, 'process.name')),
    source,
    '→',
    port === undefined ? destination : `${destination}:${port}`,
    text(event, 'network.transport'),
    suffix(text(event, 'network.bytes'), 'bytes'),
  ]);
}

/** A process: `host: user ran command line (parent)`. */
function describeProcess(event: PicketEvent): string | undefined {
  const command =
    text(event, 'process.command_line') ?? text(event, 'process.executable') ?? text(event, 'process.name');
  if (command === undefined) return undefined;
  const parent = text(event, 'process.parent.name') ?? text(event, 'process.parent.executable');
  return join([
    where(event),
    text(event, 'rule.name'),
    text(event, 'user.name'),
    text(event, 'event.action'),
    command,
    inBrackets(prefix('from', parent)),
  ]);
}

function describeRest(event: PicketEvent): string {
  const vulnerability = text(event, 'vulnerability.id');
  const what = join([
    vulnerability,
    prefix('in', vulnerability === undefined ? undefined : text(event, 'package.name')),
    text(event, 'container.image.name'),
  ]);
  if (vulnerability !== undefined) return what;
  return join([
    where(event),
    text(event, 'event.action'),
    prefix('by', text(event, 'user.name')),
    prefix('for', text(event, 'user.target.name')),
    prefix('from', text(event, 'source.ip')),
    text(event, 'file.path') ?? text(event, 'registry.path') ?? text(event, 'message') ?? event.event.dataset,
    inBrackets(text(event, 'event.outcome')),
  ]);
}

function where(event: PicketEvent): string | undefined {
  return suffix(text(event, 'kubernetes.pod.name') ?? text(event, 'host.name'), ':')?.replace(' :', ':');
}

function prefix(word: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : `${word} ${value}`.trim();
}

function suffix(value: string | undefined, word: string): string | undefined {
  return value === undefined ? undefined : `${value} ${word}`;
}

function inBrackets(value: string | undefined): string | undefined {
  return value === undefined ? undefined : `(${value})`;
}

function join(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(' ');
}
