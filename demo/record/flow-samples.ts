/** Records test/fixtures/netflow/flow-samples.ndjson: public captures of protocols that rules speak of, as the real pmacctd exports them and the netflow source reads them. */
import { createSocket } from 'node:dgram';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { createLineNormaliser } from '../../server/commands/normalise-line.ts';
import { startFlowExport } from '../../test/services/pmacct.ts';

const target = join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'netflow', 'flow-samples.ndjson');

/** Captures of nDPI 4.2 (Debian source package ndpi, tests/pcap), with addresses that are changed: from, to. */
const captures: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  ['irc.pcap', []],
  ['rdp.pcap', []],
  ['openvpn.pcap', []],
  ['monero.pcap', []],
  ['ethereum.pcap', []],
  ['dns_dot.pcap', []],
  ['tftp.pcap', []],
  ['ftp.pcap', []],
  ['anydesk.pcap', []],
  ['smtp.pcap', []],
  ['coap_mqtt.pcap', []],
  ['443-curl.pcap', []],
  ['ssh.pcap', []],
  // The master of a capture stands for somebody outside (RFC 5737).
  ['modbus.pcap', [['192.168.110.131', '203.0.113.50']]],
  ['iec60780-5-104.pcap', []],
  ['mssql_tds.pcap', []],
  ['smbv1.pcap', []],
  ['bittorrent.pcap', []],
];

/** Bytes before the IP packet by link type (tcpdump.org/linktypes.html): BSD loopback, Ethernet, raw IP (two numbers), Linux cooked. */
const HEADER_BYTES: Readonly<Record<number, number>> = { 0: 4, 1: 14, 12: 0, 101: 0, 113: 16 };

/** A classic little-endian pcap with every packet under an Ethernet header, so that all can be played into one wire. */
function toEthernet(pcap: Buffer): Uint8Array {
  const link = pcap.readUInt32LE(20);
  const skip = HEADER_BYTES[link];
  if (skip === undefined) throw new Error(`link type ${link}`);
  if (link === 1) return pcap;
  const head = Buffer.from(pcap.subarray(0, 24));
  head.writeUInt32LE(1, 20);
  const parts: Uint8Array[] = [head];
  for (let at = 24; at + 16 <= pcap.length; ) {
    const length = pcap.readUInt32LE(at + 8);
    const packet = pcap.subarray(at + 16 + skip, at + 16 + length);
    const kind = (packet[0] ?? 0) >> 4 === 6 ? 0x86dd : 0x0800;
    const header = Buffer.from([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, kind >> 8, kind & 255]);
    const record = Buffer.from(pcap.subarray(at, at + 16));
    record.writeUInt32LE(packet.length + 14, 8);
    record.writeUInt32LE(packet.length + 14, 12);
    parts.push(record, header, packet);
    at += 16 + length;
  }
  return Buffer.concat(parts);
}

/** `pcaps` is the folder nDPI-4.2/tests/pcap; needs root, pmacctd, tcpreplay and iproute2. */
export async function recordFlowSamples(pcaps: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'picket-flow-samples-'));
  const wire = 'pks';
  const socket = createSocket({ type: 'udp4', recvBufferSize: 8 * 1024 * 1024 });
  await execa('ip', ['link', 'add', `${wire}a`, 'type', 'veth', 'peer', 'name', `${wire}b`]);
  try {
    for (const end of [`${wire}a`, `${wire}b`]) {
      await writeFile(`/proc/sys/net/ipv6/conf/${end}/disable_ipv6`, '1');
      await execa('ip', ['link', 'set', end, 'mtu', '9000', 'up']);
    }
    const datagrams: string[] = [];
    socket.on('message', (datagram) => {
      datagrams.push(JSON.stringify({ peer: '10.20.0.1', datagram: datagram.toString('base64') }));
    });
    await new Promise<void>((resolve) => {
      socket.bind(0, '127.0.0.1', resolve);
    });
    const receiver = { host: '127.0.0.1', port: socket.address().port };
    const watched = await startFlowExport({
      networkInterface: `${wire}b`,
      version: 9,
      engine: '7',
      receiver,
    });
    for (const [name, renamed] of captures) {
      const ethernet = join(folder, name);
      await writeFile(ethernet, toEthernet(await readFile(join(pcaps, name))));
      const rewritten = renamed.length === 0 ? ethernet : join(folder, `renamed-${name}`);
      if (renamed.length > 0) {
        const map = renamed.map(([from, to]) => `${from}/32:${to}/32`).join(',');
        await execa('tcprewrite', [`--pnat=${map}`, `--infile=${ethernet}`, `--outfile=${rewritten}`]);
      }
      await execa('tcpreplay', ['--intf1', `${wire}a`, '--mbps', '20', '--limit', '400', rewritten], {
        timeout: 60_000,
      });
    }
    await sleep(2_000);
    await watched.stop();
    await sleep(500);
    const normalise = createLineNormaliser('netflow');
    const events = datagrams.flatMap((line) => normalise(Buffer.from(line)));
    for (const event of events) delete event['picket'];
    await writeFile(target, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
    process.stdout.write(`${events.length} flows\n`);
  } finally {
    await execa('ip', ['link', 'del', `${wire}a`]);
    socket.close();
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const [pcaps] = process.argv.slice(2);
  if (pcaps === undefined) throw new Error('usage: node demo/record/flow-samples.ts FOLDER_OF_PCAPS');
  await recordFlowSamples(pcaps);
}
