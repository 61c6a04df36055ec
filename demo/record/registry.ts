/** Serves one image by the OCI distribution protocol as an HTTP proxy, so that it can be pulled by its story's name. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Image, listBlobs } from './image.ts';

/**
 * Starts on a free loopback port. A client with HTTP_PROXY set to `url` pulls from any registry name over plain HTTP
 * and gets this image; CONNECT (HTTPS) is refused, at which clients that allow it fall back to HTTP.
 */
export async function startRegistry(image: Image): Promise<{ url: string; stop: () => Promise<void> }> {
  const blobs = listBlobs(image);
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://registry.invalid');
    const [kind, reference = ''] = pathname.split('/').slice(-2);
    const manifest = kind === 'manifests' ? image.manifest : undefined;
    const blob = kind === 'blobs' ? blobs.get(reference) : undefined;
    const content = manifest ?? blob;
    if (content === undefined) {
      response.writeHead(pathname === '/v2/' ? 200 : 404).end('{}');
      return;
    }
    response.writeHead(200, {
      'content-type':
        manifest === undefined ? 'application/octet-stream' : 'application/vnd.oci.image.manifest.v1+json',
      'content-length': content.length,
      'docker-content-digest': manifest === undefined ? reference : image.digest,
    });
    response.end(request.method === 'HEAD' ? undefined : content);
  });
  server.on('connect', (_request, socket) => socket.end('HTTP/1.1 502 only plain HTTP\r\n\r\n'));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
