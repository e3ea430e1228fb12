// SIGINT and SIGTERM tell a command to come to its end in order. A second one ends it at once.

export class Stopping {
  #isAsked = false;
  #stop: () => void = () => undefined;
  #tell: () => void = () => undefined;
  readonly asked = new Promise<void>((resolve) => (this.#tell = resolve));
  readonly #listener = (signal: NodeJS.Signals): void => {
    if (this.#isAsked) {
      this.forget();
      process.kill(process.pid, signal);
    }
    this.#isAsked = true;
    this.#tell();
    this.#stop();
  };

  constructor() {
    process.on('SIGINT', this.#listener);
    process.on('SIGTERM', this.#listener);
  }

  get isAsked(): boolean {
    return this.#isAsked;
  }

  /** What is under way now, and has to be told. */
  onAsked(stop: () => void): void {
    this.#stop = stop;
  }

  forget(): void {
    process.removeListener('SIGINT', this.#listener);
    process.removeListener('SIGTERM', this.#listener);
  }
}
