// Small marks that say level, status and kind, by shape and word as well as by colour.
import { useTranslation } from 'react-i18next';
import type { Level } from '../../../platform/core/names.ts';
import { DataText } from './data-text.tsx';
import classes from './elements.module.css';

export const LEVELS_BY_WEIGHT: readonly Level[] = ['critical', 'high', 'medium', 'low', 'informational'];

export function LevelBadge({ level, short = false }: { level: Level; short?: boolean }) {
  const { t } = useTranslation();
  return (
    <span className={classes['level']} data-level={level}>
      <span className={classes['bars']} aria-hidden="true">
        <i />
        <i />
        <i />
        <i />
      </span>
      <span className={short ? 'visually-hidden' : undefined}>{t(`level.${level}`)}</span>
    </span>
  );
}

export type Tone = 'neutral' | 'good' | 'warn' | 'bad' | 'accent';

export function Pill({ tone = 'neutral', children }: { tone?: Tone; children: React.ReactNode }) {
  return (
    <span className={classes['pill']} data-tone={tone}>
      {children}
    </span>
  );
}

/** A word of the record itself: site id, jurisdiction, dataset. */
export function Tag({ value, icon }: { value: string; icon?: React.ReactNode }) {
  return (
    <span className={classes['tag']}>
      {icon}
      <DataText value={value} />
    </span>
  );
}
