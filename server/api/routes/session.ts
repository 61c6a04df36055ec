// Signing in by a one-time link, who I am, and signing out.
import { z } from 'zod';
import type { Principal } from '../access.ts';
import type { Api } from '../api.ts';
import { SessionView, SignIn } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { principalOf, sessionCookieOf } from '../guard.ts';
import { noteAct } from '../note-act.ts';

export function sessionRoutes(api: Api, deps: ApiDeps): void {
  const { access, config } = deps;
  const cookie = sessionCookieOf(config.site);
  const view = (principal: Principal): SessionView => ({
    actor: principal.actor,
    roles: [...principal.roles],
    version: deps.version,
    site: { ...config.site, name: config.site.name ?? config.site.id, tenant: config.tenant },
  });

  api.post(
    '/session',
    {
      schema: {
        summary: 'Sign in with a one-time token',
        tags: ['session'],
        body: SignIn,
        response: { 200: SessionView },
      },
      config: { rateLimit: { max: 20, timeWindow: 60_000 } },
    },
    async (request, reply) => {
      const { session, principal, life_ms } = await access.signIn(request.body.token);
      void reply.setCookie(cookie, session, {
        httpOnly: true,
        sameSite: 'strict',
        path: '/',
        secure: config.listen.tls !== undefined,
        maxAge: life_ms / 1000,
      });
      return view(principal);
    },
  );

  api.get(
    '/session',
    { schema: { summary: 'Who is signed in', tags: ['session'], response: { 200: SessionView } } },
    (request) => view(principalOf(request)),
  );

  api.delete(
    '/session',
    { schema: { summary: 'Sign out', tags: ['session'], response: { 204: z.null() } } },
    async (request, reply) => {
      const session = request.cookies[cookie];
      if (session !== undefined) await access.signOut(session);
      return reply.clearCookie(cookie, { path: '/' }).code(204).send(null);
    },
  );

  api.post(
    '/sign-in-links',
    {
      schema: {
        summary: 'Make a one-time sign-in token for oneself',
        tags: ['session'],
        response: { 200: z.object({ token: z.string() }) },
      },
    },
    async (request) => {
      await noteAct(deps, request, { kind: 'sign-in-link', about: { for: 'operator' } });
      return { token: await access.createSignInToken({ ...principalOf(request), actor: 'operator' }) };
    },
  );
}
