// NetFlow v5, v9 (RFC 3954) and IPFIX (RFC 7011) as a source: one record a datagram, one event a flow.
import type { Normalised, RawRecord, SourceAdapter, SourceContext } from '../../source.ts';
import { type Exporter, openExporter } from './exporter.ts';
import type { FlowValues } from './information-elements.ts';
import { type FlowOrigin, mapFlow } from './map-flow.ts';
import { parseSets } from './parse-sets.ts';
import { parseV5 } from './parse-v5.ts';
import { NetflowParameters } from './schema.ts';
import { judgeSequence, type SequenceMemory } from './sequence.ts';

/** Exporters kept in memory; what is beyond is read back from the state. */
const OPEN_EXPORTERS = 1_024;
/** Exporters kept at all: senders over UDP may give any address. */
const KNOWN_EXPORTERS = 16_384;

export const netflowAdapter: SourceAdapter = {
  id: 'netflow',
  title: 'NetFlow and IPFIX',
  description:
    'Flows exported as NetFlow v5, v9 or IPFIX over UDP. Templates survive a restart; bytes and packets are scaled by the sampling rate; lost datagrams are counted.',
  datasets: [{ name: 'netflow.flow', class: 'network-flow', description: 'One flow of one exporter' }],
  framing: 'document',
  receivers: ['udp-netflow'],
  parameters: NetflowParameters,
  example: `- id: border-router
  format: netflow
  receivers:
    - type: udp-netflow
      host: 0.0.0.0
      port: 2055
  access:
    addresses: [10.20.0.1]
`,
  createNormaliser(context) {
    const normaliser = createFlowNormaliser(context, NetflowParameters.parse(context.parameters));
    return { normalise: normaliser };
  },
};

interface Datagram {
  readonly origin: FlowOrigin;
  readonly flows: readonly { readonly values: FlowValues; readonly at: number }[];
  readonly outcomes: Normalised[];
  /** 1 in N of the header or of the exporter's options. */
  readonly rateOf: (values: FlowValues) => number | undefined;
}

function createFlowNormaliser(
  context: SourceContext,
  parameters: NetflowParameters,
): (record: RawRecord) => readonly Normalised[] {
  const exporters = new Map<string, Exporter>();
  const known = new Set<string>();

  const exporterOf = (key: string): Exporter | undefined => {
    let exporter = exporters.get(key);
    if (exporter) {
      exporters.delete(key);
    } else {
      if (known.size >= KNOWN_EXPORTERS && !known.has(key) && !context.state.get(key)) return undefined;
      known.add(key);
      exporter = openExporter({ state: context.state, key });
    }
    exporters.set(key, exporter);
    if (exporters.size > OPEN_EXPORTERS) exporters.delete(exporters.keys().next().value as string);
    return exporter;
  };

  /** Replays come out of order and were counted when they first came. */
  const follow = (options: {
    record: RawRecord;
    key: string;
    sequence: number;
    units: number | undefined;
    boot?: number;
  }): void => {
    if (options.record.replayed) return;
    const key = `sequence|${options.key}`;
    if (known.size >= KNOWN_EXPORTERS && !context.state.get(key)) return;
    const memory = readMemory(context.state.get(key));
    const judged = judgeSequence({ ...options, memory });
    context.state.set(key, JSON.stringify(judged.memory));
    const { finding } = judged;
    if (finding.kind === 'gap') context.count('sequence-gap', finding.lost);
    else if (finding.kind === 'late') context.count('sequence-late', Math.max(1, finding.units));
    else if (finding.kind === 'reset') context.count('sequence-reset', 1);
  };

  const readV5 = (bytes: Buffer, record: RawRecord): Datagram | Normalised => {
    const read = parseV5(bytes);
    if (!read) return reject('NETFLOW_TRUNCATED', `a header of ${bytes.length} bytes`, bytes.length);
    const { exported, uptime_ms, domain, sequence, count, flows, rate } = read;
    known.add(`5|${record.peer}|${domain}`);
    const boot = Math.round(exported - uptime_ms);
    follow({ record, key: `5|${record.peer}|${domain}`, sequence, units: count, boot });
    const outcomes: Normalised[] = [];
    if (flows.length < count) {
      const message = `${count} flows are announced, ${flows.length} are whole`;
      outcomes.push(reject('NETFLOW_TRUNCATED', message, bytes.length));
    }
    const origin = { version: 5, domain, peer: record.peer, exported, uptime_ms };
    return { origin, flows, outcomes, rateOf: () => rate };
  };

  const readSets = (bytes: Buffer, record: RawRecord, version: 9 | 10): Datagram | Normalised => {
    const header = version === 9 ? 20 : 16;
    if (bytes.length < header) {
      return reject('NETFLOW_TRUNCATED', `a header of ${bytes.length} bytes`, bytes.length);
    }
    const ipfix = version === 10;
    const exported = bytes.readUInt32BE(ipfix ? 4 : 8) * 1000;
    const uptime_ms = ipfix ? undefined : bytes.readUInt32BE(4);
    const sequence = bytes.readUInt32BE(ipfix ? 8 : 12);
    const domain = bytes.readUInt32BE(ipfix ? 12 : 16);
    const key = `${version}|${record.peer}|${domain}`;
    const exporter = exporterOf(key);
    if (!exporter) return reject('NETFLOW_TOO_MANY_EXPORTERS', 'more exporters than are remembered', 0);
    const outcomes: Normalised[] = [];
    const said = ipfix ? bytes.readUInt16BE(2) : bytes.length;
    if (said !== bytes.length) {
      outcomes.push(reject('NETFLOW_TRUNCATED', `${said} bytes are announced, ${bytes.length} came`, 2));
    }
    const sets = parseSets({
      bytes: said >= header && said < bytes.length ? bytes.subarray(0, said) : bytes,
      start: header,
      version,
      exporter,
      learning: record.replayed ? 'unknown-only' : 'all',
    });
    exporter.save();
    const records = sets.counted ? sets.flows.length + sets.optionsRecords : undefined;
    follow({
      record,
      key,
      sequence,
      units: ipfix ? records : 1,
      ...(uptime_ms === undefined ? {} : { boot: exported - uptime_ms }),
    });
    for (const fault of sets.faults) outcomes.push(reject(fault.code, fault.message, fault.at));
    if (sets.flows.length === 0 && outcomes.length === 0) {
      const rule = sets.optionsRecords > 0 ? 'netflow-options-only' : 'netflow-template-only';
      const isEmpty = sets.optionsRecords + sets.templates === 0;
      outcomes.push({ kind: 'filtered', rule: isEmpty ? 'netflow-empty' : rule });
    }
    const origin = { version, domain, peer: record.peer, exported, uptime_ms };
    return { origin, flows: sets.flows, outcomes, rateOf: (values) => exporter.rateOf(values) };
  };

  return (record) => {
    const bytes = Buffer.from(record.bytes.buffer, record.bytes.byteOffset, record.bytes.byteLength);
    const version = bytes.length >= 2 ? bytes.readUInt16BE(0) : undefined;
    let read: Datagram | Normalised;
    if (version === 5) read = readV5(bytes, record);
    else if (version === 9 || version === 10) read = readSets(bytes, record, version);
    else {
      const message = version === undefined ? `${bytes.length} bytes` : `version ${version}`;
      return [reject('NETFLOW_VERSION', `no NetFlow v5, v9 or IPFIX: ${message}`, 0)];
    }
    if ('kind' in read) return [read];
    const { origin, flows, outcomes, rateOf } = read;
    const results: Normalised[] = [];
    for (const { values, at } of flows) {
      const rate = parameters.scale_by_sampling ? (rateOf(values) ?? parameters.sampling_rate) : 1;
      const { timestamp, fields, timeUnusable } = mapFlow({ values, origin, rate });
      if (timeUnusable) context.count('flow-time-unusable', 1);
      results.push({
        kind: 'event',
        // The place in the datagram names the flow, so that a replay, when more of it can be read, gives the same ids.
        draft: { dataset: 'netflow.flow', timestamp, part: String(at), fields, original: null },
      });
    }
    results.push(...outcomes);
    return results.length > 0 ? results : [{ kind: 'filtered', rule: 'netflow-empty' }];
  };
}

function reject(code: string, message: string, at: number): Normalised {
  return { kind: 'rejected', code, message, place: `byte ${at}` };
}

function readMemory(text: string | undefined): SequenceMemory {
  if (!text) return {};
  try {
    return JSON.parse(text) as SequenceMemory;
  } catch {
    return {};
  }
}
