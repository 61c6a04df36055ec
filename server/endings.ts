// What was started, to be ended last first; a part that fails to end is told and the rest still end.

export class Endings {
  readonly #parts: { name: string; end: () => Promise<unknown> }[] = [];

  add(name: string, end: () => Promise<unknown>): void {
    this.#parts.push({ name, end });
  }

  async run(onError: (name: string, error: unknown) => void): Promise<void> {
    for (const { name, end } of this.#parts.splice(0).reverse()) {
      try {
        await end();
      } catch (error) {
        onError(name, error);
      }
    }
  }
}
