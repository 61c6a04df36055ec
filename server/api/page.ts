// Serves the analyst's page: static files under a strict content security policy, one HTML for every address of the page.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { PicketError } from '../../platform/core/errors.ts';
import type { Api } from './api.ts';
import type { ApiDeps } from './deps.ts';

/** No inline script; inline style attributes are what the component and chart libraries set. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Serves the page, or says how to build it. */
export async function servePage(app: Api, { pageFolder }: Pick<ApiDeps, 'pageFolder'>): Promise<void> {
  // The folder may be built or built anew while the site runs.
  mkdirSync(pageFolder, { recursive: true });
  await app.register(fastifyStatic, {
    root: pageFolder,
    cacheControl: false,
    setHeaders: (reply, path) => {
      void reply.header('content-security-policy', POLICY);
      // Names under assets/ carry a content hash; all else must be asked for again.
      const lasting = path.includes('/assets/');
      void reply.header('cache-control', lasting ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  app.setNotFoundHandler((request, reply) => {
    const wantsPage = request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
    if (!wantsPage || request.url.startsWith('/api/')) {
      throw new PicketError({
        code: 'NOT_FOUND',
        message: `nothing at ${request.method} ${request.url.split('?')[0]}`,
      });
    }
    if (!existsSync(join(pageFolder, 'index.html')))
      return reply.code(503).type('text/plain').send('The page is not built: run `npm run build`.\n');
    return reply.sendFile('index.html');
  });
}
