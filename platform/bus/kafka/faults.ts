// kafkajs' errors in our words: what they are called, and what can be done about them.
import { describeError, PicketError } from '../../core/errors.ts';

/** Codes that a caller may meet, by the protocol's names of errors. */
const CODES: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED: 'BUS_FORBIDDEN',
  GROUP_AUTHORIZATION_FAILED: 'BUS_FORBIDDEN',
  CLUSTER_AUTHORIZATION_FAILED: 'BUS_FORBIDDEN',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'BUS_FORBIDDEN',
  SASL_AUTHENTICATION_FAILED: 'BUS_AUTHENTICATION',
  UNSUPPORTED_SASL_MECHANISM: 'BUS_AUTHENTICATION',
  ILLEGAL_SASL_STATE: 'BUS_AUTHENTICATION',
  MESSAGE_TOO_LARGE: 'BUS_MESSAGE_TOO_LARGE',
  RECORD_LIST_TOO_LARGE: 'BUS_MESSAGE_TOO_LARGE',
  UNKNOWN_TOPIC_OR_PARTITION: 'BUS_TOPIC_MISSING',
  INVALID_TOPIC_EXCEPTION: 'BUS_TOPIC_MISSING',
};

/** The protocol's name of an error (`NOT_LEADER_FOR_PARTITION`), wherever kafkajs wrapped it. */
export function faultType(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('type' in at && typeof at.type === 'string') return at.type;
  }
  return undefined;
}

function hasName(error: unknown, name: string): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) if (at.name === name) return true;
  return false;
}

/** As PicketError: BUS_AUTHENTICATION, BUS_FORBIDDEN, BUS_MESSAGE_TOO_LARGE, BUS_TOPIC_MISSING, else BUS_UNAVAILABLE. */
export function describeFault(error: unknown, what: string): PicketError {
  if (error instanceof PicketError) return error;
  const type = faultType(error);
  const code =
    (type === undefined ? undefined : CODES[type]) ??
    (hasName(error, 'KafkaJSSASLAuthenticationError') || isTlsRefusal(error)
      ? 'BUS_AUTHENTICATION'
      : 'BUS_UNAVAILABLE');
  return new PicketError({ code, message: `${what}: ${describeError(error)}`, cause: error });
}

/** A certificate that one side does not accept; OpenSSL and Node say it in these words. */
function isTlsRefusal(error: unknown): boolean {
  return /certificate|handshake|self.signed|alert (?:number )?\d+|unknown ca/i.test(describeError(error));
}

/** Another try, after a look at the metadata, may go well; what is refused for good is told at once. */
export function isLasting(error: unknown): boolean {
  const { code } = describeFault(error, '');
  return code === 'BUS_FORBIDDEN' || code === 'BUS_AUTHENTICATION';
}

/** The broker has lost track of our sequence: the batch goes again under a new identity. */
export const SEQUENCE_LOST: ReadonlySet<string> = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
]);
/** Together they are too much for the topic; alone they may pass. */
export const TOO_LARGE: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);
