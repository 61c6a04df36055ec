// Writes docs/rules-content.md from the rules themselves: `node server/describe-rules.ts` after a rule changed.
import { readdirSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { loadRules } from '../detect/sigma/load-rules.ts';
import type { RuleHeader } from '../detect/sigma/rule.ts';

const PROJECT = join(import.meta.dirname, '..');
const RULES = join(PROJECT, 'rules');

/** Headings of the areas (folders of rules/sigma), in the order of the page, and where their test records come from. */
const AREAS = {
  kubernetes: {
    title: 'Kubernetes audit',
    records:
      '`demo/recordings/kubernetes-audit.ndjson`, `test/fixtures/kubernetes-audit/rule-samples.ndjson` and `abuse-samples.ndjson`: logs of a real kube-apiserver, asked by `demo/record/kubernetes*.ts`.',
  },
  runtime: {
    title: 'Container runtime (Falco)',
    records:
      '`demo/recordings/falco.ndjson`, in the documented form: no machine here runs Falco. Those of the crypto miner, the container escape and the fileless execution are made in the same form.',
  },
  tetragon: {
    title: 'Container runtime (Tetragon)',
    records:
      "`test/fixtures/tetragon/events.ndjson`, recorded events of cilium/tetragon's documentation (Apache-2.0). Those of enforcement and lost events are made by hand after the API's messages.",
  },
  site: {
    title: 'Sites themselves',
    records:
      '`test/fixtures/site-events/site-events.ndjson`: two real sites of this project that ran into every trouble ([site events](site-events.md)).',
  },
  image: {
    title: 'Images and repositories (Trivy)',
    records:
      '`demo/recordings/trivy/hmi-gateway.json` and `test/fixtures/trivy/folder-samples.json`, reports of the real Trivy, cut to one finding. The one of a supported system names Debian 13 instead.',
  },
  flow: {
    title: 'Flows (NetFlow, IPFIX)',
    records:
      "flows of the demo's recordings and `test/fixtures/netflow/flow-samples.ndjson` (nDPI's captures through the real pmacctd, `demo/record/flow-samples.ts`), as the `netflow` source makes them (format `ecs`): a NetFlow v9 datagram without its template cannot be read by itself.",
  },
  windows: {
    title: 'Windows',
    records:
      'OTRF/Security-Datasets (MIT); the event 4648 is from SigmaHQ `regression_data` (Detection Rule License 1.1).',
  },
} as const;

/** The page, Markdown; a test holds the committed one equal to it. */
export function describeRules(): string {
  const folders = readdirSync(join(RULES, 'sigma'));
  const areas = Object.entries(AREAS).map(([folder, { title, records }]) => {
    const { rules } = loadRules({ folders: [join(RULES, 'sigma', folder)] });
    return { folder, title, records, rules: rules.map(({ rule }) => rule).sort(byFile) };
  });
  const missing = folders.filter((folder) => !Object.hasOwn(AREAS, folder));
  if (missing.length > 0) throw new Error(`no heading for ${missing.join(', ')}`);
  const { correlations } = loadRules({ folders: [join(RULES, 'correlation')] });
  const count = areas.reduce((sum, { rules }) => sum + rules.length, 0);
  return `# Rules of our own

Generated from \`rules/\` by \`node server/describe-rules.ts\`; do not edit.

${count} rules and ${correlations.length} correlations, written for Picket under Apache-2.0 (\`license\` in each file). Beside each rule of \`rules/sigma\` stand \`NAME.match.ndjson\` and \`NAME.nomatch.ndjson\`, records that must and must not match; \`picket rules test rules/sigma\` runs them. Each has ATT&CK tags, known false positives and a guide (\`picket.guide\`): what to look at, a search to paste with its capitals filled in, and what to contain. \`test/rules/content.test.ts\` holds every rule to that, \`test/rules/story.test.ts\` holds what the demo's recordings raise.

Levels: \`informational\` and \`low\` are weaknesses or things that people do daily, \`medium\` wants a look the same day, \`high\` at once, \`critical\` is an intrusion until shown otherwise.

Where the test records come from:

${areas.map(({ folder, records }) => `- \`${folder}\`: ${records}`).join('\n')}

${areas.map(({ title, rules }) => `## ${title}\n\n${tableOf(rules)}`).join('\n\n')}

## Correlations

${tableOf(correlations.map(({ rule }) => rule))}
`;
}

function byFile(one: RuleHeader, other: RuleHeader): number {
  return basename(one.place.file ?? '').localeCompare(basename(other.place.file ?? ''), 'en');
}

function tableOf(rules: readonly RuleHeader[]): string {
  const rows = rules.map(({ title, level, tags, place }) => {
    const file = relative(join(PROJECT, 'docs'), place.file ?? '');
    const techniques = tags
      .filter((tag) => /^attack\.[ts]\d{4}/.test(tag))
      .map((tag) => tag.slice('attack.'.length).toUpperCase());
    return `| [${title}](${file}) | ${level} | ${techniques.join(', ')} |`;
  });
  return ['| rule | level | ATT&CK |', '|---|---|---|', ...rows].join('\n');
}

if (import.meta.main) writeFileSync(join(PROJECT, 'docs', 'rules-content.md'), describeRules());
