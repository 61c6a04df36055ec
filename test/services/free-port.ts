/** Finds loopback ports that nothing listens on and that no outgoing connection is given meanwhile. */
import { createServer } from 'node:net';

/**
 * Below the range that systems hand to outgoing connections (Linux: 32768 up, RFC 6335: 49152 up): a port from there
 * may be gone between looking and listening. Each worker of the test runner looks in a range of its own.
 */
const FIRST = 12_000;
const RANGE = 5_000;
const WORKERS = 4;

/** Resolves to how to release the port, or to undefined when it is taken. */
function reservePort(port: number): Promise<(() => Promise<void>) | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(port, '127.0.0.1', () =>
      resolve(() => new Promise((released) => server.close(() => released()))),
    );
  });
}

/** As many free TCP ports on 127.0.0.1 as asked for, one after the other; held until all are known, then released. */
export async function findFreePorts(count: number): Promise<number[]> {
  const worker = Number(process.env['VITEST_POOL_ID'] ?? 0) % WORKERS;
  for (;;) {
    const start = FIRST + worker * RANGE + Math.floor(Math.random() * (RANGE - count));
    const ports = Array.from({ length: count }, (_, at) => start + at);
    const held = await Promise.all(ports.map(reservePort));
    for (const release of held) await release?.();
    if (!held.includes(undefined)) return ports;
  }
}
