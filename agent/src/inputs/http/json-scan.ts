/** Objects and arrays inside one another, the event included; the consumer reads no deeper ones. */
const depthMax = 20;
/** Bytes of one name. */
const nameBytesMax = 1024;

/** What is no JSON, or no event, and where: bytes from the start. */
export class JsonProblem extends Error {
  readonly at: number;

  constructor(what: string, at: number) {
    super(what);
    this.name = 'JsonProblem';
    this.at = at;
  }
}

const quote = 0x22;
const backslash = 0x5c;

/**
 * Reads over JSON without making anything of it: what is valid, and where values end. Whatever names or numbers it
 * holds, it costs no more than its bytes.
 */
export class JsonScan {
  readonly #bytes: Buffer;
  at = 0;

  /** `bytes` are valid UTF-8. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    if (bytes.length >= 3 && bytes.readUIntBE(0, 3) === 0xefbbbf) this.at = 3;
  }

  /** The byte behind white space; undefined at the end. */
  next(): number | undefined {
    for (; this.at < this.#bytes.length; this.at++) {
      const byte = this.#bytes[this.at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
    }
    return undefined;
  }

  /** Reads over `byte`, which must come. */
  expect(byte: number): void {
    if (this.next() !== byte) throw this.#problem(`"${String.fromCharCode(byte)}" is expected`);
    this.at++;
  }

  /** Reads over one value. @throws JsonProblem */
  value(depth = 0): void {
    const byte = this.next();
    if (byte === 0x7b) this.#object(depth + 1);
    else if (byte === 0x5b) this.#array(depth + 1);
    else if (byte === quote) this.#string();
    else if (byte === 0x74) this.#word('true');
    else if (byte === 0x66) this.#word('false');
    else if (byte === 0x6e) this.#word('null');
    else this.#number();
  }

  #object(depth: number): void {
    this.#enter(depth);
    if (this.next() === 0x7d) {
      this.at++;
      return;
    }
    for (;;) {
      if (this.next() !== quote) throw this.#problem('a name is expected');
      const start = this.at;
      this.#string();
      if (this.at - start - 2 > nameBytesMax)
        throw new JsonProblem(`a name of more than ${nameBytesMax} bytes`, start);
      this.expect(0x3a);
      this.value(depth);
      if (!this.#more(0x7d)) return;
    }
  }

  #array(depth: number): void {
    this.#enter(depth);
    if (this.next() === 0x5d) {
      this.at++;
      return;
    }
    do this.value(depth);
    while (this.#more(0x5d));
  }

  #enter(depth: number): void {
    if (depth > depthMax) throw this.#problem(`nested deeper than ${depthMax} levels`);
    this.at++;
  }

  /** True behind a comma, false behind `end`. */
  #more(end: number): boolean {
    const byte = this.next();
    if (byte !== 0x2c && byte !== end)
      throw this.#problem(`"," or "${String.fromCharCode(end)}" is expected`);
    this.at++;
    return byte === 0x2c;
  }

  #string(): void {
    const bytes = this.#bytes;
    for (this.at++; this.at < bytes.length; this.at++) {
      const byte = bytes[this.at] as number;
      if (byte === quote) {
        this.at++;
        return;
      }
      if (byte < 0x20) throw this.#problem('a control character in text');
      if (byte === backslash) this.#escape();
    }
    throw this.#problem('text without an end');
  }

  #escape(): void {
    const byte = this.#bytes[++this.at] ?? 0;
    if (byte === 0x75) {
      if (!/^[\da-fA-F]{4}$/.test(this.#bytes.toString('latin1', this.at + 1, this.at + 5)))
        throw this.#problem('an escape that is none');
      this.at += 4;
    } else if (!'"\\/bfnrt'.includes(String.fromCharCode(byte)))
      throw this.#problem('an escape that is none');
  }

  #word(word: string): void {
    if (this.#bytes.toString('latin1', this.at, this.at + word.length) !== word)
      throw this.#problem('no value');
    this.at += word.length;
  }

  #number(): void {
    const start = this.at;
    const bytes = this.#bytes;
    if (bytes[this.at] === 0x2d) this.at++;
    const zero = bytes[this.at] === 0x30;
    const whole = this.#digits();
    let good = whole > 0 && !(zero && whole > 1);
    if (bytes[this.at] === 0x2e) {
      this.at++;
      good &&= this.#digits() > 0;
    }
    if (bytes[this.at] === 0x65 || bytes[this.at] === 0x45) {
      this.at++;
      if (bytes[this.at] === 0x2b || bytes[this.at] === 0x2d) this.at++;
      good &&= this.#digits() > 0;
    }
    if (!good) throw new JsonProblem('no value', start);
  }

  #digits(): number {
    const start = this.at;
    for (let byte = this.#bytes[this.at]; byte !== undefined && byte >= 0x30 && byte <= 0x39; )
      byte = this.#bytes[++this.at];
    return this.at - start;
  }

  #problem(what: string): JsonProblem {
    return new JsonProblem(what, this.at);
  }
}
