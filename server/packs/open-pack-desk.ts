// Adds, updates and removes packs at a running site: what would change is shown first, what stands is in force at once.
import type { BacktestProgress } from '../../detect/history/run-backtest.ts';
import { comparePacks, type PackChanges } from '../../detect/packs/compare-packs.ts';
import type { RuleGates } from '../../detect/sigma/load-rules.ts';
import type { Clock } from '../../platform/core/clock.ts';
import { PicketError } from '../../platform/core/errors.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';
import type { PackChangeView, PackView, RuleChangeView } from '../api/pack-contract.ts';
import type { BacktestView } from '../api/rule-contract.ts';
import { compileDetection, describeProblem } from '../load-detection.ts';
import type { BacktestDesk } from '../rules/backtest-rules.ts';
import { chooseRules } from '../rules/choose-rules.ts';
import type { RuleDesk } from '../rules/open-rule-desk.ts';
import type { PackStore, StagedPack } from './open-pack-store.ts';
import { nameSource, PackName, type PackSource } from './pack-source.ts';
import type { Pin } from './pin.ts';

interface Hooks {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: BacktestProgress) => void;
}

export interface PackDesk {
  list(): PackView[];
  /** @throws PicketError PACK_EXISTS, PACK_BUSY, and what fetching says */
  add(
    request: { source: PackSource; name?: string | undefined; since?: string | undefined; actor: string },
    hooks: Hooks,
  ): Promise<PackChangeView>;
  /** Without `apply` nothing changes. @throws PicketError PACK_NOT_FOUND, PACK_BUSY, and what fetching says */
  update(
    request: { name: string; apply: boolean; since?: string | undefined; actor: string },
    hooks: Hooks,
  ): Promise<PackChangeView>;
  /** @throws PicketError PACK_NOT_FOUND, PACK_BUSY */
  remove(request: { name: string; actor: string }): Promise<void>;
}

/** Problems shown of a pack; all are counted. */
const SHOWN_REFUSED = 100;

export function openPackDesk(options: {
  store: PackStore;
  desk: RuleDesk;
  backtests: BacktestDesk;
  records: RecordStore;
  gates: RuleGates | undefined;
  clock: Clock;
}): PackDesk {
  const { store, desk, backtests, records, gates, clock } = options;
  let busy = false;
  const alone = async <T>(work: () => Promise<T>): Promise<T> => {
    if (busy)
      throw new PicketError({ code: 'PACK_BUSY', message: 'another pack is being changed: wait for it' });
    busy = true;
    try {
      return await work();
    } finally {
      busy = false;
    }
  };
  const audit = (act: string, pack: string, actor: string, more: object): Promise<unknown> =>
    records.create('audit', `pack-${pack}-${act}-${clock.now()}`, {
      at: new Date(clock.now()).toISOString(),
      act: `pack ${act}`,
      actor,
      pack,
      ...more,
    });
  const find = (name: string): Pin => {
    const pin = store.pins().find((one) => one.name === name);
    if (!pin) throw new PicketError({ code: 'PACK_NOT_FOUND', message: `no pack ${name}` });
    return pin;
  };

  const describe = async (given: {
    name: string;
    staged: StagedPack;
    before: Pin | undefined;
    since: string | undefined;
    hooks: Hooks;
  }): Promise<Omit<PackChangeView, 'applied'>> => {
    const { name, staged, before, since, hooks } = given;
    const installed = desk.detection().loaded;
    const ofPack = <R extends { pack: string }>(list: readonly R[]): R[] =>
      before ? list.filter(({ pack }) => pack === before.hash) : [];
    const changes = comparePacks(
      { rules: ofPack(installed.rules), correlations: ofPack(installed.correlations) },
      staged.loaded,
    );
    const preview =
      since === undefined
        ? undefined
        : await previewChanges({ changes, staged, since, desk, backtests, hooks });
    const { refused } = staged.loaded;
    return {
      name,
      hash: staged.hash,
      ...(before ? { hash_before: before.hash } : {}),
      ...(staged.commit === undefined ? {} : { commit: staged.commit }),
      licence: { ...staged.licence, rules: { ...staged.licence.rules } },
      files: staged.files,
      skipped: staged.skipped,
      rules: staged.loaded.rules.length + staged.loaded.correlations.length,
      gated: staged.loaded.gated.length,
      unchanged: changes.unchanged,
      changes: viewChanges(changes, preview),
      ...(preview
        ? { preview: { from: preview.after.from, to: preview.after.to, complete: preview.after.complete } }
        : {}),
      refused: refused.slice(0, SHOWN_REFUSED).map(describeProblem),
      refused_total: refused.length,
    };
  };

  const install = async (
    staged: StagedPack,
    pin: Pick<Pin, 'name' | 'source' | 'added' | 'actor'>,
  ): Promise<void> => {
    await store.keep(staged, { ...pin, updated: new Date(clock.now()).toISOString() });
    await desk.reload();
    store.sweep();
  };

  return {
    list: () => {
      const { loaded, refused } = desk.detection();
      const count = (hash: string): number =>
        [...loaded.rules, ...loaded.correlations].filter(({ pack }) => pack === hash).length;
      const content = loaded.packs.flatMap(({ folder, hash, files }): PackView[] => {
        const pin = store.pins().find((one) => store.folderOf(one) === folder);
        if (pin) return [];
        const name = desk.detection().folders.find((one) => one.folder === folder)?.name ?? folder;
        return [
          { name, kind: 'content', hash, files, rules: count(hash), address: folder, state: 'in force' },
        ];
      });
      const packs = store.pins().map((pin): PackView => {
        const { name, hash, files, source, commit, licence, added, updated, actor } = pin;
        const problem = refused.find(({ place }) => place === store.folderOf(pin));
        return {
          name,
          kind: source.type,
          hash,
          files,
          rules: count(hash),
          address: source.address,
          state: problem ? 'refused' : 'in force',
          licence,
          added,
          updated,
          actor,
          ...(source.ref === undefined ? {} : { ref: source.ref }),
          ...(source.paths === undefined ? {} : { paths: source.paths }),
          ...(commit === undefined ? {} : { commit }),
          ...(problem ? { problem: problem.message } : {}),
        };
      });
      return [...content, ...packs];
    },
    add: ({ source, name: given, since, actor }, hooks) =>
      alone(async () => {
        const name = PackName.parse(given ?? nameSource(source));
        if (store.pins().some((pin) => pin.name === name))
          throw new PicketError({
            code: 'PACK_EXISTS',
            message: `there is a pack ${name} already: update it, or give this one another name`,
          });
        const staged = await store.fetch(source, { gates, signal: hooks.signal });
        try {
          const view = await describe({ name, staged, before: undefined, since, hooks });
          await install(staged, { name, source, added: new Date(clock.now()).toISOString(), actor });
          await audit('added', name, actor, { hash: staged.hash, address: source.address });
          return { ...view, applied: true };
        } finally {
          await store.discard(staged);
        }
      }),
    update: ({ name, apply, since, actor }, hooks) =>
      alone(async () => {
        const pin = find(name);
        const staged = await store.fetch(pin.source, { gates, signal: hooks.signal });
        try {
          const view = await describe({ name, staged, before: pin, since, hooks });
          if (!apply) return { ...view, applied: false };
          await install(staged, { name, source: pin.source, added: pin.added, actor });
          await audit('updated', name, actor, { hash: staged.hash, hash_before: pin.hash });
          return { ...view, applied: true };
        } finally {
          await store.discard(staged);
        }
      }),
    remove: ({ name, actor }) =>
      alone(async () => {
        const pin = find(name);
        store.forget(name);
        await audit('removed', name, actor, { hash: pin.hash });
        await desk.reload();
        store.sweep();
      }),
  };
}

interface Preview {
  readonly after: BacktestView;
  readonly before: BacktestView | undefined;
}

/** What the new and changed rules would have raised, and the changed ones as they are now. */
async function previewChanges(options: {
  changes: PackChanges;
  staged: StagedPack;
  since: string;
  desk: RuleDesk;
  backtests: BacktestDesk;
  hooks: Hooks;
}): Promise<Preview | undefined> {
  const { changes, staged, since, desk, backtests, hooks } = options;
  const touched = new Set(
    [...changes.added, ...changes.changed.map(({ after }) => after)].map(({ id }) => id),
  );
  if (touched.size === 0) return undefined;
  const detection = desk.detection();
  const correlations = staged.loaded.correlations.filter(({ rule }) => touched.has(rule.id));
  // What a correlation names comes with it.
  const inputs = new Set(correlations.flatMap(({ rule }) => rule.rules));
  const rules = staged.loaded.rules.filter(
    ({ rule }) =>
      touched.has(rule.id) || inputs.has(rule.id) || (rule.name !== undefined && inputs.has(rule.name)),
  );
  const { pipelines, routes } = detection;
  const chosen = compileDetection({ loaded: { rules, correlations }, pipelines, routes });
  const request = { from: since, samples: 1 };
  const after = await backtests.runChosen(chosen, request, hooks);
  const old = changes.changed.map(({ before }) => before.id);
  const before =
    old.length === 0
      ? undefined
      : await backtests.runChosen(await chooseRules({ detection, names: old }), request, hooks);
  return { after, before };
}

function viewChanges(changes: PackChanges, preview: Preview | undefined): RuleChangeView[] {
  const raised = (view: BacktestView | undefined, id: string) => view?.rules.find((rule) => rule.id === id);
  const describe = (
    { id, title, level }: PackChanges['gone'][number],
    change: RuleChangeView['change'],
  ): RuleChangeView => {
    const after = change === 'gone' ? undefined : raised(preview?.after, id);
    const before = change === 'changed' ? raised(preview?.before, id) : undefined;
    return {
      id,
      name: title,
      level,
      change,
      ...(after ? { matches: after.matches, alerts: after.alerts } : {}),
      ...(before ? { alerts_before: before.alerts } : {}),
    };
  };
  const weigh = ({ alerts = 0 }: RuleChangeView): number => alerts;
  return [
    ...changes.added.map((rule) => describe(rule, 'new')),
    ...changes.changed.map(({ after }) => describe(after, 'changed')),
    ...changes.gone.map((rule) => describe(rule, 'gone')),
  ].sort((a, b) => weigh(b) - weigh(a) || (a.name < b.name ? -1 : 1));
}
