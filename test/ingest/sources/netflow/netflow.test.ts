// NetFlow and IPFIX: datagrams of a real exporter, the RFCs' examples, templates, sampling, losses and hostile bytes.
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventDraft, Normalised, SourceState } from '../../../../ingest/source.ts';
import { communityId } from '../../../../ingest/sources/netflow/community-id.ts';
import { netflowAdapter } from '../../../../ingest/sources/netflow/index.ts';
import type { JsonObject } from '../../../../platform/core/event.ts';
import { readFirst, splitField } from '../../../../platform/core/fields.ts';

const RECEIVED = Date.UTC(2026, 10, 23, 21, 3, 0);

function datagrams(name: string): Buffer[] {
  const text = readFileSync(new URL(`../../../fixtures/netflow/${name}.hex`, import.meta.url), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => Buffer.from(line, 'hex'));
}

function memoryState(): SourceState & { entries: Map<string, string> } {
  const entries = new Map<string, string>();
  return { entries, get: (key) => entries.get(key), set: (key, value) => void entries.set(key, value) };
}

function open(options: { state?: SourceState; parameters?: JsonObject } = {}) {
  const counts = new Map<string, number>();
  const normaliser = netflowAdapter.createNormaliser({
    site: { tenant: 'acme', id: 'lyon', tier: 'edge', jurisdiction: 'eu-fr', eventKey: new Uint8Array(32) },
    sourceId: 'router',
    timezone: 'UTC',
    parameters: netflowAdapter.parameters.parse(options.parameters ?? {}),
    state: options.state ?? memoryState(),
    count: (reason, by) => counts.set(reason, (counts.get(reason) ?? 0) + by),
  });
  const feed = (bytes: Uint8Array, more: { peer?: string; replayed?: boolean } = {}): readonly Normalised[] =>
    normaliser.normalise({
      bytes,
      received: RECEIVED,
      peer: '192.0.2.1',
      position: { kind: 'assigned', id: 'x' },
      ...more,
    });
  const flows = (...all: Buffer[]): EventDraft[] =>
    all
      .flatMap((bytes) => feed(bytes))
      .flatMap((outcome) => (outcome.kind === 'event' ? [outcome.draft] : []));
  return { feed, flows, counts };
}

const at = (draft: EventDraft | undefined, field: string): unknown =>
  readFirst(draft?.fields, splitField(field));

/** An IPFIX message around sets. */
function ipfix(sets: Buffer[], options: { sequence?: number; domain?: number } = {}): Buffer {
  const body = Buffer.concat(sets);
  const header = Buffer.alloc(16);
  header.writeUInt16BE(10, 0);
  header.writeUInt16BE(16 + body.length, 2);
  header.writeUInt32BE(Math.floor(RECEIVED / 1000), 4);
  header.writeUInt32BE(options.sequence ?? 0, 8);
  header.writeUInt32BE(options.domain ?? 1, 12);
  return Buffer.concat([header, body]);
}

/** A v9 datagram around flow sets. */
function v9(sets: Buffer[], options: { sequence?: number; uptime_ms?: number } = {}): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(9, 0);
  header.writeUInt16BE(sets.length, 2);
  header.writeUInt32BE(options.uptime_ms ?? 3_600_000, 4);
  header.writeUInt32BE(Math.floor(RECEIVED / 1000), 8);
  header.writeUInt32BE(options.sequence ?? 0, 12);
  header.writeUInt32BE(1, 16);
  return Buffer.concat([header, ...sets]);
}

function set(id: number, body: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(4 + body.length, 2);
  return Buffer.concat([header, body]);
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => bytes.writeUInt16BE(value, index * 2));
  return bytes;
}

function longs(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4));
  return bytes;
}

const ip = (text: string): Buffer => Buffer.from(text.split('.').map(Number));
const FIVE_FIELDS = [8, 4, 12, 4, 15, 4, 2, 4, 1, 4];

describe('datagrams of pmacctd', () => {
  // tshark -r test_dns.pcap --enable-protocol communityid -T fields -e communityid
  const community = [
    '1:W9/acOujvZtx/B8Vu4My3RjBEwk=',
    '1:N5cZElEBVLwok60/yzQz70UKwFc=',
    '1:GoIj31pK+4wzwFB30z8vRIieMdo=',
    '1:M19Lms6AlbegITrO9gE/aZENaJA=',
    '1:WXj2qPG4vRQsRKURqgiBcqU3zbE=',
    '1:ngCFp5tzngvVOcfR/EPDmiTDkqA=',
    '1:PuHcvseeezDciP5nEoAmLHzPG8I=',
    '1:nRKsttzknY42iD3Luslpu7EGbTA=',
    '1:DmgRxJCeamiaovbdny/wg5UXa9M=',
    '1:F0uZadejEeqceXdUQGPzuRYiI+c=',
  ];

  test.each([5, 9, 10])('version %i: ten DNS queries with the Community IDs that tshark gives', (version) => {
    const { flows, counts } = open();
    const found = flows(...datagrams(`pmacct-dns-v${version}`));
    expect(new Set(found.map((flow) => at(flow, 'network.community_id')))).toEqual(new Set(community));
    expect(found).toHaveLength(community.length);
    expect(counts.get('sequence-gap')).toBeUndefined();
    const one = found.find((flow) => at(flow, 'source.ip') === '109.194.160.4');
    expect(one?.dataset).toBe('netflow.flow');
    expect(one?.fields).toMatchObject({
      event: { category: ['network'], type: ['connection'], action: 'netflow_flow' },
      source: { ip: '109.194.160.4', port: 57766, packets: 1 },
      destination: { ip: '95.211.92.14', port: 53 },
      network: { transport: 'udp', iana_number: '17', type: 'ipv4', packets: 1 },
      observer: { ip: ['192.0.2.1'] },
      netflow: { version, exporter: { address: '192.0.2.1' } },
    });
    expect(at(one, 'network.bytes')).toBe(at(one, 'source.bytes'));
  });

  test('v9 and IPFIX carry the same times and hardware addresses', () => {
    const keys = (version: number) =>
      open()
        .flows(...datagrams(`pmacct-dns-v${version}`))
        .map((flow) =>
          [
            flow.timestamp,
            ...['event.start', 'source.mac', 'source.bytes', 'source.ip'].map((field) =>
              String(at(flow, field)),
            ),
          ].join(' '),
        )
        .sort();
    expect(keys(9)).toEqual(keys(10));
    expect(keys(9)[0]).toMatch(/^\d{13} 2014-10-14T\S+ 00-0F-35-BB-0B-40 /);
  });

  test('a TCP connection has flags and both directions as flows of one Community ID', () => {
    for (const version of [5, 9, 10]) {
      const found = open().flows(...datagrams(`pmacct-eth-v${version}`));
      expect(found.length).toBeGreaterThan(0);
      for (const flow of found) {
        expect(at(flow, 'network.community_id')).toBe('1:74Ee5fyw/Lh9H11WhhOJ2Fs7Jyc=');
        expect(at(flow, 'netflow.tcp_flag_names')).toBeDefined();
      }
    }
  });

  test.each([9, 10])(
    'version %i: the sampling rate of the options record scales, the raw numbers stay',
    (version) => {
      const scaled = open().flows(...datagrams(`pmacct-sampled-v${version}`));
      expect(scaled.length).toBeGreaterThan(0);
      for (const flow of scaled) {
        expect(at(flow, 'netflow.sampling.rate')).toBe(2);
        expect(at(flow, 'source.packets')).toBe(2 * (at(flow, 'netflow.sampling.packets') as number));
        expect(at(flow, 'network.bytes')).toBe(2 * (at(flow, 'netflow.sampling.bytes') as number));
      }
      const raw = open({ parameters: { scale_by_sampling: false } }).flows(
        ...datagrams(`pmacct-sampled-v${version}`),
      );
      expect(at(raw[0], 'source.packets')).toBe(1);
    },
  );
});

describe('examples of the RFCs', () => {
  test('RFC 7011 appendix A: a template set and a data set', () => {
    const message = ipfix([
      set(2, words(256, 5, ...FIVE_FIELDS)),
      set(
        256,
        Buffer.concat([
          ip('192.0.2.12'),
          ip('192.0.2.254'),
          ip('192.0.2.1'),
          longs(5009, 5344385),
          ip('192.0.2.27'),
          ip('192.0.2.23'),
          ip('192.0.2.2'),
          longs(748, 388934),
          ip('192.0.2.56'),
          ip('192.0.2.65'),
          ip('192.0.2.3'),
          longs(5, 6534),
        ]),
      ),
    ]);
    const flows = open().flows(message);
    expect(
      flows.map((flow) => [
        at(flow, 'source.ip'),
        at(flow, 'destination.ip'),
        at(flow, 'netflow.next_hop'),
        at(flow, 'source.packets'),
        at(flow, 'source.bytes'),
      ]),
    ).toEqual([
      ['192.0.2.12', '192.0.2.254', '192.0.2.1', 5009, 5344385],
      ['192.0.2.27', '192.0.2.23', '192.0.2.2', 748, 388934],
      ['192.0.2.56', '192.0.2.65', '192.0.2.3', 5, 6534],
    ]);
    expect(flows.map(({ part }) => part)).toEqual(['48', '68', '88']);
  });

  test('RFC 3954 section 9: the same in v9, with padding', () => {
    const datagram = v9([
      set(0, words(256, 5, ...FIVE_FIELDS)),
      set(
        256,
        Buffer.concat([
          ip('198.168.1.12'),
          ip('10.5.12.254'),
          ip('192.168.1.1'),
          longs(5009, 5344385),
          Buffer.alloc(3),
        ]),
      ),
    ]);
    const [flow, ...rest] = open().flows(datagram);
    expect(rest).toEqual([]);
    expect(at(flow, 'source.bytes')).toBe(5344385);
  });

  test('RFC 7011 section 7: variable lengths of both forms, enterprise fields passed over, RFC 5103 reverse fields read', () => {
    const template = Buffer.concat([
      words(300, 5, 96, 65535, 0x8000 | 77, 65535),
      longs(9),
      words(1, 4, 0x8000 | 1, 4),
      longs(29305),
      words(8, 4),
    ]);
    const long = Buffer.alloc(300, 120);
    const data = Buffer.concat([
      Buffer.from([3]),
      Buffer.from('DNS'),
      Buffer.from([255]),
      words(300),
      long,
      longs(100, 900),
      ip('10.0.0.1'),
      Buffer.from([4]),
      Buffer.from('HTTP'),
      Buffer.from([0]),
      longs(1, 2),
      ip('10.0.0.2'),
    ]);
    const flows = open().flows(ipfix([set(2, template), set(300, data)]));
    expect(
      flows.map((flow) => [
        at(flow, 'network.application'),
        at(flow, 'source.bytes'),
        at(flow, 'destination.bytes'),
        at(flow, 'network.bytes'),
        at(flow, 'source.ip'),
      ]),
    ).toEqual([
      ['dns', 100, 900, 1000, '10.0.0.1'],
      ['http', 1, 2, 3, '10.0.0.2'],
    ]);
  });

  test('Community ID: the vectors of the specification', () => {
    expect(
      communityId({
        source: '128.232.110.120',
        destination: '66.35.250.204',
        protocol: 6,
        source_port: 34855,
        destination_port: 80,
      }),
    ).toBe('1:LQU9qZlK+B5F3KDmev6m5PMibrg=');
    expect(
      communityId({
        source: '66.35.250.204',
        destination: '128.232.110.120',
        protocol: 6,
        source_port: 80,
        destination_port: 34855,
      }),
    ).toBe('1:LQU9qZlK+B5F3KDmev6m5PMibrg=');
    expect(
      communityId({
        source: '192.168.0.89',
        destination: '192.168.0.1',
        protocol: 1,
        icmp: { type: 8, code: 0 },
      }),
    ).toBe('1:X0snYXpgwiv9TZtqg64sgzUn6Dk=');
    expect(
      communityId({
        source: '192.168.0.1',
        destination: '192.168.0.89',
        protocol: 1,
        icmp: { type: 0, code: 0 },
      }),
    ).toBe('1:X0snYXpgwiv9TZtqg64sgzUn6Dk=');
  });
});

describe('templates', () => {
  const template = set(2, words(256, 5, ...FIVE_FIELDS));
  const data = set(256, Buffer.concat([ip('192.0.2.12'), ip('192.0.2.254'), ip('192.0.2.1'), longs(1, 2)]));

  test('data before its template is refused and gives the same events when replayed after it', () => {
    const { feed, flows } = open();
    expect(feed(ipfix([data]))).toMatchObject([
      {
        kind: 'rejected',
        code: 'NETFLOW_TEMPLATE_UNKNOWN',
        message: 'no template yet for 256',
        place: 'byte 20',
      },
    ]);
    expect(feed(ipfix([template], { sequence: 1 }))).toEqual([
      { kind: 'filtered', rule: 'netflow-template-only' },
    ]);
    expect(flows(ipfix([data]))).toMatchObject([{ part: '20' }]);
  });

  test('a template later in the same message is enough', () => {
    expect(open().flows(ipfix([data, template]))).toHaveLength(1);
  });

  test('templates, sampling and sequence survive a restart; exporters and domains do not share them', () => {
    const state = memoryState();
    const [first, ...rest] = datagrams('pmacct-sampled-v9') as [Buffer, ...Buffer[]];
    open({ state }).flows(first);
    const after = open({ state });
    const flows = after.flows(...rest);
    expect(flows.length).toBeGreaterThan(0);
    expect(at(flows[0], 'netflow.sampling.rate')).toBe(2);
    expect(after.counts.size).toBe(0);
    expect(after.feed(rest[0] as Buffer, { peer: '192.0.2.2' })).toMatchObject([
      { code: 'NETFLOW_TEMPLATE_UNKNOWN' },
    ]);
  });

  test('a withdrawn template is forgotten, one or all', () => {
    const { feed, flows } = open();
    feed(ipfix([template]));
    expect(flows(ipfix([data]))).toHaveLength(1);
    feed(ipfix([set(2, words(256, 0))]));
    expect(feed(ipfix([data]))).toMatchObject([{ code: 'NETFLOW_TEMPLATE_UNKNOWN' }]);
    feed(ipfix([template]));
    feed(ipfix([set(2, words(2, 0))]));
    expect(feed(ipfix([data]))).toMatchObject([{ code: 'NETFLOW_TEMPLATE_UNKNOWN' }]);
  });

  test('a replayed datagram does not bring back an older template', () => {
    const { feed, flows } = open();
    feed(ipfix([set(2, words(256, 1, 8, 4))]));
    feed(ipfix([set(2, words(256, 1, 12, 4))]), { replayed: true });
    expect(at(flows(ipfix([set(256, ip('10.1.1.1'))]))[0], 'source.ip')).toBe('10.1.1.1');
  });

  test('a broken set is refused with its place and the rest is read', () => {
    const outcomes = open().feed(ipfix([template, data, words(700, 400)]));
    expect(outcomes).toMatchObject([
      { kind: 'event' },
      { kind: 'rejected', code: 'NETFLOW_TRUNCATED', place: 'byte 68' },
    ]);
    expect(open().feed(ipfix([set(2, words(256, 5, 8, 4))]))).toMatchObject([
      { code: 'NETFLOW_TEMPLATE_INVALID' },
    ]);
    expect(open().feed(Buffer.from('hello'))).toMatchObject([{ code: 'NETFLOW_VERSION' }]);
  });
});

describe('times and losses', () => {
  test('uptimes of v9 are read across the wrap of 32 bits', () => {
    const fields = words(256, 3, 8, 4, 22, 4, 21, 4);
    const [flow] = open().flows(
      v9([set(0, fields), set(256, Buffer.concat([ip('10.0.0.1'), longs(2 ** 32 - 2000, 500)]))], {
        uptime_ms: 1000,
      }),
    );
    expect(at(flow, 'event.end')).toBe(new Date(RECEIVED - 500).toISOString());
    expect(at(flow, 'event.start')).toBe(new Date(RECEIVED - 3000).toISOString());
    expect(at(flow, 'event.duration')).toBe(2_500_000_000);
  });

  test('NTP times of IPFIX are read, and a flow that ends after its export falls back to the export', () => {
    const seconds = Math.floor(RECEIVED / 1000) + 2_208_988_800;
    const template = set(2, words(256, 2, 154, 8, 155, 8));
    const { flows, counts } = open();
    const [flow] = flows(ipfix([template, set(256, longs(seconds - 10, 2 ** 31, seconds - 5, 0))]));
    expect(at(flow, 'event.start')).toBe(new Date(RECEIVED - 9500).toISOString());
    expect(at(flow, 'event.duration')).toBe(4_500_000_000);
    const [late] = flows(ipfix([set(256, longs(seconds, 0, seconds + 3600, 0))], { sequence: 1 }));
    expect(late?.timestamp).toBe(RECEIVED);
    expect(counts.get('flow-time-unusable')).toBe(1);
  });

  test('lost flows of v5, datagrams of v9 and records of IPFIX are counted, wraps and restarts are not', () => {
    const [v5] = datagrams('pmacct-eth-v5') as [Buffer];
    const flowCount = v5.readUInt16BE(2);
    const numbered = (sequence: number, boot_shift_ms = 0): Buffer => {
      const bytes = Buffer.from(v5);
      bytes.writeUInt32BE(sequence, 16);
      bytes.writeUInt32BE(3_000_000 - boot_shift_ms, 4);
      return bytes;
    };
    const five = open();
    for (const sequence of [2 ** 32 - flowCount, 0, flowCount, flowCount * 2 + 7])
      five.feed(numbered(sequence));
    expect(Object.fromEntries(five.counts)).toMatchObject({ 'sequence-gap': 7 });
    five.feed(numbered(0, 2_000_000));
    expect(five.counts.get('sequence-gap')).toBe(7);
    expect(five.counts.get('sequence-reset')).toBe(1);

    const nine = open();
    for (const sequence of [10, 11, 15, 14, 16]) nine.feed(v9([], { sequence }));
    expect(Object.fromEntries(nine.counts)).toEqual({ 'sequence-gap': 3, 'sequence-late': 1 });

    const ten = open();
    const template = set(2, words(256, 1, 8, 4));
    const two = set(256, Buffer.concat([ip('10.0.0.1'), ip('10.0.0.2')]));
    ten.feed(ipfix([template, two], { sequence: 0 }));
    ten.feed(ipfix([two], { sequence: 2 }));
    ten.feed(ipfix([two], { sequence: 9 }));
    expect(Object.fromEntries(ten.counts)).toEqual({ 'sequence-gap': 5 });
  });

  test('the header of v5 says the sampling', () => {
    const [v5] = datagrams('pmacct-eth-v5') as [Buffer];
    const sampled = Buffer.from(v5);
    sampled.writeUInt16BE((1 << 14) | 100, 22);
    const [raw] = open().flows(v5);
    const [scaled] = open().flows(sampled);
    expect(at(scaled, 'source.bytes')).toBe(100 * (at(raw, 'source.bytes') as number));
    expect(at(scaled, 'netflow.sampling.bytes')).toBe(at(raw, 'source.bytes'));
  });
});

describe('hostile bytes', () => {
  const seeds = [5, 9, 10].flatMap((version) => [
    ...datagrams(`pmacct-dns-v${version}`),
    ...datagrams(`pmacct-sampled-v${version}`),
  ]);

  test('random and changed datagrams never throw and never vanish', () => {
    const changed = fc
      .tuple(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(500), fc.nat(255)), { maxLength: 8 }),
        fc.nat(600),
      )
      .map(([seed, changes, length]) => {
        const bytes = Buffer.from(seed.subarray(0, Math.max(2, length)));
        for (const [place, value] of changes) if (place < bytes.length) bytes[place] = value;
        return bytes;
      });
    const random = fc
      .tuple(fc.constantFrom(5, 9, 10), fc.uint8Array({ maxLength: 400 }))
      .map(([version, rest]) => Buffer.concat([words(version), rest]));
    const { feed } = open();
    fc.assert(
      fc.property(fc.oneof(changed, random, fc.uint8Array({ maxLength: 60 })), (bytes) => {
        const outcomes = feed(bytes);
        expect(outcomes.length).toBeGreaterThan(0);
        for (const outcome of outcomes) expect(() => JSON.stringify(outcome)).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });

  test('the state of an exporter stays bounded whatever templates it sends', () => {
    const state = memoryState();
    const { feed } = open({ state });
    const refusals = Array.from({ length: 2100 }, (_, index) =>
      feed(ipfix([set(2, words(256 + index, 1, 8, 4))], { sequence: 0 })),
    )
      .flat()
      .filter(({ kind }) => kind === 'rejected');
    expect(refusals).toHaveLength(2100 - 2048);
  });
});
