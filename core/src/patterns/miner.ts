import { joinedByFirstWord, routed } from './first-words.ts';
import { covering, type Generalisation, generalised, leafMax } from './leaf.ts';
import { patternQuery } from './pattern-query.ts';
import { scan, scanLimits } from './scan.ts';
import { addTally, addWeights, anyWord, copyOf, type Tally, type Template, textOf } from './template.ts';

export interface MinerLimits {
  /** Patterns kept; the least seen are given up for new ones, and counted as other. */
  templatesMax: number;
  /** Words of a line looked at. */
  wordsMax: number;
  /** UTF-16 units of a message looked at. */
  unitsMax: number;
}

export const minerLimits: MinerLimits = { templatesMax: 2_000, ...scanLimits };

/** A line, and what is kept of it for its pattern. */
export interface MinedLine<Example> {
  message: string;
  timeMs: number;
  level?: string | undefined;
  /** Lines that this one stands for, where not all are looked at; 1. */
  weight?: number;
  /** Patterns are counted by group, as for two times that are compared; 0. */
  group?: number;
  /** Kept of the first line of each pattern. */
  example: Example;
}

export interface Pattern<Example> {
  /** `connection from <ip> closed` */
  template: string;
  /** Finds its lines, and perhaps others of the same words, in Lucene syntax. */
  query: string;
  /** Lines that were looked at. */
  seen: number;
  /** Lines, as far as those stand for others. */
  count: number;
  counts: number[];
  firstMs: number;
  lastMs: number;
  /** Lines by level; lines without one in none. */
  levels: Record<string, number>;
  example: Example;
}

/** Leaves below one structure; other lines share one. */
const leavesMax = 64;
/** Longer lines are looked up in the tree each time. UTF-16 units. */
const knownUnitsMax = 512;

/**
 * Finds the patterns of messages as they come, by Drain: masks first, then a tree of fixed depth (what stands between
 * the words, the first word), then the most similar template of a leaf. The same lines in the same order give the same
 * patterns. Everything is bounded: what a line costs does not grow with the lines before it.
 */
export class PatternMiner<Example> {
  readonly #limits: MinerLimits;
  readonly #structures = new Map<string, Map<string, Template<Example>[]>>();
  /** Templates of lines that came before, by what they are with their masks. */
  readonly #known = new Map<string, Template<Example>>();
  #templates = 0;
  #lines = 0;
  readonly #other: number[] = [];

  constructor(limits: Partial<MinerLimits> = {}) {
    this.#limits = { ...minerLimits, ...limits };
  }

  /** By group: lines, or what they stand for, whose patterns were given up for others. */
  get other(): readonly number[] {
    return this.#other;
  }

  add(line: MinedLine<Example>): void {
    const { words, gaps, key } = scan(line.message, this.#limits);
    const known = this.#living(key);
    this.#lines++;
    if (known !== undefined) {
      known.lastSeen = this.#lines;
      addLine(known.tally, line);
      return;
    }
    this.#remember(key, this.#insert({ words, gaps, tally: tallyOf(line), lastSeen: this.#lines }));
  }

  /** Adds what another miner has seen. */
  absorb(other: PatternMiner<Example>): void {
    for (const { words, gaps, tally } of other.#all()) {
      this.#lines += tally.seen;
      this.#insert({ words, gaps, tally: copyOf(tally), lastSeen: this.#lines });
    }
    addWeights(this.#other, other.#other);
  }

  /** The most frequent first; of equal ones, the one that was there first. */
  patterns(): Pattern<Example>[] {
    return joinedByFirstWord([...this.#all()])
      .map(patternOf)
      .sort((a, b) => b.count - a.count || a.firstMs - b.firstMs);
  }

  *#all(): Generator<Template<Example>> {
    for (const leaves of this.#structures.values()) for (const leaf of leaves.values()) yield* leaf;
  }

  #living(key: string): Template<Example> | undefined {
    let template = this.#known.get(key);
    while (template?.successor !== undefined) {
      if (template.successor === template) return undefined;
      template = template.successor;
    }
    return template;
  }

  #remember(key: string, template: Template<Example>): void {
    if (key.length > knownUnitsMax) return;
    if (this.#known.size >= 4 * this.#limits.templatesMax) this.#known.clear();
    this.#known.set(key, template);
  }

  /** The template that has taken up these lines. */
  #insert(fresh: Template<Example>): Template<Example> {
    const leaf = this.#leafOf(fresh);
    const cover = covering(leaf, fresh.words);
    if (cover !== undefined) {
      addTally(cover.tally, fresh.tally);
      cover.lastSeen = fresh.lastSeen;
      return cover;
    }
    const general = generalised(leaf, fresh.words);
    if (general !== undefined) this.#replace(leaf, general, fresh);
    if (leaf.length >= leafMax) this.#giveUp(leaf, leaf.length - leafMax + 1);
    leaf.push(fresh);
    this.#templates++;
    if (this.#templates > this.#limits.templatesMax) this.#shrink();
    return fresh;
  }

  #replace(leaf: Template<Example>[], general: Generalisation<Example>, fresh: Template<Example>): void {
    fresh.words = general.words;
    // The example stays what it was: of the first line.
    fresh.tally.example = general.members[0]?.tally.example ?? fresh.tally.example;
    for (const member of general.members) {
      addTally(fresh.tally, member.tally);
      member.successor = fresh;
      leaf.splice(leaf.indexOf(member), 1);
      this.#templates--;
    }
  }

  #leafOf({ words, gaps }: Template<Example>): Template<Example>[] {
    const structure = gaps.join('\u0001');
    let leaves = this.#structures.get(structure);
    if (leaves === undefined) {
      leaves = new Map();
      this.#structures.set(structure, leaves);
    }
    const name = words[routed(words)] ?? anyWord;
    const known = leaves.get(name) ?? (leaves.size >= leavesMax ? leaves.get(anyWord) : undefined);
    if (known !== undefined) return known;
    const leaf: Template<Example>[] = [];
    leaves.set(leaves.size >= leavesMax ? anyWord : name, leaf);
    return leaf;
  }

  /** Gives up the least seen quarter, so that the next are far apart. */
  #shrink(): void {
    const all = [...this.#all()].sort(bySeen);
    const given = new Set(all.slice(0, Math.ceil(all.length / 4)));
    for (const [structure, leaves] of this.#structures) {
      for (const [name, leaf] of leaves) {
        const kept = leaf.filter((template) => !given.has(template));
        if (kept.length > 0) leaves.set(name, kept);
        else leaves.delete(name);
      }
      if (leaves.size === 0) this.#structures.delete(structure);
    }
    for (const template of given) this.#forget(template);
  }

  #giveUp(leaf: Template<Example>[], count: number): void {
    for (const template of leaf.toSorted(bySeen).slice(0, count)) {
      leaf.splice(leaf.indexOf(template), 1);
      this.#forget(template);
    }
  }

  #forget(template: Template<Example>): void {
    template.successor = template;
    addWeights(this.#other, template.tally.weights);
    this.#templates--;
  }
}

function bySeen(a: Template<unknown>, b: Template<unknown>): number {
  return a.tally.seen - b.tally.seen || a.lastSeen - b.lastSeen;
}

function tallyOf<Example>(line: MinedLine<Example>): Tally<Example> {
  const { timeMs, example } = line;
  const tally: Tally<Example> = {
    seen: 0,
    weights: [],
    firstMs: timeMs,
    lastMs: timeMs,
    levels: new Map(),
    example,
  };
  addLine(tally, line);
  return tally;
}

function addLine(tally: Tally<unknown>, { timeMs, level, weight = 1, group = 0 }: MinedLine<unknown>): void {
  tally.seen++;
  tally.weights[group] = (tally.weights[group] ?? 0) + weight;
  if (timeMs < tally.firstMs) tally.firstMs = timeMs;
  if (timeMs > tally.lastMs) tally.lastMs = timeMs;
  if (level !== undefined) tally.levels.set(level, (tally.levels.get(level) ?? 0) + weight);
}

function patternOf<Example>(template: Template<Example>): Pattern<Example> {
  const { seen, weights, firstMs, lastMs, levels, example } = template.tally;
  // Groups that have none are holes in the array.
  const counts = Array.from(weights, (weight) => Math.round(weight ?? 0));
  return {
    template: textOf(template),
    query: patternQuery(template),
    seen,
    count: counts.reduce((sum, count) => sum + count, 0),
    counts,
    firstMs,
    lastMs,
    levels: Object.fromEntries([...levels].map(([level, weight]) => [level, Math.round(weight)])),
    example,
  };
}
