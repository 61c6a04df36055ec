// Starts every receiver that a site's sources ask for.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Intake } from '../ingest/intake.ts';
import { startNetflowUdpReceiver } from '../ingest/receivers/netflow-udp.ts';
import type { Receiver } from '../ingest/receivers/receiver.ts';
import { startHttpReceivers } from '../ingest/receivers/start-http-receivers.ts';
import { startSyslogTcpReceiver, startSyslogTlsReceiver } from '../ingest/receivers/syslog-tcp.ts';
import { startSyslogUdpReceiver } from '../ingest/receivers/syslog-udp.ts';
import { startTailReceiver } from '../ingest/receivers/tail-file.ts';
import type { ReceiverConfig, SourceConfig } from '../ingest/source-config.ts';
import type { Clock } from '../platform/core/clock.ts';
import type { Logger } from '../platform/core/log.ts';
import { describeListenError } from './describe-listen-error.ts';
import { readTls } from './read-tls.ts';
import type { SiteConfig } from './site-config.ts';

/** Resolves when all listen; on a failure those that began are closed. @throws PicketError PORT_TAKEN, PORT_REFUSED */
export async function startReceivers(options: {
  config: SiteConfig;
  /** Where checkpoints of followed files are kept. */
  folder: string;
  intake: Intake;
  clock: Clock;
  logger: Logger;
}): Promise<{ close(): Promise<void> }> {
  const { config, intake, clock, logger } = options;
  const started: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> =>
    void (await Promise.all(started.map((receiver) => receiver.close())));
  try {
    if (config.ingest) {
      const { host, port, tls } = config.ingest;
      started.push(
        await startHttpReceivers({
          host,
          port,
          ...(tls ? { tls: readTls(tls) } : {}),
          intake,
          clock,
          logger,
        }).catch(describeListenError({ host, port })),
      );
    }
    for (const source of config.sources) {
      for (const receiver of source.receivers) {
        const begun = await startReceiver({ ...options, source, receiver });
        if (begun) started.push(begun);
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}

async function startReceiver(options: {
  config: SiteConfig;
  /** Where checkpoints of followed files are kept. */
  folder: string;
  intake: Intake;
  clock: Clock;
  logger: Logger;
  source: SourceConfig;
  receiver: ReceiverConfig;
}): Promise<Receiver | undefined> {
  const { intake, clock, logger, source, receiver } = options;
  if (receiver.type === 'http' || receiver.type === 'bulk') return undefined;
  const open = intake.sources.get(source.id);
  const common = {
    sourceId: source.id,
    intake,
    limiter: open?.limiter,
    max_record_bytes: open?.max_record_bytes ?? 1_048_576,
    clock,
    onError: (error: unknown) => logger.error({ err: error, source: source.id }, 'receiver'),
  };
  if (receiver.type === 'file') {
    const checkpoint_file = join(options.folder, 'tail', `${source.id}.json`);
    mkdirSync(dirname(checkpoint_file), { recursive: true });
    const { paths, from, poll_interval_ms } = receiver;
    return startTailReceiver({ ...common, paths, from, poll_interval_ms, checkpoint_file });
  }
  const { host, port } = receiver;
  const network = { ...common, host, port, addresses: source.access.addresses };
  const explain = describeListenError({ host, port });
  switch (receiver.type) {
    case 'udp-syslog':
      return startSyslogUdpReceiver(network).catch(explain);
    case 'udp-netflow':
      return startNetflowUdpReceiver(network).catch(explain);
    case 'tcp-syslog':
      return startSyslogTcpReceiver({ ...network, max_connections: receiver.max_connections }).catch(explain);
    case 'tls-syslog': {
      const { certificate, key, client_ca } = readTls(receiver.tls);
      const { client_certificate } = source.access;
      const tls = {
        certificate,
        key,
        client_ca,
        client_certificate,
        max_connections: receiver.max_connections,
      };
      return startSyslogTlsReceiver({ ...network, ...tls }).catch(explain);
    }
  }
}
