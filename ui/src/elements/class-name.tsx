// A residency class in words, with its name in policies on hover.
import { useTranslation } from 'react-i18next';
import type { ResidencyClass } from '../../../platform/core/names.ts';

export function ClassName({ value }: { value: string }) {
  const { t, i18n } = useTranslation();
  const known = i18n.exists(`residency_class.${value}`);
  return <span title={value}>{known ? t(`residency_class.${value as ResidencyClass}`) : value}</span>;
}
