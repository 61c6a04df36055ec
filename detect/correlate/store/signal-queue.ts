// Signals for outer correlations on their way to another correlator: of each row the latest state, in the order it was reached.
import { canonicalJson } from '../../../platform/core/canonical-json.ts';
import { keyText, type Signal } from '../signal.ts';
import type { SignalStore } from './open-store.ts';

/** One that waits; handed out again after a crash, which changes nothing. */
export interface HandedSignal {
  readonly seq: number;
  readonly signal: Signal;
}

type Stored = Omit<Signal, 'describe'> & { readonly evidence?: string };

/** A row that was added and taken back before it left waits once, as taken back. */
export function queueSignals(store: SignalStore, signals: readonly Signal[]): void {
  if (signals.length === 0) return;
  store.begin();
  const put = store.statement(
    'INSERT INTO handed (name, body) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seq = (SELECT max(seq) + 1 FROM handed), body = excluded.body',
  );
  for (const { describe, ...signal } of signals) {
    const { correlation, rule, event, source } = signal;
    const evidence = describe();
    const stored: Stored = evidence === undefined ? signal : { ...signal, evidence };
    put.run(
      canonicalJson([correlation.identity, keyText(signal), rule, event, source]),
      JSON.stringify(stored),
    );
  }
}

export function readQueued(store: SignalStore, limit: number): HandedSignal[] {
  const rows = store.statement('SELECT seq, body FROM handed ORDER BY seq LIMIT ?').all(limit) as unknown as {
    seq: number;
    body: string;
  }[];
  return rows.map(({ seq, body }) => {
    const { evidence, ...signal } = JSON.parse(body) as Stored;
    return { seq, signal: { ...signal, describe: () => evidence } };
  });
}

/** One that changed again meanwhile has another number and stays. */
export function forgetQueued(store: SignalStore, handed: readonly HandedSignal[]): void {
  store.begin();
  const remove = store.statement('DELETE FROM handed WHERE seq = ?');
  for (const { seq } of handed) remove.run(seq);
}
