// One HTTP/2 connection to the parent, its authority pinned, with requests and the command stream on it.
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { describeError, PicketError } from '../core/errors.ts';
import { IssuedIdentity } from '../identity/messages.ts';
import { MAX_JSON_BYTES, Problem, ROUTES } from './protocol.ts';

/** How long one request may take, and the connection to come up. */
const REQUEST_MS = 30_000;
const CONNECT_MS = 10_000;

export interface LinkConnection {
  /** POSTs and gives the answer's JSON. @throws PicketError with the parent's code, or LINK_UNREACHABLE */
  request(options: { path: string; body: Buffer; signal: AbortSignal }): Promise<unknown>;
  /** Opens the command stream; resolves when it ends. @throws PicketError as request */
  commands(options: { onLine: (line: string) => void; signal: AbortSignal }): Promise<void>;
  /** Resolves true when the parent answered a ping in time. */
  ping(timeout_ms: number): Promise<boolean>;
  readonly closed: Promise<void>;
  close(): void;
}

/** @throws PicketError LINK_UNREACHABLE */
export function connectLink(options: {
  url: string;
  /** PEM of the only authority that is believed. */
  ca: string;
  identity?: { key: string; certificate: string };
  signal: AbortSignal;
}): Promise<LinkConnection> {
  const { url, ca, identity, signal } = options;
  return new Promise((resolve, reject) => {
    const session = http2.connect(url, {
      ca,
      minVersion: 'TLSv1.3',
      ...(identity ? { key: identity.key, cert: identity.certificate } : {}),
    });
    const fail = (error: unknown): void => {
      session.destroy();
      reject(unreachable(url, error));
    };
    const abort = (): void => fail(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const timer = setTimeout(() => fail(new Error('no answer')), CONNECT_MS);
    const closed = new Promise<void>((resolveClosed) => {
      session.once('close', () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        reject(unreachable(url, new Error('closed by the parent')));
        resolveClosed();
      });
    });
    session.on('error', fail);
    session.once('connect', () => {
      clearTimeout(timer);
      resolve(wrap({ session, url, closed }));
    });
  });
}

function wrap(options: { session: ClientHttp2Session; url: string; closed: Promise<void> }): LinkConnection {
  const { session, url, closed } = options;
  return {
    closed,
    request: async ({ path, body, signal }) => {
      const stream = openStream({ session, url, method: 'POST', path, signal });
      stream.setTimeout(REQUEST_MS, () => stream.destroy(new Error('no answer')));
      stream.end(body);
      return readAnswer({ stream, url });
    },
    commands: async ({ onLine, signal }) => {
      const stream = openStream({ session, url, method: 'GET', path: ROUTES.commands, signal });
      stream.end();
      await readLines({ stream, url, onLine });
    },
    ping: (timeout_ms) =>
      new Promise((resolve) => {
        if (session.destroyed) {
          resolve(false);
          return;
        }
        const timer = setTimeout(() => resolve(false), timeout_ms);
        try {
          session.ping((error) => {
            clearTimeout(timer);
            resolve(error === null);
          });
        } catch {
          clearTimeout(timer);
          resolve(false);
        }
      }),
    close: () => session.destroy(),
  };
}

function openStream(options: {
  session: ClientHttp2Session;
  url: string;
  method: string;
  path: string;
  signal: AbortSignal;
}): ClientHttp2Stream {
  const { session, method, path, signal } = options;
  if (session.destroyed || session.closed)
    throw unreachable(options.url, new Error('the connection is closed'));
  try {
    const stream = session.request({ ':method': method, ':path': path }, { signal, endStream: false });
    // Whoever reads the stream hears of its faults; one that nobody reads any more must not end the process.
    stream.on('error', () => undefined);
    return stream;
  } catch (error) {
    throw unreachable(options.url, error);
  }
}

async function readAnswer({ stream, url }: { stream: ClientHttp2Stream; url: string }): Promise<unknown> {
  let status = 0;
  stream.on('response', (headers) => {
    status = Number(headers[':status']);
  });
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of stream as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > MAX_JSON_BYTES) throw new Error('the answer is too long');
      parts.push(part);
    }
  } catch (error) {
    throw unreachable(url, error);
  }
  return readJson({ status, text: Buffer.concat(parts).toString('utf8'), url });
}

function readJson({ status, text, url }: { status: number; text: string; url: string }): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreachable(url, error);
  }
  if (status === 200) return value;
  const problem = Problem.safeParse(value);
  if (!problem.success) throw unreachable(url, new Error(`status ${status}`));
  throw new PicketError({ code: problem.data.code, message: problem.data.detail, place: { at: url } });
}

/** A posture of ten thousand entries fits. */
const MAX_COMMAND_LENGTH = 16 * MAX_JSON_BYTES;

async function readLines(options: {
  stream: ClientHttp2Stream;
  url: string;
  onLine: (line: string) => void;
}): Promise<void> {
  const { stream, url, onLine } = options;
  let status = 0;
  stream.on('response', (headers) => {
    status = Number(headers[':status']);
  });
  stream.setEncoding('utf8');
  // What has no end yet is kept in pieces: joined anew for each piece, a long line would cost its square.
  let pieces: string[] = [];
  let length = 0;
  try {
    for await (const part of stream as AsyncIterable<string>) {
      const end = status === 200 ? part.lastIndexOf('\n') : -1;
      if (end >= 0) {
        const lines = (pieces.join('') + part.slice(0, end)).split('\n');
        pieces = [];
        length = 0;
        lines.filter((line) => line !== '').forEach(onLine);
      }
      const rest = part.slice(end + 1);
      pieces.push(rest);
      length += rest.length;
      if (length > (status === 200 ? MAX_COMMAND_LENGTH : MAX_JSON_BYTES))
        throw new Error('a command is too long');
    }
  } catch (error) {
    throw unreachable(url, error);
  }
  if (status !== 200) readJson({ status, text: pieces.join(''), url });
}

/** @throws PicketError LINK_ENROLMENT_WRONG */
export function readIssued(answer: unknown): IssuedIdentity {
  const parsed = IssuedIdentity.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new PicketError({
    code: 'LINK_ENROLMENT_WRONG',
    message: 'the parent gave no identity that can be read',
  });
}

function unreachable(url: string, error: unknown): PicketError {
  return new PicketError({
    code: 'LINK_UNREACHABLE',
    message: `${url}: ${describeError(error)}`,
    cause: error,
  });
}
