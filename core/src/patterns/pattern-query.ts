import { tokenize } from '../query/tokenize.ts';
import type { Template } from './template.ts';

/** Phrases in one query; the longest stay. */
const phrasesMax = 16;
/** UTF-16 units of all phrases. */
const unitsMax = 2_000;

/**
 * A query in Lucene syntax that matches every line of a template: its fixed words, neighbours as a phrase. A word that
 * stands directly at a mask is left out, for it is part of another word in the lines.
 */
export function patternQuery(template: Pick<Template<unknown>, 'words' | 'gaps'>): string {
  const phrases = new Set(fixedTexts(template).flatMap(phraseOf));
  const kept = new Set<string>();
  let units = 0;
  for (const phrase of [...phrases].sort((a, b) => b.length - a.length).slice(0, phrasesMax)) {
    units += phrase.length + 1;
    if (units <= unitsMax) kept.add(phrase);
  }
  const query = [...phrases].filter((phrase) => kept.has(phrase)).join(' ');
  return query === '' ? '*' : query;
}

/** A stretch of a line that all lines of the template have. */
interface Fixed {
  text: string;
  /** A mask stands right before or behind it. */
  open: boolean;
  close: boolean;
}

function fixedTexts({ words, gaps }: Pick<Template<unknown>, 'words' | 'gaps'>): Fixed[] {
  const texts: Fixed[] = [];
  let text = gaps[0] ?? '';
  let open = false;
  for (const [i, word] of words.entries()) {
    const [head = '', ...tails] = word.split(/<[^>]*>/);
    text += head;
    for (const tail of tails) {
      texts.push({ text, open, close: true });
      text = tail;
      open = true;
    }
    text += gaps[i + 1] ?? '';
  }
  texts.push({ text, open, close: false });
  return texts;
}

function phraseOf({ text, open, close }: Fixed): string[] {
  const tokens = tokenize(text);
  if (open && tokens[0]?.start === 0) tokens.shift();
  if (close && tokens.at(-1)?.end === text.length) tokens.pop();
  const [first] = tokens;
  if (first === undefined) return [];
  const phrase = text.slice(first.start, tokens.at(-1)?.end);
  if (tokens.length === 1 && isPlain(phrase)) return [phrase];
  // Only the words count; between quotation marks, blanks are read more easily than escapes.
  const readable = /["\\\n]/.test(phrase)
    ? tokens.map(({ start, end }) => text.slice(start, end)).join(' ')
    : phrase;
  return [`"${readable}"`];
}

/** Needs no quotes: neither operator nor with characters that have a meaning. */
function isPlain(word: string): boolean {
  return /^[\p{L}\p{N}_]+$/u.test(word) && !['AND', 'OR', 'NOT', 'TO'].includes(word);
}
