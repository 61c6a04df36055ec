// Follows a long answer of a site: progress on standard error, then the result; Ctrl-C cancels.
import { PicketError } from '../../../platform/core/errors.ts';
import type { StreamingClient } from '../api-client.ts';

type Line<Result> =
  | { readonly progress: { readonly events: number; readonly matches: number; readonly done: number } }
  | { readonly result: Result }
  | { readonly problem: { readonly code: string; readonly title: string; readonly place?: string } };

/** @throws PicketError with the site's own code, CANCELLED, SITE_UNREACHABLE */
export async function followResult<Result>(
  api: StreamingClient,
  path: string,
  request: unknown,
): Promise<Result> {
  const stop = new AbortController();
  const cancel = (): void => stop.abort();
  process.once('SIGINT', cancel);
  try {
    for await (const line of api.stream<Line<Result>>(path, request, stop.signal)) {
      if ('progress' in line) tellProgress(line.progress);
      else if ('result' in line) return line.result;
      else {
        const { code, title, place } = line.problem;
        throw new PicketError({
          code,
          message: title,
          ...(place === undefined ? {} : { place: { at: place } }),
        });
      }
    }
    throw new PicketError({
      code: 'SITE_UNREACHABLE',
      message: 'the site ended in the middle of its answer',
    });
  } catch (error) {
    throw stop.signal.aborted ? new PicketError({ code: 'CANCELLED', message: 'cancelled' }) : error;
  } finally {
    process.removeListener('SIGINT', cancel);
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  }
}

function tellProgress(progress: { events: number; matches: number; done: number }): void {
  const text = `${Math.floor(progress.done * 100)}%  ${progress.events} events looked at, ${progress.matches} matches`;
  process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${text}` : `${text}\n`);
}
