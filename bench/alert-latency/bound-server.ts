// The bound of the latency bench, a process of its own: takes the same requests, parses each line, appends and syncs.
import { open } from 'node:fs/promises';
import fastify from 'fastify';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('needs the file to write');
const log = await open(file, 'a');
const app = fastify({ bodyLimit: 64 * 1024 * 1024 });
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
app.post<{ Body: Buffer }>('/', async (request) => {
  const events = request.body
    .toString('utf8')
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  await log.appendFile(request.body);
  await log.datasync();
  return { events: events.length };
});
const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.send?.(url);
process.on('SIGTERM', () => {
  // Deliberately abrupt: nothing of it is kept.
  process.exit(0);
});
