import { isIPv4, isIPv6 } from 'node:net';

/** A stretch of a text, UTF-16 units, that is to be hidden. */
export interface Found {
  start: number;
  end: number;
  kind: string;
}

/** Finds what is to be hidden; in any order, overlapping or not. */
export type Find = (text: string) => Found[];

/** Every kind runs in time linear in the text: no expression here looks far from where it stands. */
export const kinds = {
  credit_card: findCards,
  email: findEmails,
  ipv4: findIpv4,
  ipv6: findIpv6,
  token: findTokens,
} satisfies Record<string, Find>;

/** Members of objects, and what stands before `=` or `:`, whose values are secrets. */
export const secretName = /(?:api[_-]?key|access[_-]?key|private[_-]?key|passwo?r?d|secret|token)$/i;

/** In order and without overlaps: what overlaps is one, of the first's kind. */
export function inOrder(found: Found[]): Found[] {
  const sorted = found.toSorted((a, b) => a.start - b.start || b.end - a.end);
  const merged: Found[] = [];
  for (const each of sorted) {
    const last = merged.at(-1);
    if (last && each.start < last.end) last.end = Math.max(last.end, each.end);
    else if (each.end > each.start) merged.push({ ...each });
  }
  return merged;
}

const cardStart = /[2-6](?:[ -]?[0-9]){12}/;
const digitRuns = /[0-9](?:[ -]?[0-9]){12,63}/g;

function findCards(text: string): Found[] {
  const found: Found[] = [];
  if (!cardStart.test(text)) return found;
  for (const { 0: run, index } of text.matchAll(digitRuns)) {
    const before = text.charCodeAt(index - 1);
    const after = text.charCodeAt(index + run.length);
    if (isDigit(before) || isDigit(after)) continue;
    const card = cardWithin(run);
    if (card) found.push({ start: index + card.start, end: index + card.end, kind: 'credit_card' });
  }
  return found;
}

/** A card's number that begins and ends with a group of digits; cards stand next to expiry dates and the like. */
function cardWithin(run: string): { start: number; end: number } | undefined {
  const groups = [...run.matchAll(/[0-9]+/g)].map(({ 0: digits, index }) => ({ digits, index }));
  for (let first = 0; first < groups.length; first++) {
    let digits = '';
    for (let last = first; last < groups.length && digits.length <= 19; last++) {
      const group = groups[last];
      digits += group?.digits;
      if (group && isCard(digits))
        return { start: groups[first]?.index ?? 0, end: group.index + group.digits.length };
    }
  }
  return undefined;
}

/** Prefix and lengths: Visa, Mastercard, American Express, Discover, Diners Club, JCB, UnionPay, Maestro. */
const brands: [RegExp, number, number][] = [
  [/^4/, 13, 19],
  [/^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, 16, 16],
  [/^3[47]/, 15, 15],
  [/^(?:6011|64[4-9]|65)/, 16, 19],
  [/^(?:30[0-5]|36|3[89])/, 14, 19],
  [/^35(?:2[89]|[3-8])/, 16, 19],
  [/^62/, 16, 19],
  [/^(?:5018|5020|5038|5893|6304|6759|676[1-3])/, 13, 19],
];

function isCard(digits: string): boolean {
  const { length } = digits;
  if (length < 13 || length > 19) return false;
  return (
    brands.some(([prefix, min, max]) => length >= min && length <= max && prefix.test(digits)) && luhn(digits)
  );
}

function luhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    let digit = digits.charCodeAt(digits.length - 1 - i) - 0x30;
    if (i % 2 === 1) digit = digit > 4 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  return sum % 10 === 0;
}

const localMax = 64;
const domain =
  /[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?){1,8}/y;

function findEmails(text: string): Found[] {
  const found: Found[] = [];
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    let start = at;
    while (start > 0 && at - start < localMax && /[A-Za-z0-9._%+'-]/.test(text[start - 1] ?? '')) start--;
    while (start < at && /['.]/.test(text[start] ?? '')) start++;
    domain.lastIndex = at + 1;
    const match = start < at ? domain.exec(text) : null;
    // What is behind the last dot is no number: user@10.0.0.1 is found as an address of a machine.
    if (match && /[A-Za-z]{2}[A-Za-z0-9-]*$/.test(match[0]))
      found.push({ start, end: at + 1 + match[0].length, kind: 'email' });
  }
  return found;
}

const quads = /[0-9]{1,3}(?:\.[0-9]{1,3}){3}/g;

function findIpv4(text: string): Found[] {
  const found: Found[] = [];
  for (const { 0: quad, index } of text.matchAll(quads)) {
    const end = index + quad.length;
    const attached = isDigit(text.charCodeAt(index - 1)) || isDigit(text.charCodeAt(end));
    const longer = text[end] === '.' && isDigit(text.charCodeAt(end + 1));
    if (!attached && !longer && text[index - 1] !== '.' && isIPv4(quad))
      found.push({ start: index, end, kind: 'ipv4' });
  }
  return found;
}

const colons = /[0-9A-Fa-f:]{2,40}(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3})?(?:\.[0-9]{1,3}){0,3}/g;

function findIpv6(text: string): Found[] {
  if (!/:[0-9A-Fa-f]{0,4}:/.test(text)) return [];
  const found: Found[] = [];
  for (const { 0: run, index } of text.matchAll(colons)) {
    if (/[\w:]/.test(text[index - 1] ?? ' ') || /[\w:]/.test(text[index + run.length] ?? ' ')) continue;
    // "client ::1: refused": a colon behind belongs to the sentence.
    const address = run.replace(/([^:]):$/, '$1');
    if (/[0-9A-Fa-f]/.test(address) && isIPv6(address))
      found.push({ start: index, end: index + address.length, kind: 'ipv6' });
  }
  return found;
}

const plainTokens = new RegExp(
  [
    `(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])`,
    String.raw`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`,
    'gh[pousr]_[A-Za-z0-9]{36}',
    'xox[abpr]-[A-Za-z0-9-]{10,}',
    'AIza[A-Za-z0-9_-]{35}',
    '[sr]k_live_[A-Za-z0-9]{16,}',
  ].join('|'),
  'g',
);
const named =
  /(?:bearer[ \t]{1,4}|authorization["']?[ \t]{0,4}[:=][ \t]{0,4}["']?basic[ \t]{1,4}|(?:api[_-]?key|access[_-]?key|private[_-]?key|passwo?r?d|secret|token)\\?["']?[ \t]{0,4}[:=][ \t]{0,4}(?!["'[{]?(?:bearer|basic)[ \t]))(?:\\?"([^"\\]*)|'([^']*)|([^\s,;&"'<>{}()[\]\\]+))/dgi;

function findTokens(text: string): Found[] {
  const found: Found[] = [];
  for (const { 0: token, index } of text.matchAll(plainTokens)) {
    if (!/\w/.test(text[index - 1] ?? ' '))
      found.push({ start: index, end: index + token.length, kind: 'token' });
  }
  for (const { indices } of text.matchAll(named)) {
    const [start, end] = indices?.[1] ?? indices?.[2] ?? indices?.[3] ?? [0, 0];
    if (end > start) found.push({ start, end, kind: 'token' });
  }
  return found;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
