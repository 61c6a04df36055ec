// The configuration of one source: its format, how its records come in, who may send them and how much.
import { z } from 'zod';
import { Slug } from '../platform/core/names.ts';
import { parseNetwork } from '../platform/core/network.ts';
import { createZone } from './parse-time.ts';
import { findAdapter } from './registry.ts';

const Port = z.number().int().min(1).max(65_535);
const Listen = { host: z.string().default('127.0.0.1'), port: Port };

/** PEM files of a listener's own certificate, and the CA that its clients' certificates must come from. */
export const TlsFiles = z.strictObject({
  certificate_file: z.string(),
  key_file: z.string(),
  client_ca_file: z.string().optional(),
});
export type TlsFiles = z.infer<typeof TlsFiles>;

/** One way in. `http` and `bulk` share the site's one HTTP listener; the others open their own. */
export const ReceiverConfig = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('http') }),
  z.strictObject({
    type: z.literal('bulk'),
    /** Index name patterns (`*` stands for anything) that lead to this source when its credentials open several. */
    indices: z.array(z.string().min(1)).min(1).default(['*']),
    /** Dotted field of each document that holds the record as text, e.g. `message`; default: the document is the record. */
    record_field: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('file'),
    /** Paths; `*` stands for anything but `/`. */
    paths: z.array(z.string().min(1)).min(1),
    /** Where a file that was never seen begins. */
    from: z.enum(['beginning', 'end']).default('beginning'),
    poll_interval_ms: z.number().int().min(10).default(1_000),
  }),
  z.strictObject({ type: z.literal('udp-syslog'), ...Listen }),
  z.strictObject({
    type: z.literal('tcp-syslog'),
    ...Listen,
    max_connections: z.number().int().min(1).default(256),
  }),
  z.strictObject({
    type: z.literal('tls-syslog'),
    ...Listen,
    tls: TlsFiles,
    max_connections: z.number().int().min(1).default(256),
  }),
  z.strictObject({ type: z.literal('udp-netflow'), ...Listen }),
]);
export type ReceiverConfig = z.infer<typeof ReceiverConfig>;
export type ReceiverType = ReceiverConfig['type'];

const Network = z
  .string()
  .refine((text) => parseNetwork(text) !== undefined, 'must be an address or a network such as 10.0.0.0/8');

/** Who may send; every condition given must hold. */
export const SourceAccess = z.strictObject({
  /** Sent as Bearer, as the Basic password or as the ApiKey; from `{$env: NAME}` or `{$file: PATH}`. */
  token: z.string().min(16, 'must have at least 16 characters').optional(),
  /** The SHA-256 of the token, hex, where the configuration should not hold the token itself. */
  token_sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits')
    .optional(),
  client_certificate: z
    .strictObject({
      common_name: z.string().optional(),
      /** SHA-256 of the DER certificate, hex without colons. */
      fingerprint_sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits')
        .optional(),
    })
    .refine(
      ({ common_name, fingerprint_sha256 }) => common_name !== undefined || fingerprint_sha256 !== undefined,
      {
        message: 'needs common_name or fingerprint_sha256',
      },
    )
    .optional(),
  /** Addresses or networks of the senders. */
  addresses: z.array(Network).min(1).optional(),
});
export type SourceAccess = z.infer<typeof SourceAccess>;

export const SourceConfig = z
  .strictObject({
    id: Slug,
    /** Id of an adapter, e.g. `kubernetes-audit`. */
    format: z.string(),
    receivers: z.array(ReceiverConfig).default([]),
    access: SourceAccess.default({}),
    /** Records a second over all connections of the source; above it senders wait (429) or, over UDP, records are dropped and counted. */
    rate_per_s: z.number().positive().default(5_000),
    /** How many records may come at once above the rate; default ten seconds' worth. */
    burst_records: z.number().int().min(1).optional(),
    /** Larger records are dead-lettered (their first part kept); default: the format's own. */
    max_record_bytes: z.number().int().min(1_024).max(268_435_456).optional(),
    /** IANA zone for times without one. */
    timezone: z
      .string()
      .refine((name) => createZone(name) !== undefined, 'must be an IANA time zone such as Europe/Paris')
      .default('UTC'),
    /** The format's own settings. */
    parameters: z.record(z.string(), z.unknown()).default({}),
    /** True for records that rules should see but the index should not keep. */
    detection_only: z.boolean().default(false),
  })
  .superRefine((source, context) => {
    const adapter = findAdapter(source.format);
    if (!adapter) {
      context.addIssue({ code: 'custom', path: ['format'], message: `no format \`${source.format}\`` });
      return;
    }
    const parameters = adapter.parameters.safeParse(source.parameters);
    for (const issue of parameters.error?.issues ?? []) {
      context.addIssue({ code: 'custom', path: ['parameters', ...issue.path], message: issue.message });
    }
    const files = source.receivers.flatMap(({ type }, at) => (type === 'file' ? [at] : []));
    if (files.length > 1) {
      context.addIssue({
        code: 'custom',
        path: ['receivers', files[1] as number],
        message: 'a source has one file receiver: name all its paths there',
      });
    }
    for (const [at, { type }] of source.receivers.entries()) {
      if (!adapter.receivers.includes(type)) {
        const known = adapter.receivers.join(', ');
        context.addIssue({
          code: 'custom',
          path: ['receivers', at, 'type'],
          message: `${source.format} comes in by ${known}, not by ${type}`,
        });
      }
      for (const [path, message] of judgeAccess(source.access, source.receivers[at] as ReceiverConfig))
        context.addIssue({ code: 'custom', path, message });
    }
  });
export type SourceConfig = z.infer<typeof SourceConfig>;
/** As a person writes it, before defaults. */
export type SourceConfigInput = z.input<typeof SourceConfig>;

/** By which conditions of `access` a receiver can tell its senders apart. */
const SHOWN_BY: Readonly<Record<ReceiverType, readonly (keyof SourceAccess)[]>> = {
  http: ['token', 'token_sha256', 'client_certificate', 'addresses'],
  bulk: ['token', 'token_sha256', 'client_certificate', 'addresses'],
  'tls-syslog': ['client_certificate', 'addresses'],
  'tcp-syslog': ['addresses'],
  'udp-syslog': ['addresses'],
  'udp-netflow': ['addresses'],
  file: [],
};

/** Problems, as key path and message, of conditions that a receiver cannot hold its senders to. */
function judgeAccess(access: SourceAccess, receiver: ReceiverConfig): [string[], string][] {
  const { type } = receiver;
  if (type === 'file') return [];
  const given = (Object.keys(access) as (keyof SourceAccess)[]).filter((name) => access[name] !== undefined);
  const known = SHOWN_BY[type];
  if (given.length === 0)
    return [[['access'], `a source on the network (${type}) needs ${known.join(' or ')}`]];
  const problems = given
    .filter((name) => !known.includes(name))
    .map((name): [string[], string] => [
      ['access', name],
      `senders of ${type} cannot show it: it takes ${known.join(' and ')}`,
    ]);
  if (type === 'tls-syslog' && access.client_certificate && receiver.tls.client_ca_file === undefined) {
    problems.push([
      ['access', 'client_certificate'],
      'needs the client_ca_file of the tls-syslog receiver, which asks for the certificate',
    ]);
  }
  return problems;
}

/** Largest record taken when neither configuration nor format says. */
export const DEFAULT_MAX_RECORD_BYTES = 1_048_576;
