// Where Picket's own rules and pipelines lie.
import { join } from 'node:path';
import { PROGRAM_FOLDER } from '../../content-path.ts';

export const RULES_FOLDER = join(PROGRAM_FOLDER, 'rules', 'sigma');
export const CORRELATION_FOLDER = join(PROGRAM_FOLDER, 'rules', 'correlation');
export const PIPELINES_FOLDER = join(PROGRAM_FOLDER, 'rules', 'pipelines');
