import { anyWord, differences, isMasked, type Template } from './template.ts';

/** Templates in one leaf; one more gives up the least seen. */
export const leafMax = 100;

/** Of a line's words at most so many differ from another line's of the same template. */
const differingShareMax = 0.3;

/** So many forms must there be before the words in which they differ count as variable. */
const formsMin = 4;
/** The same where little would stay: "disk full" and "disk ok" are two things. */
const formsMinOfShort = 12;
const stayingWords = 3;
const stayingPlaces = 6;
/** And this many times more when neighbouring words differ: then it is rather another sentence. */
const neighboursFactor = 4;

/** The template of a leaf that covers these words: the one that leaves least open. */
export function covering<Example>(
  leaf: readonly Template<Example>[],
  words: readonly string[],
): Template<Example> | undefined {
  let best: Template<Example> | undefined;
  let bestOpen = Number.POSITIVE_INFINITY;
  for (const template of leaf) {
    const open = openIfCovering(template.words, words);
    if (open < bestOpen) {
      best = template;
      bestOpen = open;
    }
  }
  return best;
}

/** How many positions the template leaves open; infinity when it does not cover the words. */
function openIfCovering(template: readonly string[], words: readonly string[]): number {
  let open = 0;
  for (let i = 0; i < template.length; i++) {
    if (template[i] === anyWord) open++;
    else if (template[i] !== words[i]) return Number.POSITIVE_INFINITY;
  }
  return open;
}

export interface Generalisation<Example> {
  /** The words with `<*>` in what differs. */
  words: string[];
  /** Templates that it covers. */
  members: Template<Example>[];
}

/**
 * Whether these words and templates of the leaf show together that some of their words are variable: as many forms as
 * are needed that agree in all other words. Drain joins the first two similar lines; so "payment accepted" and
 * "payment refused" would be one pattern.
 */
export function generalised<Example>(
  leaf: readonly Template<Example>[],
  words: readonly string[],
): Generalisation<Example> | undefined {
  const differingMax = Math.max(1, Math.floor(words.length * differingShareMax));
  const similar: { template: Template<Example>; positions: number[] }[] = [];
  for (const template of leaf) {
    const positions = differences(template.words, words, differingMax);
    if (positions !== undefined) similar.push({ template, positions });
  }
  if (similar.length + 1 < formsMin) return undefined;
  const choices = new Map(similar.map(({ positions }) => [positions.join(), positions]));
  for (const positions of [...choices.values()].sort((a, b) => a.length - b.length)) {
    const open = new Set(positions);
    const members = similar
      .filter((each) => each.positions.every((position) => open.has(position)))
      .map(({ template }) => template);
    if (vary(words, open, members)) return { words: joined(words, open, members), members };
  }
  return undefined;
}

/** Whether each of the positions has been seen with as many words as are needed. */
function vary<Example>(
  words: readonly string[],
  open: ReadonlySet<number>,
  members: readonly Template<Example>[],
): boolean {
  const needed = formsNeeded(words, open);
  if (members.length + 1 < needed) return false;
  return [...open].every(
    (position) => new Set([words[position], ...members.map((each) => each.words[position])]).size >= needed,
  );
}

/** What members have left open already stays so. */
function joined<Example>(
  words: readonly string[],
  open: ReadonlySet<number>,
  members: readonly Template<Example>[],
): string[] {
  return words.map((word, i) =>
    open.has(i) || members.some((member) => member.words[i] === anyWord) ? anyWord : word,
  );
}

/** How many forms show that the words in these positions are variable. */
export function formsNeeded(words: readonly string[], open: ReadonlySet<number>): number {
  const stay = words.filter((word, i) => !open.has(i) && !isMasked(word)).length;
  if (stay === 0) return Number.POSITIVE_INFINITY;
  const isShort = stay < stayingWords && words.length - open.size < stayingPlaces;
  const neighbours = [...open].some((position) => open.has(position + 1));
  return (isShort ? formsMinOfShort : formsMin) * (neighbours ? neighboursFactor : 1);
}
