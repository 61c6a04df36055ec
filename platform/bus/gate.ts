// A gate that holds back those who come while it is shut: how consumers pause.

export class Gate {
  #waiting: Set<() => void> | undefined;

  shut(): void {
    this.#waiting ??= new Set();
  }

  open(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const pass of waiting) pass();
  }

  /** Resolves when the gate is open, or when `signal` aborts. */
  async passed(signal?: AbortSignal): Promise<void> {
    for (let waiting = this.#waiting; waiting; waiting = this.#waiting) {
      if (signal?.aborted) return;
      await waitIn(waiting, signal);
    }
  }
}

function waitIn(waiting: Set<() => void>, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const pass = (): void => {
      waiting.delete(pass);
      signal?.removeEventListener('abort', pass);
      resolve();
    };
    waiting.add(pass);
    signal?.addEventListener('abort', pass);
  });
}
