// Loads the residency policies of a folder, one file a jurisdiction, with every problem named at once.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, type ConfigProblem, describeIssue } from '../core/config.ts';
import { describeError, PicketError } from '../core/errors.ts';
import { parseYaml } from '../core/yaml.ts';
import { ResidencyPolicy } from './policy.ts';

/** One policy file. @throws ConfigError with every problem and its line */
export function loadResidencyPolicy(file: string): ResidencyPolicy {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([{ code: 'CONFIG_UNREADABLE', message: describeError(error), place: { file } }]);
  }
  return parseResidencyPolicy({ text, file });
}

/** @throws ConfigError with every problem and its line */
export function parseResidencyPolicy(options: { text: string; file: string }): ResidencyPolicy {
  try {
    const document = parseYaml(options);
    const parsed = ResidencyPolicy.safeParse(document.value);
    if (parsed.success) return parsed.data;
    throw new ConfigError(parsed.error.issues.flatMap((issue) => describeIssue(issue, document)));
  } catch (error) {
    if (error instanceof ConfigError || !(error instanceof PicketError)) throw error;
    throw new ConfigError([
      { code: error.code, message: error.message, place: error.place ?? { file: options.file } },
    ]);
  }
}

/** Every `*.yaml` of a folder, by jurisdiction. @throws ConfigError with the problems of all files, also two for one jurisdiction */
export function loadResidencyPolicies(folder: string): Map<string, ResidencyPolicy> {
  const policies = new Map<string, ResidencyPolicy>();
  const problems: ConfigProblem[] = [];
  for (const name of readdirSync(folder)
    .filter((file) => /\.ya?ml$/.test(file))
    .sort()) {
    const file = join(folder, name);
    try {
      const policy = loadResidencyPolicy(file);
      if (policies.has(policy.jurisdiction)) {
        const message = `a second policy for ${policy.jurisdiction}`;
        problems.push({ code: 'RESIDENCY_POLICY_TWICE', message, place: { file } });
      }
      policies.set(policy.jurisdiction, policy);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return policies;
}
