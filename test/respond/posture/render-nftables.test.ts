import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalAddress } from '../../../platform/core/network.ts';
import { createNftCheck } from '../../../respond/posture/executor.ts';
import { renderNftables } from '../../../respond/posture/render-nftables.ts';
import { findProgram } from '../../services/programs.ts';
import { requireReal } from '../../services/require-real.ts';

const NOW = Date.parse('2026-11-23T08:00:00Z');
const EMPTY = renderNftables({ denied: [], now: NOW, version: 1 });

describe('the rendered ruleset', () => {
  test('denies each address in its set, with the rest of its lease and its entry beside it', () => {
    const script = renderNftables({
      denied: [
        { address: '203.0.113.7', until: NOW + 3_600_000, comment: 'change-1' },
        { address: '2001:db8::1', until: NOW + 1, comment: 'change-2' },
      ],
      now: NOW,
      version: 12,
    });
    expect(script).toBe(`# Written by Picket from posture version 12; do not edit: it is replaced whole.
table inet picket
delete table inet picket
table inet picket {
  set deny4 {
    type ipv4_addr
    flags timeout
    elements = {
      203.0.113.7 timeout 3600s comment "change-1"
    }
  }
  set deny6 {
    type ipv6_addr
    flags timeout
    elements = {
      2001:db8::1 timeout 1s comment "change-2"
    }
  }
  chain input {
    type filter hook input priority -10; policy accept;
    ip saddr @deny4 counter drop
    ip6 saddr @deny6 counter drop
  }
  chain forward {
    type filter hook forward priority -10; policy accept;
    ip saddr @deny4 counter drop
    ip daddr @deny4 counter drop
    ip6 saddr @deny6 counter drop
    ip6 daddr @deny6 counter drop
  }
  chain output {
    type filter hook output priority -10; policy accept;
    ip daddr @deny4 counter drop
    ip6 daddr @deny6 counter drop
  }
}
`);
  });

  test('an address asked for twice stands once, until the later end', () => {
    const denied = [5_000, 9_000, 7_000].map((more) => ({
      address: '203.0.113.7',
      until: NOW + more,
      comment: `c${more}`,
    }));
    const script = renderNftables({ denied, now: NOW, version: 1 });
    expect(script.match(/203\.0\.113\.7/g)).toHaveLength(1);
    expect(script).toContain('203.0.113.7 timeout 9s comment "c9000"');
  });

  test('a lease that is over leaves nothing', () => {
    expect(
      renderNftables({
        denied: [{ address: '203.0.113.7', until: NOW, comment: 'c' }],
        now: NOW,
        version: 1,
      }),
    ).toBe(EMPTY);
  });

  test('whatever stands where an address should, no line of its own making gets in', () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '; rm -rf /',
        '203.0.113.7; flush ruleset',
        '203.0.113.7\n flush ruleset',
        '203.0.113.7 }',
        '203.0.113.7/0',
        'fe80::1%eth0',
        '203.0.113.7%;flush ruleset',
        '::ffff:203.0.113.7%\n}',
      ),
    );
    const line = /^ {6}[0-9a-f.:]+ timeout \d+s comment "[A-Za-z0-9_.:-]{0,100}",?$/;
    fc.assert(
      fc.property(fc.array(fc.tuple(hostile, fc.string({ maxLength: 200 }))), (pairs) => {
        const script = renderNftables({
          denied: pairs.map(([address, comment]) => ({ address, until: NOW + 60_000, comment })),
          now: NOW,
          version: 1,
        });
        const known = new Set(EMPTY.split('\n'));
        for (const text of script.split('\n')) {
          if (known.has(text) || /^ {4}(?:elements = \{|\})$/.test(text)) continue;
          expect(text).toMatch(line);
        }
      }),
    );
  });

  test('nft takes what was rendered for any addresses', { timeout: 60_000 }, async (context) => {
    requireReal(context, 'nft');
    const check = createNftCheck(findProgram('nft'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.string()), { maxLength: 40 }),
        async (pairs) => {
          const script = renderNftables({
            denied: pairs.map(([address, comment]) => ({
              address: canonicalAddress(address) ?? '',
              until: NOW + 60_000,
              comment,
            })),
            now: NOW,
            version: 1,
          });
          expect(await check(script)).toEqual({ checked: true });
        },
      ),
      { numRuns: 25 },
    );
    const broken = await check('table inet picket { chain x { frobnicate } }');
    expect(broken).toMatchObject({ checked: true });
    expect(broken.error).toContain('frobnicate');
  });
});
