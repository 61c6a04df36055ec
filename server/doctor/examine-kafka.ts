// The brokers and topics of the bus: reachable, whole, and as declared.

import type { KafkaBusConfig } from '../../platform/bus/bus-config.ts';
import { describeBus } from '../../platform/bus/open-bus.ts';
import { describeError, errorCode } from '../../platform/core/errors.ts';
import type { Logger } from '../../platform/core/log.ts';
import { kafkaSettings } from '../open-site-bus.ts';
import { type Finding, good, problem, warning } from './finding.ts';

export async function examineKafka(config: KafkaBusConfig, site: string, logger: Logger): Promise<Finding[]> {
  const subject = `Kafka at ${config.brokers.join(', ')}`;
  let state: Awaited<ReturnType<typeof describeBus>>;
  try {
    state = await describeBus({ ...kafkaSettings(config, site), logger });
  } catch (error) {
    return [problem(subject, `${describeError(error)} [${errorCode(error)}]`, remedyOf(errorCode(error)))];
  }
  if (state.engine !== 'kafka') return [];
  const cluster = `cluster ${state.cluster_id}, ${state.brokers.length} brokers`;
  const findings: Finding[] = [
    state.controller === undefined
      ? warning(
          subject,
          `${cluster}, no controller`,
          'look at the logs of the controllers: topics cannot be made or moved now',
        )
      : good(subject, cluster),
  ];
  for (const { name, partitions, replicas, offline, under_replicated, differences } of state.topics) {
    const topic = `Kafka topic ${name}`;
    if (partitions === 0)
      findings.push(
        config.topics.create
          ? good(topic, 'not there yet: the first start makes it')
          : problem(
              topic,
              'not there',
              'make it as docs/kafka.md lists it, or set `bus.topics.create: true`',
            ),
      );
    else if (offline.length > 0)
      findings.push(
        problem(topic, `partitions ${offline.join(', ')} have no leader`, 'start the brokers that hold them'),
      );
    else if (differences.length > 0) findings.push(...differences.map((text) => asFinding(topic, text)));
    else if (under_replicated.length > 0)
      findings.push(
        warning(
          topic,
          `copies of partitions ${under_replicated.join(', ')} are behind`,
          'see which broker is away or slow',
        ),
      );
    else findings.push(good(topic, `${partitions} partitions, ${replicas} copies`));
  }
  return findings;
}

/** `setting is A, declared is B: command` */
function asFinding(topic: string, difference: string): Finding {
  const at = difference.indexOf(': ');
  if (at < 0) return warning(topic, difference, 'see docs/kafka.md');
  return warning(topic, difference.slice(0, at), difference.slice(at + 2));
}

function remedyOf(code: string): string {
  if (code === 'BUS_AUTHENTICATION')
    return 'compare `bus.sasl` and `bus.tls` with the account at the brokers';
  if (code === 'BUS_FORBIDDEN') return 'give the account the rights of docs/kafka.md, Rights';
  return 'see whether the brokers run and `bus.brokers` names them as they are reached from here';
}
