// Loads pipeline files and the logsource routes that stand beside them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, PicketError } from '../../platform/core/errors.ts';
import { type LogsourceRoutes, parseLogsourceRoutes } from './logsource-routes.ts';
import { type Pipeline, parsePipeline, sortPipelines } from './pipelines/pipeline.ts';
import { type Problem, sigmaError, toProblem } from './problem.ts';

/** The file of a pipelines folder that is no pipeline. */
export const LOGSOURCES_FILE = 'logsources.yaml';

/**
 * Reads every pipeline of a folder (or the one file) and, from a folder, its `logsources.yaml`. A faulty
 * pipeline is refused and the rest are given.
 */
export function loadPipelines(path: string): {
  pipelines: Pipeline[];
  routes: LogsourceRoutes | undefined;
  refused: Problem[];
  /** What pipelines ask for that has no effect here; they work all the same. */
  notes: Problem[];
} {
  const refused: Problem[] = [];
  const pipelines: Pipeline[] = [];
  let routes: LogsourceRoutes | undefined;
  let files: string[] = [];
  try {
    files = /\.ya?ml$/i.test(path)
      ? [path]
      : readdirSync(path)
          .filter((name) => /\.ya?ml$/i.test(name))
          .sort()
          .map((name) => join(path, name));
  } catch (error) {
    refused.push({ code: 'PIPELINES_UNREADABLE', message: describeError(error), place: { file: path } });
  }
  for (const file of files) {
    try {
      const text = readFileSync(file, 'utf8');
      if (file.endsWith(LOGSOURCES_FILE)) routes = parseLogsourceRoutes({ text, file });
      else pipelines.push(parsePipeline({ text, file }));
    } catch (error) {
      refused.push(
        toProblem(
          error instanceof PicketError
            ? error
            : new PicketError({ code: 'PIPELINES_UNREADABLE', message: describeError(error) }),
          { file },
        ),
      );
    }
  }
  return {
    pipelines: sortPipelines(pipelines),
    routes,
    refused,
    notes: pipelines.flatMap(({ notes }) => notes),
  };
}

/** The same for who needs the routes as well. @throws PicketError LOGSOURCES_MISSING when the folder has none */
export function loadRoutedPipelines(
  folder: string,
): ReturnType<typeof loadPipelines> & { routes: LogsourceRoutes } {
  const loaded = loadPipelines(folder);
  const { routes } = loaded;
  if (!routes)
    throw sigmaError('LOGSOURCES_MISSING', 'no logsources.yaml among the pipelines', { file: folder });
  return { ...loaded, routes };
}
