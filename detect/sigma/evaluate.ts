// The core of `picket eval`: lines in, one alert a match out, and a summary.

import { describeError, errorCode } from '../../platform/core/errors.ts';
import type { JsonObject } from '../../platform/core/event.ts';
import type { RuleInfo } from '../match.ts';
import type { EngineRule, SigmaEngine } from './engine/engine.ts';
import type { MatchedLine } from './engine/match-lines.ts';
import type { Problem } from './problem.ts';
import { linesOf, readBlocks } from './read-lines.ts';

/** What `picket eval` prints for one rule × event, one JSON line each. */
export interface EvaluatedAlert {
  readonly rule: { readonly id: string; readonly name: string; readonly level: string };
  /** `sequence` is the event's line number, from 1; `id` where the event has one. */
  readonly event: { readonly sequence: number; readonly id?: string };
  readonly '@timestamp'?: string;
}

/** The summary as `--json` writes it on stderr. */
export interface EvaluationSummary {
  readonly events: number;
  readonly alerts: number;
  readonly rules_loaded: number;
  readonly rules_refused: readonly {
    file: string;
    line?: number;
    column?: number;
    code: string;
    message: string;
  }[];
  /** Lines that were no event: place and reason of the first hundred, and how many in all. */
  readonly lines_refused: number;
  readonly lines_refused_first: readonly { line: number; code: string; message: string }[];
  readonly seconds_to_load: number;
  readonly seconds_to_evaluate: number;
}

/** Events made of one line; throws for a line that is none. */
export type PrepareLine = (line: Buffer) => readonly JsonObject[];

const MAX_SHOWN = 100;

const TIMESTAMP_KEY = Buffer.from('"@timestamp"');
const EVENT_KEY = Buffer.from('"event"');
const NOTHING: JsonObject = {};

/**
 * Runs every line's events through the engine: those that `prepare` makes of a line, or without it the line as the
 * engine reads it, where it lies. Empty lines count for numbering and are left out; a line that cannot be read is
 * counted with its reason and the rest go on. `onAlert` may return a promise to hold the stream back.
 */
export async function evaluateLines(options: {
  lines: AsyncIterable<Uint8Array | string>;
  engine: SigmaEngine;
  prepare?: PrepareLine;
  onAlert: (alert: EvaluatedAlert) => void | Promise<void>;
  /** Hears of every event with the rules that hold, also of those where none does. */
  onEvent?: (event: JsonObject, rules: readonly RuleInfo[], sequence: number) => void;
  /** Called now and then with the number of events so far. */
  onProgress?: (events: number) => void;
  refused: readonly Problem[];
  rulesLoaded: number;
  seconds_to_load: number;
  /** Milliseconds of a clock that never steps back. */
  monotonic: () => number;
}): Promise<EvaluationSummary> {
  const { engine, prepare, onAlert, onEvent } = options;
  const started = options.monotonic();
  let sequence = 0;
  let events = 0;
  let alerts = 0;
  let linesRefused = 0;
  let held: Promise<void>[] = [];
  const first: { line: number; code: string; message: string }[] = [];
  const refuse = (code: string, message: string): void => {
    linesRefused++;
    if (first.length < MAX_SHOWN) first.push({ line: sequence, code, message });
  };
  const refuseFault = (error: unknown): void =>
    refuse(error instanceof SyntaxError ? 'JSON_INVALID' : errorCode(error), describeError(error));
  const tell = (rule: RuleInfo, event: JsonObject): void => {
    alerts++;
    const waits = onAlert(describeMatch({ rule, event, sequence }));
    if (waits) held.push(waits);
  };
  const takeMatched = (line: MatchedLine | undefined): void => {
    sequence++;
    if (line === undefined) return;
    if (line.fault !== undefined) {
      refuseFault(line.fault);
      return;
    }
    events++;
    if (onEvent) {
      const event = line.read() as JsonObject;
      const rules = line.matched.map((index) => (engine.rules[index] as EngineRule).info);
      onEvent(event, rules, sequence);
    }
    if (line.matched.length === 0) return;
    // Nothing else of the event is shown, so most need not be read for it.
    const event =
      line.mentions(TIMESTAMP_KEY) || line.mentions(EVENT_KEY) ? (line.read() as JsonObject) : NOTHING;
    for (const index of line.matched) tell((engine.rules[index] as EngineRule).info, event);
  };
  const takePrepared = (line: Buffer, make: PrepareLine): void => {
    sequence++;
    if (isBlank(line)) return;
    let prepared: readonly JsonObject[];
    try {
      prepared = make(line);
    } catch (error) {
      refuseFault(error);
      return;
    }
    for (const event of prepared) {
      events++;
      const rules = engine.match(event).map(({ rule }) => rule);
      onEvent?.(event, rules, sequence);
      for (const rule of rules) tell(rule, event);
    }
  };
  for await (const block of readBlocks(options.lines)) {
    if (block === undefined) {
      sequence++;
      refuse('LINE_TOO_LONG', 'the line is longer than the limit');
    } else if (prepare) for (const line of linesOf(block)) takePrepared(line, prepare);
    else engine.matchLines(block, takeMatched);
    if (held.length > 0) {
      await Promise.all(held);
      held = [];
    }
    options.onProgress?.(events);
  }
  return {
    events,
    alerts,
    rules_loaded: options.rulesLoaded,
    rules_refused: options.refused.map(({ code, message, place }) => ({
      file: place.file ?? '',
      ...(place.line === undefined ? {} : { line: place.line }),
      ...(place.column === undefined ? {} : { column: place.column }),
      code,
      message,
    })),
    lines_refused: linesRefused,
    lines_refused_first: first,
    seconds_to_load: options.seconds_to_load,
    seconds_to_evaluate: (options.monotonic() - started) / 1_000,
  };
}

function describeMatch(found: { rule: RuleInfo; event: JsonObject; sequence: number }): EvaluatedAlert {
  const { rule, event, sequence } = found;
  const timestamp = event['@timestamp'];
  const inner = event['event'];
  const id = inner !== null && typeof inner === 'object' ? (inner as JsonObject)['id'] : undefined;
  return {
    ...(typeof timestamp === 'string' ? { '@timestamp': timestamp } : {}),
    rule: { id: rule.id, name: rule.name, level: rule.level },
    event: { sequence, ...(typeof id === 'string' ? { id } : {}) },
  };
}

function isBlank(line: Buffer): boolean {
  for (let at = 0; at < line.length; at++) {
    const byte = line[at];
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  }
  return true;
}
