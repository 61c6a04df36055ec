// What log shippers ask an Elasticsearch before their first bulk request, answered the least way that satisfies them.
import type { FastifyInstance, FastifyReply } from 'fastify';

/**
 * Registers the answers. Who asks what: Beats and Elastic Agent `GET /`, `/_license`, `/_xpack`, then index
 * templates, lifecycle policies, ingest pipelines and data streams unless told not to; rsyslog's
 * omelasticsearch `HEAD /_cat/health`; Vector and Logstash `/_cluster/health` and `/_cat/nodes`.
 */
export function answerStartup(app: FastifyInstance, options: { version: string }): void {
  app.get('/', async () => ({
    name: 'picket',
    cluster_name: 'picket',
    cluster_uuid: 'picket-ingest-front-0',
    version: {
      number: options.version,
      build_flavor: 'default',
      build_type: 'tar',
      build_snapshot: false,
      lucene_version: '10.3.2',
      minimum_wire_compatibility_version: '8.19.0',
      minimum_index_compatibility_version: '8.0.0',
    },
    tagline: 'You Know, for Search',
  }));
  app.get('/_license', async () => ({
    license: {
      status: 'active',
      uid: 'picket',
      type: 'basic',
      issue_date_in_millis: 0,
      issued_to: 'picket',
      issuer: 'picket',
    },
  }));
  app.get('/_xpack', async () => ({
    license: { uid: 'picket', type: 'basic', mode: 'basic', status: 'active' },
    features: { ilm: { available: true, enabled: true }, security: { available: true, enabled: true } },
  }));
  const health = {
    cluster_name: 'picket',
    status: 'green',
    timed_out: false,
    number_of_nodes: 1,
    number_of_data_nodes: 1,
  };
  app.get('/_cluster/health', async () => health);
  app.get('/_cat/health', async (_request, reply) => reply.type('text/plain').send('picket green\n'));
  app.get('/_cat/nodes', async (_request, reply) => reply.type('text/plain').send('127.0.0.1 picket\n'));
  app.get('/_nodes/http', async () => ({ nodes: {} }));
  for (const kind of [
    '_index_template',
    '_component_template',
    '_template',
    '_ingest/pipeline',
    '_ilm/policy',
    '_data_stream',
  ]) {
    answerSetup(app, kind);
  }
  app.get('/_ilm/status', async () => ({ operation_mode: 'RUNNING' }));
}

/**
 * Templates, policies, pipelines and data streams are said to be there, so that no client tries to make
 * them, and taken without being kept when one does: Picket's index has templates of its own.
 */
function answerSetup(app: FastifyInstance, kind: string): void {
  const acknowledge = async (_request: unknown, reply: FastifyReply): Promise<FastifyReply> =>
    reply.send({ acknowledged: true });
  app.get<{ Params: { name: string } }>(`/${kind}/:name`, async ({ params: { name } }) => {
    switch (kind) {
      case '_index_template':
        return {
          index_templates: [
            { name, index_template: { index_patterns: [name], composed_of: [], data_stream: {} } },
          ],
        };
      case '_component_template':
        return { component_templates: [{ name, component_template: { template: {} } }] };
      case '_data_stream':
        return {
          data_streams: [
            { name, timestamp_field: { name: '@timestamp' }, indices: [], generation: 1, status: 'GREEN' },
          ],
        };
      case '_ilm/policy':
        return { [name]: { version: 1, policy: { phases: {} } } };
      default:
        return { [name]: {} };
    }
  });
  app.put(`/${kind}/:name`, acknowledge);
  app.post(`/${kind}/:name`, acknowledge);
}
