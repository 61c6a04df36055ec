// One line in words of an event: what was done, by whom, from where to where, on what.
import type { PicketEvent } from '../../../../platform/core/event.ts';

/** The value at a dotted path, through nested objects and flat dotted keys alike; lists by their first element. */
export function readField(event: unknown, path: string): string | undefined {
  let value = event;
  for (const part of path.split('.')) {
    if (value === null || typeof value !== 'object') return undefined;
    value = (value as Record<string, unknown>)[part];
    if (Array.isArray(value)) value = value[0];
  }
  if (typeof value === 'string' && value !== '') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

const endpoint = (event: PicketEvent, side: string): string | undefined => {
  const address = readField(event, `${side}.ip`) ?? readField(event, `${side}.address`);
  const port = readField(event, `${side}.port`);
  return address === undefined ? undefined : port === undefined ? address : `${address}:${port}`;
};

export function summariseEvent(event: PicketEvent): string {
  const of = (path: string): string | undefined => readField(event, path);
  const source = endpoint(event, 'source');
  const destination = endpoint(event, 'destination');
  const resource = [
    of('orchestrator.namespace'),
    of('orchestrator.resource.type'),
    of('orchestrator.resource.name'),
  ]
    .filter(Boolean)
    .join('/');
  const parts = [
    of('rule.name'),
    of('event.action'),
    resource,
    of('vulnerability.id'),
    of('user.name'),
    source && destination ? `${source} → ${destination}` : (source ?? destination),
    of('process.command_line') ?? of('process.name'),
    of('event.outcome') === 'failure' ? 'failure' : undefined,
  ].filter(Boolean);
  if (parts.length >= 2) return parts.join(' · ');
  return of('message') ?? (parts.join(' · ') || event.event.id);
}
