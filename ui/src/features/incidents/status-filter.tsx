// Which statuses of cases are shown.
import { Chip, Group } from '@mantine/core';
import { useTranslation } from 'react-i18next';

const STATUSES = ['open', 'acknowledged', 'contained', 'closed'] as const;

export function StatusFilter({
  value,
  onChange,
}: {
  value: readonly string[];
  onChange: (value: string[]) => void;
}) {
  const { t } = useTranslation();
  return (
    <Chip.Group multiple value={[...value]} onChange={onChange}>
      <Group gap={6} role="group" aria-label={t('alerts.status')}>
        {STATUSES.map((status) => (
          <Chip key={status} value={status} size="xs" variant="light">
            {t(`incident_status.${status}`)}
          </Chip>
        ))}
      </Group>
    </Chip.Group>
  );
}
