import { isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { type SavedContent, SavedLineSchema, type SavedSearch } from './saved-search.ts';

const checker = Compile(SavedLineSchema);

/** A file of saved searches: one a line, in order of id, with all that another server needs to have the same. */
export function savedFile(saved: readonly SavedSearch[]): string {
  return saved.map((one) => `${JSON.stringify(one)}\n`).join('');
}

export interface ReadOptions {
  /** Throws when a search could not be asked. */
  check(content: SavedContent): void;
  /** Throws when there are more than there may be; the lines behind are not read then. */
  assertRoom(count: number): void;
}

/**
 * Reads such a file. Owner and version are of the server it came from and do not count.
 * @throws MillraceError QUERY_INVALID that names the first bad line; what `assertRoom` throws
 */
export function readSavedFile(
  text: string,
  { check, assertRoom }: ReadOptions,
): { id: string; content: SavedContent }[] {
  const lines: { id: string; content: SavedContent }[] = [];
  const seen = new Set<string>();
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    assertRoom(lines.length + 1);
    try {
      const { id, content } = readLine(line);
      if (seen.has(id)) throw new MillraceError('QUERY_INVALID', `id ${id} is there twice`);
      check(content);
      seen.add(id);
      lines.push({ id, content });
    } catch (error) {
      const hint = isMillraceError(error) ? error.hint : undefined;
      throw new MillraceError('QUERY_INVALID', `line ${i + 1}: ${messageOf(error)}`, {
        cause: error,
        hint: hint ?? 'nothing was imported; GET /api/v1/saved/export shows how lines look',
      });
    }
  }
  return lines;
}

function readLine(line: string): { id: string; content: SavedContent } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new MillraceError('QUERY_INVALID', `not JSON: ${messageOf(cause)}`, { cause });
  }
  const filled: unknown = Value.Default(SavedLineSchema, value);
  if (!checker.Check(filled)) {
    const first = checker.Errors(filled)[0];
    const where = first?.instancePath === '' ? '' : `${first?.instancePath.slice(1)}: `;
    throw new MillraceError('QUERY_INVALID', `${where}${first?.message ?? 'invalid'}`);
  }
  const { id, owner: _owner, updated: _updated, version: _version, ...content } = filled;
  return { id, content };
}
