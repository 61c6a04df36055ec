// Turns anything thrown into an RFC 9457 problem body with our stable code.
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { describePlace, PicketError } from '../../platform/core/errors.ts';
import type { Problem } from './contract.ts';

/** HTTP status of a code; what is not listed is 500 (ours) or the framework's own. */
const STATUS: Readonly<Record<string, number>> = {
  NOT_FOUND: 404,
  RUN_NOT_FOUND: 404,
  CHANGE_NOT_FOUND: 404,
  INCIDENT_NOT_FOUND: 404,
  TASK_NOT_FOUND: 404,
  LINK_NOT_FOUND: 404,
  LINK_NO_MERGE: 409,
  INCIDENT_SAME: 409,
  INCIDENT_EMPTY: 409,
  INCIDENT_WHOLE: 409,
  INCIDENT_ALERT_UNKNOWN: 422,
  ALERT_NOT_FOUND: 404,
  SOURCE_UNKNOWN: 404,
  SITE_UNKNOWN: 404,
  RULE_NOT_FOUND: 404,
  RULE_IS_CORRELATION: 400,
  EXCEPTION_NOT_FOUND: 404,
  PACK_NOT_FOUND: 404,
  PACK_EXISTS: 409,
  PACK_BUSY: 409,
  PACK_ADDRESS: 400,
  PACK_UNSAFE: 400,
  PACK_LIMIT: 400,
  PACK_EMPTY: 400,
  PACK_UNREADABLE: 400,
  PACK_GIT: 502,
  PACK_TIMEOUT: 504,
  PACK_CANCELLED: 409,
  EXCEPTION_EXISTS: 409,
  EXCEPTION_IN_FILE: 409,
  EXCEPTION_EXPIRED: 400,
  EXCEPTION_ENDLESS: 400,
  EXCEPTION_INCOMPLETE: 400,
  EXCEPTION_KIND: 400,
  EXCEPTION_NO_FIELD: 400,
  EXCEPTION_CORRELATION: 400,
  DRAFT_EMPTY: 400,
  DRAFT_LIMIT: 400,
  TIME_INVALID: 400,
  BACKTEST_BUSY: 429,
  BACKTEST_CANCELLED: 409,
  RECORD_EXISTS: 409,
  RECORD_CONFLICT: 409,
  RUN_NOT_WAITING: 409,
  SITE_DIFFERS: 409,
  INCIDENT_MERGED: 409,
  INCIDENT_VERDICT_NEEDED: 400,
  INCIDENT_UNCHANGED: 400,
  KQL_LIMIT: 400,
  KQL_SYNTAX: 400,
  EXPRESSION_INVALID: 400,
  INDEX_CURSOR_INVALID: 400,
  RECORD_CURSOR_INVALID: 400,
  INDEX_LIMIT: 400,
  REQUEST_INVALID: 400,
  SIGN_IN_INVALID: 401,
  SIGN_IN_REQUIRED: 401,
  FORBIDDEN: 403,
  NOT_AT_THIS_SITE: 409,
  BUS_FULL: 429,
  BUS_UNAVAILABLE: 503,
};

/** Faults of rules and filters that a client sent. */
const CONTENT = /^(?:SIGMA|YAML)_/;

/** A problem body; `type` names the code, the docs explain it. */
export function toProblem(error: unknown): Problem {
  if (error instanceof PicketError) {
    const place = describePlace(error.place);
    const status = STATUS[error.code] ?? (CONTENT.test(error.code) ? 400 : 500);
    return {
      type: `urn:picket:problem:${error.code.toLowerCase()}`,
      title: error.message,
      status,
      code: error.code,
      ...(place ? { place } : {}),
    };
  }
  const framework = error as Partial<FastifyError>;
  const status = framework.statusCode ?? 500;
  if (framework.validation) {
    const [first] = framework.validation;
    return {
      type: 'urn:picket:problem:request_invalid',
      title: 'the request is not of the form that this route takes',
      status: 400,
      detail: framework.validation
        .map(({ instancePath, message }) => `${instancePath || '/'}: ${message}`)
        .join('; '),
      code: 'REQUEST_INVALID',
      ...(first?.instancePath ? { place: first.instancePath } : {}),
    };
  }
  // What is not ours and not the client's fault says nothing of its inside.
  const title =
    status < 500 && error instanceof Error
      ? error.message
      : 'an error on our side; the log has it under this request id';
  return {
    type: 'about:blank',
    title,
    status,
    code: status < 500 ? (framework.code ?? 'REQUEST_INVALID') : 'INTERNAL',
  };
}

/** The framework's error handler. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error);
  if (problem.status >= 500) request.log.error({ err: error }, 'request failed');
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send(
      JSON.stringify({ ...problem, ...(problem.status >= 500 ? { detail: `request ${request.id}` } : {}) }),
    );
}
