// picket rules coverage: an ATT&CK Navigator layer, what feeds the rules, and where fleet rules are blind.
import { writeFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { buildLayer } from '../../../detect/coverage/navigator-layer.ts';
import { loadRules } from '../../../detect/sigma/load-rules.ts';
import type { CoverageView } from '../../api/coverage-contract.ts';
import { EXIT } from '../exit-codes.ts';
import { printJson, printLine, printTable } from '../output.ts';
import { addSiteOptions, connect, type SiteOptions } from '../site-options.ts';

interface CoverageOptions extends SiteOptions {
  output?: string;
  rules?: string[];
  domain: 'enterprise-attack' | 'ics-attack';
}

export function addCoverageCommand(rules: Command): void {
  addSiteOptions(
    rules
      .command('coverage')
      .description(
        'what the rules in force cover of ATT&CK, what feeds them, and where fleet rules are blind',
      )
      .option('-o, --output <file>', 'write the ATT&CK Navigator layer (format 4.5) there')
      .option('--rules <path...>', 'a layer of these rules alone, without a site: all count as fed')
      .addOption(
        new Option('--domain <domain>', 'which matrix')
          .choices(['enterprise-attack', 'ics-attack'])
          .default('enterprise-attack'),
      )
      .addHelpText(
        'after',
        `
Examples:
  picket rules coverage -o layer.json
  picket rules coverage --json | jq -r '.unfed[] | [.level, .name] | @tsv'
  picket rules coverage --rules sigma/rules -o sigma.json
Exit codes: 0 every rule is fed and sees all sites, 1 some are not or do not, 3 failed.
`,
      ),
  ).action(async (options: CoverageOptions) => {
    if (options.rules) {
      const layer = layerOf(options.rules, options.domain);
      if (options.output !== undefined) writeLayer(options.output, layer);
      if (options.json || options.output === undefined) printJson(layer);
      return;
    }
    const api = await connect(options);
    const view = await api.call<CoverageView>('GET', `/api/v1/rules/coverage?domain=${options.domain}`);
    if (options.output !== undefined) writeLayer(options.output, view.layer);
    if (options.json) printJson(view);
    else printCoverage(view);
    if (view.unfed.length > 0 || view.blind.length > 0) process.exitCode = EXIT.findings;
  });
}

function layerOf(
  folders: readonly string[],
  domain: CoverageOptions['domain'],
): ReturnType<typeof buildLayer> {
  const { rules, correlations } = loadRules({ folders });
  const covered = [...rules, ...correlations].map(({ rule: { id, title, level, tags } }) => ({
    id,
    name: title,
    level,
    tags,
    fed: true,
  }));
  return buildLayer({
    rules: covered,
    name: 'Picket',
    domain,
    description: `${covered.length} rules. The score counts them.`,
  });
}

function writeLayer(file: string, layer: object): void {
  writeFileSync(file, `${JSON.stringify(layer, null, 2)}\n`);
}

const SHOWN = 50;

function printCoverage(view: CoverageView): void {
  const nameOf = (logsource: Record<string, string | undefined>): string =>
    Object.entries(logsource)
      .map(([key, value]) => `${key}=${value}`)
      .join(' ');
  printTable(
    view.logsources.slice(0, SHOWN).map(({ logsource, rules, fed_by }) => ({
      rules,
      logsource: nameOf(logsource),
      'fed by': fed_by.length === 0 ? 'nothing' : fed_by.join(', '),
    })),
    ['rules', 'logsource', 'fed by'],
  );
  for (const { name, level, logsource, routed } of view.unfed.slice(0, SHOWN))
    printLine(`not fed: ${name} (${level}): ${nameOf(logsource)}${routed ? '' : ', which no route names'}`);
  if (view.unfed.length > SHOWN) printLine(`${view.unfed.length - SHOWN} more are not fed: --json has them`);
  for (const { rule_name, site, jurisdiction, sight, stays, hidden } of view.blind) {
    const why = [
      ...(stays.length > 0 ? [`${stays.join(', ')} stay`] : []),
      ...(hidden.length > 0 ? [hidden.join(', ')] : []),
    ].join('; ');
    printLine(
      `${sight === 'blind' ? 'blind' : 'partly blind'}: ${rule_name} at ${site} (${jurisdiction}): ${why}`,
    );
  }
  printLine(
    `${view.techniques} techniques by ${view.fed} rules that a source can feed, of ${view.rules} in force; ` +
      `${view.untagged} name no technique, ${view.gated} left out by gates`,
  );
}
