// A request of kafkajs' on its way to a broker, whose body or answer is ours to write or read.
import type { WireBroker } from './wire.ts';

/** As kafkajs' protocol modules make it. */
export interface ProtocolRequest {
  readonly request: {
    readonly apiVersion: number;
    /** Gives the body, as kafkajs' encoder holds it. */
    encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
  };
  readonly response: {
    decode(payload: Buffer): Promise<unknown>;
    /** @throws kafkajs' errors, for what the error codes say */
    parse(decoded: unknown): unknown;
  };
}

/** kafkajs' broker over the same sockets: it makes a request as ever, which `change` then replaces. */
export function withRequest(
  broker: WireBroker,
  change: (made: ProtocolRequest) => ProtocolRequest,
): WireBroker {
  const pool = broker.connectionPool;
  const send = (made: ProtocolRequest): Promise<unknown> => pool.send(change(made));
  return Object.create(broker, {
    connectionPool: { value: Object.create(pool, { send: { value: send } }) },
  }) as WireBroker;
}
