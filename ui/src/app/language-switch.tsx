// English or 简体中文, kept for the next visit.
import { SegmentedControl } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { changeLanguage, type Language } from '../i18n/start.ts';

export function LanguageSwitch() {
  const { t, i18n } = useTranslation();
  return (
    <div role="group" aria-label={t('app.language')}>
      <SegmentedControl
        size="xs"
        fullWidth
        value={i18n.language}
        onChange={(language) => void changeLanguage(language as Language)}
        data={[
          {
            value: 'en',
            label: (
              <span lang="en" translate="no">
                English
              </span>
            ),
          },
          {
            value: 'zh-CN',
            label: (
              <span lang="zh-CN" translate="no">
                简体中文
              </span>
            ),
          },
        ]}
      />
    </div>
  );
}
