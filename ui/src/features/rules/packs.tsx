// Packs of rules with their pins and licences.
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { packsQuery } from '../../api/rule-queries.ts';
import page from '../../app/page.module.css';
import { Pill } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { Empty, ListState } from '../../elements/list-states.tsx';
import { Panel } from '../../elements/panel.tsx';

/** Characters of a hash that tell packs apart. */
const SHOWN_HASH = 16;

export function Packs() {
  const { t } = useTranslation();
  const query = useQuery(packsQuery);
  const packs = query.data?.packs ?? [];
  return (
    <Panel title={t('packs.title')} count={packs.length} flush>
      <ListState
        query={query}
        isEmpty={packs.length === 0}
        empty={<Empty title={t('packs.none')} />}
        rows={2}
      >
        <div className={page['scroll']} tabIndex={0} role="region" aria-label={t('packs.title')}>
          <table className={page['table']}>
            <thead>
              <tr>
                <th scope="col">{t('alerts.status')}</th>
                <th scope="col">{t('rules.pack')}</th>
                <th scope="col">{t('packs.rules')}</th>
                <th scope="col">{t('packs.hash')}</th>
                <th scope="col">{t('packs.licence')}</th>
                <th scope="col">{t('packs.from')}</th>
              </tr>
            </thead>
            <tbody>
              {packs.map((pack) => (
                <tr key={`${pack.name} ${pack.address}`}>
                  <td>
                    <Pill tone={pack.state === 'in force' ? 'good' : 'bad'}>
                      {t(pack.state === 'in force' ? 'packs.in_force' : 'packs.refused')}
                    </Pill>
                  </td>
                  <td>
                    <DataText value={pack.name} mono />
                  </td>
                  <td className={page['right']}>{pack.rules}</td>
                  <td>
                    <DataText value={pack.hash.slice(0, SHOWN_HASH)} mono />
                  </td>
                  <td>{pack.licence ? <DataText value={pack.licence.id} /> : null}</td>
                  <td className={page['faint']}>
                    <DataText value={[pack.address, pack.ref].filter(Boolean).join(' ')} mono />
                    {pack.problem === undefined ? null : (
                      <p>
                        <DataText value={pack.problem} />
                      </p>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </ListState>
    </Panel>
  );
}
