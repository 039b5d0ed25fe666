import type { CharSet } from './char-set.ts';

/** A Ruby expression, reduced to what runs in linear time. */
export type Node =
  | { type: 'set'; set: CharSet }
  /** An assertion or anything else that is JavaScript source already and matches nothing twice. */
  | { type: 'raw'; source: string }
  | { type: 'sequence'; items: Node[] }
  | { type: 'choice'; options: Node[] }
  | { type: 'capture'; name: string; body: Node }
  | { type: 'repeat'; body: Node; min: number; max: number; lazy: boolean };

/** What is wrong with an expression, without file and line; the value reader adds them. */
export class RegexpProblem extends Error {
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** Inline options in force at a place of an expression. */
export interface Options {
  ignoreCase: boolean;
  /** Ruby's `m`: `.` matches line breaks too. */
  dotAll: boolean;
  extended: boolean;
}

export const linearHint =
  'expressions run in linear time, which look-around, backreferences, atomic groups and possessive quantifiers do ' +
  'not allow';
