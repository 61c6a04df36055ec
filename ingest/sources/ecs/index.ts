// ECS documents passed through: dotted keys expanded, `picket.*` from outside left out and counted.
import { z } from 'zod';
import type { JsonObject } from '../../../platform/core/event.ts';
import { DatasetName, ResidencyClass } from '../../../platform/core/names.ts';
import { createJsonNormaliser, eventOf } from '../../normalise-json.ts';
import { createZone } from '../../parse-time.ts';
import { asObject, asText } from '../../read-value.ts';
import type { SourceAdapter } from '../../source.ts';
import { expandDottedKeys } from './expand-keys.ts';
import { parseTimestamp } from './parse-timestamp.ts';

/** Set by Picket alone; what a sender writes there is not taken. */
const RESERVED = ['picket', '@timestamp', 'ecs'] as const;

const EcsParameters = z.strictObject({
  /** Residency class of all events of this source. */
  class: ResidencyClass.default('application-log').describe('residency class of all its events'),
  /** Dataset of events that name none. */
  dataset: DatasetName.default('ecs.generic').describe('dataset of events that name none'),
});

export const ecsAdapter: SourceAdapter = {
  id: 'ecs',
  title: 'ECS JSON',
  description:
    'Documents that already follow the Elastic Common Schema, nested or with dotted keys, as Elastic Agent, Filebeat, Vector or a program of your own sends them. `event.id` becomes the identity, `event.dataset` is kept.',
  datasets: [
    {
      name: 'ecs.generic',
      class: 'application-log',
      description: 'Events that name no dataset; others keep theirs, with the class of the parameter `class`',
    },
  ],
  openDatasets: true,
  framing: 'json',
  receivers: ['http', 'bulk', 'file'],
  parameters: EcsParameters as z.ZodType<JsonObject>,
  example: `- id: line-control
  format: ecs
  receivers:
    - type: bulk
  access:
    token: { $env: LINE_CONTROL_TOKEN }
  parameters:
    class: operational
`,
  createNormaliser(context) {
    const parameters = EcsParameters.parse(context.parameters);
    const zone = createZone(context.timezone);
    return createJsonNormaliser({
      context,
      map(value) {
        const fields = expandDottedKeys(value);
        const timestamp = parseTimestamp(fields['@timestamp'], zone);
        if (fields['picket'] !== undefined) context.count('picket-fields-dropped', 1);
        for (const name of RESERVED) delete fields[name];
        if (fields['event'] !== undefined && !asObject(fields['event'])) delete fields['event'];
        const event = asObject(fields['event']) ?? {};
        const id = asText(event['id']);
        const named = DatasetName.safeParse(event['dataset'] ?? asObject(fields['data_stream'])?.['dataset']);
        // What Picket says of itself, nobody else can say.
        const own = named.success && named.data.startsWith('picket.');
        if (own) context.count('picket-dataset-dropped', 1);
        for (const name of ['kind', 'module']) {
          if (event[name] !== undefined && typeof event[name] !== 'string') delete event[name];
        }
        return [
          eventOf({
            dataset: named.success && !own ? named.data : parameters.dataset,
            class: parameters.class,
            timestamp,
            ...(id !== undefined && id.length <= 512 ? { uniqueId: id } : {}),
            fields,
          }),
        ];
      },
    });
  },
};
