// Events as they lie in picket.events: recorded ones, normalised by our own sources, again and again with fresh ids and times.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventMessage } from '../../ingest/encode-messages.ts';
import type { BusMessage } from '../../platform/bus/bus.ts';
import type { PicketEvent } from '../../platform/core/event.ts';
import { shortId } from '../../platform/core/short-id.ts';
import { createLineNormaliser } from '../../server/commands/normalise-line.ts';
import { readWindowsEvents } from '../sigma-streams/sigmahq.ts';

const RECORDINGS = join(import.meta.dirname, '../../demo/recordings');

/** Of ten events so many are of each kind. */
const MIX = [
  { of_ten: 6, format: 'windows', read: readWindowsEvents },
  { of_ten: 3, format: 'kubernetes-audit', read: () => recording('kubernetes-audit.ndjson') },
  { of_ten: 1, format: 'falco', read: () => recording('falco.ndjson') },
] as const;

/** In words, for the report. */
export const MIX_TEXT = '60% Windows (Security-Datasets), 30% Kubernetes audit, 10% Falco, all recorded';

const SITES = 40;
/** Mean distance of two events: a fleet of a thousand events a second. */
const STEP_MS = 1;

function recording(name: string): Buffer {
  return readFileSync(join(RECORDINGS, name));
}

/**
 * A function that gives the next `count` messages; the same in every run but for `start_ms`, the time of the first.
 * Ids are made new of the ordinal; everything else of an event is as our source made it of the recorded one.
 */
export function eventMaker(start_ms: number): (count: number) => BusMessage[] {
  const streams = MIX.map(({ of_ten, format, read }) => ({
    of_ten,
    format,
    events: normalise(read(), format),
    next: 0,
  }));
  const turns = streams.flatMap((stream) => Array.from({ length: stream.of_ten }, () => stream));
  let ordinal = 0;
  const make = (): BusMessage => {
    const stream = turns[ordinal % turns.length] as (typeof turns)[number];
    const event = stream.events[stream.next++ % stream.events.length] as PicketEvent;
    const site = `plant-${ordinal % SITES}`;
    const stamp = new Date(start_ms + ordinal * STEP_MS).toISOString();
    const message = eventMessage({
      event: {
        ...event,
        '@timestamp': stamp,
        event: { ...event.event, id: shortId(createHash('sha256').update(`bench ${ordinal}`).digest()) },
        picket: { ...event.picket, site: { ...event.picket.site, id: site }, time: 'ok', received: stamp },
      },
      key: createHash('sha256').update(`${site}/${stream.format}`).digest('hex').slice(0, 16),
      detection_only: false,
    });
    ordinal++;
    return message;
  };
  return (count) => Array.from({ length: count }, make);
}

function normalise(lines: Buffer, format: string): PicketEvent[] {
  const normaliser = createLineNormaliser(format);
  const events: PicketEvent[] = [];
  for (const line of lines.toString('utf8').split('\n')) {
    if (line === '') continue;
    try {
      events.push(...(normaliser(Buffer.from(line)) as unknown as PicketEvent[]));
    } catch {
      // A few records of the corpora are of no source of ours.
    }
  }
  if (events.length === 0) throw new Error(`no event of the format ${format}`);
  return events;
}
