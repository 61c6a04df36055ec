// Syslog over UDP (RFC 5426): one datagram, one message.
import type { Receiver } from './receiver.ts';
import { startUdpReceiver, type UdpOptions } from './udp.ts';

/** Listens for syslog datagrams; see startUdpReceiver for what is counted. */
export function startSyslogUdpReceiver(options: UdpOptions): Promise<Receiver & { port: number }> {
  return startUdpReceiver(options);
}
