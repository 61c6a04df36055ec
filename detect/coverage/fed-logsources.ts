// Which logsources some dataset can feed, by the routes that the engine itself goes by.
import { LogsourceRouter, type LogsourceRoutes } from '../sigma/logsource-routes.ts';
import type { Logsource } from '../sigma/rule.ts';

/** A dataset that comes in, and from where: a source's id, or that the index holds it. */
export interface FeedingDataset {
  readonly dataset: string;
  readonly from: string;
}

/**
 * For each logsource, the datasets whose events may feed it. Only the dataset is known of events to come: a
 * dataset that holds several channels (`windows.other`) may feed what it never will.
 */
export function feedLogsources(options: {
  logsources: readonly Logsource[];
  datasets: readonly FeedingDataset[];
  routes: LogsourceRoutes;
}): FeedingDataset[][] {
  const { logsources, datasets, routes } = options;
  const router = new LogsourceRouter({ routes, raw: false });
  const fed: FeedingDataset[][] = logsources.map(() => []);
  for (const feeding of datasets) {
    const key = router.keyOf({ event: { dataset: feeding.dataset } });
    router.select(key, logsources).forEach((yes, at) => {
      if (yes) fed[at]?.push(feeding);
    });
  }
  return fed;
}
