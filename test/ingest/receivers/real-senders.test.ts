// Real senders against the receivers: pmacctd's flow exports, rsyslog and logger over UDP and TCP, OpenSSL's client over TLS.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { startNetflowUdpReceiver } from '../../../ingest/receivers/netflow-udp.ts';
import { startSyslogTcpReceiver, startSyslogTlsReceiver } from '../../../ingest/receivers/syslog-tcp.ts';
import { startSyslogUdpReceiver } from '../../../ingest/receivers/syslog-udp.ts';
import type { Normalised, SourceAdapter } from '../../../ingest/source.ts';
import { netflowAdapter } from '../../../ingest/sources/netflow/index.ts';
import { syslogAdapter } from '../../../ingest/sources/syslog/index.ts';
import { readFirst, splitField } from '../../../platform/core/fields.ts';
import { findFreePorts } from '../../services/free-port.ts';
import { exportFlows } from '../../services/pmacct.ts';
import { requireProgram } from '../../services/programs.ts';
import { requireReal } from '../../services/require-real.ts';
import { startRsyslog } from '../../services/rsyslog.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { createRecordingIntake, quickClock, type RecordingIntake } from './recording-intake.ts';

const base = { sourceId: 'test', host: '127.0.0.1', port: 0, max_record_bytes: 65_536, clock: quickClock };

function normaliseAll(adapter: SourceAdapter, intake: RecordingIntake): Normalised[] {
  const state = new Map<string, string>();
  const normaliser = adapter.createNormaliser({
    site: { tenant: 'acme', id: 'lyon', tier: 'edge', jurisdiction: 'eu-fr', eventKey: new Uint8Array(32) },
    sourceId: 'test',
    timezone: 'UTC',
    parameters: adapter.parameters.parse({}),
    state: { get: (key) => state.get(key), set: (key, value) => void state.set(key, value) },
    count: () => {},
  });
  return intake.records.flatMap((record) => normaliser.normalise(record));
}

describe('real senders', () => {
  for (const version of [5, 9, 10] as const) {
    test(`pmacctd's flows of a capture arrive as events, version ${version}`, {
      timeout: 60_000,
    }, async (context) => {
      requireReal(context, 'pmacctd', 'pcaps');
      const intake = createRecordingIntake();
      const receiver = await startNetflowUdpReceiver({ ...base, intake });
      try {
        await exportFlows({
          pcapFile: requireProgram('pcaps'),
          version,
          receiver: { host: '127.0.0.1', port: receiver.port },
        });
        const flows = () => normaliseAll(netflowAdapter, intake).filter(({ kind }) => kind === 'event');
        await waitUntil({ what: 'ten flows', timeout_ms: 10_000, holds: () => flows().length === 10 });
        expect(normaliseAll(netflowAdapter, intake).filter(({ kind }) => kind === 'rejected')).toEqual([]);
        expect(intake.drops.size).toBe(0);
      } finally {
        await receiver.close();
      }
    });
  }

  test('rsyslog forwards over UDP and TCP, counted and line-ended', { timeout: 60_000 }, async (context) => {
    requireReal(context, 'rsyslogd');
    const intakes = {
      udp: createRecordingIntake(),
      line: createRecordingIntake(),
      counted: createRecordingIntake(),
    };
    const udp = await startSyslogUdpReceiver({ ...base, intake: intakes.udp });
    const line = await startSyslogTcpReceiver({ ...base, intake: intakes.line });
    const counted = await startSyslogTcpReceiver({ ...base, intake: intakes.counted });
    const [port] = (await findFreePorts(1)) as [number];
    const send = (to: number, more: string): string =>
      `action(type="omfwd" target="127.0.0.1" port="${to}" ${more})`;
    const rsyslog = await startRsyslog({
      ready_port: port,
      config: `module(load="imtcp")
input(type="imtcp" port="${port}" address="127.0.0.1")
${send(udp.port, 'protocol="udp" template="RSYSLOG_TraditionalForwardFormat"')}
${send(line.port, 'protocol="tcp" template="RSYSLOG_ForwardFormat"')}
${send(counted.port, 'protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"')}`,
    }).catch(async (error: unknown) => {
      await Promise.all([udp, line, counted].map((receiver) => receiver.close()));
      throw error;
    });
    try {
      const text = 'Failed password for invalid user admin from 203.0.113.7 port 4242 ssh2';
      await execa('logger', [
        '--server',
        '127.0.0.1',
        '--port',
        String(port),
        '--tcp',
        '--octet-count',
        '--rfc5424',
        '-p',
        'auth.info',
        '-t',
        'sshd',
        '--id=99',
        text,
      ]);
      for (const [name, intake] of Object.entries(intakes)) {
        const found = () =>
          normaliseAll(syslogAdapter, intake).find(
            (outcome) =>
              outcome.kind === 'event' &&
              readFirst(outcome.draft.fields, splitField('source.ip')) === '203.0.113.7',
          );
        await waitUntil({
          what: `the message came over ${name}; rsyslog said ${rsyslog.said()}`,
          timeout_ms: 15_000,
          holds: () => found() !== undefined,
        });
        const outcome = found();
        if (outcome?.kind !== 'event') throw new Error('no event');
        expect(outcome.draft.dataset).toBe('syslog.auth');
        expect(outcome.draft.timestamp).toBeGreaterThan(Date.now() - 120_000);
        expect(outcome.draft.fields).toMatchObject({
          event: { action: 'ssh_login', outcome: 'failure' },
          user: { name: 'admin' },
          process: { name: 'sshd' },
        });
      }
    } finally {
      await rsyslog.stop();
      await Promise.all([udp, line, counted].map((receiver) => receiver.close()));
    }
  });

  test('OpenSSL’s client sends counted frames over TLS', { timeout: 60_000 }, async (context) => {
    requireReal(context, 'openssl');
    const folder = await mkdtemp(join(tmpdir(), 'picket-tls-'));
    const key = join(folder, 'key.pem');
    const certificate = join(folder, 'cert.pem');
    const openssl = requireProgram('openssl');
    await execa(openssl, [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      key,
      '-out',
      certificate,
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
    ]);
    const intake = createRecordingIntake();
    const receiver = await startSyslogTlsReceiver({
      ...base,
      intake,
      certificate: await readFile(certificate, 'utf8'),
      key: await readFile(key, 'utf8'),
    });
    try {
      const input = '19 <13>first message\n.20 <13>second message.\n';
      await execa(
        openssl,
        [
          's_client',
          '-quiet',
          '-no_ign_eof',
          '-connect',
          `127.0.0.1:${receiver.port}`,
          '-CAfile',
          certificate,
        ],
        { input, timeout: 10_000, reject: false },
      );
      await waitUntil({ what: 'both came', timeout_ms: 10_000, holds: () => intake.records.length >= 2 });
      expect(intake.texts().slice(0, 2)).toEqual(['<13>first message\n.', '<13>second message.\n']);
    } finally {
      await receiver.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
