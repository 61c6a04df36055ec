/** Records demo/recordings/flows/: the real pmacctd reads public captures and its datagrams are kept as they came. */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { type FlowVersion, startFlowExport } from '../../test/services/pmacct.ts';
import { story } from './story.ts';

const target = join(import.meta.dirname, '..', 'recordings', 'flows');

interface Take {
  /** A file of nDPI's tests/pcap (Debian source package ndpi 4.2). */
  pcap: string;
  sha256: string;
  /** Seconds after the start at which this one begins. */
  begins_s: number;
  /** Only these packets, as editcap counts them: `1-400`. */
  packets?: string;
  /** Addresses inside the site that stand in for the capture's own: from, to. */
  renamed?: readonly (readonly [string, string])[];
}

interface Export {
  file: string;
  version: FlowVersion;
  /** The exporter's address, as the receiver would see it. */
  peer: string;
  engine: string;
  takes: readonly Take[];
}

const exports: readonly Export[] = [
  {
    file: 'netflow9.ndjson',
    version: 9,
    peer: '10.20.0.1',
    engine: '9',
    takes: [
      {
        pcap: 'log4j-webapp-exploit.pcap',
        sha256: '390bc06ffc54eecc28f2d3539e8326b8aa8481e3c589a2768a67505c55d141ba',
        begins_s: 0,
      },
      {
        pcap: '443-curl.pcap',
        sha256: '6585e27d6bf0bab651904ba735e7e900718006a7894f479d23bb39a966c8f1c7',
        begins_s: 4,
        renamed: [['192.168.1.13', '10.20.3.21']],
      },
      {
        pcap: 'synscan.pcap',
        sha256: 'dec17c51b1b9d464831edb6e1f0a5bbcbeabdc519bfb4a5a402803384adb257c',
        begins_s: 22,
        packets: '1-400',
        renamed: [
          ['172.16.0.8', story.podAddress],
          ['64.13.134.52', story.controller],
        ],
      },
      {
        pcap: 'trickbot.pcap',
        sha256: '07ba066486481df65d01ee041dd6e412217f8178e9f679586a22333960673d2c',
        begins_s: 32,
        renamed: [['10.12.29.101', story.podAddress]],
      },
    ],
  },
  {
    file: 'ipfix.ndjson',
    version: 10,
    peer: '10.20.3.1',
    engine: '10',
    takes: [
      {
        pcap: 'modbus.pcap',
        sha256: '9e055a2d15a8e447be131002137341ae5f8f8b91b64576cd2fdbd854e141373e',
        begins_s: 0,
        renamed: [
          ['192.168.110.131', '10.20.3.10'],
          ['192.168.110.138', story.controller],
        ],
      },
      {
        pcap: 's7comm.pcap',
        sha256: '7cd2098677a5a122146fe3089e1f1defcfd0024bb5f977ac62b58f75575b7a03',
        begins_s: 3,
        renamed: [
          ['192.168.1.10', '10.20.3.10'],
          ['192.168.1.40', '10.20.3.41'],
        ],
      },
      {
        pcap: 'ssh.pcap',
        sha256: 'ebc65640dab43c2a2cfe039489d4ff785fe4e2c6c55135c644e0d683336e5c73',
        begins_s: 8,
        packets: '1-60',
      },
    ],
  },
  {
    file: 'netflow5.ndjson',
    version: 5,
    peer: '172.18.0.1',
    engine: '1:5',
    takes: [
      {
        pcap: 'malware.pcap',
        sha256: '1410f07d11f610ec0f26b189e98dd41d6a5d8fee4dcebd77ece292f68d10a445',
        begins_s: 0,
        packets: '1-4',
        renamed: [['192.168.7.7', story.windowsHost.address]],
      },
      {
        // The rest came two hours later; those hours are left out.
        pcap: 'malware.pcap',
        sha256: '1410f07d11f610ec0f26b189e98dd41d6a5d8fee4dcebd77ece292f68d10a445',
        begins_s: 12,
        packets: '5-26',
        renamed: [['192.168.7.7', story.windowsHost.address]],
      },
      {
        pcap: 'dns_exfiltration.pcap',
        sha256: '22167c7146f4c349bd35b4a45f6ac91f5715867211cfdccf60cf8072a31acad2',
        begins_s: 5,
        packets: '1-100',
      },
    ],
  },
];

/** LINKTYPE_LINUX_SLL: what capturing on all interfaces writes. */
const linuxCooked = 113;

/** Seconds since 1970 of a classic pcap's first packet (draft-ietf-opsawg-pcap). */
function firstPacketTime(pcap: Buffer): number {
  if (pcap.readUInt32LE(0) !== 0xa1b2c3d4) throw new Error('not a little-endian pcap in microseconds');
  return pcap.readUInt32LE(24) + pcap.readUInt32LE(28) / 1e6;
}

async function prepareTake(options: {
  take: Take;
  place: number;
  folder: string;
  pcaps: string;
}): Promise<string> {
  const { take, folder } = options;
  const original = await readFile(join(options.pcaps, take.pcap));
  const sha256 = createHash('sha256').update(original).digest('hex');
  if (sha256 !== take.sha256) throw new Error(`${take.pcap} is not the file of nDPI 4.2: ${sha256}`);
  const source = join(options.pcaps, take.pcap);
  const cut = join(folder, `cut-${options.place}-${take.pcap}`);
  const range =
    take.packets === undefined ? ['-r', source, cut, '1-1000000'] : ['-r', source, cut, take.packets];
  await execa('editcap', ['-F', 'pcap', ...range], { timeout: 30_000 });
  const kept = await readFile(cut);
  // Without its first two bytes a Linux cooked header (16 bytes) has the shape of an Ethernet header (14 bytes).
  const chop = kept.readUInt32LE(20) === linuxCooked ? ['-C', '2', '-T', 'ether'] : [];
  const shift_s = take.begins_s - firstPacketTime(kept);
  const shifted = join(folder, `shifted-${options.place}-${take.pcap}`);
  await execa('editcap', ['-F', 'pcap', ...chop, '-t', shift_s.toFixed(6), cut, shifted], {
    timeout: 30_000,
  });
  const renamed = join(folder, `renamed-${options.place}-${take.pcap}`);
  const map = (take.renamed ?? []).map(([from, to]) => `${from}/32:${to}/32`).join(',');
  // All as Ethernet, so that captures of different link types can be merged.
  const ethernet = ['--dlt=enet', '--enet-smac=02:00:00:00:00:01', '--enet-dmac=02:00:00:00:00:02'];
  const addresses = map === '' ? [] : [`--pnat=${map}`];
  const files = [`--infile=${shifted}`, `--outfile=${renamed}`];
  await execa('tcprewrite', [...ethernet, ...addresses, ...files], { timeout: 30_000 });
  return renamed;
}

/** Exports one list of captures; each line is {received, peer, datagram} with the datagram in base64. */
async function recordExport(wanted: Export, pcaps: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'picket-flows-'));
  // A pair of virtual interfaces: the captures are played into one end at their own speed, pmacctd watches the other.
  const wire = `pkt${wanted.version}`;
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  await execa('ip', ['link', 'add', `${wire}a`, 'type', 'veth', 'peer', 'name', `${wire}b`], {
    timeout: 10_000,
  });
  try {
    for (const end of [`${wire}a`, `${wire}b`]) {
      await writeFile(`/proc/sys/net/ipv6/conf/${end}/disable_ipv6`, '1');
      await execa('ip', ['link', 'set', end, 'up'], { timeout: 10_000 });
    }
    const files: string[] = [];
    for (const [place, take] of wanted.takes.entries())
      files.push(await prepareTake({ take, place, folder, pcaps }));
    const merged = join(folder, 'merged.pcap');
    await execa('mergecap', ['-F', 'pcap', '-w', merged, ...files], { timeout: 30_000 });
    const lines: string[] = [];
    socket.on('message', (datagram) => {
      const received = new Date().toISOString();
      lines.push(JSON.stringify({ received, peer: wanted.peer, datagram: datagram.toString('base64') }));
    });
    await new Promise<void>((resolve) => {
      socket.bind(0, '127.0.0.1', resolve);
    });
    const { port } = socket.address();
    const receiver = { host: '127.0.0.1', port };
    const watched = await startFlowExport({
      networkInterface: `${wire}b`,
      version: wanted.version,
      engine: wanted.engine,
      receiver,
    });
    await execa('tcpreplay', ['--intf1', `${wire}a`, merged], { timeout: 120_000 });
    await sleep(3_000);
    await watched.stop();
    await sleep(500);
    await writeFile(join(target, wanted.file), `${lines.join('\n')}\n`);
    process.stdout.write(`${wanted.file}: ${lines.length} datagrams\n`);
  } finally {
    await execa('ip', ['link', 'del', `${wire}a`], { timeout: 10_000 });
    socket.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** `pcaps` is the folder nDPI-4.2/tests/pcap; needs root, pmacctd, tcpreplay, iproute2 and Wireshark's editcap and mergecap. */
export async function recordFlows(pcaps: string): Promise<void> {
  await mkdir(target, { recursive: true });
  await Promise.all(exports.map((wanted) => recordExport(wanted, pcaps)));
}

if (import.meta.main) {
  const [pcaps] = process.argv.slice(2);
  if (pcaps === undefined) throw new Error('usage: node demo/record/flows.ts FOLDER_OF_PCAPS');
  await recordFlows(pcaps);
}
