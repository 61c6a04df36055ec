// UDP, TCP and TLS receivers on loopback: delivery, who may send, limits, backpressure, and the kernel's drops.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import forge from 'node-forge';
import { expect, test } from 'vitest';
import { createRateLimiter } from '../../../ingest/rate-limit.ts';
import { readKernelDrops } from '../../../ingest/receivers/kernel-drops.ts';
import { startSyslogTcpReceiver, startSyslogTlsReceiver } from '../../../ingest/receivers/syslog-tcp.ts';
import { startSyslogUdpReceiver } from '../../../ingest/receivers/syslog-udp.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { createRecordingIntake, quickClock } from './recording-intake.ts';

const base = { sourceId: 'test', host: '127.0.0.1', port: 0, max_record_bytes: 1_000, clock: quickClock };

async function sendDatagrams(port: number, texts: readonly string[]): Promise<void> {
  const socket = createSocket('udp4');
  for (const text of texts) {
    await new Promise<void>((resolve) => {
      socket.send(text, port, '127.0.0.1', () => resolve());
    });
  }
  socket.close();
}

async function sendStream(port: number, text: string): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  socket.end(text);
  await once(socket, 'close');
}

const within = (what: string, holds: () => boolean): Promise<void> =>
  waitUntil({ what, holds, timeout_ms: 10_000, interval_ms: 10 });

test('each datagram is a record with its sender and an id of its own', async () => {
  const intake = createRecordingIntake();
  const receiver = await startSyslogUdpReceiver({ ...base, intake });
  await sendDatagrams(receiver.port, ['<13>one', '<13>one', `<13>${'x'.repeat(5_000)}`]);
  await within('three came', () => intake.records.length === 3);
  await receiver.close();
  expect(intake.records.map(({ peer }) => peer)).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1']);
  expect(new Set(intake.records.map(({ position }) => JSON.stringify(position))).size).toBe(3);
  expect(intake.records[2]?.bytes.length).toBe(1_001);
  expect(intake.records.map(({ cut }) => cut)).toEqual([undefined, undefined, true]);
});

test('datagrams of others, above the rate or above the queue are dropped and counted', async () => {
  const intake = createRecordingIntake();
  const closed = await startSyslogUdpReceiver({ ...base, intake, addresses: ['10.0.0.0/8'] });
  await sendDatagrams(closed.port, ['a']);
  await within('counted', () => intake.drops.get('address-not-allowed') === 1);
  await closed.close();

  const limiter = createRateLimiter({ rate_per_s: 0.001, burst: 2, clock: systemClock });
  const limited = await startSyslogUdpReceiver({ ...base, intake, limiter });
  await sendDatagrams(limited.port, ['a', 'b', 'c', 'd', 'e']);
  await within('counted', () => intake.drops.get('rate-limit') === 3);
  await limited.close();

  intake.blocked = true;
  const full = await startSyslogUdpReceiver({ ...base, intake, queue_records: 2 });
  await sendDatagrams(
    full.port,
    Array.from({ length: 10 }, (_, index) => `q${index}`),
  );
  await within('counted', () => (intake.drops.get('queue-full') ?? 0) > 0);
  const before = intake.records.length;
  intake.blocked = false;
  await full.close();
  expect(intake.records.length - before + (intake.drops.get('queue-full') ?? 0)).toBe(10);
});

test('a taken port is an error at the start', async () => {
  const intake = createRecordingIntake();
  const receiver = await startSyslogUdpReceiver({ ...base, intake });
  await expect(startSyslogUdpReceiver({ ...base, port: receiver.port, intake })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
  await receiver.close();
});

test('the kernel’s drop column is read by address and port', async () => {
  const table =
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n  1: 0100007F:0807 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 42\n';
  const read = async (file: string): Promise<string> => (file.endsWith('6') ? '' : table);
  expect(await readKernelDrops({ address: '127.0.0.1', port: 2055, read })).toBe(42);
  expect(await readKernelDrops({ address: '127.0.0.1', port: 2056, read })).toBeUndefined();
});

test('TCP takes both framings of many connections, and the last words of one that closes', async () => {
  const intake = createRecordingIntake();
  const receiver = await startSyslogTcpReceiver({ ...base, intake });
  await Promise.all([
    sendStream(receiver.port, '<13>a\n8 <13>b\nb\n'),
    sendStream(receiver.port, '<13>c\n<13>no end'),
  ]);
  await within('four came', () => intake.records.length === 4);
  await receiver.close();
  expect(intake.texts().sort()).toEqual(['<13>a', '<13>b\nb\n', '<13>c', '<13>no end'].sort());
});

test('while the intake is behind, TCP senders wait and nothing is lost', async () => {
  const intake = createRecordingIntake();
  intake.blocked = true;
  const receiver = await startSyslogTcpReceiver({ ...base, intake });
  const line = `<13>${'x'.repeat(900)}\n`;
  const socket = connect({ port: receiver.port, host: '127.0.0.1' });
  const count = 40_000;
  let unsent = true;
  socket.end(line.repeat(count), () => {
    unsent = false;
  });
  await waitUntil({
    what: 'a while',
    timeout_ms: 5_000,
    interval_ms: 300,
    holds: (() => {
      let turns = 0;
      return () => turns++ > 1;
    })(),
  });
  expect(unsent).toBe(true);
  expect(intake.records).toHaveLength(0);
  intake.blocked = false;
  await within('all came', () => intake.records.length === count);
  await receiver.close();
});

function makeCertificate(name: string, issuer?: { key: forge.pki.rsa.PrivateKey; name: string }) {
  const keys = forge.pki.rsa.generateKeyPair(2048);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = keys.publicKey;
  certificate.serialNumber = Buffer.from(name).toString('hex');
  certificate.validity.notBefore = new Date(Date.now() - 60_000);
  certificate.validity.notAfter = new Date(Date.now() + 3_600_000);
  certificate.setSubject([{ name: 'commonName', value: name }]);
  certificate.setIssuer([{ name: 'commonName', value: issuer?.name ?? name }]);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: issuer === undefined },
    { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
  ]);
  certificate.sign(issuer?.key ?? keys.privateKey, forge.md.sha256.create());
  return {
    pem: forge.pki.certificateToPem(certificate),
    keyPem: forge.pki.privateKeyToPem(keys.privateKey),
    key: keys.privateKey,
  };
}

test('TLS takes clients of its CA with the right name, and counts the others', async () => {
  const intake = createRecordingIntake();
  const ca = makeCertificate('ca');
  const issuer = { key: ca.key, name: 'ca' };
  const [server, good, wrong] = ['server', 'sensor-1', 'sensor-2'].map((name) =>
    makeCertificate(name, issuer),
  );
  if (!server || !good || !wrong) throw new Error('three certificates');
  const receiver = await startSyslogTlsReceiver({
    ...base,
    intake,
    certificate: server.pem,
    key: server.keyPem,
    client_ca: ca.pem,
    client_certificate: { common_name: 'sensor-1' },
  });
  const send = async (client?: { pem: string; keyPem: string }): Promise<void> => {
    const socket = connectTls({
      port: receiver.port,
      host: '127.0.0.1',
      ca: ca.pem,
      ...(client ? { cert: client.pem, key: client.keyPem } : {}),
    });
    socket.on('error', () => {});
    socket.end('8 <13>tls!');
    await new Promise<void>((resolve) => {
      socket.on('close', () => resolve());
    });
  };
  await send(good);
  await send(wrong);
  await send();
  await within(
    'counted',
    () => intake.drops.get('certificate-not-allowed') === 1 && intake.drops.get('tls-handshake') === 1,
  );
  await within('one came', () => intake.records.length === 1);
  await receiver.close();
  expect(intake.texts()).toEqual(['<13>tls!']);
});
