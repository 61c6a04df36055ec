/** Stands in for the node's kubelet: it only accepts the upgrade of an exec, so that the audit event says what a real one says. */
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** Starts on a free loopback port with this certificate and key (PEM). Every connection is closed after the upgrade. */
export async function startKubelet(tls: {
  cert: string;
  key: string;
}): Promise<{ port: number; stop: () => Promise<void> }> {
  const server = createServer(tls, (_request, response) => response.end());
  server.on('upgrade', (request, socket) => {
    const protocol = request.headers['x-stream-protocol-version'] ?? 'v4.channel.k8s.io';
    socket.on('error', () => socket.destroy());
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${String(protocol).split(',')[0]}\r\n\r\n`,
    );
    setTimeout(() => socket.destroy(), 300);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
