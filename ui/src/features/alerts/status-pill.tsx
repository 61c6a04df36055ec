// How an alert is being handled.
import { useTranslation } from 'react-i18next';
import type { Alert } from '../../../../platform/core/alert.ts';
import { Pill, type Tone } from '../../elements/badges.tsx';

const TONES: Readonly<Record<Alert['status'], Tone>> = {
  open: 'warn',
  acknowledged: 'accent',
  closed: 'neutral',
};

export function StatusPill({ status }: { status: Alert['status'] }) {
  const { t } = useTranslation();
  return <Pill tone={TONES[status]}>{t(`alert_status.${status}`)}</Pill>;
}
