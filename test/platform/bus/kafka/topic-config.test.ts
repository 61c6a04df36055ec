// What a declared topic is in Kafka's settings, and what is said of one that differs.
import { describe, expect, test } from 'vitest';
import { compareTopic, describeRemedy, topicConfig } from '../../../../platform/bus/kafka/topic-config.ts';
import { TOPICS } from '../../../../platform/core/topics.ts';

const MESSAGE_BYTES = 1024 ** 2;

function wantedOf(topic: (typeof TOPICS)[keyof typeof TOPICS], replication_factor = 1) {
  return topicConfig({ topic, max_message_bytes: MESSAGE_BYTES, replication_factor });
}

describe('a topic in Kafka', () => {
  test('keeps what is declared, by the time of appending', () => {
    expect(wantedOf(TOPICS.events)).toMatchObject({
      'cleanup.policy': 'delete',
      'retention.ms': String(TOPICS.events.retention_ms),
      'retention.bytes': String(TOPICS.events.retention_bytes),
      'message.timestamp.type': 'LogAppendTime',
      'max.message.bytes': String(MESSAGE_BYTES),
    });
  });

  test('is cut into enough segments that dropping one leaves most of what is to be kept', () => {
    for (const topic of Object.values(TOPICS)) {
      const config = wantedOf(topic);
      expect(Number(config['segment.bytes']) * 4).toBeLessThanOrEqual(topic.retention_bytes);
      expect(Number(config['segment.ms']) * 4).toBeLessThanOrEqual(topic.retention_ms);
    }
  });

  test('with three copies may lose one of them, and no more, before it refuses to acknowledge', () => {
    expect(wantedOf(TOPICS.events, 3)['min.insync.replicas']).toBe('2');
    expect(wantedOf(TOPICS.events, 1)['min.insync.replicas']).toBe('1');
  });

  test('that is as declared, or allows larger messages, is not said to differ', () => {
    const wanted = wantedOf(TOPICS.events);
    const { partitions } = TOPICS.events;
    expect(compareTopic({ topic: TOPICS.events, partitions, config: wanted, wanted })).toEqual([]);
    const config = { ...wanted, 'max.message.bytes': String(MESSAGE_BYTES * 2) };
    expect(compareTopic({ topic: TOPICS.events, partitions, config, wanted })).toEqual([]);
    // An account that may not look at settings sees none.
    expect(compareTopic({ topic: TOPICS.events, partitions, config: {}, wanted })).toEqual([]);
  });

  test('that differs is said, with the command that puts it right; partitions and compaction stop the work', () => {
    const wanted = wantedOf(TOPICS.events);
    const config = { ...wanted, 'retention.ms': '1', 'cleanup.policy': 'compact' };
    const differences = compareTopic({ topic: TOPICS.events, partitions: 3, config, wanted });
    expect(differences.map(({ setting, fatal }) => [setting, fatal])).toEqual([
      ['partitions', true],
      ['cleanup.policy', true],
      ['retention.ms', false],
    ]);
    const retention = differences[2];
    expect(retention && describeRemedy('picket.events', retention)).toBe(
      `kafka-configs.sh --alter --entity-type topics --entity-name picket.events --add-config retention.ms=${TOPICS.events.retention_ms}`,
    );
  });
});
