// Events in time; dragging over it narrows the time, and a table says the same in text.
import { useComputedColorScheme } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { histogramQuery, type SearchScope } from '../../api/search-queries.ts';
import { Failure } from '../../elements/list-states.tsx';
import { formatMoment } from '../../elements/time.tsx';
import { fillBuckets, histogramOption, initChart } from './draw-chart.ts';
import classes from './search.module.css';

export default function Histogram({
  scope,
  interval_ms,
  onNarrow,
}: {
  scope: SearchScope;
  interval_ms: number;
  onNarrow: (from: number, to: number) => void;
}) {
  const { t, i18n } = useTranslation();
  const scheme = useComputedColorScheme('dark');
  const query = useQuery(histogramQuery(scope, interval_ms));
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<ReturnType<typeof initChart> | null>(null);
  const narrow = useRef(onNarrow);
  narrow.current = onNarrow;
  const [from, to] = [Date.parse(scope.from), Date.parse(scope.to)];
  const buckets = useMemo(
    () => fillBuckets({ buckets: query.data?.buckets ?? [], from, to, interval_ms }),
    [query.data, from, to, interval_ms],
  );
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);

  useEffect(() => {
    if (!box.current) return;
    const drawn = initChart(box.current, undefined, { renderer: 'svg' });
    chart.current = drawn;
    drawn.on('brushEnd', (event) => {
      const range = (event as { areas?: { coordRange?: [number, number] }[] }).areas?.[0]?.coordRange;
      if (range && range[1] - range[0] >= 1_000) narrow.current(Math.floor(range[0]), Math.ceil(range[1]));
    });
    const resize = new ResizeObserver(() => drawn.resize());
    resize.observe(box.current);
    return () => {
      resize.disconnect();
      drawn.dispose();
    };
  }, []);

  useEffect(() => {
    const style = getComputedStyle(document.documentElement);
    chart.current?.setOption(
      histogramOption({
        buckets,
        from,
        to,
        interval_ms,
        colour: (name) => style.getPropertyValue(name).trim(),
        tell: (start, end, count) =>
          `${formatMoment(start, i18n.language, { full: true })} – ${formatMoment(end, i18n.language)}\n${t('search.events', { count })}`,
      }),
      { notMerge: true },
    );
    // Dragging marks a span at once, without a tool to choose first.
    chart.current?.dispatchAction({
      type: 'takeGlobalCursor',
      key: 'brush',
      brushOption: { brushType: 'lineX', brushMode: 'single' },
    });
  }, [buckets, from, to, interval_ms, scheme, t, i18n.language]);

  return (
    <figure className={classes['histogram']}>
      <figcaption>
        <strong>{t('search.events', { count: total })}</strong>
        <span>{t('search.brush')}</span>
        {query.data && !query.data.exact ? <span>{t('search.inexact')}</span> : null}
      </figcaption>
      <div ref={box} className={classes['chart']} aria-hidden="true" />
      {query.error ? <Failure error={query.error} retry={() => void query.refetch()} /> : null}
      <details className={classes['asText']}>
        <summary>{t('search.as_text')}</summary>
        <ul>
          {buckets
            .filter(([, count]) => count > 0)
            .map(([at, count]) => (
              <li key={at}>
                <button type="button" onClick={() => onNarrow(at, at + interval_ms)}>
                  {formatMoment(at, i18n.language, { full: true })}: {t('search.events', { count })}
                </button>
              </li>
            ))}
        </ul>
      </details>
    </figure>
  );
}
