// Lets the processes of a site reload their rules together: who reloads says so in the records, and the others follow.
import { randomUUID } from 'node:crypto';
import { describeError, errorCode } from '../../platform/core/errors.ts';
import type { Logger } from '../../platform/core/log.ts';
import { type RecordStore, upsertRecord } from '../../platform/records/record-store.ts';
import type { RuleDesk } from './open-rule-desk.ts';

/** Record `settings/rules-reloaded`. */
const ID = 'rules-reloaded';

interface Reloaded {
  /** Another with each reload. */
  readonly reload: string;
}

/** The desk, whose reloads the others hear of. What cannot be told is logged: rules are in force here all the same. */
export function shareReloads(options: { desk: RuleDesk; records: RecordStore; logger: Logger }): {
  desk: RuleDesk;
  stop(): void;
} {
  const { desk, records, logger } = options;
  const own = new Set<string>();
  const follow = async (): Promise<void> => {
    const reload = (await records.get<Reloaded>('settings', ID))?.value.reload;
    if (reload === undefined || own.delete(reload)) return;
    await desk.reload();
  };
  const stop = records.watch(({ collection, id }) => {
    if (collection !== 'settings' || id !== ID) return;
    follow().catch((error: unknown) =>
      logger.error({ code: errorCode(error) }, `the rules stay as they are: ${describeError(error)}`),
    );
  });
  return {
    desk: {
      ...desk,
      async reload() {
        const done = await desk.reload();
        const reload = randomUUID();
        own.add(reload);
        await upsertRecord<Reloaded>({
          store: records,
          collection: 'settings',
          id: ID,
          change: () => ({ reload }),
        }).catch((error: unknown) => {
          own.delete(reload);
          logger.error(
            { code: errorCode(error) },
            `other processes did not hear of the reload: ${describeError(error)}`,
          );
        });
        return done;
      },
    },
    stop,
  };
}
