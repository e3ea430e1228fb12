// Lines of entries, kept as text.
import type { LineSink } from '../../src/flowlog/line_writer.ts';

export class Text implements LineSink {
  #room = new Uint8Array(64 * 1024);
  #text = '';

  room(): Uint8Array {
    return this.#room;
  }

  wrote(bytes: number): void {
    this.#text += Buffer.from(this.#room.buffer, 0, bytes).toString();
  }

  lines(): string[] {
    return this.#text.split('\n').slice(0, -1);
  }
}
