// Holds a folder for one process: a lock that the operating system frees when the process dies.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describeError, PicketError } from '../core/errors.ts';

const FILE = 'instance.lock';

/** @throws PicketError DATA_LOCKED (another live process holds it), DATA_FOLDER */
export function holdFolder(folder: string): { release(): void } {
  const file = join(folder, FILE);
  const owner = `${file}.owner`;
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    // Exclusive mode takes the lock at the first write and keeps it until the file is closed.
    database.exec('PRAGMA busy_timeout=0; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE');
    database.exec('BEGIN EXCLUSIVE; PRAGMA user_version=1; COMMIT');
  } catch (cause) {
    database?.close();
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY)
      throw new PicketError({
        code: 'DATA_FOLDER',
        message: `the data folder ${folder} cannot be held: ${describeError(cause)}`,
        cause,
      });
    throw new PicketError({
      code: 'DATA_LOCKED',
      message: `process ${readOwner(owner)} has the folder ${folder} open: stop it first, or choose another folder`,
      cause,
    });
  }
  const held = database;
  writeFileSync(owner, `${process.pid}\n`);
  return {
    release() {
      held.close();
      rmSync(owner, { force: true });
    },
  };
}

const SQLITE_BUSY = 5;

function readOwner(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim() || '(unknown)';
  } catch {
    return '(unknown)';
  }
}
