import { DatabaseSync } from 'node:sqlite';
import * as fc from '/work/wt/engine/node_modules/fast-check/lib/fast-check.js';
import { openCorrelator } from '/work/wt/engine/detect/correlate/correlator.ts';
import { correlateAtOnce } from '/work/wt/engine/test/detect/correlate/reference.ts';
import { correlationSet, sampleSet, signalsOf, toldSet } from '/work/wt/engine/test/detect/correlate/random-correlations.ts';
import { mkdtempSync } from 'node:fs';
const strip = (c: any) => c.map(({ id, rule, key, first, last, count, events }: any) => JSON.stringify({ rule: rule.id ?? rule, key, first, last, count, events: events.map((e: any) => e.event), id }));
const restart = process.argv[2] === 'restart';
const body = ((samples: any, correlations: any, told: any, sizes: any, seed: any) => {
  const signals = signalsOf(correlations, samples);
  let s = seed >>> 0; const rnd = () => { s = (Math.imul(s, 1664525) + 1013904223) >>> 0; return s; };
  const sh = [...signals, ...signals.slice(0, Math.floor(signals.length / 3))].map((x) => ({ x, o: rnd() })).sort((a, b) => a.o - b.o).map(({ x }) => x);
  const file = restart ? mkdtempSync('/tmp/dbg-') + '/s.sqlite' : ':memory:';
  let c = openCorrelator({ file, memory_bytes: 1 << 20, revision_wait_ms: 0, count: () => undefined });
  c.use(correlations);
  const waiting = [...told];
  for (let at = 0, b = 0; at < sh.length || waiting.length > 0; b++) {
    const size = sizes[b % sizes.length]; const tells = waiting.splice(0, b % 2);
    c.work({ signals: sh.slice(at, at + size), as_of: Object.fromEntries(tells.map(({ site, t }: any) => [site, t])), now: 0 }); at += size;
    if (restart && b % 5 === 3) { c.close(); c = openCorrelator({ file, memory_bytes: 1 << 20, revision_wait_ms: 0, count: () => undefined }); c.use(correlations); }
  }
  const got = strip(c.current()); c.close(); if (process.env.DUMP) { const db = new DatabaseSync(file); console.log(db.prepare('select k.id, k.text, c.identity, json_extract(c.body,\'$.rule.id\') r, ch.body from keys k join correlations c on c.number=k.correlation left join chunks ch on ch.key=k.id').all().filter((x: any) => ['outer','outermost','wider','extended','unanswered'].includes(x.r)).map((x: any) => `${x.r} ${x.text} ${x.body}`).join('\n')); console.log(sh.map((x) => `${x.correlation.rule.id}:${x.rule}:${x.event}`).join(' ')); }
  const as_of: any = {}; for (const { site, t } of told) as_of[site] = Math.max(as_of[site] ?? t, t);
  const want = strip(correlateAtOnce(signals, { as_of, correlations }));
  const d = [...want.filter((x: any) => !got.includes(x)).map((x: any) => '-' + x), ...got.filter((x: any) => !want.includes(x)).map((x: any) => '+' + x)];
  if (d.length) throw new Error(d.slice(0, 6).join('\n'));
});
const prop = fc.property(sampleSet, correlationSet, toldSet, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }), fc.integer(), body);
const out = fc.check(prop, { numRuns: Number(process.argv[3] ?? 300), interruptAfterTimeLimit: Number(process.argv[4] ?? 60000) });
if (out.failed) { process.env.DUMP='1'; try { (body as any)(...(out.counterexample as any)); } catch (e) { }
 const [samples, cs, told, sizes, seed] = out.counterexample as any; (await import('node:fs')).writeFileSync('/tmp/cx-'+process.argv[2]+'.json', JSON.stringify({samples,cs,told,sizes,seed})); console.log((out as any).errorInstance?.message ?? out.error); console.log(JSON.stringify({ samples, told, sizes, seed })); console.log(cs.map((c: any) => `${c.rule.id} ${c.rule.scope} ${c.type} T=${c.timespan_ms / 60000}m ${JSON.stringify(c.bounds)} ${JSON.stringify(c.condition ?? '')} silent=${c.silent} learn=${c.learn_until}`).join('\n')); } else console.log('ok', out.numRuns);
