// ATT&CK tactics and techniques of an alert.
import type { Threat } from '../../../../platform/core/alert.ts';
import { DataText } from '../../elements/data-text.tsx';
import classes from './alerts.module.css';

export function Threats({ threat }: { threat: readonly Threat[] }) {
  return (
    <div className={classes['chips']}>
      {threat.map(({ tactic, technique }) => (
        <span key={`${tactic} ${technique}`} className={classes['threat']}>
          {technique === undefined ? null : <DataText value={technique} mono />}
          {tactic === undefined ? null : <DataText value={tactic} />}
        </span>
      ))}
    </div>
  );
}
