// Holds the lists of consumer groups to the groups that there are: what a migration carries over, and whose lag is told.
import { expect, test } from 'vitest';
import { CODE_FOLDERS, listFiles, readProjectFile } from './list-files.ts';

/** Groups whose work a migration carries over by other means, or that an embedded site has not. */
const NOT_MIGRATED = {
  CORRELATE_GROUP: "reads picket.signals, which a migration fills from the detector's store",
  INGRESS_GROUP: 'reads topics of Kafka alone',
  SPOOL_GROUP: 'reads a spool, which belongs to its process',
};

/** Groups whose lag is told otherwise, or of which nothing waits. */
const NOT_TOLD = {
  LEDGER_GROUP: 'a few entries a minute',
  PLAYBOOK_GROUP: 'runs are listed with their state',
  SPOOL_GROUP: 'told by picket_bus_spooled_bytes',
};

const groups = CODE_FOLDERS.flatMap((folder) => listFiles(folder, /\.ts$/)).flatMap((file) =>
  [...readProjectFile(file).matchAll(/^export const (\w+_GROUP) = '/gm)].map(([, name]) => name as string),
);

test.each([
  ['server/migrate/migrate-site.ts', NOT_MIGRATED],
  ['server/publish-metrics.ts', NOT_TOLD],
])('%s knows every consumer group, or it is said here why not', (file, left) => {
  const source = readProjectFile(file);
  expect(groups.filter((name) => !source.includes(name)).sort()).toEqual(Object.keys(left).sort());
});
