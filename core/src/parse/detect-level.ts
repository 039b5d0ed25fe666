/** Characters behind the time in which a level must be. */
const levelWindow = 96;

/** Words of levels; a rule's fields have a list of their own (document/level.ts). */
const names: Readonly<Record<string, string>> = {
  trace: 'TRACE TRC FINEST FINER',
  debug: 'DEBUG DBG FINE',
  info: 'INFORMATION INFO INF',
  notice: 'NOTICE',
  warn: 'WARNING WARN WRN',
  error: 'ERROR ERR SEVERE',
  critical: 'CRITICAL CRIT',
  alert: 'ALERT',
  emergency: 'EMERGENCY EMERG',
  fatal: 'FATAL FTL PANIC',
};

const levels = new Map<string, string>();
for (const [level, words] of Object.entries(names))
  for (const word of words.split(' ')) levels.set(word, level);

const capitals = [...levels.keys()].join('|');
/** With a capital at most at its beginning. */
const small = [...levels.keys()].map(
  (word) => `[${word[0]}${word[0]?.toLowerCase()}]${word.slice(1).toLowerCase()}`,
);
const smalls = small.join('|');

/** One pass of the engine costs less than looking at each character here does. */
const written = new RegExp(
  [
    `\\b(?:${capitals})\\b`,
    `[[<:](?:${smalls})[\\]>]`,
    `(?:level|lvl|severity)"?[=:] ?"?(?:${capitals}|${smalls})\\b`,
  ].join('|'),
  'g',
);

/**
 * The level that a text names between `from` and `to`: a word in capitals (`ERROR`, `[WARN]`), one in any case in
 * brackets (`[error]`, `<info>`, `[core:error]`), as the first word before a colon (`warning: …`), or as the value of
 * level, lvl or severity (`level=info`, `"level":"info"`). The first counts.
 */
export function scanLevel(text: string, from: number, to = text.length): string | undefined {
  const window = text.slice(from, Math.min(to, from + levelWindow));
  const first = firstWord(window);
  if (first !== undefined) return first;
  written.lastIndex = 0;
  if (!written.test(window)) return undefined;
  const end = written.lastIndex;
  // Behind the word there may be the bracket that made it a level.
  return levelBefore(window, isLetter(window.charCodeAt(end - 1)) ? end : end - 1);
}

/** Of `warning: …`: the first word, where a colon follows it. */
function firstWord(window: string): string | undefined {
  const colon = window.indexOf(':');
  if (colon < 3 || !isLetter(window.charCodeAt(colon - 1))) return undefined;
  const level = levelBefore(window, colon);
  if (level === undefined) return undefined;
  let at = 0;
  while (!isLetter(window.charCodeAt(at))) at++;
  while (at < colon && isLetter(window.charCodeAt(at))) at++;
  return at === colon ? level : undefined;
}

/** The level whose word ends at a place. */
function levelBefore(window: string, end: number): string | undefined {
  let start = end;
  while (start > 0 && isLetter(window.charCodeAt(start - 1))) start--;
  const word = window.slice(start, end);
  return levels.get(word) ?? levels.get(word.toUpperCase());
}

function isLetter(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}
