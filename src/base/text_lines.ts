// Where something stands in a file, as people are told.
export class TextLines {
  readonly #name: string;
  /** Where they begin. */
  readonly #begins: number[] = [0];

  constructor(name: string, text: string) {
    this.#name = name;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#begins.push(at + 1);
  }

  /** `FILE:LINE:COLUMN: TEXT`; lines and columns are counted from 1. */
  say({ offset, text }: { readonly offset: number; readonly text: string }): string {
    const line = this.lineOf(offset);
    return `${this.#name}:${line}:${offset - this.#begins[line - 1] + 1}: ${text}`;
  }

  lineOf(offset: number): number {
    let [low, high] = [0, this.#begins.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#begins[middle] <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }
}
