// What the address of a view may carry; what is not understood is left out.
export interface AlertsView {
  /** KQL. */
  readonly where?: string;
  readonly level?: readonly string[];
  readonly site?: readonly string[];
  readonly status?: readonly string[];
  /** `1`: alerts of one rule and key that go on stand as one row. */
  readonly group?: string;
  /** The alert that stands open beside the list. */
  readonly alert?: string;
}

export interface IncidentsView {
  readonly where?: string;
  readonly status?: readonly string[];
}

/** Either `last` (a span such as `24h` before now) or `from` and `to`, ISO 8601. */
export interface SearchView {
  readonly q?: string;
  readonly last?: string;
  readonly from?: string;
  readonly to?: string;
}

type Raw = Record<string, unknown>;

function text(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' && value.length <= 10_000 ? value : undefined;
}

function texts(value: unknown): string[] | undefined {
  const list = (Array.isArray(value) ? value : [value]).map(text).filter((item) => item !== undefined);
  return list.length === 0 ? undefined : list;
}

/** Without the keys that are undefined. */
function given<T extends object>(view: { [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(view).filter(([, value]) => value !== undefined)) as T;
}

export function readAlertsView(raw: Raw): AlertsView {
  return given<AlertsView>({
    where: text(raw['where']),
    level: texts(raw['level']),
    site: texts(raw['site']),
    status: texts(raw['status']),
    group: text(raw['group']),
    alert: text(raw['alert']),
  });
}

export function readIncidentsView(raw: Raw): IncidentsView {
  return given<IncidentsView>({ where: text(raw['where']), status: texts(raw['status']) });
}

export function readSearchView(raw: Raw): SearchView {
  return given<SearchView>({
    q: text(raw['q']),
    last: text(raw['last']),
    from: text(raw['from']),
    to: text(raw['to']),
  });
}
