// A titled section with a count and acts on its right.
import type { ReactNode } from 'react';
import { useId } from 'react';
import classes from './elements.module.css';

export function Panel({
  title,
  count,
  actions,
  icon,
  flush = false,
  children,
}: {
  title: string;
  count?: number | undefined;
  actions?: ReactNode;
  icon?: ReactNode;
  /** Without padding, for lists that reach the edges. */
  flush?: boolean;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <section className={classes['panel']} aria-labelledby={id}>
      <header className={classes['panelHead']}>
        {icon}
        <h2 id={id}>{title}</h2>
        {count === undefined ? null : <span className={classes['count']}>{count}</span>}
        <span className={classes['spacer']} />
        {actions}
      </header>
      <div className={flush ? undefined : classes['panelBody']}>{children}</div>
    </section>
  );
}

/** Terms with their values, as a definition list. */
export function Facts({ facts }: { facts: readonly (readonly [term: string, value: ReactNode])[] }) {
  return (
    <dl className={classes['facts']}>
      {facts.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The page's title row. */
export function PageHead({
  title,
  note,
  children,
}: {
  title: ReactNode;
  note?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <header className={classes['pageHead']}>
      <h1>{title}</h1>
      {note ? <span className={classes['pageNote']}>{note}</span> : null}
      <span className={classes['spacer']} />
      {children}
    </header>
  );
}
