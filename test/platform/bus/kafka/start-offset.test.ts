// Where a group begins to read a partition: its own position, what it committed, or what is kept, and what is said of it.
import { describe, expect, test } from 'vitest';
import { judgeStart } from '../../../../platform/bus/kafka/start-offset.ts';

const still = {
  group: 'g',
  topic: 't',
  partition: 0,
  position: undefined,
  committed: -1,
  after: undefined,
  bounds: { first: 10, next: 100 },
  from: 'earliest' as const,
};

describe('where a group begins', () => {
  test('a new group begins at the first record, or at the end with `latest`, and writes it down', () => {
    expect(judgeStart(still)).toEqual({ offset: 10, commit: true });
    expect(judgeStart({ ...still, from: 'latest' })).toEqual({ offset: 100, commit: true });
  });

  test('a group goes on where it committed, or at the position that it keeps itself, which is then committed', () => {
    expect(judgeStart({ ...still, committed: 40 })).toEqual({ offset: 40, commit: false });
    expect(judgeStart({ ...still, committed: 40, position: 30 })).toEqual({ offset: 30, commit: true });
    expect(judgeStart({ ...still, committed: 100 })).toEqual({ offset: 100, commit: false });
  });

  test('what expired before it was read is said with its number', () => {
    const start = judgeStart({ ...still, committed: 4 });
    expect(start).toMatchObject({ offset: 10, commit: true, notice: { kind: 'records-expired' } });
    expect(start.notice?.message).toContain('6 records from 4 on');
  });

  test('a topic that ends before the position is another one, and is read from its first record', () => {
    const start = judgeStart({ ...still, committed: 500, from: 'latest' });
    expect(start).toMatchObject({ offset: 10, commit: true, notice: { kind: 'topic-recreated' } });
  });

  test('a position in a topic that knows no offset of the group belongs to an earlier topic of that name', () => {
    const kept = judgeStart({ ...still, position: 50 });
    expect(kept).toMatchObject({ offset: 10, commit: true, notice: { kind: 'topic-recreated' } });
    const running = judgeStart({ ...still, after: 50, from: 'latest' });
    expect(running).toMatchObject({ offset: 10, commit: true, notice: { kind: 'topic-recreated' } });
  });

  test('a consumer that went astray and is still known goes on where it committed', () => {
    expect(judgeStart({ ...still, committed: 60, after: 70 })).toEqual({ offset: 60, commit: false });
  });
});
