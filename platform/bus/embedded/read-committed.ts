// Reads where the consumer groups of a stopped embedded bus stand, without opening it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describeError, PicketError } from '../../core/errors.ts';

/** The next offset that a group reads of a partition. */
export interface CommittedOffset {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly next: number;
}

/** Whether a folder holds an embedded bus. */
export function holdsBus(folder: string): boolean {
  return existsSync(join(folder, 'bus.sqlite'));
}

/** @throws PicketError BUS_LOCKED when a process has it open, BUS_STORAGE when it cannot be read */
export function readCommitted(folder: string): CommittedOffset[] {
  const file = join(folder, 'bus.sqlite');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    database.exec('PRAGMA busy_timeout = 0');
    return database
      .prepare(
        'SELECT c.group_name AS "group", t.name AS topic, c.partition, c.next FROM committed c JOIN topic t ON t.id = c.topic_id',
      )
      .all()
      .map((row) => ({ ...row }) as unknown as CommittedOffset);
  } catch (cause) {
    const locked = /locked|busy/i.test(describeError(cause));
    throw new PicketError({
      code: locked ? 'BUS_LOCKED' : 'BUS_STORAGE',
      message: locked
        ? `a process has the folder ${folder} open: stop it first`
        : `${file} cannot be read: ${describeError(cause)}`,
      place: { file },
      cause,
    });
  } finally {
    database?.close();
  }
}
