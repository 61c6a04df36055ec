import { describe, expect, test } from 'vitest';
import { SourceConfig } from '../../ingest/source-config.ts';

const problems = (value: unknown): string[] =>
  (SourceConfig.safeParse(value).error?.issues ?? []).map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  );

const token = '0123456789abcdef';

describe('the configuration of a source', () => {
  test('fills in what is left out', () => {
    expect(SourceConfig.parse({ id: 'a', format: 'falco' })).toEqual({
      id: 'a',
      format: 'falco',
      receivers: [],
      access: {},
      rate_per_s: 5_000,
      timezone: 'UTC',
      parameters: {},
      detection_only: false,
    });
  });

  test('refuses a network source that anybody could write to', () => {
    expect(problems({ id: 'a', format: 'falco', receivers: [{ type: 'http' }] })).toEqual([
      'access: a source on the network (http) needs token or token_sha256 or client_certificate or addresses',
    ]);
  });

  test.each([
    [{ id: 'a', format: 'nonsense' }, 'format: no format `nonsense`'],
    ...['tcp-syslog', 'udp-syslog'].map((type): [unknown, string] => [
      { id: 'a', format: 'syslog', receivers: [{ type, port: 514 }], access: { token } },
      `access.token: senders of ${type} cannot show it: it takes addresses`,
    ]),
    [
      {
        id: 'a',
        format: 'netflow',
        receivers: [{ type: 'udp-netflow', port: 2055 }],
        access: { client_certificate: { common_name: 'router' }, addresses: ['10.0.0.1'] },
      },
      'access.client_certificate: senders of udp-netflow cannot show it: it takes addresses',
    ],
    [
      {
        id: 'a',
        format: 'syslog',
        receivers: [
          { type: 'tls-syslog', port: 6514, tls: { certificate_file: 'a.crt', key_file: 'a.key' } },
        ],
        access: { client_certificate: { common_name: 'router' } },
      },
      'access.client_certificate: needs the client_ca_file of the tls-syslog receiver',
    ],
    [
      { id: 'a', format: 'falco', receivers: ['x', 'y'].map((path) => ({ type: 'file', paths: [path] })) },
      'receivers.1: a source has one file receiver',
    ],
    [{ id: 'A b', format: 'falco' }, 'id:'],
    [{ id: 'a', format: 'falco', colour: 1 }, 'Unrecognized key'],
    [{ id: 'a', format: 'falco', parameters: { x: 1 } }, 'parameters: Unrecognized key'],
    [{ id: 'a', format: 'ecs', parameters: { class: 'secret' } }, 'parameters.class:'],
    [{ id: 'a', format: 'falco', timezone: 'Mars/Olympus' }, 'timezone: must be an IANA time zone'],
    [
      { id: 'a', format: 'falco', access: { addresses: ['10.0.0.0/33'] } },
      'access.addresses.0: must be an address',
    ],
    [{ id: 'a', format: 'falco', access: { token: 'short' } }, 'access.token: must have at least 16'],
    [{ id: 'a', format: 'falco', access: { client_certificate: {} } }, 'access.client_certificate: needs'],
    [
      { id: 'a', format: 'falco', receivers: [{ type: 'udp-netflow', port: 2055 }], access: { token } },
      'receivers.0.type: falco comes in by http, bulk, file, not by udp-netflow',
    ],
  ])('%j has the problem %s', (value, expected) => {
    expect(problems(value).join('\n')).toContain(expected);
  });
});
