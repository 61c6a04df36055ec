// An entity: what it is, its value, and where that value means one thing.
import {
  IconBox,
  IconCertificate,
  IconCloud,
  IconCpu,
  IconFingerprint,
  IconKey,
  IconNetwork,
  IconPackage,
  IconServer,
  IconUser,
  IconWorld,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Entity, EntityType } from '../../../platform/core/entity.ts';
import { DataText } from './data-text.tsx';
import classes from './elements.module.css';

const ICONS: Readonly<Record<EntityType, typeof IconBox>> = {
  host: IconServer,
  user: IconUser,
  process: IconCpu,
  address: IconNetwork,
  domain: IconWorld,
  hash: IconFingerprint,
  pod: IconBox,
  'service-account': IconKey,
  image: IconPackage,
  certificate: IconCertificate,
  'cloud-account': IconCloud,
};

export function EntityChip({ entity, scope = false }: { entity: Entity; scope?: boolean }) {
  const { t } = useTranslation();
  const Icon = ICONS[entity.type];
  return (
    <span className={classes['entity']} title={t(`entity.${entity.type}`)}>
      <Icon size={14} aria-label={t(`entity.${entity.type}`)} role="img" />
      <DataText value={entity.value} mono />
      {scope ? (
        <span className={classes['scope']}>
          <DataText value={entity.scope} />
        </span>
      ) : null}
    </span>
  );
}
