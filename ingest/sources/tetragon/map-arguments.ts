// What a hook's arguments say: the file, the connection, the kernel module, as ECS beside Tetragon's own form.
import type { JsonObject } from '../../../platform/core/event.ts';
import { writeField } from '../../../platform/core/fields.ts';
import { asAddress, asList, asObject, asPort, asText } from '../../read-value.ts';

/** Arguments with a path (`file`, `path`, `linux_binprm` in a tracing policy). */
const PATHS = ['file_arg', 'path_arg', 'linux_binprm_arg'] as const;
/** Arguments with both ends of a connection. */
const SOCKETS = ['sock_arg', 'skb_arg'] as const;

/** Bytes of a hook's buffers are told by their length: what a program read or wrote is no business of a log. */
const BYTES = ['bytes_arg', 'truncated_bytes_arg'] as const;

/** Writes ECS fields of the arguments and gives ECS's `event.category` values that they stand for. */
export function writeArguments(fields: JsonObject, args: readonly unknown[]): string[] {
  const categories = new Set<string>();
  for (const element of args) {
    const argument = asObject(element);
    if (!argument) continue;
    for (const name of PATHS) {
      const path = asText(asObject(argument[name])?.['path']);
      if (path === undefined) continue;
      if (readPath(fields) === undefined) writeField(fields, 'file.path', path);
      categories.add('file');
    }
    for (const name of SOCKETS) {
      const socket = asObject(argument[name]);
      if (!socket) continue;
      writeConnection(fields, {
        source: [socket['saddr'], socket['sport']],
        destination: [socket['daddr'], socket['dport']],
        protocol: socket['protocol'],
      });
      categories.add('network');
    }
    const address = asObject(argument['sockaddr_arg']);
    if (address) {
      writeConnection(fields, { destination: [address['addr'], address['port']] });
      categories.add('network');
    }
    if (asObject(argument['module_arg'])) categories.add('driver');
  }
  return [...categories];
}

/** Both ends of a connection, each an address and a port; `IPPROTO_TCP` and `TCP` are `tcp`. */
export function writeConnection(
  fields: JsonObject,
  ends: {
    source?: readonly [unknown, unknown];
    destination?: readonly [unknown, unknown];
    protocol?: unknown;
  },
): void {
  for (const end of ['source', 'destination'] as const) {
    const [address, port] = ends[end] ?? [];
    const ip = asAddress(address);
    if (ip === undefined) continue;
    writeField(fields, `${end}.ip`, ip);
    writeField(fields, `${end}.port`, asPort(port));
  }
  const protocol = asText(ends.protocol)
    ?.replace(/^IPPROTO_/, '')
    .toLowerCase();
  if (protocol !== undefined && /^[a-z0-9-]{2,16}$/.test(protocol))
    writeField(fields, 'network.transport', protocol);
}

/** Leaves of buffers their length alone, in place; true when there were any. */
export function maskBuffers(args: unknown): boolean {
  let masked = false;
  for (const element of asList(args)) {
    const argument = asObject(element);
    for (const name of BYTES) {
      const buffer = argument?.[name];
      if (!argument || buffer === undefined) continue;
      const size = typeof buffer === 'string' ? base64Length(buffer) : asObject(buffer)?.['orig_size'];
      argument[name] = { orig_size: asText(size) ?? '0' };
      masked = true;
    }
  }
  return masked;
}

function base64Length(text: string): number {
  return Math.floor((text.replaceAll('=', '').length * 3) / 4);
}

function readPath(fields: JsonObject): string | undefined {
  return asText(asObject(fields['file'])?.['path']);
}
