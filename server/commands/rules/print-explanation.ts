// Prints an explanation as an indented tree.
import type { ExplainedNodeView, ExplanationView } from '../../api/rule-contract.ts';
import { printLine } from '../output.ts';

/** Marks that need no colour to be told apart. */
const MARK = { true: '[x]', false: '[ ]' } as const;

export function printExplanation({
  rule,
  matches,
  holds,
  fed,
  logsource,
  nodes,
  cut,
}: ExplanationView): void {
  const source = Object.entries(logsource)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
  printLine(`${rule.name} (${rule.id}): ${matches ? 'matches' : 'does not match'}`);
  printLine(`${MARK[`${fed}`]} logsource ${source}${fed ? '' : ': this event does not feed it'}`);
  printLine(`${MARK[`${holds}`]} condition`);
  for (const node of nodes) printNode(node);
  if (cut) printLine('… the rest is not shown');
}

function printNode(node: ExplainedNodeView): void {
  const { depth, kind, holds } = node;
  const indent = '  '.repeat(depth + 1);
  if (kind !== 'item') {
    const name = kind === 'selection' ? `selection ${node.name ?? ''}` : kind;
    printLine(`${indent}${MARK[`${holds}`]} ${name}`);
    return;
  }
  const { field = '*', actual = [], wanted = [], linking, more = 0 } = node;
  const has = actual.length === 0 ? 'nothing' : actual.map((value) => JSON.stringify(value)).join(', ');
  printLine(`${indent}${MARK[`${holds}`]} ${field === '*' ? 'any field' : field}: the event has ${has}`);
  if (wanted.length > 1) printLine(`${indent}    ${linking === 'all' ? 'all of' : 'one of'}`);
  for (const one of wanted) printLine(`${indent}    ${MARK[`${one.holds}`]} ${one.test}`);
  if (more > 0) printLine(`${indent}    … ${more} more`);
}
