// A rule's tree as a closure over what one event made true.
import type { Unit, UnitTree } from './compile-units.ts';

/** What is known of the event being matched; shared by all closures of an engine. */
export interface MatchState {
  /** Rises with each event: a unit is true when its stamp is the event's epoch. */
  epoch: number;
  readonly unitStamps: Int32Array;
  readonly ruleStamps: Int32Array;
  source: EventSource;
}

/** Where an event comes from, for what was not found out yet. */
export interface EventSource {
  /** The event as an object, read when first asked for. */
  document(): object;
  /** Stamps the units of `*`, unless that was done for this event. */
  stampKeywords(): void;
}

export type Holds = () => boolean;

/** What units decide is read from the stamps; only `ask` looks at the document. */
export function compileHolds(options: { tree: UnitTree; state: MatchState; units: readonly Unit[] }): Holds {
  const { state, units } = options;
  const { unitStamps } = state;
  const isKeyword = (id: number): boolean => (units[id] as Unit).field === '*';
  const compile = (tree: UnitTree): Holds => {
    switch (tree.op) {
      case 'constant': {
        const { value } = tree;
        return () => value;
      }
      case 'unit': {
        const { id } = tree;
        if (!isKeyword(id)) return () => unitStamps[id] === state.epoch;
        return () => {
          state.source.stampKeywords();
          return unitStamps[id] === state.epoch;
        };
      }
      case 'ask': {
        const { ask } = tree;
        return () => ask(state.source.document());
      }
      case 'not': {
        const inner = compile(tree.of);
        return () => !inner();
      }
      case 'and':
      case 'or':
        return compileParts(tree.op === 'or', tree.of);
    }
  };
  /** What is cheap is asked first: the order of a tree's parts means nothing. */
  const compileParts = (wanted: boolean, of: readonly UnitTree[]): Holds => {
    const plain = (part: UnitTree): boolean => part.op === 'unit' && !isKeyword(part.id);
    const ids = Int32Array.from(of.flatMap((part) => (part.op === 'unit' && plain(part) ? [part.id] : [])));
    const parts = of.filter((part) => !plain(part));
    const last = (part: UnitTree): boolean => part.op === 'ask' || part.op === 'unit';
    const rest = [...parts.filter((part) => !last(part)), ...parts.filter(last)].map(compile);
    return () => {
      for (let at = 0; at < ids.length; at++) {
        if ((unitStamps[ids[at] as number] === state.epoch) === wanted) return wanted;
      }
      for (let at = 0; at < rest.length; at++) {
        if ((rest[at] as Holds)() === wanted) return wanted;
      }
      return !wanted;
    };
  };
  return compile(options.tree);
}
