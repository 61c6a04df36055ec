// The report's tables: records by class and rule, fields by act and rule.
import { useTranslation } from 'react-i18next';
import type { FieldRow, ReportRow } from '../../../../report/residency/build-report.ts';
import page from '../../app/page.module.css';
import { Pill, Tag } from '../../elements/badges.tsx';
import { ClassName } from '../../elements/class-name.tsx';
import { DataText } from '../../elements/data-text.tsx';

export function RecordTable({ rows }: { rows: readonly ReportRow[] }) {
  const { t, i18n } = useTranslation();
  return (
    <div className={page['scroll']} tabIndex={0} role="region" aria-label={t('report.records')}>
      <table className={page['table']}>
        <thead>
          <tr>
            <th scope="col">{t('report.outcome')}</th>
            <th scope="col">{t('report.class')}</th>
            <th scope="col">{t('report.dataset')}</th>
            <th scope="col">{t('report.rule')}</th>
            <th scope="col">{t('report.destination')}</th>
            <th scope="col" className={page['right']}>
              {t('report.records')}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.kind} ${row.class} ${row.dataset} ${row.destination} ${row.rule} ${row.outcome}`}>
              <td>
                <Pill tone={row.outcome === 'stayed' ? 'good' : 'accent'}>{t(`report.${row.outcome}`)}</Pill>
              </td>
              <td>
                {t(`report.kind.${row.kind}`)} · <ClassName value={row.class} />
              </td>
              <td>
                <DataText value={row.dataset} mono />
              </td>
              <td>
                <DataText value={row.rule} />
              </td>
              <td>
                <Tag value={row.destination} />
              </td>
              <td className={page['right']}>{row.records.toLocaleString(i18n.language)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function FieldTable({ rows }: { rows: readonly FieldRow[] }) {
  const { t, i18n } = useTranslation();
  return (
    <div className={page['scroll']} tabIndex={0} role="region" aria-label={t('report.fields')}>
      <table className={page['table']}>
        <thead>
          <tr>
            <th scope="col">{t('report.act')}</th>
            <th scope="col">{t('report.field')}</th>
            <th scope="col">{t('report.class')}</th>
            <th scope="col">{t('report.rule')}</th>
            <th scope="col" className={page['right']}>
              {t('report.values')}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.class} ${row.field} ${row.act} ${row.rule}`}>
              <td>
                <Pill>{t(`report.field_act.${row.act}`)}</Pill>
              </td>
              <td>
                <DataText value={row.field} mono />
              </td>
              <td>
                <ClassName value={row.class} />
              </td>
              <td>
                <DataText value={row.rule} />
              </td>
              <td className={page['right']}>{row.values.toLocaleString(i18n.language)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
