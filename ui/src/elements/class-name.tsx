// A residency class in words, with its name in policies on hover.
import { useTranslation } from 'react-i18next';
import type { ResidencyClass } from '../../../platform/core/names.ts';

export function ClassName({ value }: { value: string }) {
  const { t, i18n } = useTranslation();
  const known = i18n.exists(`residency_class.${value}`);
  return (
    // The name on hover is an identifier, whatever the language.
    <span title={value} translate="no">
      {known ? t(`residency_class.${value as ResidencyClass}`) : value}
    </span>
  );
}
