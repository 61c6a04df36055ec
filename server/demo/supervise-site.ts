// Runs one site as a child process, starts it again when it dies, and ends it cleanly.
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { PicketError } from '../../platform/core/errors.ts';
import { PROGRAM_FOLDER } from '../content-path.ts';

/** What a site's process tells its parent. */
export type SiteMessage = { type: 'ready'; url: string } | { type: 'failed'; code: string; message: string };

export interface SupervisedSite {
  readonly id: string;
  readonly url: string;
  /** Ends the process and resolves when it is gone; after the grace it is killed. */
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 15_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/**
 * Resolves when the site is ready. Later deaths are told and mended with growing waits.
 * @throws PicketError with the site's own code and sentence when the first start fails
 */
export async function superviseSite(options: {
  id: string;
  configFile: string;
  tell: (line: string) => void;
}): Promise<SupervisedSite> {
  const { id, configFile, tell } = options;
  let child: ChildProcess | undefined;
  let stopping = false;
  let wait = FIRST_WAIT_MS;
  let url = '';
  let again: NodeJS.Timeout | undefined;

  const start = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const started = fork(join(PROGRAM_FOLDER, 'server', 'picket.ts'), ['up', '--site', configFile], {
        // stderr is kept: a crash before the log is open must be seen.
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      child = started;
      let ready = false;
      started.on('message', (message: SiteMessage) => {
        if (message.type === 'failed')
          reject(new PicketError({ code: message.code, message: `${id}: ${message.message}` }));
        else {
          ready = true;
          wait = FIRST_WAIT_MS;
          resolve(message.url);
        }
      });
      started.once('exit', (code, signal) => {
        child = undefined;
        const cause = signal ?? `exit code ${code}`;
        // A start that failed is told by the rejection alone: whoever asked for it decides what follows.
        if (!ready) {
          reject(
            new PicketError({
              code: 'SITE_NOT_STARTED',
              message: `${id} ended before it was ready (${cause})`,
            }),
          );
        } else if (!stopping && url !== '') {
          tell(`${id} ended (${cause}); it is started again`);
          restart();
        }
      });
    });

  const restart = (): void => {
    again = setTimeout(() => {
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
      start().then(
        () => tell(`${id} is back`),
        (error: unknown) => {
          tell(error instanceof Error ? error.message : String(error));
          if (!stopping) restart();
        },
      );
    }, wait);
  };

  url = await start();
  return {
    id,
    url,
    async stop() {
      stopping = true;
      clearTimeout(again);
      const running = child;
      if (!running) return;
      const gone = new Promise<void>((resolve) => running.once('exit', () => resolve()));
      running.kill('SIGTERM');
      const killer = setTimeout(() => running.kill('SIGKILL'), STOP_GRACE_MS);
      await gone;
      clearTimeout(killer);
    },
  };
}
