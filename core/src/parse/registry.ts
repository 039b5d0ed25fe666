import type { Rule } from '../rule/rule.ts';
import { compileDetect } from './detect.ts';
import type { Fields, Parsed } from './parsed.ts';
import { compileReader } from './reader.ts';
import { compileSteps } from './steps.ts';

/** A rule made ready to read records. */
export interface CompiledRule {
  rule: Rule;
  /**
   * Reads one record's text, without its terminator. Never throws: what it cannot read is `error` in the answer.
   * `capturedMs`, milliseconds since 1970, gives a time what its text leaves out. `outer`: fields that its source adds
   * to the rule's own, for steps to look at.
   */
  parse(text: string, capturedMs: number, outer?: Fields): Parsed;
}

/**
 * Records are parsed, then nulls, types, time, what is to be detected, and the steps.
 * @throws MillraceError RULE_INVALID for an expression, time format or zone that cannot be compiled
 */
export function compileRule(rule: Rule): CompiledRule {
  const read = compileReader(rule);
  const detect = compileDetect(rule);
  const doSteps = compileSteps(rule);
  if (detect === undefined && doSteps === undefined) return { rule, parse: read };
  return {
    rule,
    parse(text, capturedMs, outer) {
      const parsed = read(text, capturedMs);
      detect?.(parsed, text, capturedMs);
      doSteps?.(parsed, text, capturedMs, outer);
      return parsed;
    },
  };
}
