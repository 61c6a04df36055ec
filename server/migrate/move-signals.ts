// Moves what detection knows to the bus: its signals, the times at which alerts were made, and how far sites have told.
import type { CarriedDetection } from '../../detect/worker/carry-detection.ts';
import type { Bus } from '../../platform/bus/bus.ts';
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
  let sent = 0;
  for (const { messages, after, signals } of detection.messages(
    (progress.get('signals') as number | undefined) ?? 0,
  )) {
    persistence.signal.throwIfAborted();
    if (messages.length > 0) await persist(persistence, () => to.produce(TOPICS.signals, messages));
    await progress.set('signals', after);
    sent += signals;
    onMoved(signals);
  }
  if (progress.get('signals-told') === undefined) {
    const told = detection.told();
    if (told.length > 0) await persist(persistence, () => to.produce(TOPICS.signals, told));
    await progress.set('signals-told', true);
  }
  return sent;
}
