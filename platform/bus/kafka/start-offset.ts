// Where a group begins to read a partition, and what is to be said when it is not where it stood.

/** What an operator should know: records that nobody has read are gone, or a topic is not the one it was. */
export interface KafkaNotice {
  readonly kind: 'topic-recreated' | 'records-expired' | 'topic-differs';
  readonly topic: string;
  readonly message: string;
}

export interface StartOffset {
  readonly offset: number;
  /** The group's committed offset is to be set to it. */
  readonly commit: boolean;
  readonly notice?: KafkaNotice;
}

/**
 * The consumer's own position goes before the committed offset; one outside of what is kept falls to `from`.
 * Kafka forgets the offsets of a topic that is deleted: who stood somewhere and finds nothing committed is in another
 * topic of the same name, and begins at its first record.
 * @param options.committed -1 when the group has none
 * @param options.after where a running consumer stood when it went astray
 */
export function judgeStart(options: {
  group: string;
  topic: string;
  partition: number;
  position: number | undefined;
  committed: number;
  after: number | undefined;
  bounds: { first: number; next: number };
  from: 'earliest' | 'latest';
}): StartOffset {
  const { group, topic, partition, committed, after, bounds, from } = options;
  const known = committed >= 0;
  const wanted = options.position ?? (known ? committed : undefined);
  const where = `group ${group}, ${topic}/${partition}`;
  const stood = after ?? options.position ?? 0;
  if (!known && stood > 0) {
    const message = `${where}: stood at ${stood}, but the topic knows nothing of it: it was made anew; reading it from its first record, ${bounds.first}`;
    return { offset: bounds.first, commit: true, notice: { kind: 'topic-recreated', topic, message } };
  }
  if (wanted === undefined) return { offset: from === 'latest' ? bounds.next : bounds.first, commit: true };
  if (wanted > bounds.next) {
    const message = `${where}: stood at ${wanted}, but the topic ends at ${bounds.next}: it was made anew or cut; reading it from its first record, ${bounds.first}`;
    return { offset: bounds.first, commit: true, notice: { kind: 'topic-recreated', topic, message } };
  }
  if (wanted < bounds.first) {
    const lost = bounds.first - wanted;
    const message = `${where}: ${lost} records from ${wanted} on expired before they were read; going on at ${bounds.first}`;
    return { offset: bounds.first, commit: true, notice: { kind: 'records-expired', topic, message } };
  }
  // A consumer with positions of its own: the group's lag is from where it stands.
  return { offset: wanted, commit: wanted !== committed };
}
