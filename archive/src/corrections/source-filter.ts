/** Which sources: a list that is empty takes all, in others `*` stands for any text. */
export interface SourceGlobs {
  tags: readonly string[];
  hosts: readonly string[];
  files: readonly string[];
}

/** A source as both blocks and footers name it. */
export interface NamedSource {
  host: string;
  tag: string;
  path: string;
}

export type SourceFilter = (source: NamedSource) => boolean;

export function sourceFilter({ tags, hosts, files }: SourceGlobs): SourceFilter {
  const [tag, host, file] = [anyOf(tags), anyOf(hosts), anyOf(files)];
  return (source) => tag(source.tag) && host(source.host) && file(source.path);
}

function anyOf(globs: readonly string[]): (text: string) => boolean {
  if (globs.length === 0) return () => true;
  const patterns = globs.map(globPattern);
  return (text) => patterns.some((pattern) => pattern(text));
}

/** Pieces between the stars are looked for one after another: no backtracking. */
function globPattern(glob: string): (text: string) => boolean {
  const [head = '', ...rest] = glob.split('*');
  const tail = rest.pop();
  if (tail === undefined) return (text) => text === head;
  return (text) => {
    if (!text.startsWith(head)) return false;
    let at = head.length;
    for (const piece of rest) {
      const found = text.indexOf(piece, at);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return text.length - tail.length >= at && text.endsWith(tail);
  };
}
