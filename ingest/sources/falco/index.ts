// Falco runtime alerts in Falco's documented JSON, as its HTTP output, file output and falcosidekick send them.
import { createJsonNormaliser, eventOf, rejected } from '../../normalise-json.ts';
import type { SourceAdapter } from '../../source.ts';
import { mapFalcoAlert } from './map-alert.ts';
import { FalcoAlert, FalcoParameters } from './schema.ts';

export const falcoAdapter: SourceAdapter = {
  id: 'falco',
  title: 'Falco',
  description:
    'Runtime alerts of Falco with `json_output: true` (and `json_include_output_property`, `json_include_tags_property`), posted by `http_output` or read from its file.',
  datasets: [
    {
      name: 'falco.alerts',
      class: 'runtime-alert',
      description: 'What a process in a container or on a host did',
    },
  ],
  framing: 'json',
  receivers: ['http', 'bulk', 'file'],
  parameters: FalcoParameters,
  example: `- id: falco
  format: falco
  receivers:
    - type: http
  access:
    addresses: [10.20.0.0/16]
  parameters:
    cluster: plant-7
`,
  createNormaliser(context) {
    const parameters = FalcoParameters.parse(context.parameters);
    return createJsonNormaliser({
      context,
      map(value) {
        const alert = FalcoAlert.parse(value);
        if (alert.rule === undefined || alert.priority === undefined) {
          return [rejected('FALCO_NOT_ALERT', 'no Falco alert: rule or priority is missing', 'rule')];
        }
        return [eventOf(mapFalcoAlert({ alert, parameters }))];
      },
    });
  },
};
