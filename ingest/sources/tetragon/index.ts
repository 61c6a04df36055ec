// Tetragon's events in its JSON export, from its file or posted by a log shipper.
import { createJsonNormaliser, eventOf, rejected } from '../../normalise-json.ts';
import { asObject } from '../../read-value.ts';
import type { SourceAdapter } from '../../source.ts';
import { findKind, KINDS, mapTetragonEvent } from './map-event.ts';
import { TetragonParameters } from './schema.ts';

export const tetragonAdapter: SourceAdapter = {
  id: 'tetragon',
  title: 'Tetragon',
  description:
    'Events of Cilium Tetragon 0.8 to 1.x in its JSON export (`/var/run/cilium/tetragon/tetragon.log`, or the container `export-stdout`): processes, what tracing policies saw and refused, loaded libraries, and what the sensor lost.',
  datasets: [
    { name: 'tetragon.exec', class: 'process', description: 'A process began' },
    { name: 'tetragon.exit', class: 'process', description: 'A process ended, with status and signal' },
    {
      name: 'tetragon.policy',
      class: 'runtime-alert',
      description: 'What a tracing policy reports: kprobe, tracepoint, uprobe, USDT and LSM hooks',
    },
    { name: 'tetragon.loader', class: 'process', description: 'A library was loaded' },
    {
      name: 'tetragon.connection',
      class: 'process',
      description: "A process's connection or listening port, as Isovalent's exporter writes them",
    },
    {
      name: 'tetragon.sensor',
      class: 'operational',
      description: 'Events that Tetragon lost or held back by its limits',
    },
  ],
  framing: 'json',
  receivers: ['file', 'http', 'bulk'],
  parameters: TetragonParameters,
  example: `- id: tetragon
  format: tetragon
  receivers:
    - type: file
      paths: [/var/run/cilium/tetragon/tetragon.log]
  parameters:
    cluster: plant-7
`,
  createNormaliser(context) {
    const parameters = TetragonParameters.parse(context.parameters);
    return createJsonNormaliser({
      context,
      map(value) {
        const name = findKind(value);
        if (name === undefined) {
          const known = Object.keys(KINDS).join(', ');
          return [rejected('TETRAGON_NOT_EVENT', `no Tetragon event: none of ${known} is there`)];
        }
        const content = asObject(value[name]);
        if (!content) return [rejected('TETRAGON_NOT_EVENT', `${name} is no object`, name)];
        return [eventOf(mapTetragonEvent({ name, value, content, parameters }))];
      },
    });
  },
};
