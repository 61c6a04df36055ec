// picket replay: feeds a recorded file of raw records to a source of a running site.
import type { Command } from 'commander';
import { PicketError } from '../../platform/core/errors.ts';
import { type ApiClient } from './api-client.ts';
import { UsageError } from './exit-codes.ts';
import { printJson, printLine } from './output.ts';
import { type RecordedRecord, readRecording } from './read-recording.ts';
import { addSiteOptions, connect, type SiteOptions } from './site-options.ts';

/** Records and bytes (base64) that one request carries. */
const PIECE_RECORDS = 500;
const PIECE_BYTES = 4_000_000;

export interface ReplayTotals {
  records: number;
  accepted: number;
  rejected: number;
  events: number;
}

/** Sends records in pieces; `pause` is waited between records when they are played over a span. */
export async function sendRecords(options: {
  api: ApiClient;
  source: string;
  records: AsyncIterable<RecordedRecord> | Iterable<RecordedRecord>;
  shift_ms?: number | undefined;
  replayed: boolean;
  /** ms from one record to the next; 0 for as fast as it goes. */
  pause_ms: number;
  onProgress?: (totals: ReplayTotals) => void;
  signal?: AbortSignal;
}): Promise<ReplayTotals> {
  const { api, source, records, shift_ms, replayed, pause_ms, onProgress, signal } = options;
  const totals: ReplayTotals = { records: 0, accepted: 0, rejected: 0, events: 0 };
  let piece: (RecordedRecord & { shift_ms?: number })[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    if (piece.length === 0) return;
    const answer = await api.call<Omit<ReplayTotals, 'records'>>('POST', '/api/v1/replay', {
      source,
      replayed,
      records: piece,
    });
    totals.records += piece.length;
    totals.accepted += answer.accepted;
    totals.rejected += answer.rejected;
    totals.events += answer.events;
    piece = [];
    bytes = 0;
    onProgress?.(totals);
  };
  // Short pauses are gathered, since a timer is no finer than this.
  const step = pause_ms > 0 ? Math.max(1, Math.ceil(100 / pause_ms)) : PIECE_RECORDS;
  for await (const record of records) {
    if (signal?.aborted) break;
    piece.push(shift_ms === undefined ? record : { ...record, shift_ms });
    bytes += record.bytes.length;
    if (piece.length >= step || piece.length >= PIECE_RECORDS || bytes >= PIECE_BYTES) {
      const sent = piece.length;
      await flush();
      if (pause_ms > 0) await new Promise((resolve) => setTimeout(resolve, pause_ms * sent));
    }
  }
  await flush();
  return totals;
}

export function addReplayCommand(program: Command): void {
  addSiteOptions(
    program
      .command('replay')
      .description('feed a recorded file of raw records to a source of the site')
      .argument('<file>', 'the recording, in the format of the source')
      .requiredOption('--source <name>', 'id of a configured source')
      .option('--live', 'treat the records as new: they may set off playbooks', false)
      .option('--shift <ms>', "add so many ms to the records' times")
      .addHelpText(
        'after',
        '\nExample:\n  picket replay audit.log --source kubernetes --data picket-data/factory-lyon\n',
      ),
  ).action(async (file: string, options: SiteOptions & { source: string; live: boolean; shift?: string }) => {
    const api = await connect(options);
    const shift = options.shift === undefined ? undefined : Number(options.shift);
    if (shift !== undefined && !Number.isInteger(shift))
      throw new UsageError({ code: 'SHIFT_INVALID', message: `not a number of ms: ${options.shift}` });
    const { sources } = await api.call<{ sources: { id: string; format: string }[] }>(
      'GET',
      '/api/v1/sources',
    );
    const source = sources.find(({ id }) => id === options.source);
    if (!source) {
      const known = sources.map(({ id }) => id).join(', ') || 'none';
      throw new PicketError({
        code: 'SOURCE_UNKNOWN',
        message: `this site has no source ${options.source} (it has: ${known})`,
      });
    }
    const totals = await sendRecords({
      api,
      source: source.id,
      records: readRecording({ file, format: source.format }),
      shift_ms: shift,
      replayed: !options.live,
      pause_ms: 0,
      onProgress: ({ records }) => {
        if (process.stderr.isTTY) process.stderr.write(`\r${records} records`);
      },
    });
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
    if (options.json) printJson(totals);
    else
      printLine(
        `${totals.records} records: ${totals.accepted} accepted (${totals.events} events), ${totals.rejected} to the dead letters`,
      );
    if (totals.rejected > 0) process.exitCode = 1;
  });
}
