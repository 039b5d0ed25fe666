import { fetchValues, fields } from '../state/facets.ts';
import { ranked, stages, type Wish, wishAt } from './complete.ts';
import { quoted } from './edit.ts';
import { history } from './history.ts';

/** An offer of the completion. */
export interface Choice {
  /** What is put into the query. */
  text: string;
  label: string;
  note: string;
  /** Takes the place of the whole query. */
  whole: boolean;
}

const choicesMax = 12;
/** Names that every server knows, for when it does not tell which fields there are. */
const knownFields = [
  'level',
  'tag',
  'host',
  'file',
  'status',
  'service.name',
  'trace.id',
  'url.original',
  'source.ip',
  'message',
];

export interface Offer {
  wish: Wish;
  choices: Choice[];
}

/** What can stand where the caret is; values are asked of the server. */
export async function offerAt(text: string, caret: number, signal: AbortSignal): Promise<Offer> {
  const wish = wishAt(text, caret);
  if (text.trim() === '') return { wish: undefined, choices: earlier('') };
  if (wish === undefined) return { wish: undefined, choices: [] };
  switch (wish.what) {
    case 'field': {
      // A word alone is a search for it: names are offered once it could be one of them.
      const choices = wish.prefix === '' ? [] : fieldChoices(wish.prefix);
      return { wish, choices };
    }
    case 'stage':
      return {
        wish,
        choices: ranked(stages, wish.prefix, ({ name }) => name).map(({ name, example }) =>
          plain(name, name, example),
        ),
      };
    case 'value': {
      const values = await fetchValues(wish.field, wish.prefix, signal).catch(() => []);
      return { wish, choices: values.slice(0, choicesMax).map((value) => plain(quoted(value), value, '')) };
    }
  }
}

/** Queries of before that have the text in them. */
export function earlier(text: string): Choice[] {
  return history()
    .filter((query) => query.includes(text))
    .slice(0, choicesMax)
    .map((query) => ({ text: query, label: query, note: '', whole: true }));
}

function fieldChoices(prefix: string): Choice[] {
  const known = fields.peek().map(({ name, kind }) => ({ name, note: kind }));
  const names = known.length > 0 ? known : knownFields.map((name) => ({ name, note: '' }));
  return ranked(names, prefix, ({ name }) => name)
    .slice(0, choicesMax)
    .map(({ name, note }) => plain(name, name, note));
}

function plain(text: string, label: string, note: string): Choice {
  return { text, label, note, whole: false };
}
