// Why a rule matched an event: its condition as a tree, each part with whether it held and what the event had.
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { ExplainedNodeView } from '../../../../server/api/rule-contract.ts';
import { explainQuery } from '../../api/rule-queries.ts';
import { DataText } from '../../elements/data-text.tsx';
import { Loading } from '../../elements/list-states.tsx';
import classes from './explanation.module.css';

/** Nothing where it cannot be told: the event may have stayed at its site, the rule may be gone. */
export function Explanation({ rule, event }: { rule: string; event: string }) {
  const { t } = useTranslation();
  const query = useQuery(explainQuery(rule, event));
  if (query.isPending) return <Loading rows={3} />;
  const explanation = query.data?.explanations[0];
  if (!explanation) return null;
  return (
    <section className={classes['explanation']} aria-label={t('explain.title')}>
      <h4>{t('explain.title')}</h4>
      {explanation.fed ? null : <p className={classes['note']}>{t('explain.not_fed')}</p>}
      {explanation.holds ? null : <p className={classes['note']}>{t('explain.changed')}</p>}
      <ul>
        {explanation.nodes.map((node, position) => (
          <Node key={position} node={node} />
        ))}
      </ul>
      {explanation.cut ? <p className={classes['note']}>{t('explain.cut')}</p> : null}
    </section>
  );
}

function Node({ node }: { node: ExplainedNodeView }) {
  const { t } = useTranslation();
  return (
    <li style={{ paddingInlineStart: `${node.depth * 14}px` }} data-holds={node.holds || undefined}>
      <span className={classes['mark']} aria-hidden="true">
        {node.holds ? '✓' : '·'}
      </span>
      <span className="visually-hidden">{t(node.holds ? 'explain.holds' : 'explain.holds_not')}</span>
      {node.kind === 'item' ? <Item node={node} /> : <span>{wordsOf(node, t)}</span>}
    </li>
  );
}

function wordsOf({ kind, name }: ExplainedNodeView, t: ReturnType<typeof useTranslation>['t']) {
  if (kind === 'selection')
    return (
      <>
        {t('explain.selection')} <DataText value={name ?? ''} mono />
      </>
    );
  if (kind === 'and') return t('explain.and');
  if (kind === 'or') return t('explain.or');
  return kind === 'not' ? t('explain.not') : t('explain.constant');
}

/** What held comes first; of the rest a few are enough. */
const SHOWN_WANTED = 6;

function Item({ node }: { node: ExplainedNodeView }) {
  const { t } = useTranslation();
  const { field = '*', actual = [], wanted = [], more = 0 } = node;
  const hidden = more + Math.max(0, wanted.length - SHOWN_WANTED);
  return (
    <span className={classes['item']}>
      <span className={classes['field']}>
        {field === '*' ? t('explain.any_field') : <DataText value={field} mono />}
      </span>
      <span className={classes['actual']}>
        {actual.length === 0 ? (
          t('explain.nothing')
        ) : (
          <DataText value={actual.map((value) => JSON.stringify(value)).join(', ')} mono />
        )}
      </span>
      <span className={classes['wanted']}>
        {wanted.slice(0, SHOWN_WANTED).map((one, position) => (
          <span key={position} data-holds={one.holds || undefined}>
            <DataText value={one.test} mono />
          </span>
        ))}
        {hidden > 0 ? <small>{t('explain.more', { count: hidden })}</small> : null}
      </span>
    </span>
  );
}
