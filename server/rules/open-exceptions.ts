// The exceptions of a running site: those of its configuration and those made through its API, in force, counted, ended by the clock.
import { dirname, resolve } from 'node:path';
import { type Exception, readOneException } from '../../detect/exceptions/exception.ts';
import { buildExceptionTable, type ExceptionTable } from '../../detect/exceptions/exception-table.ts';
import type { Match } from '../../detect/match.ts';
import { type Problem, toProblem } from '../../detect/sigma/problem.ts';
import type { Clock } from '../../platform/core/clock.ts';
import { PicketError } from '../../platform/core/errors.ts';
import type { Logger } from '../../platform/core/log.ts';
import { eachRecord, type RecordStore } from '../../platform/records/record-store.ts';
import type { ExceptionView } from '../api/exception-contract.ts';
import type { Detection } from '../load-detection.ts';
import type { SiteConfig } from '../site-config.ts';
import type { TallyKeeper } from './keep-tallies.ts';
import { readExceptionFolder } from './read-exception-folder.ts';

/** An exception as it is kept in collection `exceptions`. */
interface StoredException {
  readonly text: string;
  readonly created: string;
  /** Who made it, as the API knows the person or token. */
  readonly actor: string;
}

type RulesInForce = Pick<Detection, 'loaded' | 'pipelines'>;

export interface ExceptionDesk {
  /** True when no exception hides the match; counts the match, or its suppression. */
  accepts(match: Match): boolean;
  /** The id of the exception that hides a match, counting nothing. */
  suppressedBy(match: Match): string | undefined;
  /** Reads the configuration's folder again, for other rules. */
  reload(rules: RulesInForce): void;
  list(): ExceptionView[];
  /** The text too. @throws PicketError EXCEPTION_NOT_FOUND */
  get(id: string): ExceptionView & { text: string };
  /** What cannot work, and what is expired. */
  problems(): readonly Problem[];
  /** A table of the draft alone, to preview it. @throws PicketError as readOneException, or of the first thing that keeps it from working */
  tryOut(text: string): { exception: Exception; table: ExceptionTable };
  /** @throws PicketError EXCEPTION_EXISTS, EXCEPTION_EXPIRED, EXCEPTION_ENDLESS and as tryOut */
  create(options: { text: string; permanent: boolean; actor: string }): Promise<ExceptionView>;
  /** @throws PicketError EXCEPTION_NOT_FOUND, EXCEPTION_IN_FILE */
  remove(options: { id: string; actor: string }): Promise<void>;
  exceptionsOf(rule: string): readonly string[];
  close(): Promise<void>;
}

/** The folder that a configuration names: beside it, never the program's. */
export function exceptionFolder({ detect }: SiteConfig, configFile: string): string | undefined {
  return detect.exceptions === undefined
    ? undefined
    : resolve(dirname(resolve(configFile)), detect.exceptions);
}

const EXPIRY_CHECK_MS = 30_000;

export async function openExceptions(options: {
  /** Folder of the site's configuration; undefined when it names none. */
  folder: string | undefined;
  records: RecordStore;
  tallies: TallyKeeper;
  clock: Clock;
  logger: Logger;
}): Promise<ExceptionDesk> {
  const { folder, records, tallies, clock, logger } = options;
  const stored = new Map<string, { exception: Exception; stored: StoredException }>();
  const unreadable: Problem[] = [];
  const keep = (id: string, value: StoredException): void => {
    try {
      stored.set(id, { exception: readOneException(value.text, `exception ${id}`), stored: value });
    } catch (error) {
      unreadable.push(toProblem(error, { at: `exception ${id}` }));
    }
  };
  for await (const { id, value } of eachRecord<StoredException>(records, 'exceptions')) keep(id, value);
  let inFiles: Exception[] = [];
  let refused: readonly Problem[] = [];
  let rules: RulesInForce | undefined;
  let table = buildExceptionTable({ exceptions: [], rules: [], correlations: [], pipelines: [] });
  const told = new Set<string>();

  const all = (): Exception[] => [...inFiles, ...[...stored.values()].map(({ exception }) => exception)];
  const tableOf = (exceptions: readonly Exception[]): ExceptionTable =>
    buildExceptionTable({
      exceptions,
      rules: (rules?.loaded.rules ?? []).map(({ rule }) => rule),
      correlations: (rules?.loaded.correlations ?? []).map(({ rule }) => rule),
      pipelines: rules?.pipelines ?? [],
    });
  const rebuild = (): void => {
    table = tableOf(all());
    for (const { code, message, place } of [...refused, ...unreadable, ...table.problems])
      logger.warn({ code, place }, `exception: ${message}`);
    tellExpired();
  };
  const isExpired = ({ filter }: Exception): boolean =>
    filter.expires !== undefined && Date.parse(filter.expires) <= clock.now();
  const tellExpired = (): void => {
    for (const exception of all()) {
      const { id, title, expires } = exception.filter;
      if (!isExpired(exception) || told.has(id)) continue;
      told.add(id);
      logger.warn(
        { code: 'EXCEPTION_EXPIRED', exception: id, expires },
        `the exception "${title}" is expired: it hides nothing any more`,
      );
    }
  };
  const timer = setInterval(tellExpired, EXPIRY_CHECK_MS);
  /** Takes over what another process made or removed. */
  const follow = async (id: string): Promise<void> => {
    const record = await records.get<StoredException>('exceptions', id);
    if (record?.value.text === stored.get(id)?.stored.text) return;
    stored.delete(id);
    if (record) keep(id, record.value);
    else told.delete(id);
    rebuild();
  };
  const unwatch = records.watch(({ collection, id }) => {
    if (collection === 'exceptions')
      follow(id).catch((error: unknown) => logger.error({ err: error, exception: id }, 'exception not read'));
  });

  const view = (exception: Exception): ExceptionView => {
    const { filter, author, reason, file } = exception;
    const counts = tallies.suppressionsOf(filter.id);
    const record = stored.get(filter.id)?.stored;
    return {
      id: filter.id,
      title: filter.title,
      author,
      reason,
      state: isExpired(exception) ? 'expired' : table.rulesOf(filter.id).length === 0 ? 'idle' : 'active',
      rules: [...table.rulesOf(filter.id)],
      suppressed: counts?.count ?? 0,
      ...(filter.expires === undefined ? {} : { expires: filter.expires }),
      ...(counts ? { last_suppressed: counts.last } : {}),
      ...(file === undefined ? {} : { file }),
      ...(record ? { created: record.created, actor: record.actor } : {}),
    };
  };
  const find = (id: string): Exception => {
    const found = all().find(({ filter }) => filter.id === id);
    if (!found) throw new PicketError({ code: 'EXCEPTION_NOT_FOUND', message: `no exception ${id}` });
    return found;
  };
  const tryOut: ExceptionDesk['tryOut'] = (text) => {
    const exception = readOneException(text, 'exception');
    const alone = tableOf([exception]);
    const [problem] = alone.problems;
    if (problem)
      throw new PicketError({ code: problem.code, message: problem.message, place: problem.place });
    return { exception, table: alone };
  };
  const audit = (act: string, id: string, actor: string): Promise<unknown> =>
    records.create('audit', `exception-${id}-${act}-${clock.now()}`, {
      at: new Date(clock.now()).toISOString(),
      act: `exception ${act}`,
      actor,
      exception: id,
    });

  return {
    accepts(match) {
      const exception = table.suppressedBy(match, clock.now());
      if (exception) tallies.addSuppressed(exception, match);
      else tallies.addMatch(match);
      return exception === undefined;
    },
    suppressedBy: (match) => table.suppressedBy(match, clock.now())?.filter.id,
    reload(next) {
      rules = next;
      const read = folder === undefined ? { exceptions: [], refused: [] } : readExceptionFolder(folder);
      inFiles = read.exceptions.filter(({ filter }) => !stored.has(filter.id));
      refused = read.refused;
      rebuild();
    },
    list: () => all().map(view),
    get(id) {
      const exception = find(id);
      return { ...view(exception), text: exception.text };
    },
    problems: () => [...refused, ...unreadable, ...table.problems],
    tryOut,
    async create({ text, permanent, actor }) {
      const { exception } = tryOut(text);
      const { id } = exception.filter;
      if (exception.filter.expires === undefined && !permanent)
        throw new PicketError({
          code: 'EXCEPTION_ENDLESS',
          message: 'an exception needs an end (`picket.expires`), or to be said to be permanent',
        });
      if (isExpired(exception))
        throw new PicketError({ code: 'EXCEPTION_EXPIRED', message: 'the exception is expired already' });
      if (all().some(({ filter }) => filter.id === id))
        throw new PicketError({ code: 'EXCEPTION_EXISTS', message: `there is an exception ${id} already` });
      const value: StoredException = { text, actor, created: new Date(clock.now()).toISOString() };
      await records.create('exceptions', id, value);
      await audit('made', id, actor);
      stored.set(id, { exception, stored: value });
      rebuild();
      return view(exception);
    },
    async remove({ id, actor }) {
      const exception = find(id);
      if (exception.file !== undefined)
        throw new PicketError({
          code: 'EXCEPTION_IN_FILE',
          message: `the exception stands in ${exception.file}: take it out there and reload`,
        });
      const record = await records.get('exceptions', id);
      if (record) await records.remove('exceptions', id, record.revision);
      await audit('removed', id, actor);
      stored.delete(id);
      told.delete(id);
      rebuild();
    },
    exceptionsOf: (rule) => table.exceptionsOf(rule).map(({ filter }) => filter.id),
    async close() {
      unwatch();
      clearInterval(timer);
    },
  };
}
