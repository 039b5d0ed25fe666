/** A line of a container's log file. */
export interface ContainerLine {
  stream: string;
  /** The message goes on in the stream's next line. */
  partial: boolean;
}

/**
 * A line as containerd and CRI-O write it, `TIME STREAM TAGS TEXT`; undefined when it is not one. `bytes[start, end)`
 * is the line with or without its "\n".
 */
export function criLine(bytes: Buffer, start: number, end: number): ContainerLine | undefined {
  const streamAt = bytes.indexOf(0x20, start) + 1;
  if (streamAt === 0 || streamAt > end) return undefined;
  const tagsAt = bytes.indexOf(0x20, streamAt) + 1;
  if (tagsAt === 0 || tagsAt >= end) return undefined;
  const stream = bytes.toString('latin1', streamAt, tagsAt - 1);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  // Of the tags, which `:` separates, the first tells whole from partial.
  const next = bytes[tagsAt + 1];
  const alone = tagsAt + 1 >= end || next === 0x20 || next === 0x3a || next === 0x0a || next === 0x0d;
  if (!alone) return undefined;
  if (bytes[tagsAt] === 0x50) return { stream, partial: true };
  return bytes[tagsAt] === 0x46 ? { stream, partial: false } : undefined;
}

const opening = Buffer.from('{"log":"');
const afterLog = Buffer.from('","stream":"');

/** A line as Docker's json-file driver writes it; undefined when it is not one. */
export function dockerLine(bytes: Buffer, start: number, end: number): ContainerLine | undefined {
  const log = start + opening.length;
  const close = bytes.indexOf(afterLog, log);
  // Within a string a quote is escaped, so these bytes are found nowhere but at its end.
  if (
    bytes.compare(opening, 0, opening.length, start, Math.min(log, end)) === 0 &&
    close >= 0 &&
    close < end
  ) {
    const name = close + afterLog.length;
    const stream = bytes.toString('latin1', name, bytes.indexOf(0x22, name));
    return { stream, partial: !endsWithEscapedNewline(bytes, log, close) };
  }
  return parsedDockerLine(bytes.toString('utf8', start, end));
}

/** `\n` at the end, but not a backslash and an `n`. */
function endsWithEscapedNewline(bytes: Buffer, from: number, end: number): boolean {
  if (end - from < 2 || bytes[end - 1] !== 0x6e) return false;
  let backslashes = 0;
  for (let at = end - 2; at >= from && bytes[at] === 0x5c; at--) backslashes++;
  return backslashes % 2 === 1;
}

function parsedDockerLine(text: string): ContainerLine | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('log' in value)) return undefined;
    const { log, stream } = value as { log: unknown; stream?: unknown };
    if (typeof log !== 'string') return undefined;
    return { stream: typeof stream === 'string' ? stream : '', partial: !log.endsWith('\n') };
  } catch {
    return undefined; // not a line of Docker's: a record of its own
  }
}
