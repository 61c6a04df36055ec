/** Runs a real rsyslogd in the foreground with a configuration of the test's own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { requireProgram } from './programs.ts';
import { startProcess } from './running-process.ts';
import { waitUntil } from './wait-until.ts';

export interface Rsyslog {
  pid: number;
  /** Its working folder (spool files); removed by stop. */
  folder: string;
  said: () => string;
  stop: () => Promise<void>;
}

async function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port }, () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

/**
 * Starts rsyslogd. `config` is RainerScript; `ready_port` is a TCP port its imtcp listens on, awaited if given.
 * Rejects with rsyslog's own words when the configuration is bad.
 */
export async function startRsyslog(options: {
  config: string;
  ready_port?: number;
  signal?: AbortSignal;
}): Promise<Rsyslog> {
  const rsyslogd = requireProgram('rsyslogd');
  const folder = await mkdtemp(join(tmpdir(), 'picket-rsyslog-'));
  const file = join(folder, 'rsyslog.conf');
  await writeFile(file, `global(workDirectory="${folder}")\n${options.config}\n`);
  const checked = await execa(rsyslogd, ['-N1', '-f', file], { reject: false, all: true, timeout: 10_000 });
  if (checked.failed) {
    await rm(folder, { recursive: true, force: true });
    throw new Error(`rsyslogd refused its configuration:\n${checked.all}`);
  }
  const running = startProcess({
    file: rsyslogd,
    args: ['-n', '-f', file, '-i', join(folder, 'rsyslogd.pid')],
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const stop = async (): Promise<void> => {
    await running.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await waitUntil({
      what: 'rsyslogd is ready',
      timeout_ms: 15_000,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      holds: async () => {
        if (running.ended()) throw new Error(`rsyslogd ended early:\n${running.said()}`);
        return options.ready_port === undefined || listens(options.ready_port);
      },
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: running.pid, folder, said: running.said, stop };
}
