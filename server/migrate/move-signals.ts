// Moves what detection knows to the bus: its signals, the times at which alerts were made, and how far sites have told.
import type { CarriedDetection } from '../../detect/worker/carry-detection.ts';
import type { Bus, BusMessage } from '../../platform/bus/bus.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import type { Progress } from './open-progress.ts';
import { type Persistence, persist } from './persist.ts';

/** A repeat changes nothing: a signal that is known is left alone. @throws as moveMessages; returns the signals that were sent */
export async function moveSignals(options: {
  detection: CarriedDetection;
  to: Bus;
  progress: Progress;
  persistence: Persistence;
  onMoved: (signals: number) => void;
}): Promise<number> {
  const { detection, to, progress, persistence, onMoved } = options;
  const send = async (messages: readonly BusMessage[]): Promise<void> => {
    persistence.signal.throwIfAborted();
    if (messages.length > 0) await persist(persistence, () => to.produce(TOPICS.signals, messages));
  };
  const placeIn = (step: string): number => (progress.get(step) as number | undefined) ?? 0;
  let sent = 0;
  for (const { messages, after, count } of detection.signals(placeIn('signals'))) {
    await send(messages);
    await progress.set('signals', after);
    sent += count;
    onMoved(count);
  }
  if (placeIn('signals-told') === 0) {
    await send(detection.told());
    await progress.set('signals-told', 1);
  }
  for (const { messages, after } of detection.made(placeIn('signals-made'))) {
    await send(messages);
    await progress.set('signals-made', after);
  }
  return sent;
}
