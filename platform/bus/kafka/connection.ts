// Connections to the cluster: kafkajs' clients with our settings, and one that is made anew after any fault.
import kafkajs, { type Cluster, type Kafka, type logLevel } from 'kafkajs';
import type { Logger } from '../../core/log.ts';
import { faultType } from './faults.ts';
import type { KafkaBusLimits, KafkaConnectionSettings } from './settings.ts';
import { registerZstd } from './zstd-codec.ts';

/** Metadata older than this is asked for again. */
const METADATA_MS = 60_000;

/**
 * kafkajs (2.2, RequestQueue) sets a timer of minus the time since the epoch whenever it has not been throttled yet;
 * Node takes it as 1 ms and warns on stderr. That one warning is left out.
 */
function leaveOutTimerWarning(): void {
  if (isTimerWarningLeftOut) return;
  isTimerWarningLeftOut = true;
  const emit = process.emitWarning.bind(process);
  process.emitWarning = ((warning: string | Error, ...more: [string]) => {
    if (more[0] === 'TimeoutNegativeWarning' && /^-1\d{12} is a negative/.test(String(warning))) return;
    emit(warning, ...more);
  }) as typeof process.emitWarning;
}
let isTimerWarningLeftOut = false;

/** kafkajs' client; its own retries are few, since what stands on it tries again itself, within bounds it knows. */
export function createKafka(options: {
  settings: KafkaConnectionSettings;
  limits: KafkaBusLimits;
  logger: Logger;
}): Kafka {
  const { settings, limits, logger } = options;
  const { tls, sasl } = settings;
  registerZstd();
  leaveOutTimerWarning();
  return new kafkajs.Kafka({
    clientId: settings.client_id,
    brokers: [...settings.brokers],
    connectionTimeout: limits.connect_timeout_ms,
    authenticationTimeout: limits.connect_timeout_ms,
    requestTimeout: limits.request_timeout_ms,
    enforceRequestTimeout: true,
    retry: { retries: 1, initialRetryTime: limits.retry_first_ms, maxRetryTime: 1_000 },
    ...(tls
      ? {
          ssl: {
            ...(tls.ca === undefined ? {} : { ca: tls.ca }),
            ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
            ...(tls.key === undefined ? {} : { key: tls.key }),
            ...(tls.server_name === undefined ? {} : { servername: tls.server_name }),
          },
        }
      : {}),
    ...(sasl
      ? {
          sasl: {
            mechanism: sasl.mechanism,
            username: sasl.username,
            password: sasl.password,
          } as kafkajs.SASLOptions,
        }
      : {}),
    logLevel: kafkajs.logLevel.WARN,
    logCreator: () => (entry) => writeEntry(logger, entry),
  });
}

/** What kafkajs logs is for those who look for a fault: whatever matters is told by who asked. */
function writeEntry(
  logger: Logger,
  { namespace, log }: { namespace: string; level: logLevel; log: { message: string } },
): void {
  const { message, ...more } = log;
  logger.debug({ part: namespace, kafka: more }, message);
}

/**
 * kafkajs gives its cluster to assigners of partitions (a documented interface) and to nobody else: the consumer is
 * made for that and never run.
 */
function openCluster(kafka: Kafka): Cluster {
  let found: Cluster | undefined;
  kafka.consumer({
    groupId: 'unused',
    allowAutoTopicCreation: false,
    metadataMaxAge: METADATA_MS,
    readUncommitted: true,
    partitionAssigners: [
      ({ cluster }) => {
        found = cluster;
        return {
          name: 'unused',
          version: 0,
          assign: () => Promise.resolve([]),
          protocol: () => ({ name: 'unused', metadata: Buffer.alloc(0) }),
        };
      },
    ],
  });
  if (!found) throw new Error('kafkajs gave no cluster to its assigner');
  return found;
}

/** Of several topics one that is missing is looked for again after this. */
const LOOK_AGAIN_MS = 2_000;

class MissingTopic extends Error {
  constructor(cause: unknown) {
    super('a topic is not there', { cause });
  }
}

/** One set of sockets. After a fault it is left behind and the next use makes another: kafkajs keeps no half-dead state that way. */
export class Connection {
  readonly #kafka: Kafka;
  #cluster: Cluster | undefined;
  #ready: Promise<void> = Promise.resolve();
  #topics = new Set<string>();
  /** Topics that were not there, and when they were looked for. */
  #missing = new Map<string, number>();
  #closed = false;

  constructor(kafka: Kafka) {
    this.#kafka = kafka;
  }

  /**
   * Connected, with the metadata of these topics; of several, those that are not there are left out.
   * @throws kafkajs' errors, also UNKNOWN_TOPIC_OR_PARTITION when the only one is not there
   */
  async use(topics: readonly string[] = []): Promise<Cluster> {
    if (this.#closed) throw new Error('the connection is closed');
    let cluster = this.#cluster;
    if (!cluster) {
      const opened = openCluster(this.#kafka);
      cluster = this.#cluster = opened;
      this.#topics = new Set();
      this.#missing = new Map();
      this.#ready = opened.connect();
    }
    try {
      await this.#ready;
      await this.#learn(cluster, topics);
    } catch (error) {
      // An answer of a broker that is well: the sockets are good.
      if (!(error instanceof MissingTopic)) this.fail(cluster);
      throw error instanceof MissingTopic ? error.cause : error;
    }
    return cluster;
  }

  async #learn(cluster: Cluster, topics: readonly string[]): Promise<void> {
    // Without a topic of its own kafkajs asks for every topic of the cluster.
    const unknown = topics.filter((topic) => !this.#topics.has(topic));
    if (unknown.length === 0 && this.#topics.size > 0) await cluster.refreshMetadataIfNecessary();
    for (const topic of unknown) {
      const looked = this.#missing.get(topic);
      if (topics.length > 1 && looked !== undefined && performance.now() - looked < LOOK_AGAIN_MS) continue;
      try {
        await cluster.addMultipleTargetTopics([topic]);
        if (this.#cluster === cluster) this.#topics.add(topic);
        this.#missing.delete(topic);
      } catch (cause) {
        if (faultType(cause) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw cause;
        // One that was known before may be the one that is gone: then this fails as well, and all are learned anew.
        if (this.#topics.size > 0) await cluster.refreshMetadata();
        this.#missing.set(topic, performance.now());
        if (topics.length === 1) throw new MissingTopic(cause);
      }
    }
  }

  /** Leaves `cluster` behind, if it is still the one in use. */
  fail(cluster: Cluster | undefined = this.#cluster): void {
    if (!cluster || this.#cluster !== cluster) return;
    this.#cluster = undefined;
    cluster.disconnect().catch(() => {});
  }

  async close(): Promise<void> {
    this.#closed = true;
    const cluster = this.#cluster;
    this.#cluster = undefined;
    if (!cluster) return;
    await this.#ready.catch(() => {});
    await cluster.disconnect().catch(() => {});
  }
}
