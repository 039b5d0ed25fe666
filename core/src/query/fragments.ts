import { lowercase, separates, tokenize } from './tokenize.ts';

/** A stretch without separators, in lower case, that a text must hold for a query to find its document. */
export interface Fragment {
  text: string;
  /** It is a token by itself. */
  whole: boolean;
  /** It may be a number's digits, which may be written in other ways: 4.2e1. */
  number: boolean;
}

/** What the text in one place of a document must hold. */
export interface Needed {
  place: { in: 'message' } | { in: 'known' } | { in: 'field'; name: string };
  /** All of them; never none. */
  fragments: Fragment[];
}

/** Values are cut there in `kv`: what stands at a longer one's end may be half a word. */
const cutValues = 250;

/** What a leaf of the DSL needs; undefined: nothing that bytes could tell. */
export function neededOf(kind: string, field: string, value: string): Needed | undefined {
  // Half a character is found in others' bytes.
  if (!value.isWellFormed()) return undefined;
  if (field === 'kv') return ofContainer(kind, value);
  const place: Needed['place'] = field === 'message' ? { in: 'message' } : { in: 'known' };
  if (field !== 'message' && !textFields.has(field)) return undefined;
  return needed(place, fragmentsOf(kind, value, field === 'message'));
}

/** Keywords whose values are text of the record, as it stands there. */
const textFields = new Set([
  'source.address',
  'user.name',
  'http.request.method',
  'http.request.referrer',
  'url.original',
  'user_agent.original',
  'service.name',
  'trace.id',
]);

function needed(place: Needed['place'], fragments: Fragment[] | undefined): Needed | undefined {
  return fragments === undefined || fragments.length === 0 ? undefined : { place, fragments };
}

/** `name=value`: in names "=" is written %3D. */
function ofContainer(kind: string, term: string): Needed | undefined {
  if (kind === 'regexp') return undefined;
  const at = term.indexOf('=');
  if (at < 0) return undefined;
  const head = kind === 'wildcard' ? unescaped(term.slice(0, at)) : term.slice(0, at);
  const name = head?.replaceAll('%3D', '=').replaceAll('%25', '%');
  const value = term.slice(at + 1);
  if (name === undefined || value.length > cutValues) return undefined;
  const place: Needed['place'] = { in: 'field', name };
  if (kind === 'term' && /^-?\d{1,15}$/.test(value))
    return needed(place, [{ text: value.replace('-', ''), whole: true, number: true }]);
  const fragments = fragmentsOf(kind, value, false);
  const literal = kind === 'wildcard' ? literals(value).join('') : value;
  return maybeMade(literal) ? undefined : needed(place, fragments);
}

/** Whether such text may stand in what a number or true and false are written as. */
function maybeMade(text: string): boolean {
  return (
    /^[0-9.eE+-]*$/.test(text) || ['true', 'false', '-Infinity', 'NaN'].some((made) => made.includes(text))
  );
}

/** `words`: the value is looked for among tokens, so a pattern stays within one. */
function fragmentsOf(kind: string, value: string, words: boolean): Fragment[] | undefined {
  switch (kind) {
    case 'term':
    case 'match_phrase':
      return pieces(value, true, true);
    case 'prefix':
      return pieces(value, !words, false);
    case 'wildcard':
      return literals(value).flatMap((literal) => pieces(literal, false, false));
    case 'regexp':
      return regexLiterals(value).flatMap((literal) => pieces(literal, false, false));
    default:
      return undefined;
  }
}

/** `starts`, `ends`: the text's ends are those of a value. */
function pieces(text: string, starts: boolean, ends: boolean): Fragment[] {
  return tokenize(text).map(({ token, start, end }) => ({
    text: token,
    whole: (starts || start > 0) && (ends || end < text.length) && !cutHere(text, start, end),
    number: false,
  }));
}

/** A piece of a token over the limit: where it is cut in a longer text is not known. */
function cutHere(text: string, start: number, end: number): boolean {
  const inside = (at: number) => at >= 0 && at < text.length && !separates(text.charCodeAt(at));
  return inside(start - 1) || inside(end);
}

/** The texts between a wildcard pattern's wildcards. */
function literals(pattern: string): string[] {
  const found = [''];
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] ?? '';
    if (char === '*' || char === '?') found.push('');
    else found[found.length - 1] += char === '\\' ? (pattern[++i] ?? '') : char;
  }
  return found.filter((literal) => literal !== '');
}

function unescaped(pattern: string): string | undefined {
  const [only, ...more] = literals(pattern);
  return more.length === 0 ? only : undefined;
}

/** Texts that whatever a regex (as regex.ts writes them) matches must hold: literals outside of groups and classes. */
function regexLiterals(source: string): string[] {
  const chars = [...source];
  const found: string[] = [];
  let literal = '';
  const end = () => {
    if (literal !== '') found.push(literal);
    literal = '';
  };
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i] ?? '';
    if (char === '|') return [];
    if (char === '(' || char === '[') {
      end();
      i = closing(chars, i);
      if (i < 0) return [];
    } else if (char === '*' || char === '?' || char === '{') {
      // The character before it need not be there.
      literal = [...literal].slice(0, -1).join('');
      end();
      if (char === '{') while (i < chars.length && chars[i] !== '}') i++;
    } else if (char === '.' || char === '+') end();
    else literal += char === '\\' ? (chars[++i] ?? '') : char;
  }
  end();
  return found.map(lowercase);
}

/** Where the group or class that begins at `start` ends; -1 when it does not. */
function closing(chars: readonly string[], start: number): number {
  let depth = 0;
  let inClass = false;
  for (let i = start; i < chars.length; i++) {
    const char = chars[i];
    if (char === '\\') i++;
    else if (inClass) inClass = char !== ']';
    else if (char === '[') inClass = true;
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    if (!inClass && depth === 0) return i;
  }
  return -1;
}
