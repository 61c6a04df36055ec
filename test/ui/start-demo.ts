// Starts the real demo in a folder of its own and waits for the sign-in link that it prints.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DEMO_PORTS } from '../../server/demo/write-site-files.ts';
import { findFreePorts } from '../services/free-port.ts';
import { startProcess } from '../services/running-process.ts';
import { waitUntil } from '../services/wait-until.ts';

const ROOT = resolve(import.meta.dirname, '../..');

export interface RunningDemo {
  readonly url: string;
  /** Makes one more sign-in link; each is good for one use. */
  signInLink: () => Promise<string>;
  /** Resolves when every recording was played. */
  storyTold: () => Promise<void>;
  stop: () => Promise<void>;
}

/** The story plays for about half a minute after this resolves. */
export async function startDemo(): Promise<RunningDemo> {
  const folder = await mkdtemp(join(tmpdir(), 'picket-ui-'));
  const [port] = (await findFreePorts(DEMO_PORTS)) as [number];
  const picket = join(ROOT, 'server/picket.ts');
  const server = startProcess({
    file: process.execPath,
    args: [picket, 'up', '--demo', '--data', folder, '--port', String(port), '--speed', '2'],
    folder: ROOT,
  });
  const link = (): string | undefined => /sign in: (\S+)/.exec(server.said())?.[1];
  await waitUntil({
    what: 'the demo prints its sign-in link',
    timeout_ms: 110_000,
    holds: () => {
      if (server.ended()) throw new Error(`the demo ended: ${server.said()}`);
      return link() !== undefined;
    },
  });
  let first = link();
  const url = new URL(first as string).origin;
  return {
    url,
    async signInLink() {
      if (first !== undefined) {
        const unused = first;
        first = undefined;
        return unused;
      }
      const asked = startProcess({
        file: process.execPath,
        args: [picket, 'sign-in', '--data', join(folder, 'centre')],
        folder: ROOT,
      });
      await waitUntil({ what: 'a sign-in link', timeout_ms: 20_000, holds: () => asked.ended() });
      const made = /https?:\S+#token=\S+/.exec(asked.said())?.[0];
      if (made === undefined) throw new Error(`no link: ${asked.said()}`);
      return made;
    },
    storyTold: () =>
      waitUntil({
        what: 'the story is told',
        timeout_ms: 180_000,
        // The last file of demo/recordings/manifest.yaml.
        holds: () => server.said().includes('syslog-shenzhen.log'),
      }),
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
