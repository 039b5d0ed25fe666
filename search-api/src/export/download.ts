import type { SearchHit } from '@millrace/core/store/port.ts';
import { failureOf } from '../failure.ts';
import type { Shortfall } from '../find/finder.ts';
import type { Format } from './formats.ts';
import type { Pages } from './pages.ts';

export interface DownloadOptions {
  format: Format;
  /** Rows at most. */
  limit: number;
  /** More than `limit` is a shortfall: nobody asked for so few. */
  limited: boolean;
  /** Whether a file may end without something that belongs in it, in a format that cannot say so. */
  allowPartial: boolean;
  /** What is not looked at from the beginning. */
  unreached: Shortfall[];
}

/** How an export ended, for trailers, log and audit. */
export interface DownloadEnd {
  rows: number;
  complete: boolean;
  partial: Shortfall[];
  error?: unknown;
}

/**
 * The file, piece by piece; a piece is made when the one before has been taken. The first page is read before it
 * begins, so that what goes wrong at once is an answer with a status.
 * @throws what the first page throws
 */
export async function download(
  pages: Pages,
  options: DownloadOptions,
  ended: (end: DownloadEnd) => void,
): Promise<AsyncGenerator<string | Buffer, void>> {
  const first = await pages.next();
  const { format } = options;
  const rows = { written: 0, shown: false };
  const opening = piece(first, options, rows);
  return body();

  async function* body(): AsyncGenerator<string | Buffer, void> {
    const end: DownloadEnd = { rows: 0, complete: false, partial: [] };
    try {
      if (format.head !== '') yield format.head;
      let page = first;
      let made = opening;
      while (page.done !== true) {
        if (made.length > 0) yield made;
        if (rows.shown) break;
        page = await pages.next();
        made = piece(page, options, rows);
      }
      const more = rows.shown && options.limited;
      end.partial = [
        ...options.unreached,
        ...(page.done === true ? page.value : []),
        ...(more ? [{ code: 'rows' as const, message: `there are more than ${options.limit} events` }] : []),
        ...format.shortfalls(),
      ];
      end.complete = end.partial.length === 0;
      if (!end.complete && format.note !== undefined) yield format.note({ partial: end.partial });
      else if (!end.complete && !options.allowPartial) throw new Incomplete(end.partial);
    } catch (error) {
      if (!(error instanceof Incomplete)) end.error = error;
      // A line where one can be, else a broken connection: what looks whole is whole.
      if (format.note === undefined || error instanceof Incomplete) throw error;
      yield format.note(failureOf(error).body);
    } finally {
      end.rows = rows.written;
      ended(end);
      await pages.return([]);
    }
  }
}

function piece(
  page: IteratorResult<SearchHit[], Shortfall[]>,
  { format, limit }: DownloadOptions,
  rows: { written: number; shown: boolean },
): string | Buffer {
  if (page.done === true) return '';
  const left = limit - rows.written;
  rows.shown = page.value.length > left;
  const hits = rows.shown ? page.value.slice(0, left) : page.value;
  rows.written += hits.length;
  return format.rows(hits);
}

/** Breaks the connection off: the client is to see that the file is not whole. */
class Incomplete extends Error {
  constructor(partial: readonly Shortfall[]) {
    super(partial.map(({ message }) => message).join('; '));
    this.name = 'Incomplete';
  }
}
