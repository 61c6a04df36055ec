// What a site took in and what became of it: counts by source and reason, since its data folder was made.
import { useTranslation } from 'react-i18next';
import type { SiteView } from '../../../../server/api/contract.ts';
import page from '../../app/page.module.css';
import { DataText } from '../../elements/data-text.tsx';

export function Counters({ counters }: { counters: NonNullable<SiteView['heartbeat']>['counters'] }) {
  const { t, i18n } = useTranslation();
  const sorted = counters.toSorted(
    (a, b) =>
      a.stage.localeCompare(b.stage) ||
      (a.source ?? '').localeCompare(b.source ?? '') ||
      a.reason.localeCompare(b.reason),
  );
  return (
    <div className={page['scroll']} tabIndex={0} role="region" aria-label={t('site.counters')}>
      <table className={page['table']}>
        <thead>
          <tr>
            <th scope="col">{t('site.stage')}</th>
            <th scope="col">{t('site.source')}</th>
            <th scope="col">{t('site.reason')}</th>
            <th scope="col" className={page['right']}>
              {t('alerts.count')}
            </th>
          </tr>
        </thead>
        <tbody>
          {sorted.map(({ stage, source, reason, count }) => (
            <tr key={`${stage} ${source} ${reason}`}>
              <td>
                <DataText value={stage} />
              </td>
              <td>
                <DataText value={source ?? '–'} mono />
              </td>
              <td>
                <DataText value={reason} />
              </td>
              <td className={page['right']}>{count.toLocaleString(i18n.language)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
