// Lets a request through when its session or token is known, and refuses what another site's page could send in a user's name.
import type { FastifyRequest } from 'fastify';
import { PicketError } from '../../platform/core/errors.ts';
import type { Principal } from './access.ts';
import type { Api } from './api.ts';
import type { ApiDeps } from './deps.ts';

/** Cookies know hosts, not ports: sites that share an address would otherwise end one another's sessions. */
export function sessionCookieOf(site: { readonly id: string }): string {
  return `picket_session_${site.id}`;
}

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal | undefined;
  }
}

/** Routes under /api/ that need no one: signing in. */
const OPEN = new Set(['POST /api/v1/session']);

/** Adds `request.principal` and the checks; every route under /api/ but sign-in needs a principal. */
export function registerGuard(app: Api, { access, config }: Pick<ApiDeps, 'access' | 'config'>): void {
  const cookie = sessionCookieOf(config.site);
  app.decorateRequest('principal', undefined);
  app.addHook('onRequest', async (request, reply) => {
    // Not awaited: a reply is thenable, and would be waited for until it is sent.
    void reply.headers({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
    // The route that was found, never the text that was sent: `/%61pi/…` and `http://host/api/…` lead there too.
    const path = request.routeOptions.url ?? request.url;
    if (!path.startsWith('/api/')) return;
    const bearer = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const session = request.cookies[cookie];
    if (bearer !== undefined) request.principal = await access.identify(bearer, 'api-token');
    else if (session !== undefined) {
      request.principal = await access.identify(session, 'session');
      refuseForeignOrigin(request);
    }
    if (!request.principal && !OPEN.has(`${request.method} ${path}`)) {
      throw new PicketError({
        code: 'SIGN_IN_REQUIRED',
        message: 'sign in first: `picket sign-in` prints a link',
      });
    }
  });
}

/** A cookie alone proves nothing of who made the page that sent it: unsafe methods need our own origin. */
function refuseForeignOrigin(request: FastifyRequest): void {
  if (request.method === 'GET' || request.method === 'HEAD') return;
  const { origin, host } = request.headers;
  const fetchSite = request.headers['sec-fetch-site'];
  const foreign = origin !== undefined ? URL.parse(origin)?.host !== host : fetchSite !== 'same-origin';
  if (foreign) throw new PicketError({ code: 'FORBIDDEN', message: 'the request comes from another origin' });
}

/** The principal of a guarded route. */
export function principalOf(request: FastifyRequest): Principal {
  if (!request.principal) throw new PicketError({ code: 'SIGN_IN_REQUIRED', message: 'sign in first' });
  return request.principal;
}
