// The rules of a running site in one place: what is in force, and its reload between two batches of the detector.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RuleGates } from '../../detect/sigma/load-rules.ts';
import type { EntityTable } from '../../detect/worker/entity-table.ts';
import type { DetectorRules, RefusedCorrelation } from '../../detect/worker/route-matches.ts';
import type { Clock } from '../../platform/core/clock.ts';
import type { Logger } from '../../platform/core/log.ts';
import type { RefusedRule, ReloadView } from '../api/rule-contract.ts';
import { type Detection, loadDetection, nameFolders } from '../load-detection.ts';
import type { PackStore } from '../packs/open-pack-store.ts';
import type { SiteConfig } from '../site-config.ts';
import type { TallyKeeper } from './keep-tallies.ts';
import type { ExceptionDesk } from './open-exceptions.ts';

/** What of a detector the desk needs. */
export interface RuleWorker {
  replaceRules(rules: DetectorRules): readonly RefusedCorrelation[];
  refused(): readonly RefusedCorrelation[];
}

export interface RuleDesk {
  /** What is in force. */
  detection(): Detection;
  /** The same as the detector takes it. */
  detectorRules(): DetectorRules;
  readonly entityTable: EntityTable;
  readonly exceptions: ExceptionDesk;
  readonly tallies: TallyKeeper;
  /** Rules, pipelines and correlations that are not in force, and why. */
  refused(): RefusedRule[];
  /** The detector that reloads go to. */
  attach(worker: RuleWorker): void;
  /**
   * Reads everything again. Events go on being worked by the rules before until the new ones stand; when they
   * cannot be read at all, the rules before stay.
   * @throws PicketError LOGSOURCES_MISSING
   */
  reload(): Promise<ReloadView>;
  /** A folder for the working files of one backtest. */
  workFolder(): string;
}

export function openRuleDesk(options: {
  config: SiteConfig;
  /** Absolute path of a path of the configuration. */
  content: (path: string) => string;
  entityTable: EntityTable;
  packs: PackStore;
  exceptions: ExceptionDesk;
  tallies: TallyKeeper;
  /** For working files; what is in it goes. */
  workFolder: string;
  clock: Clock;
  logger: Logger;
}): RuleDesk {
  const { config, content, packs, exceptions, tallies, clock, logger, workFolder: work } = options;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const load = (): Detection => {
    const { folders, refused: refusedPacks } = packs.folders();
    return loadDetection({
      folders: [...nameFolders(config.content.rules.map(content)), ...folders],
      refused: refusedPacks,
      pipelines: content(config.content.pipelines),
      gates: gatesOf(config),
      now: new Date(clock.now()),
    });
  };
  let inForce = load();
  exceptions.reload(inForce);
  let worker: RuleWorker | undefined;
  let works = 0;
  const refused = (): RefusedRule[] => [
    ...inForce.refused,
    ...(worker?.refused() ?? []).map(({ code, message, place }) => ({ code, message, place })),
  ];
  const detectorRules = (): DetectorRules => ({
    ...inForce.rules,
    accepts: (match) => exceptions.accepts(match),
  });
  const tellRefused = (): void => {
    for (const { code, message, place } of refused()) logger.warn({ code, place }, message);
  };
  tellRefused();
  return {
    detection: () => inForce,
    detectorRules,
    entityTable: options.entityTable,
    exceptions,
    tallies,
    refused,
    attach(next) {
      worker = next;
    },
    async reload() {
      const began = clock.monotonic();
      const before = inForce;
      inForce = load();
      exceptions.reload(inForce);
      worker?.replaceRules(detectorRules());
      const changes = compareRules(before, inForce);
      const seconds = (clock.monotonic() - began) / 1_000;
      logger.info({ rules: inForce.views.length, seconds }, 'rules reloaded');
      tellRefused();
      return { rules: inForce.views.length, refused: refused(), ...changes, seconds };
    },
    workFolder: () => join(work, String(++works)),
  };
}

/** The gates of a configuration; undefined when it names none. */
export function gatesOf({ detect }: SiteConfig): RuleGates | undefined {
  if (!detect.gates) return undefined;
  const { level, statuses, tags } = detect.gates;
  return { ...(level ? { level } : {}), ...(statuses ? { statuses } : {}), ...(tags ? { tags } : {}) };
}

/** By id: what is new, has another version, or is gone. */
function compareRules(
  before: Detection,
  after: Detection,
): { added: string[]; changed: string[]; removed: string[] } {
  const old = new Map(before.views.map(({ id, version }) => [id, version]));
  const now = new Map(after.views.map(({ id, version }) => [id, version]));
  return {
    added: [...now.keys()].filter((id) => !old.has(id)),
    changed: [...now].flatMap(([id, version]) => (old.has(id) && old.get(id) !== version ? [id] : [])),
    removed: [...old.keys()].filter((id) => !now.has(id)),
  };
}
