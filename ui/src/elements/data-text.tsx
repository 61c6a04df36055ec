// Text from records: hostile until shown. Control and direction characters become visible marks, never effects.
import classes from './elements.module.css';
import { splitVisible } from './split-visible.ts';

/** Marked `translate="no"`: it is data, in no language of ours. */
export function DataText({
  value,
  mono = false,
  className,
}: {
  value: string;
  mono?: boolean;
  className?: string | undefined;
}) {
  return (
    <bdi
      translate="no"
      className={[mono ? classes['mono'] : '', className ?? ''].join(' ').trim() || undefined}
    >
      {splitVisible(value).map((part, position) =>
        part.hidden ? (
          <span key={position} className={classes['control']} title={part.text}>
            {part.text}
          </span>
        ) : (
          part.text
        ),
      )}
    </bdi>
  );
}
