// The messages of `picket.signals`: signals by key group with the correlations they are for, and how far sites have told.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { BusMessage, BusRecord } from '../../platform/bus/bus.ts';
import type { Correlation } from '../correlate/correlation.ts';
import { keyText, type Signal } from '../correlate/signal.ts';

/** Keys stand in so many groups, whatever the number of partitions; all signals of a key are in one. */
export const KEY_GROUPS = 256;

/** Signals of one message. */
const MOST_SIGNALS = 200;

/** The first byte of SHA-256 over the canonical JSON of [identity of the correlation, tenant, key]. */
export function keyGroupOf(signal: Pick<Signal, 'correlation' | 'tenant' | 'key'>): number {
  const text = `[${JSON.stringify(signal.correlation.identity)},${keyText(signal).slice(1)}`;
  return createHash('sha256').update(text).digest()[0] as number;
}

/** The message key that leads a group to its partition. */
export function groupKey(group: number): string {
  return `g${group}`;
}

const WireSignal = z.object({
  correlation: z.string(),
  rule: z.string(),
  event: z.string(),
  t: z.number(),
  key: z.record(z.string(), z.string()),
  tenant: z.string(),
  site: z.string(),
  source: z.string(),
  values: z.array(z.string()),
  numbers: z.array(z.number()),
  withdrawn: z.literal(true).optional(),
  evidence: z.string().optional(),
});
type WireSignal = z.infer<typeof WireSignal>;

const SignalsMessage = z.object({
  /** By identity. */
  correlations: z.record(z.string(), z.looseObject({ identity: z.string() })),
  signals: z.array(WireSignal),
});

/** Of `as-of` by site, of `made` by episode; ms since the epoch. */
const Times = z.record(z.string(), z.number());

/** The partition whose owner hands signals on, and how far that owner has come (append time, ms since the epoch). */
export interface HandedFrom {
  readonly partition: number;
  readonly appended: number;
}

/** One message a key group, more where there are many signals; the order of a group's signals is kept. */
export function encodeSignals(signals: readonly Signal[], from?: HandedFrom): BusMessage[] {
  const origin = from ? { from: String(from.partition), appended: String(from.appended) } : {};
  const groups = new Map<number, Signal[]>();
  for (const signal of signals) {
    const group = keyGroupOf(signal);
    const own = groups.get(group);
    if (own) own.push(signal);
    else groups.set(group, [signal]);
  }
  return [...groups].flatMap(([group, own]) => {
    const messages: BusMessage[] = [];
    for (let at = 0; at < own.length; at += MOST_SIGNALS)
      messages.push({
        key: groupKey(group),
        value: Buffer.from(JSON.stringify(wrap(own.slice(at, at + MOST_SIGNALS)))),
        headers: { kind: 'signals', ...origin },
      });
    return messages;
  });
}

function wrap(signals: readonly Signal[]): {
  correlations: Record<string, Correlation>;
  signals: WireSignal[];
} {
  const correlations: Record<string, Correlation> = {};
  return {
    correlations,
    signals: signals.map(({ correlation, describe, ...signal }) => {
      correlations[correlation.identity] = correlation;
      const evidence = describe();
      return {
        ...signal,
        correlation: correlation.identity,
        values: [...signal.values],
        numbers: [...signal.numbers],
        ...(evidence === undefined ? {} : { evidence }),
      };
    }),
  };
}

/** How far sites have told, for the partition that `key` leads to. */
export function encodeAsOf(key: string, as_of: Readonly<Record<string, number>>): BusMessage {
  return { key, value: Buffer.from(JSON.stringify(as_of)), headers: { kind: 'as-of' } };
}

/** Episodes of a key group that a correlator of before made: id → when, ms since the epoch. After what makes them. */
export function encodeMade(key: string, made: Readonly<Record<string, number>>): BusMessage {
  return { key, value: Buffer.from(JSON.stringify(made)), headers: { kind: 'made' } };
}

export interface SignalRecord {
  readonly signals: readonly Signal[];
  readonly as_of: Readonly<Record<string, number>>;
  /** Episodes made before: they keep the time at which they were. */
  readonly made?: Readonly<Record<string, number>>;
  readonly from?: HandedFrom;
}

const Origin = z.object({
  from: z.coerce.number().int().nonnegative(),
  appended: z.coerce.number().int().nonnegative(),
});

/** What a record says. @throws SyntaxError, ZodError or TypeError for what is no such message */
export function decodeRecord({ headers, value }: Pick<BusRecord, 'headers' | 'value'>): SignalRecord {
  const json: unknown = JSON.parse(Buffer.from(value).toString('utf8'));
  if (headers['kind'] === 'as-of') return { signals: [], as_of: Times.parse(json) };
  if (headers['kind'] === 'made') return { signals: [], as_of: {}, made: Times.parse(json) };
  const message = SignalsMessage.parse(json);
  const origin = headers['from'] === undefined ? undefined : Origin.parse(headers);
  return {
    ...(origin ? { from: { partition: origin.from, appended: origin.appended } } : {}),
    signals: message.signals.map(({ correlation: identity, evidence, withdrawn, ...signal }) => {
      const correlation = message.correlations[identity];
      if (!correlation) throw new TypeError(`the message does not bring correlation ${identity}`);
      return {
        ...signal,
        // Made by this program, of this version or the one before: what it does not know it leaves alone.
        correlation: correlation as unknown as Correlation,
        ...(withdrawn ? { withdrawn } : {}),
        describe: () => evidence,
      };
    }),
    as_of: {},
  };
}
