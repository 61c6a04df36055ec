// Writes the whole of Picket's own nftables table as one atomic script (nft -f), leaving all other tables alone.
import { parseAddress } from '../../platform/core/network.ts';

/** One address to deny, with the end of its lease in ms since the epoch. */
export interface DeniedAddress {
  readonly address: string;
  readonly until: number;
  /** Entry id, written as a comment. */
  readonly comment: string;
}

/**
 * An nft script that replaces table `inet picket`. Each element carries its remaining lease as a timeout,
 * so that the kernel ends it without us (nft(8), "SETS": `flags timeout`). What is no address is left out.
 */
export function renderNftables(options: {
  denied: readonly DeniedAddress[];
  now: number;
  version: number;
}): string {
  const { denied, now, version } = options;
  const elements = (kind: 'ipv4' | 'ipv6'): string => {
    const lines = new Map<string, string>();
    for (const { address, until, comment } of [...denied].sort((a, b) => a.until - b.until)) {
      const parsed = parseAddress(address);
      if (parsed?.kind() !== kind || until <= now) continue;
      // Written from the parsed form: a zone (`%…`) may hold any text.
      const canonical = parsed.toString();
      // Entry ids are hashes, but a comment is text in someone's ruleset: nothing but plain characters goes in.
      const safe = comment.replace(/[^A-Za-z0-9_.:-]/g, '_').slice(0, 100);
      lines.set(
        canonical,
        `      ${canonical} timeout ${Math.ceil((until - now) / 1000)}s comment "${safe}"`,
      );
    }
    return lines.size === 0 ? '' : `\n    elements = {\n${[...lines.values()].join(',\n')}\n    }`;
  };
  return `# Written by Picket from posture version ${version}; do not edit: it is replaced whole.
table inet picket
delete table inet picket
table inet picket {
  set deny4 {
    type ipv4_addr
    flags timeout${elements('ipv4')}
  }
  set deny6 {
    type ipv6_addr
    flags timeout${elements('ipv6')}
  }
  chain input {
    type filter hook input priority -10; policy accept;
    ip saddr @deny4 counter drop
    ip6 saddr @deny6 counter drop
  }
  chain forward {
    type filter hook forward priority -10; policy accept;
    ip saddr @deny4 counter drop
    ip daddr @deny4 counter drop
    ip6 saddr @deny6 counter drop
    ip6 daddr @deny6 counter drop
  }
  chain output {
    type filter hook output priority -10; policy accept;
    ip daddr @deny4 counter drop
    ip6 daddr @deny6 counter drop
  }
}
`;
}
