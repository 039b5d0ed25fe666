import type { TimeFields } from './time-fields.ts';

/** Zone abbreviations with one meaning in logs; all others are errors. Seconds east of UTC. */
const zoneNames: Record<string, number> = {
  Z: 0,
  UT: 0,
  UTC: 0,
  GMT: 0,
  EST: -5 * 3600,
  EDT: -4 * 3600,
  CST: -6 * 3600,
  CDT: -5 * 3600,
  MST: -7 * 3600,
  MDT: -6 * 3600,
  PST: -8 * 3600,
  PDT: -7 * 3600,
  CET: 3600,
  CEST: 2 * 3600,
  JST: 9 * 3600,
  KST: 9 * 3600,
};

/** A reading position in a time text. Readers leave `at` where it was when they do not match. */
export class Cursor {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  done(): boolean {
    return this.at === this.text.length;
  }

  /** Always true: no white space is white space enough. */
  skipSpace(): boolean {
    while (this.at < this.text.length) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && (code < 0x09 || code > 0x0d)) break;
      this.at++;
    }
    return true;
  }

  literal(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  /** Up to `width` digits, at least one. */
  number(width: number): number | undefined {
    const start = this.at;
    const end = Math.min(this.text.length, start + width);
    let value = 0;
    while (this.at < end) {
      const digit = this.text.charCodeAt(this.at) - 0x30;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
      this.at++;
    }
    return this.at === start ? undefined : value;
  }

  /** Digits after the point, at most `width` of them; what is finer than nanoseconds is cut. */
  fraction(fields: TimeFields, width: number): boolean {
    const start = this.at;
    let nanos = 0;
    while (this.at < this.text.length && this.at - start < width) {
      const digit = this.text.charCodeAt(this.at) - 0x30;
      if (!(digit >= 0 && digit <= 9)) break;
      if (this.at - start < 9) nanos = nanos * 10 + digit;
      this.at++;
    }
    fields.digits = Math.min(this.at - start, 9);
    fields.nanos = nanos * 10 ** (9 - fields.digits);
    return this.at > start;
  }

  /** Index of the longest name that stands here, in any case. Lists are lower case, long names first. */
  name(...lists: string[][]): number | undefined {
    for (const names of lists) {
      for (let index = 0; index < names.length; index++) {
        const name = names[index] ?? '';
        if (this.text.slice(this.at, this.at + name.length).toLowerCase() !== name) continue;
        this.at += name.length;
        return index;
      }
    }
    return undefined;
  }

  /** ±HH:MM, ±HHMM, ±HH or a known abbreviation. */
  offset(): number | undefined {
    const sign = this.text.charCodeAt(this.at);
    if (sign !== 0x2b && sign !== 0x2d) return this.zoneName();
    const start = this.at++;
    const hours = this.number(2);
    const two = this.at - start === 3;
    const colon = this.literal(':');
    const minutesAt = this.at;
    const minutes = this.number(2);
    const whole = minutes === undefined ? !colon : this.at - minutesAt === 2;
    if (hours === undefined || !two || !whole || hours > 23 || (minutes ?? 0) > 59) {
      this.at = start;
      return undefined;
    }
    const seconds = hours * 3600 + (minutes ?? 0) * 60;
    return sign === 0x2d ? -seconds : seconds;
  }

  private zoneName(): number | undefined {
    let end = this.at;
    while (end < this.text.length && isLetter(this.text.charCodeAt(end))) end++;
    if (end - this.at > 4) return undefined;
    const name = this.text.slice(this.at, end).toUpperCase();
    const seconds = Object.hasOwn(zoneNames, name) ? zoneNames[name] : undefined;
    if (seconds !== undefined) this.at = end;
    return seconds;
  }
}

function isLetter(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}
