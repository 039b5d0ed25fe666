import { type Token, tokensOf } from './tokens.ts';

/** What the person is writing where the caret stands, and the stretch of text that a choice replaces. */
export type Wish =
  | { what: 'field'; prefix: string; start: number; end: number }
  | { what: 'value'; field: string; prefix: string; start: number; end: number; quoted: boolean }
  | { what: 'stage'; prefix: string; start: number; end: number }
  | undefined;

/** Stages that a query may have behind `|`, with how they are written. */
export const stages: readonly { name: string; example: string }[] = [
  { name: 'count', example: 'count by level' },
  { name: 'top', example: 'top 20 url.original' },
  { name: 'timechart', example: 'timechart 1m by level' },
  { name: 'fields', example: 'fields host, message' },
  { name: 'sort', example: 'sort duration desc' },
  { name: 'dedup', example: 'dedup message' },
  { name: 'patterns', example: 'patterns' },
];

export function wishAt(text: string, caret: number): Wish {
  const tokens = tokensOf(text);
  const index = tokens.findIndex(({ start, end }) => start < caret && caret <= end);
  const token = tokens[index];
  if (token === undefined) return caret === 0 ? { what: 'field', prefix: '', start: 0, end: 0 } : undefined;
  const piped = tokens.slice(0, index + 1).some(({ kind }) => kind === 'pipe');
  const typed = text.slice(token.start, caret);
  if (piped) return stageWish(text, tokens, index, caret);
  switch (token.kind) {
    case 'field':
      if (caret < token.end) return { what: 'field', prefix: typed, start: token.start, end: token.end };
      return valueWish(text, token, { start: caret, end: caret, prefix: '', quoted: false });
    case 'word':
    case 'phrase': {
      const before = tokens[index - 1];
      const isPhrase = token.kind === 'phrase';
      // Behind a quote that is closed there is nothing to complete.
      if (isPhrase && caret === token.end && text.length > token.start + 1 && text[caret - 1] === '"')
        return undefined;
      const prefix = isPhrase ? typed.slice(1) : typed;
      if (before?.kind === 'field')
        return valueWish(text, before, { start: token.start, end: token.end, prefix, quoted: isPhrase });
      return isPhrase ? undefined : { what: 'field', prefix, start: token.start, end: token.end };
    }
    case 'space':
    case 'paren':
    case 'operator':
      return text[caret - 1] === ')' ? undefined : { what: 'field', prefix: '', start: caret, end: caret };
    default:
      return undefined;
  }
}

function valueWish(
  text: string,
  field: Token,
  rest: { start: number; end: number; prefix: string; quoted: boolean },
): Wish {
  const name = text.slice(field.start, field.end - 1).replaceAll(/\\(.)/g, '$1');
  return { what: 'value', field: name, ...rest };
}

/** Behind `|` the first word is the stage, and what follows `by` and its like are fields. */
function stageWish(text: string, tokens: Token[], index: number, caret: number): Wish {
  const token = tokens[index];
  if (token === undefined) return undefined;
  const writing = token.kind === 'stage' || token.kind === 'word';
  const stretch = writing
    ? { prefix: text.slice(token.start, caret), start: token.start, end: token.end }
    : { prefix: '', start: caret, end: caret };
  const earlier = tokens.slice(0, writing ? index : index + 1).filter(({ kind }) => kind !== 'space');
  return earlier.at(-1)?.kind === 'pipe' ? { what: 'stage', ...stretch } : { what: 'field', ...stretch };
}

/** The text with a choice in it, and where the caret stands then. */
export function completed(
  text: string,
  wish: NonNullable<Wish>,
  choice: string,
): { text: string; caret: number } {
  const before = text.slice(0, wish.start);
  const after = text.slice(wish.end);
  const isField = wish.what === 'field' && !before.includes('|');
  const insert = isField ? `${choice}:` : after.startsWith(' ') ? choice : `${choice} `;
  return { text: before + insert + after, caret: before.length + insert.length };
}

/** Of an offer for what was typed before, what fits what is typed now; nothing for another place in the query. */
export function narrowed<T extends { label: string; whole: boolean }>(
  offer: { wish: Wish; choices: readonly T[] },
  now: Wish,
): { wish: Wish; choices: T[] } {
  const before = offer.wish;
  const same =
    before !== undefined &&
    now !== undefined &&
    before.what === now.what &&
    (before.what !== 'value' || (now.what === 'value' && before.field === now.field)) &&
    now.prefix.startsWith(before.prefix);
  if (!same) return { wish: undefined, choices: [] };
  return { wish: now, choices: offer.choices.filter(({ label }) => label.startsWith(now.prefix)) };
}

/** Names that begin with what was typed first, then those that have it inside. */
export function ranked<T>(items: readonly T[], prefix: string, nameOf: (item: T) => string): T[] {
  const wanted = prefix.toLowerCase();
  const rank = (item: T): number => {
    const name = nameOf(item).toLowerCase();
    if (name.startsWith(wanted)) return 0;
    return name.split('.').some((part) => part.startsWith(wanted)) ? 1 : name.includes(wanted) ? 2 : 3;
  };
  return items
    .map((item) => ({ item, rank: rank(item) }))
    .filter((entry) => entry.rank < 3)
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}

/** Where a choice stands among others; -1: nowhere. Who went to one while others were on their way stays on it. */
export function placeOf(choice: { text: string } | undefined, others: readonly { text: string }[]): number {
  return choice === undefined ? -1 : others.findIndex(({ text }) => text === choice.text);
}
