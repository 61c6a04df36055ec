// Receives datagrams: who may send, how many, a bounded queue before the intake, and every loss counted.
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { RawRecord } from '../source.ts';
import { createAddressList, peerAddress } from './address-list.ts';
import { createIdSequence } from './assigned-id.ts';
import { readKernelDrops } from './kernel-drops.ts';
import { handOver, type Receiver, type ReceiverOptions } from './receiver.ts';

export interface UdpOptions extends ReceiverOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Addresses and networks that may send; without it all. */
  readonly addresses?: readonly string[] | undefined;
  /** Datagrams held while the intake is behind; what comes above is dropped and counted as `queue-full`. */
  readonly queue_records?: number;
  /** What the kernel is asked to hold; it may give less. */
  readonly receive_buffer_bytes?: number;
  /** How often the kernel's own drops are read. */
  readonly kernel_drops_interval_ms?: number;
}

const BATCH_RECORDS = 512;
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Listens. Losses are counted with `intake.drop` as `address-not-allowed`, `rate-limit`, `queue-full`,
 * `kernel-buffer` and `shutdown`. Rejects when the port cannot be had (EADDRINUSE, EACCES).
 */
export async function startUdpReceiver(options: UdpOptions): Promise<Receiver & { port: number }> {
  const { intake, sourceId, clock, limiter, max_record_bytes } = options;
  const isAllowed = createAddressList(options.addresses);
  const assignId = createIdSequence();
  const capacity = options.queue_records ?? 16_384;
  const ending = new AbortController();
  const queue: RawRecord[] = [];
  let pumping: Promise<void> | undefined;

  const socket = createSocket({
    type: isIPv6(options.host) ? 'udp6' : 'udp4',
    recvBufferSize: options.receive_buffer_bytes ?? 8 * 1024 * 1024,
  });
  socket.on('message', (bytes: Buffer, { address }: RemoteInfo) => {
    if (!isAllowed(address)) return intake.turnAway(sourceId, 'address-not-allowed', peerAddress(address));
    if (limiter && limiter.take(1) > 0) return intake.drop(sourceId, 'rate-limit');
    if (queue.length >= capacity) return intake.drop(sourceId, 'queue-full');
    const peer = peerAddress(address);
    queue.push({
      bytes: bytes.length > max_record_bytes ? bytes.subarray(0, max_record_bytes + 1) : bytes,
      received: clock.now(),
      ...(peer === undefined ? {} : { peer }),
      position: { kind: 'assigned', id: assignId() },
    });
    pumping ??= pump();
  });

  async function pump(): Promise<void> {
    // One turn later, so that datagrams that wait in the socket go together.
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    while (queue.length > 0) {
      const batch = queue.splice(0, BATCH_RECORDS);
      if (await handOver(options, batch, ending.signal)) continue;
      intake.drop(sourceId, 'shutdown', batch.length + queue.length);
      queue.length = 0;
    }
    pumping = undefined;
  }

  socket.bind(options.port, options.host);
  await once(socket, 'listening');
  socket.on('error', (error) => options.onError?.(error));
  const { address, port } = socket.address();

  let kernelDrops = (await readKernelDrops({ address, port })) ?? 0;
  async function countKernelDrops(): Promise<void> {
    const drops = await readKernelDrops({ address, port });
    if (drops === undefined || drops <= kernelDrops) return;
    intake.drop(sourceId, 'kernel-buffer', drops - kernelDrops);
    kernelDrops = drops;
  }
  const timer = setInterval(() => {
    countKernelDrops().catch((error: unknown) => options.onError?.(error));
  }, options.kernel_drops_interval_ms ?? 5_000);
  timer.unref();

  return {
    port,
    async close() {
      clearInterval(timer);
      await countKernelDrops();
      await new Promise<void>((resolve) => {
        socket.close(() => resolve());
      });
      const giveUp = setTimeout(() => ending.abort(), CLOSE_TIMEOUT_MS);
      await pumping;
      clearTimeout(giveUp);
    },
  };
}
