// docs/kafka.md tells of the topics as they are declared.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { commandTopic, ingressTopic, TOPICS } from '../../../../platform/core/topics.ts';

const DAY_MS = 86_400_000;
const GIB = 1024 ** 3;

test('the table of docs/kafka.md has every declared topic with its partitions and retention, and no other', () => {
  const page = readFileSync(new URL('../../../../docs/kafka.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(picket\.[^`]+)` \| (\d+) \| (\d+) \| (\d+) \|/gm)].map(
    ([, name, partitions, days, gib]) => [name, Number(partitions), Number(days), Number(gib)],
  );
  const declared = [...Object.values(TOPICS), ingressTopic('SITE'), commandTopic('SITE')].map((topic) => [
    topic.name,
    topic.partitions,
    topic.retention_ms / DAY_MS,
    topic.retention_bytes / GIB,
  ]);
  expect(rows).toEqual(declared);
});
