// The entities of an alert with what other alerts, scans and the list of assets say of each.
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Alert } from '../../../../platform/core/alert.ts';
import type { EntityKnowledge } from '../../../../server/api/alert-contract.ts';
import { kqlTerm } from '../../api/kql.ts';
import { entityKnowledgeQuery } from '../../api/queries.ts';
import { Pill, Tag } from '../../elements/badges.tsx';
import { EntityChip } from '../../elements/entity-chip.tsx';
import { Failure } from '../../elements/list-states.tsx';
import { Moment } from '../../elements/time.tsx';
import classes from './alerts.module.css';

export function KnownEntities({ alert }: { alert: Alert }) {
  const query = useQuery(entityKnowledgeQuery(alert.id));
  const known = new Map(
    (query.data?.entities ?? []).map((one) => [
      `${one.entity.type}${one.entity.scope}${one.entity.value}`,
      one,
    ]),
  );
  return (
    <>
      <ul className={classes['known']}>
        {alert.entities.map((entity) => {
          const key = `${entity.type}${entity.scope}${entity.value}`;
          const knowledge = known.get(key);
          return (
            <li key={key}>
              <EntityChip entity={entity} />
              {knowledge ? <Knowledge knowledge={knowledge} /> : null}
            </li>
          );
        })}
      </ul>
      {query.error ? <Failure error={query.error} retry={() => void query.refetch()} /> : null}
    </>
  );
}

function Knowledge({ knowledge }: { knowledge: EntityKnowledge }) {
  const { t } = useTranslation();
  const { entity, alerts, open, weaknesses, sites, first, last, criticality } = knowledge;
  return (
    <div className={classes['knowledge']}>
      {criticality === undefined ? null : (
        <Pill tone={criticality === 'critical' || criticality === 'high' ? 'warn' : 'neutral'}>
          {t('alerts.critical_asset')} {t(`risk.criticality.${criticality}`)}
        </Pill>
      )}
      {alerts === 0 ? null : (
        <Link to="/alerts" search={{ where: kqlTerm('entities.value', entity.value) }}>
          {t('alerts.other_alerts', { count: alerts })}
          {open > 0 ? `, ${t('alerts.open_of_them', { count: open })}` : ''}
        </Link>
      )}
      {weaknesses === 0 ? null : <span>{t('alerts.weak', { count: weaknesses })}</span>}
      {first === undefined || last === undefined ? null : (
        <span>
          {t('alerts.seen')} <Moment at={first} /> – <Moment at={last} />
        </span>
      )}
      {sites.length > 1 ? sites.map((site) => <Tag key={site} value={site} />) : null}
    </div>
  );
}
