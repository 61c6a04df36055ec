/** Lets the real pmacctd read a pcap file or watch an interface, and export flows as NetFlow v5, v9 or IPFIX over UDP. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { requireProgram } from './programs.ts';
import { startProcess } from './running-process.ts';
import { waitUntil } from './wait-until.ts';

/** 5 and 9 are NetFlow's versions, 10 is IPFIX. */
export type FlowVersion = 5 | 9 | 10;

export interface FlowExport {
  version: FlowVersion;
  receiver: { host: string; port: number };
  /** `type:id` (0-255 each) for v5, one number for v9's source id and IPFIX's observation domain. */
  engine?: string;
  signal?: AbortSignal;
}

async function writeConfig(folder: string, wanted: FlowExport, source: readonly string[]): Promise<string> {
  const file = join(folder, 'pmacctd.conf');
  const engine = wanted.engine ?? (wanted.version === 5 ? '1:1' : '1');
  const lines = [
    'daemonize: false',
    ...source,
    'plugins: nfprobe[export]',
    'aggregate[export]: src_host, dst_host, src_port, dst_port, proto, tos, tcpflags',
    `nfprobe_receiver[export]: ${wanted.receiver.host}:${wanted.receiver.port}`,
    `nfprobe_version[export]: ${wanted.version}`,
    `nfprobe_engine[export]: ${engine}`,
    'plugin_pipe_size[export]: 10240000',
    'plugin_buffer_size[export]: 10240',
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

/**
 * Reads `pcapFile` to its end and resolves when every flow was sent. pmacctd counts a flow's times from its own start,
 * so a capture's old times wrap around in the datagrams; {@link startFlowExport} gives true ones.
 */
export async function exportFlows(
  options: FlowExport & { pcapFile: string; timeout_ms?: number },
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'picket-pmacct-'));
  try {
    const file = await writeConfig(folder, options, [
      `pcap_savefile: ${options.pcapFile}`,
      'nfprobe_timeouts[export]: maxlife=3600',
    ]);
    const result = await execa(requireProgram('pmacctd'), ['-f', file], {
      all: true,
      stdin: 'ignore',
      reject: false,
      timeout: options.timeout_ms ?? 60_000,
      ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    });
    // At the end of the file the daemon and its plugin tell each other to end; when the plugin is first, it exits with 1.
    const ended =
      result.exitCode === 0 ||
      (result.exitCode === 1 && result.all?.includes('Shutting down on user request'));
    if (!ended) throw new Error(`pmacctd: ${result.all ?? result.shortMessage}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Watches a network interface (root) until stopped, with short timeouts; stop sends what is left. */
export async function startFlowExport(
  options: FlowExport & { networkInterface: string },
): Promise<{ stop: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'picket-pmacct-'));
  const timeouts = 'tcp=10:tcp.rst=2:tcp.fin=2:udp=5:icmp=5:general=10:maxlife=10:expint=2';
  const file = await writeConfig(folder, options, [
    `pcap_interface: ${options.networkInterface}`,
    `nfprobe_timeouts[export]: ${timeouts}`,
  ]);
  const running = startProcess({
    file: requireProgram('pmacctd'),
    args: ['-f', file],
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const stop = async (): Promise<void> => {
    await running.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await waitUntil({
      what: `pmacctd watches ${options.networkInterface}`,
      timeout_ms: 15_000,
      holds: () => {
        if (running.ended()) throw new Error(`pmacctd ended early:\n${running.said()}`);
        return running.said().includes('link type is');
      },
    });
  } catch (error) {
    await stop();
    throw new Error(`pmacctd did not start:\n${running.said()}`, { cause: error });
  }
  return { stop };
}
