// Random documents and random expressions over the same small worlds of fields and values, so that they meet often.
import * as fc from 'fast-check';
import type { JsonObject } from '../../../platform/core/event.ts';
import { compileExpression } from '../../../platform/core/expression/compile.ts';
import type { Expression, Test } from '../../../platform/core/expression/expression.ts';
import type { EventIndex, IndexDocument } from '../../../platform/index/event-index.ts';

const FIELDS = [
  'user.name',
  'source.ip',
  'process.command_line',
  'message',
  'labels.list',
  'http.response.status_code',
  'event.action',
];

/** Values with what has tripped folding, tokenising and number reading. */
export const arbitraryText = fc.oneof(
  fc.constantFrom(
    'alice',
    'Alice B',
    'CORP\\alice',
    '10.1.2.3',
    '::ffff:10.1.2.3',
    'fe80::1',
    '200',
    '2e2',
    ' 200 ',
    'true',
    '电源',
    'Straße',
    'İstanbul',
    'caf\u0065\u0301',
    'K\u212A',
    'ﬁle.exe',
    'a=\u0338b',
    '-',
    '',
    '0',
    '-0',
  ),
  fc.constantFrom(
    'C:\\Windows\\System32\\cmd.exe /c whoami',
    'powershell.exe -NoProfile',
    '2026-11-20T10:00:00Z',
    'x'.repeat(150),
    `${'y'.repeat(70)} tail`,
  ),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
);

const scalar = fc.oneof(arbitraryText, fc.constantFrom(0, 200, -1.5, 1e300), fc.boolean(), fc.constant(null));

/** A part of an event body. */
export const arbitraryFields: fc.Arbitrary<JsonObject> = fc
  .record(
    {
      user: fc.record({ name: scalar }),
      source: fc.record({ ip: fc.oneof(scalar, fc.array(scalar, { maxLength: 3 })) }),
      process: fc.record({ command_line: scalar }),
      message: scalar,
      labels: fc.oneof(
        fc.record({ list: fc.array(fc.oneof(scalar, fc.array(scalar, { maxLength: 2 })), { maxLength: 3 }) }),
        fc.array(fc.record({ list: scalar }), { maxLength: 3 }),
      ),
      'http.response.status_code': scalar,
      event: fc.record({ action: fc.oneof(arbitraryText, fc.array(arbitraryText, { maxLength: 2 })) }),
    },
    { requiredKeys: [] },
  )
  .map((fields) => fields as JsonObject);

/** A piece of a value that occurs. */
const piece = fc
  .tuple(arbitraryText, fc.nat(6), fc.nat(12))
  .map(([value, start, length]) => value.slice(start, start + length));

const test: fc.Arbitrary<Test> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('equals', 'startswith', 'endswith', 'contains'),
      fc.oneof(arbitraryText, piece),
      fc.boolean(),
    )
    .map(([mode, value, cased]) => ({ kind: 'string', mode, value, cased }) as Test),
  fc
    .tuple(fc.array(fc.oneof(piece, fc.constantFrom('*', '?', '\\*')), { maxLength: 4 }))
    .map(([parts]) => ({ kind: 'string', mode: 'wildcard', value: parts.join('') }) as Test),
  fc.constantFrom<Test>(
    { kind: 'number', value: 200 },
    { kind: 'number', value: 0 },
    { kind: 'number', value: -1.5 },
  ),
  fc
    .tuple(fc.constantFrom('lt', 'lte', 'gt', 'gte'), fc.constantFrom(200, 0, '2026-11-20T10:00:00Z'))
    .map(([comparison, value]) => ({ kind: 'compare', with: comparison, value }) as Test),
  fc.boolean().map((value): Test => ({ kind: 'boolean', value })),
  fc.constantFrom<Test>(
    { kind: 'regex', pattern: '^a', flags: 'i' },
    { kind: 'cidr', value: '10.0.0.0/8' },
    { kind: 'exists' },
    { kind: 'null' },
  ),
  fc.constantFrom(...FIELDS).map((other): Test => ({ kind: 'field', mode: 'equals', other })),
  fc.oneof(arbitraryText, piece).map((value): Test => ({ kind: 'text', value })),
);

const leaf = fc
  .tuple(fc.constantFrom(...FIELDS, '*'), test)
  .map(([field, asked]): Expression => ({ op: 'leaf', field, test: asked }));

/** A small tree over the fields above. */
export const arbitraryExpression: fc.Arbitrary<Expression> = fc.letrec<{ node: Expression }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaf,
    fc.array(tie('node'), { maxLength: 3 }).map((of): Expression => ({ op: 'and', of })),
    fc.array(tie('node'), { maxLength: 3 }).map((of): Expression => ({ op: 'or', of })),
    tie('node').map((of): Expression => ({ op: 'not', of })),
    fc.boolean().map((value): Expression => ({ op: 'constant', value })),
  ),
})).node;

/** What an index answers to one question. */
export interface Answered {
  /** Ids of what it finds, oldest first. */
  readonly ids: readonly string[];
  readonly counted: { readonly count: number; readonly exact: boolean };
}

/** What an index answers to each question. */
export async function answersOf(
  index: EventIndex,
  tenant: string,
  questions: readonly Expression[],
): Promise<Answered[]> {
  const answers: Answered[] = [];
  for (const where of questions) {
    const { hits } = await index.search({ tenant, where, limit: 1000, sort: 'oldest' });
    answers.push({
      ids: hits.map(({ event }) => event.id),
      counted: await index.count({ tenant, where }),
    });
  }
  return answers;
}

/** What the reference matcher answers of these documents, given in the order of their times. */
export function matchedAnswers(
  documents: readonly IndexDocument[],
  questions: readonly Expression[],
): Answered[] {
  const parsed = documents.map(({ id, body }) => ({
    id,
    event: JSON.parse(Buffer.from(body).toString('utf8')) as unknown,
  }));
  return questions.map((where) => {
    const matches = compileExpression(where);
    const ids = parsed.filter(({ event }) => matches(event)).map(({ id }) => id);
    return { ids, counted: { count: ids.length, exact: true } };
  });
}
