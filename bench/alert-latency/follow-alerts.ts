// Follows a site's live changes and notes when each alert was first told.
import { probeNumber } from './make-requests.ts';

export interface AlertFollower {
  /** `performance.now()` at which the alert of each probe was first told, by the probe's number. */
  finish(rule: string): Promise<Map<number, number>>;
}

interface AlertPage {
  alerts: { id: string; key: Record<string, string> }[];
  cursor?: string;
}

/** Resolves when the stream is open. */
export async function followAlerts({ url, token }: { url: string; token: string }): Promise<AlertFollower> {
  const headers = { authorization: `Bearer ${token}` };
  const stop = new AbortController();
  const seen = new Map<string, number>();
  const response = await fetch(new URL('/api/v1/stream', url), { headers, signal: stop.signal });
  if (!response.ok || !response.body) throw new Error(`the stream answered ${response.status}`);
  const reading = read(response.body, seen).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return {
    async finish(rule) {
      const told = new Map<number, number>();
      let cursor: string | undefined;
      do {
        const query = new URLSearchParams({ where: `rule.id: "${rule}"`, limit: '1000' });
        if (cursor !== undefined) query.set('cursor', cursor);
        const answer = await fetch(new URL(`/api/v1/alerts?${query.toString()}`, url), { headers });
        const page = (await answer.json()) as AlertPage;
        if (!answer.ok) throw new Error(`the alerts answered ${answer.status}: ${JSON.stringify(page)}`);
        for (const { id, key } of page.alerts) {
          const at = seen.get(id);
          const probe = Object.values(key)
            .map(probeNumber)
            .find((number) => number !== undefined);
          if (at !== undefined && probe !== undefined) told.set(probe, at);
        }
        cursor = page.cursor;
      } while (cursor !== undefined);
      stop.abort();
      await reading;
      return told;
    },
  };
}

async function read(body: ReadableStream<Uint8Array>, seen: Map<string, number>): Promise<void> {
  let rest = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const now = performance.now();
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('data: ')) continue;
      const change = JSON.parse(line.slice('data: '.length)) as { collection?: string; id?: string };
      if (change.collection === 'alerts' && change.id !== undefined && !seen.has(change.id))
        seen.set(change.id, now);
    }
  }
}
