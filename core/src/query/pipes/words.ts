import { queryError, type Span } from '../ast.ts';
import { escapedAt, Reader } from '../reader.ts';

/** A word after a pipe. What was quoted or escaped is a name, never a keyword, a comma or a sign. */
export interface PipeWord {
  text: string;
  plain: boolean;
  at: Span;
}

/** What stands between two pipes; `at` begins with the pipe. */
export interface Stage {
  words: PipeWord[];
  at: Span;
}

/**
 * Cuts a text, from its first pipe on, into stages of words. Spaces, commas and pipes part words; a comma is one itself.
 * @throws MillraceError QUERY_INVALID
 */
export function stages(text: string, start: number): Stage[] {
  const reader = new Reader(text);
  reader.at = start;
  const result: Stage[] = [];
  while (!reader.done()) {
    const from = reader.at++;
    const words: PipeWord[] = [];
    for (reader.skipSpace(); !reader.done() && reader.peek() !== '|'; reader.skipSpace())
      words.push(word(reader));
    result.push({ words, at: { start: from, end: words.at(-1)?.at.end ?? from + 1 } });
  }
  return result;
}

function word(reader: Reader): PipeWord {
  const start = reader.at;
  const made = (text: string, plain: boolean): PipeWord => ({
    text,
    plain,
    at: { start, end: reader.at },
  });
  if (reader.peek() === ',') return made(reader.take(), true);
  if (reader.peek() === '"') return made(quoted(reader), false);
  let text = '';
  let plain = true;
  while (!reader.done() && !reader.spaceAt(reader.at) && !',|"'.includes(reader.peek())) {
    if (reader.peek() === '\\') plain = false;
    text += reader.peek() === '\\' ? escapedAt(reader) : reader.take();
  }
  return made(text, plain);
}

function quoted(reader: Reader): string {
  const start = reader.at++;
  let text = '';
  while (!reader.done()) {
    if (reader.peek() === '"') {
      reader.at++;
      return text;
    }
    text += reader.peek() === '\\' ? escapedAt(reader) : reader.take();
  }
  throw queryError(
    { start, end: reader.text.length },
    'the quotation mark is not closed',
    'close it with ", or write \\" for one in a name',
  );
}
