import { MillraceError, messageOf } from '../errors.ts';
import { compileDecoder, type Decode, isUtf8 } from '../parse/encoding.ts';
import type { Fields } from '../parse/parsed.ts';
import { type CompiledRule, compileRule } from '../parse/registry.ts';
import type { Rule } from '../rule/rule.ts';
import { emptyLeaves, type Leaves, writeLeaves } from './containers.ts';
import { type FieldMembers, fieldMembers } from './field-members.ts';
import { type WellKnown, WellKnownCollector } from './reserved.ts';

/** A rule made ready to make documents: everything that is the same for each record is done. */
export interface RulePlan {
  compiled: CompiledRule;
  decode: Decode;
  utf8: boolean;
  /** The rule's added fields, written; they stand before the record's own and replace those of the same name. */
  added: Readonly<Leaves>;
  addedNames: ReadonlySet<string>;
  addedWellKnown: WellKnown;
  /** What a record without fields of its own gets. */
  addedMembers: FieldMembers;
  /** The fields of one source among them. */
  outer?: Fields;
}

const plansMax = 128;

/**
 * Plans by rule text, the least recently used forgotten. A rule that cannot be read or compiled yields its error.
 * `readRule`: parseRule for what others wrote.
 */
export function createPlanCache(
  readRule: (text: string) => Rule,
): (text: string) => RulePlan | MillraceError {
  const plans = new Map<string, RulePlan | MillraceError>();
  return (text) => {
    let plan = plans.get(text);
    if (plan === undefined) plan = planOrError(() => readRule(text));
    else plans.delete(text);
    plans.set(text, plan);
    const oldest = plans.size > plansMax ? plans.keys().next().value : undefined;
    if (oldest !== undefined) plans.delete(oldest);
    return plan;
  };
}

function planOrError(readRule: () => Rule): RulePlan | MillraceError {
  try {
    return compilePlan(readRule());
  } catch (cause) {
    if (cause instanceof MillraceError) return cause;
    return new MillraceError('RULE_INVALID', `rule: ${messageOf(cause)}`, { cause });
  }
}

/**
 * The plan with fields of one source added, such as the names in its path. The rule's own of the same name stand.
 */
export function planWith(plan: RulePlan, fields: Fields): RulePlan {
  const added = { ...plan.added };
  const wellKnown = new WellKnownCollector(plan.addedWellKnown);
  writeLeaves(fields, added, wellKnown, (name) => plan.addedNames.has(name));
  return {
    ...plan,
    outer: fields,
    added,
    addedNames: new Set([...plan.addedNames, ...Object.keys(fields)]),
    addedWellKnown: wellKnown.found,
    addedMembers: fieldMembers(added, wellKnown.found),
  };
}

function compilePlan(rule: Rule): RulePlan {
  const added = emptyLeaves();
  const wellKnown = new WellKnownCollector();
  const fields = rule.add ?? {};
  for (const name of Object.keys(fields)) {
    if (!name.isWellFormed()) throw new MillraceError('RULE_INVALID', 'an added name with half a character');
  }
  writeLeaves(fields, added, wellKnown);
  return {
    compiled: compileRule(rule),
    decode: compileDecoder(rule.encoding),
    utf8: isUtf8(rule.encoding),
    added,
    addedNames: new Set(Object.keys(fields)),
    addedWellKnown: wellKnown.found,
    addedMembers: fieldMembers(added, wellKnown.found),
  };
}
