/** What a piece of a query is, for its colour and for completion. Never fails: people are still typing. */
export type TokenKind =
  | 'space'
  | 'operator'
  | 'field'
  | 'word'
  | 'phrase'
  | 'regex'
  | 'range'
  | 'paren'
  | 'pipe'
  | 'stage';

export interface Token {
  kind: TokenKind;
  /** UTF-16 offsets, end exclusive. */
  start: number;
  end: number;
}

const rules: [TokenKind, RegExp][] = [
  ['space', /\s+/y],
  ['phrase', /"(?:[^"\\]|\\.)*(?:"|$)/sy],
  ['paren', /[()]/y],
  ['operator', /(?:AND|OR|NOT|&&|\|\|)(?=[\s()]|$)/y],
  ['pipe', /\|/y],
  ['operator', /[+\-!](?=[^\s)])/y],
  ['field', /(?:[^\s:()"[\]{}|\\/]|\\.)+:(?!\/\/|:)/y],
  ['regex', /\/(?:[^/\\\s]|\\.)(?:[^/\\]|\\.)*\/(?=[\s()]|$)/y],
];
const valueRules: [TokenKind, RegExp][] = [
  ['range', /[[{][^\]}]*[\]}]?/y],
  ['range', /[<>]=?\s*(?:[^\s()"]|\\.)*/y],
];
const word = /(?:\\.|[^\s()"])+/y;
const timeLike = /^[\d:][\d.:T-]*:$/;

/** The pieces of a query, without gaps. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let piped = false;
  while (at < text.length) {
    const last = tokens.at(-1);
    const token = tokenAt(text, at, last?.kind);
    const kind = piped && last?.kind !== 'field' && token.kind === 'word' ? 'stage' : token.kind;
    if (kind === 'pipe') piped = true;
    tokens.push({ kind, start: at, end: token.end });
    at = token.end;
  }
  return tokens;
}

function tokenAt(text: string, at: number, before: TokenKind | undefined): { kind: TokenKind; end: number } {
  const after = before === 'field';
  for (const [kind, rule] of after ? [...valueRules, ...rules] : rules) {
    rule.lastIndex = at;
    const match = rule.exec(text);
    if (match === null) continue;
    if (kind === 'field' && (after || timeLike.test(match[0]))) continue;
    if (after && kind === 'operator') continue;
    return { kind, end: at + match[0].length };
  }
  word.lastIndex = at;
  const end = word.exec(text) === null ? at + 1 : word.lastIndex;
  return { kind: 'word', end };
}

/** Where the first stage behind the conditions begins, at its `|`; the length of the text when there is none. */
export function pipeStart(text: string): number {
  return tokensOf(text).find(({ kind }) => kind === 'pipe')?.start ?? text.length;
}
