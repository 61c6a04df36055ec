// Reads a site's configuration file, with paths made absolute beside it.
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { loadConfig } from '../platform/core/config.ts';
import { SiteConfig } from './site-config.ts';

/** @throws ConfigError with every problem found */
export function readSiteConfig(options: {
  file: string;
  environment: Readonly<Record<string, string | undefined>>;
}): SiteConfig {
  const { file, environment } = options;
  const config = loadConfig({ file, schema: SiteConfig as z.ZodType<SiteConfig>, environment });
  return { ...config, data: resolve(dirname(resolve(file)), config.data) };
}
