import { mkdtempSync } from 'node:fs';
import { openCorrelator } from '../detect/correlate/correlator.ts';
import { correlateAtOnce } from '../test/detect/correlate/reference.ts';
import { compileAll, ruleInfo, signalsOf, HOUR } from '../test/detect/correlate/random-correlations.ts';
const rule = (r: string) => ({ op: 'rule', rule: r }) as const;
const conditions = [
  { op: 'and', of: [rule('a'), rule('b'), { op: 'not', of: rule('c') }] },
  { op: 'or', of: [{ op: 'and', of: [rule('a'), rule('b')] }, rule('c')] },
  { op: 'and', of: [rule('a'), { op: 'not', of: { op: 'or', of: [rule('b'), rule('c')] } }] },
] as const;
const T0=1795392000000; const pick=(r:any,l:any)=>l[r()%l.length];
const samples0 = [{ rules: ['a', 'c'], user: 'x', value: '1', site: 'lyon', event: 'e00', t: 1795392000000 }, { rules: ['b', 'c'], user: 'x', value: '1', site: 'lyon', event: 'e01', t: 1795392600000 }];

let fails=0;
for (let seed = 0; seed < 1500 && fails < 3; seed++) {
  let s = (seed * 2654435761) >>> 0; const rnd = () => { s = (Math.imul(s, 1664525) + 1013904223) >>> 0; return s >>> 8; };
  const info = (id: string) => ruleInfo(id, { scope: 'fleet' });
  const condition = pick(rnd, conditions);
  const cs = compileAll([
    { type: 'temporal', timespan_ms: HOUR / 2, condition: condition as any, rule: info('extended') },
    { type: 'event_count', timespan_ms: HOUR, rules: ['extended', 'c'], bounds: [{ with: 'gte', value: 2 }], rule: info('outer') },
    { type: 'event_count', timespan_ms: HOUR, rules: ['outer'], group_by: [], bounds: [{ with: 'gte', value: 1 }], rule: info('outermost') },
  ]);
  const n = 2 + (rnd() % 3);
  const samples = Array.from({ length: n }, (_, i) => ({ rules: pick(rnd, [['a'], ['b'], ['c'], ['a', 'b'], ['a', 'c'], ['b', 'c'], ['a', 'b', 'c']]), user: pick(rnd, ['x', 'x', ['x', 'y']]), value: '1', site: 'lyon', event: 'e0' + i, t: T0 + 600000 * (rnd() % 3) }));
  const signals = signalsOf(cs, samples);
  const sh = [...signals, ...signals.slice(0, 2)].map((x) => ({ x, o: rnd() })).sort((a, b) => a.o - b.o).map(({ x }) => x);
  const file = mkdtempSync('/dev/shm/dbg-') + '/s.sqlite';
  const op = () => { const c = openCorrelator({ file, memory_bytes: 1 << 20, revision_wait_ms: 0, count: () => undefined }); c.use(cs); return c; };
  let c = op();
  const size = 1 + (rnd() % 4);
  for (let at = 0; at < sh.length; at += size) { c.work({ signals: sh.slice(at, at + size), now: 0 }); if (rnd() % 3 === 0) { c.close(); c = op(); } }
  const got = JSON.stringify(c.current().map((e) => e.events.map((x) => x.event)));
  const want = JSON.stringify(correlateAtOnce(signals, { correlations: cs }).map((e) => e.events.map((x) => x.event)));
  c.close();
  if (got !== want) { fails++; console.log(size, JSON.stringify(condition), seed, JSON.stringify(samples.map(({event,rules,t,user})=>[event,rules.join(''),(t-T0)/60000,user])), '\n', sh.map((x) => `${x.correlation.rule.id}:${x.rule}:${x.event}:${x.key['user']}`).join(' '), '\n got', got, 'want', want); }
}
