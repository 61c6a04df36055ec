// The residency report: per jurisdiction and site what stayed, what left, and which fields were changed by which rule.
import { Button } from '@mantine/core';
import { IconPrinter } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { ResidencyReport } from '../../../../report/residency/build-report.ts';
import { callApi } from '../../api/client.ts';
import page from '../../app/page.module.css';
import { Tag } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { Empty, ListState } from '../../elements/list-states.tsx';
import { PageHead, Panel } from '../../elements/panel.tsx';
import { Moment } from '../../elements/time.tsx';
import classes from './report.module.css';
import { FieldTable, RecordTable } from './report-tables.tsx';

export function ReportPage() {
  const { t, i18n } = useTranslation();
  const query = useQuery({
    queryKey: ['report', 'residency'],
    queryFn: ({ signal }) => callApi<ResidencyReport>('GET', '/reports/residency', { signal }),
    refetchInterval: 15_000,
  });
  const language = i18n.language.startsWith('zh') ? 'zh' : 'en';
  const report = query.data;
  return (
    <div className={page['page']}>
      <PageHead
        title={t('report.title')}
        note={
          report ? (
            <>
              {t('report.made')} <Moment at={report.made} show="both" />
            </>
          ) : null
        }
      >
        <Button
          component="a"
          href={`/api/v1/reports/residency.html?language=${language}`}
          target="_blank"
          rel="noreferrer"
          variant="default"
          size="xs"
          leftSection={<IconPrinter size={15} />}
        >
          {t('report.print')}
        </Button>
      </PageHead>
      <p className={page['soft']}>{t('report.note')}</p>
      <ListState
        query={query}
        isEmpty={report?.jurisdictions.length === 0}
        empty={<Empty title={t('report.empty')}>{t('report.empty_hint')}</Empty>}
      >
        {report?.jurisdictions.map((part) => (
          <Panel
            key={part.jurisdiction}
            title={t('report.jurisdiction')}
            icon={<Tag value={part.jurisdiction} />}
          >
            <Share left={part.left} stayed={part.stayed} />
            {part.sites.map((site) => (
              <section key={site.site} className={classes['site']}>
                <h3>
                  <DataText value={site.name} />
                </h3>
                {site.gaps.length > 0 ? (
                  <p className={classes['gaps']}>{t('report.gaps', { count: site.gaps.length })}</p>
                ) : null}
                {site.rows.length > 0 ? <RecordTable rows={site.rows} /> : null}
                {site.fields.length > 0 ? <FieldTable rows={site.fields} /> : null}
              </section>
            ))}
          </Panel>
        ))}
      </ListState>
    </div>
  );
}

type Amount = ResidencyReport['jurisdictions'][number]['left'];

/** What stayed against what left, as a bar with its numbers. */
function Share({ left, stayed }: { left: Amount; stayed: Amount }) {
  const { t, i18n } = useTranslation();
  const all = Math.max(1, left.records + stayed.records);
  const number = (value: number): string => value.toLocaleString(i18n.language);
  return (
    <div className={classes['share']}>
      <div className={classes['bar']} aria-hidden="true">
        <i data-what="stayed" style={{ width: `${(stayed.records / all) * 100}%` }} />
        <i data-what="left" style={{ width: `${(left.records / all) * 100}%` }} />
      </div>
      <dl>
        <div data-what="stayed">
          <dt>{t('report.stayed')}</dt>
          <dd>{number(stayed.records)}</dd>
          <dd>{t('report.bytes', { value: number(Math.round(stayed.bytes / 1024)) })}</dd>
        </div>
        <div data-what="left">
          <dt>{t('report.left')}</dt>
          <dd>{number(left.records)}</dd>
          <dd>{t('report.bytes', { value: number(Math.round(left.bytes / 1024)) })}</dd>
        </div>
      </dl>
    </div>
  );
}
