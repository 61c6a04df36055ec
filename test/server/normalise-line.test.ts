// Records outside a running site: a site's own events are taken as they are, and nobody else's in their name.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createLineNormaliser } from '../../server/commands/normalise-line.ts';

const [recorded = ''] = readFileSync('test/fixtures/site-events/site-events.ndjson', 'utf8').split('\n');

describe('a line of the format picket', () => {
  test('is the event that it was when the site made it', () => {
    const [event] = createLineNormaliser('picket')(Buffer.from(recorded));
    expect(event).toEqual(JSON.parse(recorded));
  });

  test.each([
    ['no JSON', '{'],
    ['no event', '{}'],
    ['of another dataset', recorded.replace('"picket.site"', '"line.control"')],
  ])('%s is refused', (_what, line) => {
    expect(() => createLineNormaliser('picket')(Buffer.from(line))).toThrow(
      expect.objectContaining({ code: 'SITE_EVENT_INVALID' }),
    );
  });

  test('is not what a source of ECS documents takes for one', () => {
    const [event] = createLineNormaliser('ecs')(Buffer.from(recorded));
    expect(event).toMatchObject({ event: { dataset: 'ecs.generic' }, picket: { site: { id: 'local' } } });
  });
});
