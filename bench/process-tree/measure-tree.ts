// What a process and all that it started have used, from Linux's /proc.
import { readdirSync, readFileSync } from 'node:fs';

export interface TreeUse {
  /** CPU of all threads since each began, of processes that still run. */
  readonly cpu_s: number;
  /** Memory that they hold now. */
  readonly rss_mib: number;
  /** Of the memory what is no mapped file: heaps and stacks. */
  readonly anonymous_mib: number;
}

/** Linux counts CPU in hundredths of a second for programs, whatever its own clock. */
const TICKS_A_SECOND = 100;

/** @throws Error where there is no /proc */
export function measureTree(pid: number): TreeUse {
  let cpu_s = 0;
  let rss_mib = 0;
  let anonymous_mib = 0;
  for (const one of [pid, ...descendantsOf(pid)]) {
    try {
      cpu_s += cpuSeconds(one);
      const status = readFileSync(`/proc/${one}/status`, 'utf8');
      rss_mib += kibibytes(status, 'VmRSS') / 1_024;
      anonymous_mib += kibibytes(status, 'RssAnon') / 1_024;
    } catch (error) {
      // Gone meanwhile; the one that was asked about must be there.
      if (one === pid) throw error;
    }
  }
  return { cpu_s, rss_mib, anonymous_mib };
}

function descendantsOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      return readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
        .split(' ')
        .filter(Boolean)
        .map(Number);
    } catch {
      return [];
    }
  });
  return children.flatMap((child) => {
    try {
      return [child, ...descendantsOf(child)];
    } catch {
      return [];
    }
  });
}

/** utime and stime (proc_pid_stat(5), fields 14 and 15). */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

function kibibytes(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
}
