/** Runs a real Elasticsearch node (its core, from Maven) on free loopback ports: open, or with users and their passwords. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { appendFile, chown, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findFreePorts } from './free-port.ts';
import { requireProgram } from './programs.ts';
import { type RunningProcess, startProcess } from './running-process.ts';
import { waitUntil } from './wait-until.ts';

/** PEM texts. */
export interface ElasticsearchTls {
  readonly certificate: string;
  readonly key: string;
  /** Who signs clients: those without a certificate of it are refused. */
  readonly client_ca?: string;
}

export interface Elasticsearch {
  /** `http://127.0.0.1:<port>`, or https with `tls` */
  readonly url: string;
  /** Of the launcher, whose child the node is. */
  pid(): number;
  said(): string;
  /** SIGKILL: as a power cut would end it. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again over the same data, on the same ports, and waits until it answers. */
  start(): Promise<void>;
  /** Other users and hashes of their passwords from now on; the node notices within some seconds. */
  setUsers(users: Readonly<Record<string, string>>): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** Elasticsearch refuses to run as root: there it runs as `nobody`. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/**
 * Starts a node; ready in about twenty seconds. Needs jdk and elasticsearch.
 * `users`: with security, each with its password as a bcrypt hash (`$2a$`) and the role superuser.
 * Rejects with the end of its output when it does not come up in `timeout_ms` (120 s).
 */
export async function startElasticsearch(
  options: {
    users?: Readonly<Record<string, string>>;
    /** Needs users. */
    tls?: ElasticsearchTls;
    settings?: readonly string[];
    /** Folder of the data, when it is to stand elsewhere; kept by the caller. */
    data?: string;
    timeout_ms?: number;
    signal?: AbortSignal;
  } = {},
): Promise<Elasticsearch> {
  const folder = await mkdtemp(join(tmpdir(), 'picket-elasticsearch-'));
  const home = join(folder, 'home');
  const data = options.data ?? join(folder, 'data');
  // A copy of its own: it writes beside its configuration, and may not read where this user keeps things.
  await cp(dirname(dirname(requireProgram('elasticsearch'))), home, { recursive: true });
  await Promise.all(['data', 'logs'].map((name) => mkdir(join(folder, name), { recursive: true })));
  const config = join(home, 'config');
  const users = Object.entries(options.users ?? {});
  const setUsers = (hashes: Readonly<Record<string, string>>): Promise<void> => {
    const lines = Object.entries(hashes).map(([name, hash]) => `${name}:${hash}\n`);
    return writeFile(join(config, 'users'), lines.join(''));
  };
  await setUsers(options.users ?? {});
  await writeFile(
    join(config, 'users_roles'),
    users.length === 0 ? '' : `superuser:${users.map(([name]) => name).join(',')}\n`,
  );
  const tlsSettings = await keepTls(config, options.tls);
  await appendFile(join(config, 'elasticsearch.yml'), `${(options.settings ?? []).join('\n')}\n`);
  if (isRoot) {
    chmodSync(folder, 0o755);
    execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, folder]);
    await chown(data, NOBODY, NOBODY);
  }
  const [port, transport] = (await findFreePorts(2)) as [number, number];
  const url = `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  let running: RunningProcess | undefined;
  const start = async (): Promise<void> => {
    const given = {
      'discovery.type': 'single-node',
      'http.port': String(port),
      'transport.port': String(transport),
      'path.data': data,
      'path.logs': join(folder, 'logs'),
      'xpack.security.enabled': String(users.length > 0),
      'xpack.security.transport.ssl.enabled': 'false',
      ...tlsSettings,
      // A test's disk may be nearly full; those that need the bounds set them.
      'cluster.routing.allocation.disk.threshold_enabled': 'false',
    };
    const program = ['bash', join(home, 'bin', 'elasticsearch')];
    const [file, ...args] = [
      ...(isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : []),
      ...program,
      ...Object.entries(given).flatMap(([name, value]) => ['-E', `${name}=${value}`]),
    ] as [string, ...string[]];
    const started = startProcess({
      file,
      args,
      folder: home,
      environment: {
        HOME: folder,
        ES_JAVA_HOME: dirname(dirname(requireProgram('jdk'))),
        ES_JAVA_OPTS: '-Xms1g -Xmx1g',
      },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    running = started;
    await waitUntil({
      what: 'Elasticsearch answers',
      timeout_ms: options.timeout_ms ?? 120_000,
      interval_ms: 200,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      holds: async () => {
        if (started.ended()) throw new Error(`Elasticsearch ended early:\n${started.said()}`);
        return options.tls ? isOpen(port) : isUp(url);
      },
    });
  };
  const stop = async (): Promise<void> => {
    await running?.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    await start();
  } catch (error) {
    const said = running?.said() ?? '';
    await stop();
    throw new Error(`Elasticsearch did not start:\n${said}`, { cause: error });
  }
  return {
    url,
    pid: () => running?.pid ?? -1,
    said: () => running?.said() ?? '',
    async kill() {
      const ended = running;
      if (!ended || ended.ended()) return;
      for (const pid of [...childrenOf(ended.pid), ended.pid]) process.kill(pid, 'SIGKILL');
      await waitUntil({ what: 'Elasticsearch is gone', timeout_ms: 10_000, holds: () => ended.ended() });
    },
    start,
    setUsers,
    stop,
  };
}

/** The launcher starts the node as a process of its own. */
function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Without credentials a secured node answers 401, which is an answer. */
/** Writes the files beside the node's configuration, and says where they are. */
async function keepTls(config: string, tls: ElasticsearchTls | undefined): Promise<Record<string, string>> {
  if (!tls) return {};
  const name = 'xpack.security.http.ssl';
  await writeFile(join(config, 'http.crt'), tls.certificate);
  await writeFile(join(config, 'http.key'), tls.key);
  if (tls.client_ca !== undefined) await writeFile(join(config, 'clients.crt'), tls.client_ca);
  return {
    [`${name}.enabled`]: 'true',
    [`${name}.certificate`]: 'http.crt',
    [`${name}.key`]: 'http.key',
    ...(tls.client_ca === undefined
      ? {}
      : {
          [`${name}.certificate_authorities`]: 'clients.crt',
          [`${name}.client_authentication`]: 'required',
        }),
  };
}

/** A node that asks for certificates says nothing to those that have none: that it listens must do. */
function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function isUp(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/_cluster/health?wait_for_status=yellow&timeout=5s`);
    await answer.arrayBuffer();
    return answer.status === 200 || answer.status === 401;
  } catch {
    return false;
  }
}
