// Hiding copies of values, however long and many a stranger made them.
import { expect, test } from 'vitest';
import { compileResidencyPolicy } from '../../../platform/residency/compile-policy.ts';
import { parseResidencyPolicy } from '../../../platform/residency/load-policies.ts';
import { createScrubber } from '../../../platform/residency/scrub-values.ts';
import { makeEvent } from '../link/records.ts';

test('a text of a megabyte that is dropped does not keep its record, or those behind it, from being decided', () => {
  const policy = compileResidencyPolicy({
    policy: parseResidencyPolicy({
      file: 'policy.yaml',
      text: `
schema: 1
jurisdiction: eu-fr
title: t
rules:
  - name: only
    description: d
    reference: r
    kinds: [event]
    classes: [network-flow]
    destinations: ['*']
    decision: leave
`,
    }),
    hashKey: Buffer.alloc(32, 7),
  });
  const message = 'Secret words '.repeat(80_000);
  const record = {
    ...makeEvent({ id: '1' }),
    message,
    labels: { copy: `before ${message.toUpperCase()} after` },
  };
  const decision = policy.decide({ kind: 'event', record, destination: 'us' });
  expect(decision.outcome).toBe('left');
  expect(JSON.stringify(decision.document).toLowerCase()).not.toContain('secret words');
  expect(decision.document).toMatchObject({ labels: { copy: expect.stringMatching(/^before .*after$/) } });
});

test('thousands of secrets are all hidden, inside other texts and in keys', () => {
  const secrets = new Map(
    Array.from({ length: 5_000 }, (_, at) => [`Word number ${at}.`, undefined] as const),
  );
  const scrubber = createScrubber(secrets);
  for (const at of [0, 1, 777, 4_999]) {
    expect(scrubber?.text(`said wORD number ${at}. then`)).toBe('said [removed] then');
    expect(scrubber?.holds(`x word number ${at}. y`)).toBe(true);
  }
  expect(scrubber?.text('said nothing')).toBe('said nothing');
});

test('a long secret is found in any case, and where folding moves letters the whole text goes', () => {
  const secret = `Müller ${'x'.repeat(600)}`;
  const scrubber = createScrubber(new Map([[secret, 'hidden']]));
  expect(scrubber?.text(`a ${secret.toUpperCase()} b ${secret} c`)).toBe('a hidden b hidden c');
  expect(scrubber?.text(`İ ${secret}`)).toBe('[removed]');
  expect(scrubber?.holds(`a ${secret}`)).toBe(true);
});
