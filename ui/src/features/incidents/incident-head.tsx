// Title, level, status, owner, verdict, sites and jurisdictions of a case, and what a person may do with it.
import { Button, Menu } from '@mantine/core';
import { IconChevronDown, IconMapPin, IconUserCheck } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Incident } from '../../../../platform/core/incident.ts';
import type { IncidentDetail } from '../../../../server/api/contract.ts';
import { useChangeIncident } from '../../api/acts.ts';
import { useSession } from '../../app/session.tsx';
import { LevelBadge, Pill, Tag } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { Failure } from '../../elements/list-states.tsx';
import { Moment } from '../../elements/time.tsx';
import { CaseTimes } from './case-times.tsx';
import { CloseDialog } from './close-dialog.tsx';
import { IncidentStatusPill } from './incident-status.tsx';
import classes from './incidents.module.css';

const VERDICTS = ['true-positive', 'false-positive', 'benign'] as const;

export function IncidentHead({ incident, times }: { incident: Incident; times: IncidentDetail['times'] }) {
  const { t } = useTranslation();
  const { actor } = useSession();
  const change = useChangeIncident();
  const { id, status, owner, verdict } = incident;
  const [closing, setClosing] = useState<(typeof VERDICTS)[number]>();
  return (
    <header className={classes['head']}>
      <div className={classes['headMain']}>
        <div className={classes['headMarks']}>
          <LevelBadge level={incident.level} />
          <IncidentStatusPill status={status} />
          {verdict === undefined ? null : <Pill tone="accent">{t(`verdict.${verdict}`)}</Pill>}
          {incident.quiet ? <Pill>{t('incidents.quiet')}</Pill> : null}
          <span className={classes['id']} translate="no">
            {id.slice(0, 14)}
          </span>
        </div>
        <h1>
          <DataText value={incident.title} />
        </h1>
        <div className={classes['headNotes']}>
          <span>
            {t('incidents.owner')}: {owner === undefined ? t('incidents.nobody') : <DataText value={owner} />}
          </span>
          <span className={classes['places']}>
            <IconMapPin size={14} aria-hidden="true" />
            {incident.sites.map((site) => (
              <Tag key={site} value={site} />
            ))}
            {incident.jurisdictions.map((jurisdiction) => (
              <Tag key={jurisdiction} value={jurisdiction} />
            ))}
          </span>
          <span>
            <Moment at={incident.first} /> – <Moment at={incident.last} />
          </span>
          <span>
            {t('incidents.updated')} <Moment at={incident.updated} show="relative" />
          </span>
        </div>
        <CaseTimes times={times} />
      </div>
      <div className={classes['acts']}>
        {status === 'open' ? (
          <Button
            size="xs"
            leftSection={<IconUserCheck size={15} />}
            loading={change.isPending}
            onClick={() => change.mutate({ id, status: 'acknowledged', owner: actor })}
          >
            {t('incidents.acknowledge')}
          </Button>
        ) : null}
        {owner === actor || status === 'open' ? null : (
          <Button size="xs" variant="default" onClick={() => change.mutate({ id, owner: actor })}>
            {t('incidents.take')}
          </Button>
        )}
        {status === 'closed' ? (
          <Button size="xs" variant="default" onClick={() => change.mutate({ id, status: 'open' })}>
            {t('incidents.reopen')}
          </Button>
        ) : (
          <Menu position="bottom-end" withinPortal>
            <Menu.Target>
              <Button size="xs" variant="default" rightSection={<IconChevronDown size={14} />}>
                {t('incidents.close_as')}
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {VERDICTS.map((choice) => (
                <Menu.Item key={choice} onClick={() => setClosing(choice)}>
                  {t(`verdict.${choice}`)}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        )}
      </div>
      {closing ? (
        <CloseDialog incident={incident} verdict={closing} onClose={() => setClosing(undefined)} />
      ) : null}
      {change.error ? <Failure error={change.error} /> : null}
    </header>
  );
}
