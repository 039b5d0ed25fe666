import { colon, dash, digit, dot, hexLetter, hiddenMark, letter, otherInWord, slash } from './characters.ts';

/** Longer words are ids, dumps and the like, whatever they are made of. UTF-16 units. */
const wordUnitsMax = 100;

/**
 * A word of a line with what varies from line to line put as `<num>`, `<ip>` and so on; words without such parts as
 * they are. `kinds` are the bits of all its characters. `<` is no character of a word, so a mask cannot be mistaken.
 */
export function maskedWord(word: string, kinds: number): string {
  if (word.length > wordUnitsMax) return '<text>';
  if ((kinds & (digit | slash | otherInWord)) === 0) {
    return kinds === (hexLetter | colon) && word.includes('::') ? '<ip>' : word;
  }
  if (kinds === digit) return '<num>';
  if ((kinds & slash) !== 0) {
    const place = maskedPlace(word, kinds);
    if (place !== undefined) return place;
  }
  if ((kinds & otherInWord) !== 0 && word.includes(hiddenMark))
    return masked(word).replaceAll(hiddenMark, '<hidden>');
  if ((kinds & otherInWord) !== 0 && address.test(word)) return '<email>';
  return (kinds & digit) === 0 ? word : maskedDigits(word, kinds);
}

const address = /^[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,5}$/;

/** Addresses of pages, and paths from a root. */
function maskedPlace(word: string, kinds: number): string | undefined {
  if (word.includes('://')) return '<url>';
  if (word.length < 2) return undefined;
  // Java writes a socket as /10.0.0.1:8080, or as host/10.0.0.1:8080.
  if ((kinds & digit) !== 0 && javaSocket.test(word)) return undefined;
  return rooted.test(word) ? '<path>' : undefined;
}

const javaSocket = /^[^/]{0,64}\/\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?$/;
const rooted = /^(?:~|\.{1,2})?\/.|^[A-Za-z]:[\\/]|^\\\\/;

function maskedDigits(word: string, kinds: number): string {
  switch (kinds & ~digit) {
    case dot:
      return ipv4.test(word) ? '<ip>' : masked(word);
    case colon:
    case dot | colon:
      if (timeOfDay.test(word)) return '<time>';
      return word.includes('::') ? '<ip>' : masked(word);
    case hexLetter:
      return word.length >= hexUnitsMin ? '<hex>' : masked(word);
    case hexLetter | dash:
    case dash:
      return uuid.test(word) ? '<uuid>' : masked(word);
    case hexLetter | colon:
    case hexLetter | dot | colon:
      if (physical.test(word)) return '<hex>';
      return ipv6.test(word) ? '<ip>' : masked(word);
    case letter:
    case letter | hexLetter:
      return hexPrefixed.test(word) ? '<hex>' : masked(word);
    default:
      return masked(word);
  }
}

const hexUnitsMin = 6;
const ipv4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const timeOfDay = /^\d\d?:\d\d(?::\d\d(?:\.\d{1,9})?)?$/;
const uuid = /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;
const physical = /^[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}$/;
const ipv6 = /^(?=(?:[^:]*:){2})[0-9a-fA-F:]{2,39}(?:\d{1,3}(?:\.\d{1,3}){3})?$/;
const hexPrefixed = /^0[xX][0-9a-fA-F]+$/;

/** The parts of a word one by one: `worker-12` is `worker-<num>`, `took:1.5s` is `took:<duration>`. */
function masked(word: string): string {
  return word.replace(part, partMask);
}

const units = 'ns|us|µs|μs|ms|s|m|h|d|sec|secs|min|mins';
const part = new RegExp(
  [
    String.raw`(?<uuid>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)`,
    String.raw`(?<ip>\b\d{1,3}(?:\.\d{1,3}){3}\b)(?<port>:\d{1,5}\b)?`,
    String.raw`(?<duration>\b\d+(?:\.\d+)?(?:${units})(?:\d+(?:\.\d+)?(?:${units}))*(?![A-Za-z0-9_]))`,
    String.raw`(?:^[+-])?(?<num>\b\d+\.\d+(?=[A-Za-z]{1,3}\b)|\b\d+(?:\.\d+)*(?![A-Za-z0-9_]))`,
    '(?<mixed>[A-Za-z0-9]+)',
  ].join('|'),
  'g',
);

/** `match` is one alternative of `part`; the arguments are its groups in their order. */
function partMask(
  match: string,
  uuidText: string | undefined,
  ip: string | undefined,
  port: string | undefined,
  duration: string | undefined,
  num: string | undefined,
): string {
  if (ip !== undefined) return port === undefined ? '<ip>' : '<ip>:<port>';
  if (num !== undefined) return '<num>';
  if (duration !== undefined) return '<duration>';
  if (uuidText !== undefined) return '<uuid>';
  return mixedMask(match);
}

/** Letters and digits without anything between: names such as `utf8`, `sha256` and `k8s` are kept. */
function mixedMask(text: string): string {
  if (!/\d/.test(text)) return text;
  if (/^\d+$/.test(text)) return '<num>';
  if (text.length >= hexUnitsMin && /^(?:0[xX])?[0-9a-fA-F]+$/.test(text)) return '<hex>';
  if (text.length <= 4 && !/^\d/.test(text)) return text;
  const measured = /^\d+([A-Za-z]{1,3})$/.exec(text);
  if (measured !== null) return `<num>${measured[1]}`;
  const named = /^([A-Za-z]+)(\d+)$/.exec(text);
  if (named === null) return '<id>';
  return (named[2] ?? '').length <= 3 ? text : `${named[1]}<num>`;
}
