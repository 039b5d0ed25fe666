/** What lines have been found to differ in besides what is masked in each of them. */
export const anyWord = '<*>';

/** What is known of the lines of one form. */
export interface Template<Example> {
  words: string[];
  readonly gaps: readonly string[];
  tally: Tally<Example>;
  /** Number of the last line, for the choice of what is given up. */
  lastSeen: number;
  /** The template that this one has become part of; itself when it was given up. */
  successor?: Template<Example>;
}

export interface Tally<Example> {
  /** Lines looked at. */
  seen: number;
  /** Lines that they stand for, by group. */
  weights: number[];
  firstMs: number;
  lastMs: number;
  /** Lines by level, as `weights`. */
  levels: Map<string, number>;
  example: Example;
}

export function addTally<Example>(into: Tally<Example>, from: Tally<Example>): void {
  into.seen += from.seen;
  addWeights(into.weights, from.weights);
  into.firstMs = Math.min(into.firstMs, from.firstMs);
  into.lastMs = Math.max(into.lastMs, from.lastMs);
  for (const [level, weight] of from.levels) into.levels.set(level, (into.levels.get(level) ?? 0) + weight);
}

export function addWeights(into: number[], from: readonly number[]): void {
  for (const [group, weight] of from.entries()) into[group] = (into[group] ?? 0) + (weight ?? 0);
}

export function copyOf<Example>(tally: Tally<Example>): Tally<Example> {
  return { ...tally, weights: [...tally.weights], levels: new Map(tally.levels) };
}

/** `connection from <ip> closed` */
export function textOf({ words, gaps }: Pick<Template<unknown>, 'words' | 'gaps'>): string {
  return gaps.map((gap, i) => gap + (words[i] ?? '')).join('');
}

/**
 * Positions in which the words of a template differ from a line's; those it leaves open do not. Undefined when there
 * are more than `max`.
 */
export function differences(
  template: readonly string[],
  line: readonly string[],
  max: number,
): number[] | undefined {
  const positions: number[] = [];
  for (let i = 0; i < template.length; i++) {
    if (template[i] === line[i] || template[i] === anyWord) continue;
    if (positions.length === max) return undefined;
    positions.push(i);
  }
  return positions;
}

export function isMasked(word: string): boolean {
  return word.includes('<');
}
