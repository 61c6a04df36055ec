// The risk of a case as a table: what each part found, how much it counts, and why.
import { useTranslation } from 'react-i18next';
import type { Risk, RiskPart } from '../../../../platform/core/risk.ts';
import { DataText } from '../../elements/data-text.tsx';
import classes from './casework.module.css';

export function RiskTable({ risk }: { risk: Risk }) {
  const { t, i18n } = useTranslation();
  const number = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 1 });
  return (
    <>
      <p className={classes['score']}>
        <strong>{risk.score}</strong> {t('risk.of')}
      </p>
      <ul className={classes['risk']}>
        {risk.parts.map((part) => (
          <li key={part.part}>
            <span>{t(`risk.parts.${part.part}`)}</span>
            <span className={classes['points']}>
              {number.format(part.points)} / {part.weight}
            </span>
            <span className={classes['bar']} aria-hidden="true">
              <i style={{ width: `${part.value * 100}%` }} />
            </span>
            <small>
              <Reason part={part} />
            </small>
          </li>
        ))}
      </ul>
    </>
  );
}

/** Which value of a reason is shown as it is, after the words. */
const SHOWN = {
  severity: 'rule',
  criticality: 'asset',
  weakness: 'rule',
  progress: 'tactic',
  rarity: 'value',
} as const;

function Reason({ part: { part, reason } }: { part: RiskPart }) {
  const { t } = useTranslation();
  const { values } = reason;
  const shown = values[SHOWN[part]];
  const criticality = values['criticality'];
  const words = t(`risk.reason.${reason.code}` as 'risk.reason.severity', {
    count: Number(values['count'] ?? values['tactics'] ?? 1),
    criticality: criticality === undefined ? '' : t(`risk.criticality.${criticality as 'low' | 'critical'}`),
  });
  return (
    <>
      {words} {shown === undefined ? null : <DataText value={String(shown)} />}
    </>
  );
}
