// NetFlow and IPFIX over UDP: one datagram, one record; exporters send in bursts, so the kernel is asked to hold more.
import type { Receiver } from './receiver.ts';
import { startUdpReceiver, type UdpOptions } from './udp.ts';

/** Listens for flow exporters; see startUdpReceiver for what is counted. */
export function startNetflowUdpReceiver(options: UdpOptions): Promise<Receiver & { port: number }> {
  return startUdpReceiver({ receive_buffer_bytes: 32 * 1024 * 1024, ...options });
}
