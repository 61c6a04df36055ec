// Says in one sentence why a port could not be listened on.
import { describeError, PicketError } from '../platform/core/errors.ts';

/** For `.catch`. @throws PicketError PORT_TAKEN, PORT_REFUSED; anything that is no listening error as it is */
export function describeListenError({
  host,
  port,
}: {
  host: string;
  port: number;
}): (error: unknown) => never {
  return (cause) => {
    const code = (cause as { code?: unknown } | null)?.code;
    if (code === 'EADDRINUSE') {
      throw new PicketError({
        code: 'PORT_TAKEN',
        message: `port ${port} on ${host} is taken by another program: stop it, or choose another port`,
        cause,
      });
    }
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
      throw new PicketError({
        code: 'PORT_REFUSED',
        message: `cannot listen on ${host} port ${port}: ${describeError(cause)}`,
        cause,
      });
    }
    throw cause;
  };
}
