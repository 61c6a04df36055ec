// picket search: events of a site by KQL.
import type { Command } from 'commander';
import { readText } from '../../platform/core/fields.ts';
import type { EventPage } from '../api/contract.ts';
import { UsageError } from './exit-codes.ts';
import { printJson, printLine } from './output.ts';
import { addSiteOptions, connect, type SiteOptions } from './site-options.ts';

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `15m`, `7d` before now, or an ISO 8601 time, as an ISO time. @throws PicketError TIME_INVALID */
export function parseTime(text: string, now: number): string {
  const [, amount, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const time =
    amount === undefined ? Date.parse(text) : now - Number(amount) * (UNITS_MS[unit as string] as number);
  if (Number.isNaN(time))
    throw new UsageError({
      code: 'TIME_INVALID',
      message: `not a time: ${text} (say 15m, 7d or 2026-11-23T08:00:00Z)`,
    });
  return new Date(time).toISOString();
}

export function addSearchCommand(program: Command): void {
  addSiteOptions(
    program
      .command('search')
      .description('find events by KQL, newest first')
      .argument('[query]', 'KQL; all events when left out', '')
      .option('--since <time>', 'from then: 15m, 24h, 7d or ISO 8601')
      .option('--until <time>', 'to then (exclusive)')
      .option('--limit <n>', 'at most so many', '100')
      .option('--oldest', 'oldest first')
      .addHelpText(
        'after',
        `
Examples:
  picket search 'event.dataset: netflow.flow and destination.ip: 203.0.113.7' --since 24h
  picket search 'process.executable: *\\\\mimikatz.exe' --json | jq .host.name
With --json: one event a line.
`,
      ),
  ).action(
    async (
      query: string,
      options: SiteOptions & { since?: string; until?: string; limit: string; oldest?: boolean },
    ) => {
      const api = await connect(options);
      const now = Date.now();
      let left = Number(options.limit);
      if (!Number.isInteger(left) || left < 1)
        throw new UsageError({ code: 'LIMIT_INVALID', message: `not a number of events: ${options.limit}` });
      let cursor: string | undefined;
      do {
        const page: EventPage = await api.call<EventPage>('POST', '/api/v1/search', {
          query,
          sort: options.oldest ? 'oldest' : 'newest',
          limit: Math.min(left, 1_000),
          ...(options.since ? { from: parseTime(options.since, now) } : {}),
          ...(options.until ? { to: parseTime(options.until, now) } : {}),
          ...(cursor === undefined ? {} : { cursor }),
        });
        for (const event of page.events) {
          if (options.json) printJson(event);
          else {
            const what =
              readText(event, 'message') ??
              readText(event, 'event.action') ??
              readText(event, 'rule.name') ??
              '';
            const who = readText(event, 'host.name') ?? readText(event, 'source.ip') ?? '';
            printLine(
              `${event['@timestamp']}  ${event.picket.site.id}  ${event.event.dataset}  ${who}  ${what.split('\n')[0]?.slice(0, 160)}`,
            );
          }
        }
        for (const place of page.unanswered) process.stderr.write(`picket: ${place} did not answer\n`);
        left -= page.events.length;
        cursor = page.cursor;
      } while (cursor !== undefined && left > 0);
    },
  );
}
