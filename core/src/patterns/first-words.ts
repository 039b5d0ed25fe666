import { formsNeeded } from './leaf.ts';
import { addTally, anyWord, copyOf, isMasked, type Template } from './template.ts';

/** Position of the word by which a line is put into a leaf: its first that is no mask; -1: all are. */
export function routed(words: readonly string[]): number {
  return words.findIndex((word) => !isMasked(word));
}

/**
 * Leaves are parted by the first word, so that a first word that varies ("alice logged in") makes a template of each:
 * templates that differ in it alone are joined here, given as many forms as within a leaf.
 */
export function joinedByFirstWord<Example>(templates: readonly Template<Example>[]): Template<Example>[] {
  const groups = new Map<string, Template<Example>[]>();
  for (const template of templates) {
    const position = routed(template.words.map((word) => (word === anyWord ? '' : word)));
    const rest = position < 0 ? template.words : template.words.with(position, '');
    const key = JSON.stringify([template.gaps, rest]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [template]);
    else group.push(template);
  }
  return [...groups.values()].flatMap(joined);
}

function joined<Example>(group: Template<Example>[]): Template<Example>[] {
  const [first, second] = group;
  if (first === undefined || second === undefined) return group;
  const position = first.words.findIndex((word, i) => word !== second.words[i]);
  const open = group.some(({ words }) => words[position] === anyWord);
  if (!open && group.length < formsNeeded(first.words, new Set([position]))) return group;
  const tally = copyOf(first.tally);
  for (const { tally: more } of group.slice(1)) addTally(tally, more);
  return [{ ...first, words: first.words.with(position, anyWord), tally }];
}
