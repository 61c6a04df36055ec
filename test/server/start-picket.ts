// Starts the real command line as a process: to its end for one-shot commands, or until it says that it is ready.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type SiteAddress, type StreamingClient } from '../../server/commands/api-client.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', 'server', 'picket.ts');

/** The environment of a child, without what would steer it unasked. */
function environmentOf(extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const { PICKET_URL: _url, PICKET_TOKEN: _token, PICKET_DATA: _data, ...rest } = process.env;
  return { ...rest, NO_COLOR: '1', ...extra };
}

export interface Finished {
  /** Exit code; undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `picket` with these arguments to its end; `input` goes to its standard input. */
export function runPicket(
  args: readonly string[],
  options: {
    input?: string | Buffer;
    environment?: Readonly<Record<string, string>>;
    folder?: string;
    timeout_ms?: number;
  } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      env: environmentOf(options.environment ?? {}),
      timeout: options.timeout_ms ?? 90_000,
      ...(options.folder === undefined ? {} : { cwd: options.folder }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (piece: Buffer) => (stdout += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (stderr += piece.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? undefined, stdout, stderr }));
    // A command that refuses its arguments reads nothing.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

export interface RunningPicket {
  readonly child: ChildProcess;
  /** What stood after `ready: `: of a process that serves no API the name of its instance. */
  readonly url: string;
  /** The one-time sign-in link; empty for a process that serves no API. */
  readonly signIn: string;
  said(): string;
  /** SIGTERM, then waits for the end; resolves to the exit code. */
  stop(): Promise<number | undefined>;
  /** SIGKILL, then waits for the end. */
  kill(): Promise<void>;
}

/** Starts `picket up …` and resolves when it printed `ready:`, with its sign-in link where it serves the API; rejects with what it said when it ends first. */
export function startPicket(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<RunningPicket> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      env: environmentOf(environment),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    const ended = new Promise<number | undefined>((end) =>
      child.once('exit', (code) => end(code ?? undefined)),
    );
    const signal = async (name: 'SIGTERM' | 'SIGKILL'): Promise<number | undefined> => {
      child.kill(name);
      return ended;
    };
    const look = (piece: Buffer): void => {
      text += piece.toString();
      const url = /^ready: (\S+)$/m.exec(text)?.[1];
      const signIn = /^sign in: (\S+)$/m.exec(text)?.[1] ?? '';
      if (url === undefined || (signIn === '' && url.includes('://'))) return;
      resolve({
        child,
        url,
        signIn,
        said: () => text,
        stop: () => signal('SIGTERM'),
        kill: async () => void (await signal('SIGKILL')),
      });
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`ended before it was ready (${code}): ${text}`)));
  });
}

/** What a running site wrote of itself into its data folder. */
export function readAddress(data: string): SiteAddress {
  return JSON.parse(readFileSync(join(data, 'api.json'), 'utf8')) as SiteAddress;
}

/** A client of the site that owns a data folder, as it is now. */
export function clientOf(data: string): StreamingClient {
  return createClient(readAddress(data));
}

/** A folder of its own under the system's temporary one, and how to be rid of it. */
export function makeFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'picket-test-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }) };
}
