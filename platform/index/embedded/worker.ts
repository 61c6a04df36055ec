// The index's own thread: SQLite calls and fsync block it, never the site's event loop.
import { parentPort, workerData } from 'node:worker_threads';
import { describeError, PicketError } from '../../core/errors.ts';
import type { SegmentInfo } from '../event-index.ts';
import { countEvents, histogramOf, topValuesOf } from './aggregate.ts';
import { Catalogue } from './catalogue.ts';
import type { FromWorker, PackedDocuments, ToWorker, WorkerSettings } from './protocol.ts';
import { searchPage } from './search.ts';
import { writeDocuments } from './write.ts';

const port = parentPort;
if (!port) throw new Error('this file is the embedded index thread; open the index with openEmbeddedIndex');
const settings = workerData as WorkerSettings;
const reply = (message: FromWorker): void => port.postMessage(message);

try {
  const catalogue = new Catalogue(settings);
  const cancelled = new Set<number>();
  port.on('message', (message: ToWorker) => {
    if (message.name === 'cancel') {
      cancelled.add(message.number);
      return;
    }
    const stopped = (): boolean => cancelled.has(message.number);
    answerOne(catalogue, message, stopped)
      .then(
        (answer) => reply({ number: message.number, answer }),
        (error: unknown) => reply({ number: message.number, error: describe(error) }),
      )
      .finally(() => {
        cancelled.delete(message.number);
        if (message.name === 'close') port.close();
      });
  });
  reply({ number: 0, answer: undefined });
} catch (error) {
  reply({ number: 0, error: describe(error) });
  port.close();
}

function describe(error: unknown): { code: string | undefined; message: string } {
  return { code: error instanceof PicketError ? error.code : undefined, message: describeError(error) };
}

async function answerOne(
  catalogue: Catalogue,
  message: Exclude<ToWorker, { name: 'cancel' }>,
  stopped: () => boolean,
): Promise<unknown> {
  const { max_bodies } = settings;
  switch (message.name) {
    case 'write':
      return writeDocuments(catalogue, unpack(message.ask));
    case 'search': {
      const { bodies, cursor } = await searchPage({ catalogue, request: message.ask, stopped });
      const texts = bodies.map((body) => Buffer.from(body).toString('utf8'));
      return cursor === undefined ? { bodies: texts } : { bodies: texts, cursor };
    }
    case 'count':
      return countEvents({ catalogue, request: message.ask, stopped, max_bodies });
    case 'histogram':
      return histogramOf({ catalogue, request: message.ask, stopped, max_bodies });
    case 'topValues':
      return topValuesOf({ catalogue, request: message.ask, stopped, max_bodies });
    case 'get':
      return findBody(catalogue, message.ask);
    case 'segments':
      return listSegments(catalogue);
    case 'dropSegments':
      return dropSegments(catalogue, message.ask);
    case 'close':
      catalogue.close();
      return undefined;
  }
}

function unpack({ documents, sizes, bodies }: PackedDocuments) {
  let at = 0;
  return documents.map((document, order) => ({
    ...document,
    body: bodies.subarray(at, (at += sizes[order] as number)),
  }));
}

/** An id does not tell its segment: the newest are asked first. */
async function findBody(
  catalogue: Catalogue,
  { tenant, id }: { tenant: string; id: string },
): Promise<string | undefined> {
  const entries = catalogue.entries().filter((entry) => entry.tenant === tenant);
  for (const { name } of entries.sort((a, b) => b.to - a.to || 0)) {
    const body = catalogue.segment(name)?.find(id);
    if (body) return Buffer.from(body).toString('utf8');
    await new Promise(setImmediate);
  }
  return undefined;
}

async function listSegments(catalogue: Catalogue): Promise<SegmentInfo[]> {
  const infos: SegmentInfo[] = [];
  for (const { name, tenant, dataset, jurisdiction, period } of catalogue.entries()) {
    const events = catalogue.segment(name)?.count();
    if (events === undefined) continue;
    infos.push({ name, tenant, dataset, jurisdiction, period, events, bytes: catalogue.bytes(name) });
    await new Promise(setImmediate);
  }
  return infos.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function dropSegments(catalogue: Catalogue, names: readonly string[]): Promise<number> {
  let events = 0;
  for (const name of names) {
    events += catalogue.segment(name)?.count() ?? 0;
    catalogue.drop(name);
    await new Promise(setImmediate);
  }
  return events;
}
