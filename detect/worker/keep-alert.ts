// Keeps alerts as records: the newest revision wins, what people decided stays.
import { Alert } from '../../platform/core/alert.ts';
import { describeError } from '../../platform/core/errors.ts';
import { type RecordStore, upsertRecord } from '../../platform/records/record-store.ts';

/**
 * Stores one alert unless a newer or the same revision is there. Idempotent. `foreign`: the id belongs to an
 * alert of another site, which no site may change or withdraw; what was worked here over several sites stands.
 */
export async function keepAlert(
  records: RecordStore,
  alert: Alert,
  /** `absent`: the alert is new as far as is known. */
  believed?: 'absent',
): Promise<'kept' | 'older' | 'foreign'> {
  let status: Alert['status'] = 'open';
  let newer = false;
  let foreign = false;
  await upsertRecord<Alert>({
    store: records,
    collection: 'alerts',
    id: alert.id,
    ...(believed === undefined ? {} : { believed }),
    change: (current) => {
      status = current?.status ?? 'open';
      const otherSite = current !== undefined && current.site.id !== alert.site.id;
      // A link takes no alert of scope `fleet` from a child: such a one was made here.
      foreign = otherSite && alert.scope !== 'fleet';
      newer = !foreign && (!current || otherSite || current.revision < alert.revision);
      const digest = current?.digest;
      return newer ? { ...alert, status, ...(digest === undefined ? {} : { digest }) } : undefined;
    },
  });
  // What people decided follows to the alert that took this one's place (SEMANTICS, Late truth).
  if (alert.superseded_by !== undefined && status !== 'open' && newer)
    await followStatus({ records, id: alert.superseded_by, site: alert.site.id, status });
  if (foreign) return 'foreign';
  return newer ? 'kept' : 'older';
}

async function followStatus(options: {
  records: RecordStore;
  id: string;
  site: string;
  status: Alert['status'];
}): Promise<void> {
  const { records, id, site, status } = options;
  // The detector sends the heir first; when it is not here yet there is nothing to carry over to.
  if (!(await records.get<Alert>('alerts', id))) return;
  await upsertRecord<Alert>({
    store: records,
    collection: 'alerts',
    id,
    change: (current) =>
      current?.status === 'open' && current.site.id === site ? { ...current, status } : undefined,
  });
}

/** Reads an alert from a bus message, or says why it is none. */
export function readAlert(value: Uint8Array): { alert: Alert } | { message: string } {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(value).toString('utf8'));
  } catch (error) {
    return { message: describeError(error) };
  }
  const parsed = Alert.safeParse(json);
  if (parsed.success) return { alert: parsed.data };
  const [issue] = parsed.error.issues;
  return { message: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not an alert'}` };
}
