// What people decided about which alerts stand together, and the acts to decide anew.
import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Incident, IncidentLink } from '../../../../platform/core/incident.ts';
import { useLinkIncident } from '../../api/acts.ts';
import { DataText } from '../../elements/data-text.tsx';
import { Failure } from '../../elements/list-states.tsx';
import { Moment } from '../../elements/time.tsx';
import classes from './casework.module.css';
import { MergeDialog, SplitDialog } from './link-dialogs.tsx';

/** The buttons in the head of the panel. */
export function DecisionActs({ incident }: { incident: Incident }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<'merge' | 'split'>();
  const close = (): void => setAsked(undefined);
  return (
    <span className={classes['line']}>
      <Button size="compact-xs" variant="default" onClick={() => setAsked('merge')}>
        {t('casework.merge')}
      </Button>
      <Button
        size="compact-xs"
        variant="default"
        disabled={incident.alerts.length < 2}
        onClick={() => setAsked('split')}
      >
        {t('casework.split')}
      </Button>
      {asked === 'merge' ? <MergeDialog incident={incident} onClose={close} /> : null}
      {asked === 'split' ? <SplitDialog incident={incident} onClose={close} /> : null}
    </span>
  );
}

export function Decisions({ incident, links }: { incident: Incident; links: readonly IncidentLink[] }) {
  const { t } = useTranslation();
  const link = useLinkIncident();
  if (links.length === 0) return null;
  return (
    <section className={classes['decisions']} aria-label={t('casework.decided')}>
      <h3>{t('casework.decided')}</h3>
      <ul>
        {links.map((one) => (
          <li key={one.id}>
            <span>
              <DataText value={one.actor} /> <Moment at={one.at} />: {t(`casework.${one.kind}`)}{' '}
              <DataText value={`${one.sides[0].length} + ${one.sides[1].length}`} /> —{' '}
              <DataText value={one.reason} />
            </span>
            {one.kind === 'together' && isInForce(one, incident, links) ? (
              <Button
                size="compact-xs"
                variant="default"
                loading={link.isPending}
                onClick={() =>
                  link.mutate({
                    id: incident.id,
                    act: 'unmerge',
                    body: { link: one.id, reason: t('casework.unmerge') },
                  })
                }
              >
                {t('casework.unmerge')}
              </Button>
            ) : null}
          </li>
        ))}
      </ul>
      {link.error ? <Failure error={link.error} /> : null}
    </section>
  );
}

/** A merge whose sides stand in this incident and that nobody took back. */
function isInForce(link: IncidentLink, incident: Incident, links: readonly IncidentLink[]): boolean {
  const here = new Set(incident.alerts.map(({ id }) => id));
  return (
    link.sides.every((side) => side.some((id) => here.has(id))) &&
    !links.some(
      ({ kind, at, sides }) => kind === 'apart' && at > link.at && sides[0].join() === link.sides[0].join(),
    )
  );
}
