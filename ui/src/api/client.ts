// The one place that talks to the server: JSON in and out, problem details turned into errors with a code.
import type { Problem } from '../../../server/api/contract.ts';

/** A refusal of the server (RFC 9457), or `UNREACHABLE` where none came. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly place: string | undefined;

  constructor(options: { code: string; status: number; message: string; place?: string | undefined }) {
    super(options.message);
    this.name = 'ApiError';
    this.code = options.code;
    this.status = options.status;
    this.place = options.place;
  }
}

/** @throws ApiError for every answer that is not 2xx, and when no answer comes */
export async function callApi<T>(
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  options: { body?: unknown; signal?: AbortSignal } = {},
): Promise<T> {
  const { body, signal } = options;
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      credentials: 'same-origin',
      ...(signal ? { signal } : {}),
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError({ code: 'UNREACHABLE', status: 0, message: String(cause) });
  }
  if (!response.ok) throw await readProblem(response);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

async function readProblem(response: Response): Promise<ApiError> {
  let problem: Partial<Problem> = {};
  try {
    problem = (await response.json()) as Partial<Problem>;
  } catch {
    // A proxy on the way may answer something else than a problem.
  }
  return new ApiError({
    code: problem.code ?? `HTTP_${response.status}`,
    status: response.status,
    message: problem.detail ?? problem.title ?? response.statusText,
    place: problem.place,
  });
}

/** `?a=1&b=2` of the values that are there; empty for none. */
export function queryString(values: Record<string, string | number | undefined>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}
