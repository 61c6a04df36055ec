// How many datagrams the kernel threw away for want of room in a socket's buffer (Linux, /proc/net/udp and udp6).
import { readFile } from 'node:fs/promises';
import ipaddr from 'ipaddr.js';

/**
 * The kernel's drop counter of the UDP socket bound to an address and port; undefined when there is none or
 * the system has no such table. `read` gives the text of a file.
 */
export async function readKernelDrops(options: {
  address: string;
  port: number;
  read?: (file: string) => Promise<string>;
}): Promise<number | undefined> {
  const read = options.read ?? ((file: string) => readFile(file, 'utf8'));
  const wanted = `${encodeAddress(options.address)}:${options.port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const file of ['/proc/net/udp', '/proc/net/udp6']) {
    let table: string;
    try {
      table = await read(file);
    } catch {
      continue;
    }
    for (const line of table.split('\n').slice(1)) {
      const columns = line.trim().split(/\s+/);
      const drops = Number(columns.at(-1));
      if (columns[1] === wanted && Number.isSafeInteger(drops)) return drops;
    }
  }
  return undefined;
}

/** Words of 32 bits in the machine's order (little-endian on every machine that Node supports here), hexadecimal. */
function encodeAddress(address: string): string {
  const bytes = Buffer.from(ipaddr.parse(address).toByteArray());
  return bytes.swap32().toString('hex').toUpperCase();
}
