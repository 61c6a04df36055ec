// IP addresses and networks, v4 and v6, as rules, entities and receivers compare them.
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Parses an address in its usual written form; IPv4-mapped IPv6 becomes IPv4; undefined for anything else (also `1.2` or `010.1.1.1`). */
export function parseAddress(text: string): Address | undefined {
  const bare = text.replace(/%.*$/, '');
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare);
  if (!bare.includes(':') || !ipaddr.IPv6.isValid(bare)) return undefined;
  return ipaddr.process(bare);
}

/** The canonical text of an address (RFC 5952 for IPv6), or undefined. */
export function canonicalAddress(text: string): string | undefined {
  return parseAddress(text)?.toString();
}

/** A test for membership in a network such as `10.0.0.0/8`, `fd00::/8` or a single address; undefined when it is none. */
export function parseNetwork(text: string): ((address: string) => boolean) | undefined {
  const [base, prefix, ...rest] = text.split('/');
  const network = base === undefined ? undefined : parseAddress(base);
  if (!network || rest.length > 0) return undefined;
  const longest = network.kind() === 'ipv4' ? 32 : 128;
  // An IPv4-mapped network counts its prefix over 128 bits: `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
  const mapped = longest === 32 && base?.includes(':') ? 96 : 0;
  const bits = prefix === undefined ? longest : /^\d{1,3}$/.test(prefix) ? Number(prefix) - mapped : -1;
  if (bits < 0 || bits > longest) return undefined;
  return (candidate) => {
    const address = parseAddress(candidate);
    return address !== undefined && address.kind() === network.kind() && address.match(network, bits);
  };
}

/** Ranges that mean something only where they were seen: an address in them is an entity of its site. */
const LOCAL_RANGES = new Set([
  'private',
  'loopback',
  'linkLocal',
  'uniqueLocal',
  'carrierGradeNat',
  'unspecified',
  'broadcast',
  'multicast',
  'reserved',
  'deprecatedSiteLocal',
]);

/** True for an address that is the same host seen from everywhere; false for private, link-local and special ones, and for what is no address. */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && !LOCAL_RANGES.has(address.range());
}
