// Which datasets may feed which logsource.
import { expect, test } from 'vitest';
import { feedLogsources } from '../../../detect/coverage/fed-logsources.ts';
import { ourPipelines } from '../sigma/compile-text.ts';

test('a logsource is fed by the datasets whose events the engine would try it on', () => {
  const { routes } = ourPipelines();
  const datasets = ['windows.sysmon', 'falco.alert', 'kubernetes.audit', 'netflow.flow'].map((dataset) => ({
    dataset,
    from: 'source',
  }));
  const logsources = [
    { product: 'windows', category: 'process_creation' },
    { product: 'kubernetes', service: 'audit' },
    { product: 'falco' },
    { product: 'zos', service: 'racf' },
    { product: 'aws', service: 'cloudtrail' },
  ];
  const fed = feedLogsources({ logsources, datasets, routes });
  expect(fed.map((one) => one.map(({ dataset }) => dataset))).toEqual([
    ['windows.sysmon'],
    ['kubernetes.audit'],
    ['falco.alert'],
    [],
    [],
  ]);
});
