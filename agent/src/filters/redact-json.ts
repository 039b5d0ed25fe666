/** A string, number or literal that stands as a value in JSON; positions are UTF-16 units of the text. */
export interface JsonValue {
  start: number;
  /** Behind the closing quote of a string. */
  end: number;
  /** Names and indices that lead here. */
  path: (string | number)[];
  quoted: boolean;
}

/** The values of a text that JSON.parse has accepted. */
export function* jsonValues(text: string): Generator<JsonValue> {
  const path: (string | number)[] = [];
  const objects: boolean[] = [];
  let at = 0;
  /** The next string of an object is a name. */
  let naming = false;
  while (at < text.length) {
    const char = text[at] ?? '';
    if (char === '{' || char === '[') {
      objects.push(char === '{');
      naming = char === '{';
      path.push(char === '{' ? '' : 0);
      at++;
    } else if (char === '}' || char === ']') {
      objects.pop();
      path.pop();
      at++;
    } else if (char === ',') {
      naming = objects.at(-1) === true;
      if (!naming) path.push(Number(path.pop()) + 1);
      at++;
    } else if (char === '"') {
      const end = stringEnd(text, at);
      if (naming) {
        path[path.length - 1] = JSON.parse(text.slice(at, end)) as string;
        naming = false;
      } else yield { start: at, end, path: [...path], quoted: true };
      at = end;
    } else if (/[-0-9tfn]/.test(char)) {
      const start = at;
      while (at < text.length && /[-+.0-9A-Za-z]/.test(text[at] ?? '')) at++;
      yield { start, end: at, path: [...path], quoted: false };
    } else at++;
  }
}

/** The text of a string, and where each of its units (and its end) stands in the JSON. */
export function unescaped(
  json: string,
  start: number,
  end: number,
): { text: string; at: (unit: number) => number } {
  const inner = json.slice(start + 1, end - 1);
  if (!inner.includes('\\')) return { text: inner, at: (unit) => start + 1 + unit };
  const places: number[] = [];
  for (let i = 0; i < inner.length; ) {
    places.push(start + 1 + i);
    i += inner[i] !== '\\' ? 1 : inner[i + 1] === 'u' ? 6 : 2;
  }
  places.push(end - 1);
  return { text: JSON.parse(json.slice(start, end)) as string, at: (unit) => places[unit] ?? end - 1 };
}

function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
