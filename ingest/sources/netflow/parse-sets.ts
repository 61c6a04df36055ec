// NetFlow v9 datagrams and IPFIX messages: their sets of templates, options templates and data.
import type { Exporter } from './exporter.ts';
import type { FlowValues } from './information-elements.ts';
import { makeTemplate, readFields, readRecord, type Template } from './template.ts';

export interface SetFault {
  readonly code: 'NETFLOW_TRUNCATED' | 'NETFLOW_TEMPLATE_INVALID' | 'NETFLOW_TEMPLATE_UNKNOWN';
  readonly message: string;
  /** Byte of the datagram. */
  readonly at: number;
}

export interface ParsedSets {
  readonly flows: readonly { readonly values: FlowValues; readonly at: number }[];
  readonly faults: readonly SetFault[];
  /** Template and options template records, withdrawals too. */
  readonly templates: number;
  readonly optionsRecords: number;
  /** True when the number of data records is known (no set without template, none cut). */
  readonly counted: boolean;
}

/** What may be changed while reading: false for replayed datagrams, whose templates may be older than ours. */
export type Learning = 'all' | 'unknown-only';

/**
 * Reads the sets from `start` on. A data set whose template comes later in the same datagram is read too.
 * Never throws: each fault says where, and what can be read around it is.
 */
export function parseSets(options: {
  bytes: Buffer;
  start: number;
  version: 9 | 10;
  exporter: Exporter;
  learning: Learning;
}): ParsedSets {
  const { bytes, version, exporter } = options;
  const ipfix = version === 10;
  const flows: { values: FlowValues; at: number }[] = [];
  const faults: SetFault[] = [];
  const later: { id: number; at: number; end: number }[] = [];
  let templates = 0;
  let optionsRecords = 0;
  let counted = true;

  const readData = (template: Template, from: number, end: number): void => {
    let at = from;
    while (at < end && end - at >= Math.max(1, template.minimum)) {
      const record = readRecord({ template, bytes, at, end });
      if (!record) {
        // Variable lengths let padding look like a record that breaks off; only non-zero bytes are one.
        if (bytes.subarray(at, end).some((byte) => byte !== 0)) {
          faults.push({ code: 'NETFLOW_TRUNCATED', message: 'a data record breaks off', at });
          counted = false;
        }
        return;
      }
      if (record.at === at) return;
      if (template.options) {
        optionsRecords++;
        if (options.learning === 'all') exporter.learnOptions(record.values, record.scopes);
      } else flows.push({ values: record.values, at });
      ({ at } = record);
    }
  };

  let at = options.start;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) {
      if (bytes.subarray(at).some((byte) => byte !== 0)) {
        faults.push({ code: 'NETFLOW_TRUNCATED', message: 'a set header breaks off', at });
      }
      break;
    }
    const id = bytes.readUInt16BE(at);
    const length = bytes.readUInt16BE(at + 2);
    if (length < 4 || at + length > bytes.length) {
      const message = `set ${id} says ${length} bytes, ${bytes.length - at} are there`;
      faults.push({ code: 'NETFLOW_TRUNCATED', message, at });
      counted = false;
      break;
    }
    const end = at + length;
    const isTemplates = id === (ipfix ? 2 : 0);
    const isOptions = id === (ipfix ? 3 : 1);
    if (isTemplates || isOptions) {
      const read = readTemplates({ ...options, from: at + 4, end, isOptions });
      templates += read.count;
      if (read.fault) faults.push(read.fault);
    } else if (id >= 256) {
      const template = exporter.template(id);
      if (template) readData(template, at + 4, end);
      else later.push({ id, at: at + 4, end });
    }
    // Sets 4 to 255 are reserved: passed over (RFC 7011 section 3.3.2).
    at = end;
  }

  const unknown: { id: number; at: number }[] = [];
  for (const set of later) {
    const template = exporter.template(set.id);
    if (template) readData(template, set.at, set.end);
    else unknown.push(set);
  }
  const [first] = unknown;
  if (first) {
    counted = false;
    faults.push({
      code: 'NETFLOW_TEMPLATE_UNKNOWN',
      message: `no template yet for ${[...new Set(unknown.map((set) => set.id))].join(', ')}`,
      at: first.at,
    });
  }
  return { flows, faults, templates, optionsRecords, counted };
}

function readTemplates(options: {
  bytes: Buffer;
  from: number;
  end: number;
  isOptions: boolean;
  version: 9 | 10;
  exporter: Exporter;
  learning: Learning;
}): { count: number; fault?: SetFault } {
  const { bytes, end, isOptions, version, exporter, learning } = options;
  const ipfix = version === 10;
  let at = options.from;
  let count = 0;
  const fault = (message: string): { count: number; fault: SetFault } => ({
    count,
    fault: { code: 'NETFLOW_TEMPLATE_INVALID', message, at },
  });

  while (end - at >= 4) {
    const id = bytes.readUInt16BE(at);
    let fieldCount = bytes.readUInt16BE(at + 2);
    if (id === 0 && fieldCount === 0) return { count };
    if (ipfix && fieldCount === 0) {
      if (learning === 'all') exporter.withdraw(id === 2 || id === 3 ? { options: id === 3 } : { id });
      at += 4;
      count++;
      continue;
    }
    if (id < 256) return fault(`template id ${id} is reserved`);
    at += 4;
    let scopes = 0;
    if (isOptions) {
      if (at + 2 > end) return fault(`options template ${id} breaks off`);
      if (ipfix) scopes = bytes.readUInt16BE(at);
      else {
        // v9 gives the lengths of both parts in bytes, where IPFIX gives numbers of fields.
        scopes = Math.floor(fieldCount / 4);
        fieldCount = scopes + Math.floor(bytes.readUInt16BE(at) / 4);
      }
      at += 2;
      if (scopes > fieldCount || fieldCount === 0)
        return fault(`options template ${id} has impossible counts`);
    }
    const read = readFields({ bytes, at, end, count: fieldCount, enterprises: ipfix });
    if (!read) return fault(`template ${id} with ${fieldCount} fields does not fit its set`);
    const fields = read.fields.map((field, index) =>
      !ipfix && index < scopes ? { ...field, enterprise: -1 } : field,
    );
    const template = makeTemplate({ id, scopes, options: isOptions, fields });
    if (template.minimum === 0) return fault(`template ${id} describes records of no bytes`);
    const wanted = learning === 'all' || exporter.template(id) === undefined;
    if (wanted && !exporter.learn(template)) return fault('the exporter has too many templates');
    ({ at } = read);
    count++;
  }
  return { count };
}
