// ATT&CK tactics and techniques out of a rule's tags (Sigma specification, Tags: namespace `attack`).
import type { Threat } from '../../platform/core/alert.ts';

/**
 * `attack.t1059.001` gives a technique, `attack.execution` or `attack.ta0002` a tactic (as written, with
 * hyphens). With one tactic it stands beside each technique; with several they stand by themselves.
 */
export function readThreat(tags: readonly string[]): Threat[] {
  const techniques: string[] = [];
  const tactics: string[] = [];
  for (const tag of tags) {
    const name = /^attack\.(.+)$/i.exec(tag)?.[1];
    if (name === undefined) continue;
    if (/^t\d{4}(?:\.\d{3})?$/i.test(name)) techniques.push(name.toUpperCase());
    else if (/^ta\d{4}$/i.test(name)) tactics.push(name.toUpperCase());
    else if (/^[a-z_-]+$/i.test(name)) tactics.push(name.toLowerCase().replaceAll('_', '-'));
  }
  const [only] = tactics;
  if (tactics.length === 1 && only !== undefined && techniques.length > 0)
    return techniques.map((technique) => ({ tactic: only, technique }));
  return [...techniques.map((technique) => ({ technique })), ...tactics.map((tactic) => ({ tactic }))];
}
