// Where a case stands.
import { useTranslation } from 'react-i18next';
import type { IncidentStatus } from '../../../../platform/core/incident.ts';
import { Pill, type Tone } from '../../elements/badges.tsx';

const TONES: Readonly<Record<IncidentStatus, Tone>> = {
  open: 'warn',
  acknowledged: 'accent',
  contained: 'good',
  closed: 'neutral',
};

export function IncidentStatusPill({ status }: { status: IncidentStatus }) {
  const { t } = useTranslation();
  return <Pill tone={TONES[status]}>{t(`incident_status.${status}`)}</Pill>;
}
