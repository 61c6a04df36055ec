// Builds the HTTP API of one site: routes with their schemas, OpenAPI, sign-in, live changes and the page.
import cookie from '@fastify/cookie';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import type { Api } from './api.ts';
import type { ApiDeps } from './deps.ts';
import { registerGuard, sessionCookieOf } from './guard.ts';
import { servePage } from './page.ts';
import { sendProblem } from './problem.ts';
import { alertRoutes } from './routes/alerts.ts';
import { changeRoutes } from './routes/changes.ts';
import { incidentRoutes } from './routes/incidents.ts';
import { operationRoutes } from './routes/operations.ts';
import { reportRoutes } from './routes/reports.ts';
import { ruleRoutes } from './routes/rules.ts';
import { runRoutes } from './routes/runs.ts';
import { searchRoutes } from './routes/search.ts';
import { sessionRoutes } from './routes/session.ts';
import { siteRoutes } from './routes/sites.ts';
import { streamRoutes } from './routes/stream.ts';

/** Replays carry files in pieces; everything else is small. */
export const BODY_LIMIT_BYTES = 16 * 1024 * 1024;

/** A whole request must have come within this; answers, such as the live stream, may take as long as they do. */
const REQUEST_TIMEOUT_MS = 60_000;

/** The app, not yet listening; over TLS when the PEM texts for it are given. */
export async function buildApp(
  deps: ApiDeps,
  tls?: { readonly certificate: string; readonly key: string },
): Promise<Api> {
  const app = fastify({
    https: tls ? { cert: tls.certificate, key: tls.key, minVersion: 'TLSv1.2' } : null,
    loggerInstance: deps.logger as unknown as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT_BYTES,
    // Fastify's own default is none: who sends a body for ever would hold a socket for ever.
    requestTimeout: REQUEST_TIMEOUT_MS,
    requestIdHeader: false,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 512 },
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(sendProblem);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Picket', version: deps.version, license: { name: 'Apache-2.0' } },
      components: {
        securitySchemes: {
          session: { type: 'apiKey', in: 'cookie', name: sessionCookieOf(deps.config.site) },
          token: { type: 'http', scheme: 'bearer' },
        },
      },
      security: [{ session: [] }, { token: [] }],
    },
    transform: jsonSchemaTransform,
  });
  await app.register(cookie);
  await app.register(rateLimit, { global: false });
  registerGuard(app, deps);
  await app.register(
    async (api: Api) => {
      sessionRoutes(api, deps);
      siteRoutes(api, deps);
      alertRoutes(api, deps);
      incidentRoutes(api, deps);
      searchRoutes(api, deps);
      runRoutes(api, deps);
      changeRoutes(api, deps);
      reportRoutes(api, deps);
      operationRoutes(api, deps);
      ruleRoutes(api, deps);
      streamRoutes(api, deps);
    },
    { prefix: '/api/v1' },
  );
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  app.get('/livez', { schema: { hide: true } }, () => ({ status: 'ok' }));
  app.get('/readyz', { schema: { hide: true } }, (_, reply) => {
    const reasons = deps.unready();
    return reply
      .code(reasons.length === 0 ? 200 : 503)
      .send({ status: reasons.length === 0 ? 'ok' : 'not ready', reasons });
  });
  await servePage(app, deps);
  return app;
}
