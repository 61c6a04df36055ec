// Moments in the viewer's zone and language, with UTC on hover.
import { useTranslation } from 'react-i18next';
import { useNow } from './clock.tsx';

const RELATIVE_UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
];

function relative(at: number, now: number, language: string): string {
  const distance = at - now;
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  const [unit, size] =
    RELATIVE_UNITS.find(([, ms]) => Math.abs(distance) >= ms) ?? (['second', 1_000] as const);
  return format.format(Math.trunc(distance / size), unit);
}

/** Time of day for today, with the date before it for other days; `full` has date and seconds always. */
export function formatMoment(
  at: number,
  language: string,
  options: { full?: boolean; now?: number } = {},
): string {
  const today = new Date(options.now ?? Date.now()).toDateString() === new Date(at).toDateString();
  return new Intl.DateTimeFormat(language, {
    ...(options.full || !today ? { month: 'short', day: 'numeric' } : {}),
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }).format(at);
}

/** `show`: absolute, relative, or both. */
export function Moment({ at, show = 'absolute' }: { at: string; show?: 'absolute' | 'relative' | 'both' }) {
  const { i18n } = useTranslation();
  const now = useNow();
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) return <span translate="no">{at}</span>;
  const absolute = formatMoment(ms, i18n.language, { now });
  const near = relative(Math.min(ms, ms > now + 5_000 ? ms : now), now, i18n.language);
  return (
    <time dateTime={at} title={`${new Date(ms).toISOString()} (UTC)`}>
      {show === 'absolute' ? absolute : show === 'relative' ? near : `${absolute} · ${near}`}
    </time>
  );
}

/** `59:08` or `1:02:33` of a span; never below zero. */
export function formatSpan(span_ms: number): string {
  const seconds = Math.max(0, Math.ceil(span_ms / 1_000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${two(minutes)}:${two(seconds % 60)}`;
}
