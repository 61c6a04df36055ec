import { mkdtempSync } from 'node:fs';
import { openCorrelator } from '../detect/correlate/correlator.ts';
import { correlateAtOnce } from '../test/detect/correlate/reference.ts';
import { compileAll, ruleInfo, signalsOf, HOUR } from '../test/detect/correlate/random-correlations.ts';
const rule = (r: string) => ({ op: 'rule', rule: r }) as const;
const condition = { op: 'and', of: [rule('a'), rule('b'), { op: 'not', of: rule('c') }] } as any;
const samples = [{ rules: ['b', 'c'], user: 'x', value: '1', site: 'lyon', event: 'e00', t: 1795392600000 }, { rules: ['a'], user: 'x', value: '1', site: 'lyon', event: 'e01', t: 1795392000000 }];
const info = (id: string) => ruleInfo(id, { scope: 'fleet' });
const cs = compileAll([
  { type: 'temporal', timespan_ms: HOUR / 2, condition, rule: info('extended') },
  { type: 'absence', timespan_ms: HOUR / 2, rules: ['a', 'b'], rule: info('unanswered') },
  { type: 'event_count', timespan_ms: HOUR, rules: ['unanswered', 'extended', 'c'], bounds: [{ with: 'gte', value: 2 }], rule: info('outer') },
  { type: 'event_count', timespan_ms: HOUR, rules: ['outer'], group_by: [], bounds: [{ with: 'gte', value: 1 }], rule: info('outermost') },
]);
const signals = signalsOf(cs, samples);
for (const restart of [0, 1, 2, 3, 4, 5]) {
  for (let seed = 0; seed < 300; seed++) {
    let s = (seed * 2654435761) >>> 0; const rnd = () => { s = (Math.imul(s, 1664525) + 1013904223) >>> 0; return s >>> 8; };
    const sh = [...signals, ...signals.slice(0, 2)].map((x) => ({ x, o: rnd() })).sort((a, b) => a.o - b.o).map(({ x }) => x);
    const file = restart ? mkdtempSync('/dev/shm/dbg-') + '/s.sqlite' : ':memory:';
    const op = () => { const c = openCorrelator({ file, memory_bytes: 1 << 20, revision_wait_ms: 0, count: () => undefined }); c.use(cs); return c; };
    let c = op();
    for (let at = 0; at < sh.length; at += 1) { c.work({ signals: sh.slice(at, at + 1), now: 0 }); if (restart && at % restart === restart - 1) { c.close(); c = op(); } }
    const got = JSON.stringify(c.current().map((e) => [e.rule.id, e.events.map((x) => x.event)]));
    const want = JSON.stringify(correlateAtOnce(signals, { correlations: cs }).map((e) => [e.rule, e.events.map((x) => x.event)]));
    c.close();
    if (got !== want) { console.log(restart, seed, sh.map((x) => `${x.correlation.rule.id}:${x.rule}:${x.event}`).join(' '), '\n got', got, 'want', want); break; }
  }
}
