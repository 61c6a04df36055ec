/** Runs a real Kafka broker (KRaft, one node) on free loopback ports: open, or with mutual TLS, SASL and access rules. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { findFreePorts } from './free-port.ts';
import { kafkaSecurity, type SecuredListeners } from './kafka/security.ts';
import { listensOn } from './listens-on.ts';
import { requireProgram } from './programs.ts';
import { type RunningProcess, startProcess } from './running-process.ts';
import { waitUntil } from './wait-until.ts';

export interface Kafka {
  /** `127.0.0.1:<port>` of the listener without any security; of a secured broker, see `secured`. */
  readonly broker: string;
  readonly secured: SecuredListeners | undefined;
  pid(): number;
  said(): string;
  /** SIGKILL: as a power cut would end it. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again over the same data, on the same ports, and waits until it answers. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** Of one node that also keeps its own metadata; the rest as Kafka ships it. */
function baseSettings(folder: string): string[] {
  return [
    'process.roles=broker,controller',
    'node.id=1',
    'controller.listener.names=CONTROLLER',
    `log.dirs=${join(folder, 'data')}`,
    'offsets.topic.replication.factor=1',
    'offsets.topic.num.partitions=4',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'group.initial.rebalance.delay.ms=0',
    'auto.create.topics.enable=false',
    // A broker that was killed may register again only when its last session has ended.
    'broker.session.timeout.ms=2000',
    'broker.heartbeat.interval.ms=500',
    // A file of a deleted topic is of no use to a test.
    'log.segment.delete.delay.ms=1000',
  ];
}

/**
 * Starts a broker; ready in a few seconds. Needs java and kafka, with `secured` also openssl.
 * `settings` are further lines of server.properties. Rejects with the end of its output when it does not come up in `timeout_ms` (60 s).
 */
export async function startKafka(
  options: {
    secured?: boolean;
    settings?: readonly string[];
    timeout_ms?: number;
    signal?: AbortSignal;
  } = {},
): Promise<Kafka> {
  const folder = await mkdtemp(join(tmpdir(), 'picket-kafka-'));
  const classPath = join(dirname(requireProgram('kafka')), '*');
  const java = requireProgram('java');
  const [port, controllerPort, tlsPort, saslPort] = (await findFreePorts(4)) as [
    number,
    number,
    number,
    number,
  ];
  const security = options.secured
    ? await kafkaSecurity({ folder, tlsPort, saslPort, controllerPort })
    : undefined;
  const listeners = security?.settings ?? [
    `listeners=OPEN://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'listener.security.protocol.map=OPEN:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name=OPEN',
  ];
  const file = join(folder, 'server.properties');
  const settings = [
    ...baseSettings(folder),
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    ...listeners,
    ...(options.settings ?? []),
  ];
  await writeFile(file, `${settings.join('\n')}\n`, { mode: 0o600 });
  const readyPort = security ? saslPort : port;
  let running: RunningProcess | undefined;

  const start = async (): Promise<void> => {
    const started = startProcess({
      file: java,
      args: [
        '-Xmx512m',
        '-Xms256m',
        '-XX:TieredStopAtLevel=4',
        '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
        '-cp',
        classPath,
        'kafka.Kafka',
        file,
      ],
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    running = started;
    await waitUntil({
      what: 'Kafka listens',
      timeout_ms: options.timeout_ms ?? 60_000,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      holds: () => {
        if (started.ended()) throw new Error(`Kafka ended early:\n${started.said()}`);
        return listensOn(readyPort);
      },
    });
  };
  const stop = async (): Promise<void> => {
    await running?.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    await execa(
      java,
      [
        '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
        '-cp',
        classPath,
        'kafka.tools.StorageTool',
        'format',
        '--cluster-id',
        'cGlja2V0LXRlc3Qta2Fma2',
        '--config',
        file,
        ...(security?.formatArguments ?? []),
      ],
      { timeout: 60_000, stdin: 'ignore' },
    );
    await start();
  } catch (error) {
    const said = running?.said() ?? '';
    await stop();
    throw new Error(`Kafka did not start:\n${said}`, { cause: error });
  }
  return {
    broker: `127.0.0.1:${port}`,
    secured: security?.listeners,
    pid: () => running?.pid ?? -1,
    said: () => running?.said() ?? '',
    async kill() {
      const ended = running;
      if (!ended || ended.ended()) return;
      process.kill(ended.pid, 'SIGKILL');
      await waitUntil({ what: 'Kafka is gone', timeout_ms: 10_000, holds: () => ended.ended() });
    },
    start,
    stop,
  };
}
