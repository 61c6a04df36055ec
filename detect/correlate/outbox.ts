// What changed and is to be sent: new episodes at once, further revisions after a wait, each text made once and sent until confirmed.
import type { Episode } from './read-episodes.ts';
import type { SignalStore } from './store/open-store.ts';

/** One alert text on its way out; sent again after a crash exactly as it was. */
export interface Outgoing {
  readonly seq: number;
  readonly id: string;
  readonly revision: number;
  readonly text: string;
}

/** Queues ids with the time they changed; a text that was made but not yet confirmed is made anew, as a further revision. */
export function queueChanges(
  store: SignalStore,
  changed: ReadonlyMap<string, number>,
  wait_ms: number,
): void {
  if (changed.size === 0) return;
  store.begin();
  const revisionOf = store.statement('SELECT revision FROM episodes WHERE id = ?');
  const put = store.statement(
    `INSERT INTO outbox (id, due) VALUES (?, ?)
     ON CONFLICT (id) DO UPDATE SET made = NULL, revision = NULL`,
  );
  for (const [id, now] of changed) put.run(id, revisionOf.get(id)?.['revision'] === 0 ? now : now + wait_ms);
}

export function takeOutgoing(
  store: SignalStore,
  request: {
    now: number;
    limit: number;
    /** The least number that a revision made now may have. */
    least_revision: number;
    find: (id: string) => Episode | undefined;
    build: (episode: Episode, revision: number) => string | undefined;
  },
): Outgoing[] {
  const rows = store
    .statement(
      'SELECT seq, id, made, revision FROM outbox WHERE due <= ? OR made IS NOT NULL ORDER BY seq LIMIT ?',
    )
    .all(request.now, request.limit) as {
    seq: number;
    id: string;
    made: string | null;
    revision: number | null;
  }[];
  const outgoing: Outgoing[] = [];
  for (const { seq, id, made, revision } of rows) {
    if (made !== null && revision !== null) {
      outgoing.push({ seq, id, revision, text: made });
      continue;
    }
    const stored = store.statement('SELECT revision FROM episodes WHERE id = ?').get(id);
    const next = Math.max(Number(stored?.['revision']) + 1, request.least_revision);
    const episode = request.find(id);
    const text = episode && request.build(episode, next);
    if (text === undefined) {
      store.statement('DELETE FROM outbox WHERE seq = ?').run(seq);
      continue;
    }
    store.statement('UPDATE episodes SET revision = ? WHERE id = ?').run(next, id);
    store.statement('UPDATE outbox SET made = ?, revision = ? WHERE seq = ?').run(text, next, seq);
    outgoing.push({ seq, id, revision: next, text });
  }
  return outgoing;
}

/** Forgets what was sent; what changed again meanwhile has lost its text and stays queued. */
export function confirmSent(store: SignalStore, sent: readonly Outgoing[]): void {
  for (const { id, revision } of sent) {
    store
      .statement('DELETE FROM outbox WHERE id = ? AND revision = ? AND made IS NOT NULL')
      .run(id, revision);
  }
}

/** When the next queued revision is due (ms since the epoch). */
export function nextDue(store: SignalStore): number | undefined {
  const due = store.statement('SELECT MIN(due) AS due FROM outbox').get()?.['due'];
  return due === null || due === undefined ? undefined : Number(due);
}
