/** Starts a program in the foreground, keeps the end of what it says, and ends it by its own handle. */
import { execa } from 'execa';

export interface RunningProcess {
  readonly pid: number;
  /** The last 16 kB of its standard output and error. */
  said: () => string;
  /** True once it has ended, for whatever reason. */
  ended: () => boolean;
  /** Ends it (SIGTERM, after five seconds SIGKILL) and resolves when it is gone. */
  stop: () => Promise<void>;
}

/** Starts `file` with an argument list; it is ended when `signal` aborts or this process exits. */
export function startProcess(options: {
  file: string;
  args: readonly string[];
  folder?: string;
  environment?: Record<string, string>;
  signal?: AbortSignal;
}): RunningProcess {
  const child = execa(options.file, options.args, {
    ...(options.folder === undefined ? {} : { cwd: options.folder }),
    ...(options.environment === undefined ? {} : { env: options.environment }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    all: true,
    buffer: false,
    cleanup: true,
    reject: false,
    stdin: 'ignore',
    forceKillAfterDelay: 5_000,
  });
  let tail = '';
  let over = false;
  child.all?.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString('utf8')).slice(-16_384);
  });
  const finish = async (): Promise<void> => {
    const result = await child;
    over = true;
    // It never ran: the reason stands in no output.
    if (child.pid === undefined) tail += result.shortMessage ?? '';
  };
  const finished = finish();
  return {
    pid: child.pid ?? -1,
    said: () => tail,
    ended: () => over,
    async stop() {
      if (!over) child.kill('SIGTERM');
      await finished;
    },
  };
}
