// Who wants to hear of changes of records in this process.
import type { RecordChange } from './record-store.ts';

export class ChangeListeners {
  readonly #listeners = new Set<(change: RecordChange) => void>();

  get size(): number {
    return this.#listeners.size;
  }

  /** Returns how to stop. */
  add(listener: (change: RecordChange) => void): () => void {
    // A wrapper of its own, so that one function given twice is heard twice and stopped once.
    const own = (change: RecordChange): void => listener(change);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  notify(change: RecordChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        // The write stands whatever a listener makes of it.
        process.emitWarning(error instanceof Error ? error : String(error), 'RecordListenerWarning');
      }
    }
  }
}
