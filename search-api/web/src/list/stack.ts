/** A stretch of a message: shown, or frames of a stack trace that are folded at first. */
export interface Stretch {
  start: number;
  end: number;
  /** Lines that are folded; 0: shown. */
  folded: number;
}

const frame =
  /^\s+at\s|^\s*File "[^"]+", line \d|^\s+\S+\.(?:go|rs|py|rb|js|ts):\d+|^\s*\.\.\. \d+ (?:more|common)|^\s+from\s\S+:\d+/;
/** Frames of one trace that stay in sight. */
const shownFrames = 3;
const foldMin = 3;

/** Cuts a message where the frames behind the first ones of each trace begin and end. */
export function foldStack(text: string): Stretch[] {
  const stretches: Stretch[] = [];
  let start = 0;
  let at = 0;
  let run = 0;
  let foldAt = 0;
  const close = (end: number): void => {
    if (run - shownFrames >= foldMin) {
      if (foldAt > start) stretches.push({ start, end: foldAt, folded: 0 });
      stretches.push({ start: foldAt, end, folded: run - shownFrames });
      start = end;
    }
    run = 0;
  };
  while (at < text.length) {
    const lineBreak = text.indexOf('\n', at);
    const next = lineBreak < 0 ? text.length : lineBreak + 1;
    if (frame.test(text.slice(at, Math.min(next, at + 500)))) {
      if (run === shownFrames) foldAt = at;
      run++;
    } else close(at);
    at = next;
  }
  close(text.length);
  if (start < text.length || stretches.length === 0) stretches.push({ start, end: text.length, folded: 0 });
  return stretches;
}
