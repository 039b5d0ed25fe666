/** Cuts text that comes in pieces into lines. */
export class LineSplitter {
  #rest = '';

  /** The lines that are whole with this piece. */
  push(piece: string): string[] {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.filter((line) => line !== '');
  }

  /** What came behind the last line break. */
  end(): string[] {
    const rest = this.#rest;
    this.#rest = '';
    return rest === '' ? [] : [rest];
  }
}
