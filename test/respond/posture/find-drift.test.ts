// What counts as a firewall that somebody else changed, on our own script and on what nft prints of it.
import { describe, expect, test } from 'vitest';
import { type FirewallState, findDrift, readFirewall } from '../../../respond/posture/find-drift.ts';
import { renderNftables } from '../../../respond/posture/render-nftables.ts';

const NOW = Date.parse('2026-11-24T08:00:00Z');
const applied = [
  { address: '45.77.10.7', until: NOW + 3_600_000, comment: 'a' },
  { address: '2A01:04F8:0::7', until: NOW + 3_600_000, comment: 'b' },
];
const script = renderNftables({ denied: applied, now: NOW, version: 4 });

/** As nft 1.0.6 lists the table after the script. */
const listed = `table inet picket {
	set deny4 {
		type ipv4_addr
		flags timeout
		elements = { 45.77.10.7 timeout 1h expires 59m58s824ms comment "a" }
	}
	set deny6 {
		type ipv6_addr
		flags timeout
		elements = { 2a01:4f8::7 timeout 1h expires 59m58s824ms comment "b" }
	}
	chain input {
		type filter hook input priority filter - 10; policy accept;
		ip saddr @deny4 counter packets 0 bytes 0 drop
		ip6 saddr @deny6 counter packets 0 bytes 0 drop
	}
}
`;

const codes = (before: string, after: string | undefined, now = NOW): string[] =>
  findDrift({ before: readFirewall(before) as FirewallState, after: readFirewall(after), applied, now }).map(
    ({ code }) => code,
  );

describe('drift', () => {
  test.each([
    ['script', script],
    ['listing', listed],
  ])('is none in a %s that says the same, whatever counters and clocks say', (_, text) => {
    expect(readFirewall(text)?.denied).toEqual(new Set(['45.77.10.7', '2a01:4f8::7']));
    const later = text
      .replaceAll('59m58s824ms', '3m1s')
      .replaceAll('packets 0 bytes 0', 'packets 812 bytes 97231')
      .replace('version 4', 'version 5');
    expect(codes(text, later)).toEqual([]);
  });

  test('is an address that is gone, one that came, other rules, and nothing at all', () => {
    expect(codes(listed, listed.replace('45.77.10.7', '45.77.10.8'))).toEqual([
      'ADDRESS_GONE',
      'ADDRESS_ADDED',
    ]);
    expect(codes(listed, listed.replace('bytes 0 drop', 'bytes 0 accept'))).toEqual(['RULES_CHANGED']);
    expect(codes(script, script.replace('policy accept', 'policy drop'))).toEqual(['RULES_CHANGED']);
    expect(codes(listed, undefined)).toEqual(['TABLE_GONE']);
    expect(codes(listed, '\n')).toEqual(['TABLE_GONE']);
  });

  test('is not what the kernel ended by itself with its lease', () => {
    const ended = listed.replaceAll(/elements = \{[^}]*\}/g, '');
    expect(codes(listed, ended, NOW + 3_600_000)).toEqual([]);
    expect(codes(listed, ended, NOW + 600_000)).toEqual(['ADDRESS_GONE']);
  });
});
