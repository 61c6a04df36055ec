// Reads rules/pipelines/logsources.yaml in the most obvious way (docs/sigma.md, Routing): which logsources an event feeds.
import { load } from 'js-yaml';
import type { Logsource } from '../../../detect/sigma/rule.ts';
import { valuesAt } from './reference-engine.ts';

type When = Record<string, string | number | (string | number)[]>[];

interface Route extends Logsource {
  when: When;
}

interface File {
  signals: Record<string, { ecs: string[]; raw: string[] }>;
  families: { product: string; when: When }[];
  routes: Route[];
}

export class ReferenceRouter {
  readonly #file: File;
  readonly #raw: boolean;
  /** The words that rules have for a product, category and service. */
  readonly #words: Readonly<Record<'product' | 'category' | 'service', ReadonlySet<string | undefined>>>;

  /** `logsources`: of all rules, since an event's word for its own counts only when some rule has it too. */
  constructor(options: { text: string; raw: boolean; logsources: readonly Logsource[] }) {
    this.#file = load(options.text) as File;
    this.#raw = options.raw;
    const wordsOf = (key: 'product' | 'category' | 'service') =>
      new Set(options.logsources.map((one) => one[key]).filter((word) => word !== undefined));
    this.#words = { product: wordsOf('product'), category: wordsOf('category'), service: wordsOf('service') };
  }

  /** Whether a rule of this logsource is tried for the event. */
  feeds(event: object, wanted: Logsource): boolean {
    const said = this.#read(event);
    const { families, routes } = this.#file;
    const word = (key: 'product' | 'category' | 'service'): string | undefined =>
      this.#raw && this.#words[key].has(said[key]) ? said[key] : undefined;
    for (const key of ['category', 'service'] as const) {
      if (word(key) !== undefined && wanted[key] !== undefined && word(key) !== wanted[key]) return false;
    }
    const named = word('product');
    const family =
      named === undefined
        ? families.find(({ when }) => when.some((entry) => holds(entry, said, false)))
        : { product: named };
    if (family === undefined) {
      if (this.#raw) return true;
      return !routes.some((route) => provides(route, wanted)) && isNamedBy(said['dataset'] ?? '', wanted);
    }
    if (wanted.product !== undefined && wanted.product !== family.product) return false;
    const saysAll =
      (wanted.category !== undefined || wanted.service !== undefined) &&
      (wanted.category === undefined || wanted.category === word('category')) &&
      (wanted.service === undefined || wanted.service === word('service'));
    if (wanted.product === family.product && saysAll) return true;
    const fed = routes.some(
      (route) =>
        route.product === family.product &&
        provides(route, wanted) &&
        route.when.some((entry) => holds(entry, said, true)),
    );
    if (fed) return true;
    const routed = routes.some((route) => provides(route, wanted));
    const onlyProduct = wanted.category === undefined && wanted.service === undefined;
    return wanted.product === family.product && (onlyProduct || !routed);
  }

  /** What the event says of its origin, in lower case: of each signal the first field that says something. */
  #read(event: object): Record<string, string | undefined> {
    return Object.fromEntries(
      Object.entries(this.#file.signals).map(([name, fields]) => {
        const values = fields[this.#raw ? 'raw' : 'ecs'].map((field) => valuesAt(event, field.split('.'))[0]);
        const first = values.find(
          (value): value is string | number =>
            typeof value === 'number' || (typeof value === 'string' && value !== ''),
        );
        return [name, first === undefined ? undefined : String(first).toLowerCase()];
      }),
    );
  }
}

function holds(entry: When[number], said: Record<string, string | undefined>, lenient: boolean): boolean {
  return Object.entries(entry).every(([signal, wanted]) => {
    const value = said[signal];
    if (value === undefined) return lenient;
    return [wanted].flat().some((pattern) => {
      const pieces = String(pattern)
        .toLowerCase()
        .split('*')
        .map((piece) => piece.replace(/[.+^${}()|[\]\\?/-]/g, '\\$&'));
      return new RegExp(`^${pieces.join('[^]*')}$`).test(value);
    });
  });
}

function provides(route: Logsource, wanted: Logsource): boolean {
  return (['product', 'category', 'service'] as const).every(
    (key) => wanted[key] === undefined || wanted[key] === route[key],
  );
}

/** A normalised event of no family feeds what its dataset is called like: `<product>` or `<product>.<service>`. */
function isNamedBy(dataset: string, wanted: Logsource): boolean {
  const [product = '', ...service] = dataset.split('.');
  if (product === '' || product === 'ecs') return true;
  if ((wanted.product ?? wanted.category ?? wanted.service) !== product) return false;
  return wanted.service === undefined || service.length === 0 || wanted.service === service.join('.');
}
