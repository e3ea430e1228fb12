// What is wrong: said at once, and kept until the end.
export type Say = (line: string) => void;

export class Findings {
  readonly #say: Say;
  readonly all: string[] = [];

  constructor(say: Say) {
    this.#say = say;
  }

  add(finding: string): void {
    this.all.push(finding);
    this.#say(`WRONG: ${finding}`);
  }
}
