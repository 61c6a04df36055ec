// A site's events of the last hour as bars, with their number in words.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { HistogramView } from '../../../../server/api/contract.ts';
import { callApi } from '../../api/client.ts';
import { kqlTerm } from '../../api/kql.ts';
import classes from './situation.module.css';

const BARS = 30;
const BAR_MS = 120_000;

export function Sparkline({ site }: { site: string }) {
  const { t, i18n } = useTranslation();
  const query = useQuery({
    queryKey: ['sparkline', site],
    queryFn: async ({ signal }) => {
      const end = (Math.floor(Date.now() / BAR_MS) + 1) * BAR_MS;
      const start = end - BARS * BAR_MS;
      const body = {
        query: kqlTerm('picket.site.id', site),
        from: new Date(start).toISOString(),
        to: new Date(end).toISOString(),
        interval_ms: BAR_MS,
      };
      const view = await callApi<HistogramView>('POST', '/search/histogram', { body, signal });
      const bars = Array.from({ length: BARS }, () => 0);
      for (const { start: at, count } of view.buckets) {
        const bar = Math.floor((Date.parse(at) - start) / BAR_MS);
        if (bar >= 0 && bar < BARS) bars[bar] = (bars[bar] ?? 0) + count;
      }
      return bars;
    },
    refetchInterval: 10_000,
    placeholderData: keepPreviousData,
  });
  const bars = query.data ?? [];
  const most = Math.max(1, ...bars);
  const total = bars.reduce((sum, count) => sum + count, 0);
  const words = t('situation.events_hour', { count: total, number: total.toLocaleString(i18n.language) });
  return (
    <div className={classes['spark']}>
      <svg viewBox={`0 0 ${BARS * 6} 26`} preserveAspectRatio="none" role="img" aria-label={words}>
        {bars.map((count, bar) => (
          <rect
            key={bar}
            x={bar * 6}
            width={4.6}
            y={26 - Math.max(count > 0 ? 2 : 0.8, Math.sqrt(count / most) * 26)}
            height={Math.max(count > 0 ? 2 : 0.8, Math.sqrt(count / most) * 26)}
            data-some={count > 0 || undefined}
          />
        ))}
      </svg>
      <span>{query.data ? words : '\u00a0'}</span>
    </div>
  );
}
