import type { KinesisOutput, Pipeline } from './pipeline.ts';
import { configError, type Place } from './syntax/tree.ts';

const patternCharactersMax = 4_096;

/**
 * The expressions of a `<match>` argument, as fluentd reads it: patterns separated by spaces, in which `*` is one
 * part of a tag, `**` any number of parts, `{a,b}` alternatives, and `/…/` an expression.
 * @throws MillraceError CONFIG_INVALID
 */
export function compileTagPattern(pattern: string, at: Place, section: string): RegExp[] {
  const parts = pattern.split(/\s+/).filter((part) => part !== '');
  if (parts.length === 0)
    throw configError(
      at,
      `<${section}>: a tag pattern is expected behind "${section}"`,
      'for all tags write **',
    );
  if (pattern.length > patternCharactersMax)
    throw configError(at, `<${section}>: its pattern is longer than ${patternCharactersMax} characters`);
  return parts.map((part) => {
    try {
      return new RegExp(`^(?:${part.startsWith('/') ? inner(part) : globSource(part)})$`);
    } catch {
      throw configError(at, `<${section} ${pattern}>: "${part}" is not a tag pattern`);
    }
  });
}

/** The output of a tag: that of the first `<match>` in the file whose pattern matches; undefined: nowhere. */
export function routeTag(pipeline: Pick<Pipeline, 'routes'>, tag: string): KinesisOutput | undefined {
  return pipeline.routes.find((route) => route.expressions.some((each) => each.test(tag)))?.output;
}

/** The tag of a file: the `*` of a source's tag stands for the path, with `.` for `/`. */
export function tagOfPath(tag: string, path: string): string {
  return tag.replace('*', () => path.replace(/\/+/g, '.').replace(/\.+/g, '.').replace(/^\./, ''));
}

function inner(part: string): string {
  if (part.length < 3 || !part.endsWith('/')) throw new SyntaxError('no closing slash');
  return part
    .slice(1, -1)
    .replace(/\\A/g, '^')
    .replace(/\\[zZ]/g, '$');
}

/** Follows GlobMatchPattern in fluentd's match.rb, step by step. */
function globSource(glob: string): string {
  const open: string[][] = [];
  const texts = [''];
  const add = (text: string) => texts.push(`${texts.pop() ?? ''}${text}`);
  const close = () => {
    const alternatives = [...(open.pop() ?? []), texts.pop() ?? ''];
    add(`(?:${alternatives.join('|')})`);
  };
  let dot = false;
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i] ?? '';
    if (glob.startsWith('**', i)) {
      // "a.**" is also "a".
      if (dot) add('(?![^.])');
      dot = false;
      const partsFollow = glob[i + 2] === '.';
      add(partsFollow ? '(?:.*\\.|^)' : '.*');
      i += partsFollow ? 2 : 1;
      continue;
    }
    if (dot) add('\\.');
    dot = char === '.';
    if (dot) continue;
    if (char === '\\') {
      i++;
      add(escaped(glob[i] ?? ''));
    } else if (char === '*') {
      add('[^.]*');
    } else if (char === '{') {
      open.push([]);
      texts.push('');
    } else if (char === '}' && open.length > 0) {
      close();
    } else if (char === ',' && open.length > 0) {
      open.at(-1)?.push(texts.pop() ?? '');
      texts.push('');
    } else {
      add(escaped(char));
    }
  }
  while (open.length > 0) close();
  return texts[0] ?? '';
}

function escaped(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
