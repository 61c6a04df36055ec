// Why the alerts of a case stand together: each shared entity with its scope and weight, strongest first.
import { useTranslation } from 'react-i18next';
import type { Incident } from '../../../../platform/core/incident.ts';
import { DataText } from '../../elements/data-text.tsx';
import { EntityChip } from '../../elements/entity-chip.tsx';
import classes from './incidents.module.css';

type Join = Incident['joins'][number];

const keyOf = ({ entity }: Join): string =>
  entity ? `${entity.type}|${entity.scope}|${entity.value}` : 'decision';

/** Joins by the same entity as one, heaviest first. */
function byEntity(
  joins: readonly Join[],
): { join: Join; weight: number; alerts: Set<string>; pairs: number }[] {
  const groups = new Map<string, { join: Join; weight: number; alerts: Set<string>; pairs: number }>();
  for (const join of joins) {
    const key = keyOf(join);
    const group = groups.get(key) ?? { join, weight: 0, alerts: new Set<string>(), pairs: 0 };
    group.weight = Math.max(group.weight, join.weight);
    for (const alert of join.alerts) group.alerts.add(alert);
    group.pairs += 1;
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => b.weight - a.weight);
}

export function Joins({ joins, alerts }: { joins: readonly Join[]; alerts: Incident['alerts'] }) {
  const { t, i18n } = useTranslation();
  const groups = byEntity(joins);
  const heaviest = groups[0]?.weight ?? 1;
  const names = new Map(alerts.map(({ id, rule_name }) => [id, rule_name]));
  const number = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 2 });
  if (groups.length === 0) return <p className={classes['nothing']}>{t('incidents.no_joins')}</p>;
  return (
    <ul className={classes['joins']}>
      {groups.map(({ join, weight, alerts: joined, pairs }) => (
        <li key={keyOf(join)}>
          {join.entity ? <EntityChip entity={join.entity} scope /> : <span>{t('casework.decision')}</span>}
          <div className={classes['weight']} title={t('incidents.weight')}>
            <span className={classes['weightBar']} aria-hidden="true">
              <i style={{ width: `${(weight / heaviest) * 100}%` }} />
            </span>
            <span>{number.format(weight)}</span>
          </div>
          <details>
            <summary>{t('incidents.joins_alerts', { count: joined.size, pairs })}</summary>
            <ul className={classes['joined']}>
              {[...joined].map((id) => (
                <li key={id}>
                  <DataText value={names.get(id) ?? id} />
                </li>
              ))}
            </ul>
          </details>
        </li>
      ))}
    </ul>
  );
}
