export interface Quotation {
  /** Where its closing quotation mark stands. */
  close: number;
  /** What is quoted names a value, as in JSON. */
  isName: boolean;
  /** There is no white space in it. */
  isOneWord: boolean;
}

/** A quotation reaches no further, UTF-16 units. */
const quotedUnitsMax = 2_048;
const nameUnitsMax = 64;
const backslash = 0x5c;

/** The quotation that opens at `at` and closes before `to`. */
export function quotationAt(text: string, at: number, to: number): Quotation | undefined {
  const quote = text.charCodeAt(at);
  const last = Math.min(to, at + quotedUnitsMax);
  let isOneWord = true;
  for (let close = at + 1; close < last; close++) {
    const unit = text.charCodeAt(close);
    if (unit === quote) {
      const isName = close < at + nameUnitsMax && isNamed(text, at + 1, close, to);
      return { close, isName, isOneWord };
    }
    if (unit === backslash) close++;
    else if (unit <= 0x20) isOneWord = false;
  }
  return undefined;
}

/** Characters that a name may have: none that a mask has. */
const plainName = /^[\w.@$/ -]+$/;

function isNamed(text: string, from: number, close: number, to: number): boolean {
  let at = close + 1;
  if (at < to && text.charCodeAt(at) === 0x20) at++;
  return at < to && text.charCodeAt(at) === 0x3a && plainName.test(text.slice(from, close));
}

/** Names whose values are told to people: their words are what lines differ by. */
const spokenNames = new Set([
  ...['msg', 'message', 'log', 'text', 'error', 'err', 'reason', 'exception', 'event', 'cause', 'detail'],
  ...['level', 'severity', 'status', 'state', 'action', 'method', 'description', 'title', 'error.message'],
]);

const request = /(?:GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|CONNECT|TRACE) [/*h]/y;

/**
 * Whether a quotation is read word by word: the value of a message's name, an HTTP request, or what stands behind
 * a bracket as klog writes it.
 */
export function isSpoken(text: string, at: number, before: string | undefined, gap: string): boolean {
  request.lastIndex = at + 1;
  if (request.test(text) || gap.endsWith('] "')) return true;
  return before !== undefined && /[:=]/.test(gap) && spokenNames.has(before.toLowerCase());
}
