// The rules in force with what they did, those that were refused and why, exceptions and packs.
import { TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useDeferredValue, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { kqlTerm } from '../../api/kql.ts';
import { rulesQuery } from '../../api/rule-queries.ts';
import page from '../../app/page.module.css';
import { LEVELS_BY_WEIGHT, LevelBadge, Tag } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { Empty, ListState } from '../../elements/list-states.tsx';
import { PageHead, Panel } from '../../elements/panel.tsx';
import { Exceptions } from './exceptions.tsx';
import { Packs } from './packs.tsx';

const MOST_ROWS = 300;

export function RulesPage() {
  const { t } = useTranslation();
  const query = useQuery(rulesQuery);
  const [text, setText] = useState('');
  const wanted = useDeferredValue(text.toLowerCase());
  const rules = (query.data?.rules ?? [])
    .filter((rule) =>
      `${rule.name} ${rule.id} ${rule.tags.join(' ')} ${rule.file} ${rule.pack_name}`
        .toLowerCase()
        .includes(wanted),
    )
    .sort(
      (a, b) =>
        LEVELS_BY_WEIGHT.indexOf(a.level) - LEVELS_BY_WEIGHT.indexOf(b.level) || (a.name < b.name ? -1 : 1),
    );
  const refused = query.data?.refused ?? [];
  return (
    <div className={page['page']}>
      <PageHead title={t('nav.rules')} note={query.data ? t('rules.total', { count: rules.length }) : null}>
        <TextInput
          data-search
          aria-label={t('rules.find')}
          placeholder={t('rules.find')}
          leftSection={<IconSearch size={15} />}
          size="xs"
          value={text}
          onChange={(typed) => setText(typed.currentTarget.value)}
        />
      </PageHead>
      <Exceptions />
      <ListState
        query={query}
        isEmpty={rules.length === 0 && refused.length === 0}
        empty={<Empty title={t('rules.empty')}>{t('rules.empty_hint')}</Empty>}
      >
        {refused.length > 0 ? (
          <Panel title={t('rules.refused')} count={refused.length} flush>
            <div className={page['scroll']} tabIndex={0} role="region" aria-label={t('rules.refused')}>
              <table className={page['table']}>
                <tbody>
                  {refused.map((rule) => (
                    <tr key={`${rule.place} ${rule.code}`}>
                      <td>
                        <DataText value={rule.place} mono />
                      </td>
                      <td>
                        <DataText value={rule.code} mono />
                      </td>
                      <td>
                        <DataText value={rule.message} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </Panel>
        ) : null}
        <Panel title={t('rules.in_force')} count={rules.length} flush>
          <div className={page['scroll']} tabIndex={0} role="region" aria-label={t('rules.in_force')}>
            <table className={page['table']}>
              <thead>
                <tr>
                  <th scope="col">{t('alerts.level')}</th>
                  <th scope="col">{t('alerts.rule')}</th>
                  <th scope="col">{t('rules.kind')}</th>
                  <th scope="col">{t('alerts.attack')}</th>
                  <th scope="col">{t('rules.pack')}</th>
                  <th scope="col">{t('rules.matches')}</th>
                  <th scope="col">{t('rules.exceptions')}</th>
                </tr>
              </thead>
              <tbody>
                {rules.slice(0, MOST_ROWS).map((rule) => (
                  <tr key={`${rule.id} ${rule.file}`}>
                    <td>
                      <LevelBadge level={rule.level} />
                    </td>
                    <td>
                      <Link
                        to="/alerts"
                        search={{ where: kqlTerm('rule.id', rule.id) }}
                        className={page['title'] ?? ''}
                      >
                        <DataText value={rule.name} />
                      </Link>
                    </td>
                    <td>{t(`rules.${rule.kind}`)}</td>
                    <td>
                      <span className={page['tags']}>
                        {rule.tags
                          .filter((tag) => /^attack\.t\d/i.test(tag))
                          .map((tag) => (
                            <Tag key={tag} value={tag.slice('attack.'.length).toUpperCase()} />
                          ))}
                      </span>
                    </td>
                    <td className={page['faint']}>
                      <DataText value={rule.pack_name} mono />
                    </td>
                    <td className={page['right']}>{rule.kind === 'plain' ? rule.matches : null}</td>
                    <td className={page['right']}>
                      {rule.exceptions.length === 0 ? null : rule.exceptions.length}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Panel>
        {rules.length > MOST_ROWS ? (
          <p className={page['soft']}>{t('rules.more', { shown: MOST_ROWS, count: rules.length })}</p>
        ) : null}
        {query.data && query.data.gated.length > 0 ? (
          <p className={page['soft']}>{t('rules.gated', { count: query.data.gated.length })}</p>
        ) : null}
      </ListState>
      <Packs />
    </div>
  );
}
