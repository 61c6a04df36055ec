// Shown at an address that the page does not have.
import { IconMapOff } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Empty } from '../elements/list-states.tsx';

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Empty icon={<IconMapOff size={32} />} title={t('state.not_found')}>
      {t('state.not_found_hint')}
    </Empty>
  );
}
