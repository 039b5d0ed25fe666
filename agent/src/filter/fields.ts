import { containerFields } from '@millrace/core/document/container-path.ts';
import type { RecordView } from '@millrace/core/parse/lookup.ts';
import type { Fields, Parsed } from '@millrace/core/parse/parsed.ts';
import { compileRule } from '@millrace/core/parse/registry.ts';
import type { Rule } from '@millrace/core/rule/rule.ts';
import type { EdgeRecord } from './record.ts';

/** Makes of a record what the consumer will make of it. */
type ReadFields = (record: EdgeRecord) => RecordView;

const readers = new WeakMap<Rule, ReadFields>();

/**
 * The fields of records by a rule; filters of one rule share the work.
 * @throws MillraceError RULE_INVALID for a rule that cannot be compiled
 */
export function fieldReader(rule: Rule): ReadFields {
  let read = readers.get(rule);
  if (read === undefined) {
    read = createReader(rule);
    readers.set(rule, read);
  }
  return read;
}

/** True where `message` is the record's text as it is. */
export function isPlainText({ parse, steps, add }: Rule): boolean {
  return parse.type === 'none' && steps === undefined && !(add && Object.hasOwn(add, 'message'));
}

function createReader(rule: Rule): ReadFields {
  const compiled = compileRule(rule);
  const container = rule.parse.type === 'cri' || rule.parse.type === 'docker';
  let ofPath: { path: string; fields: Fields | undefined; outer: Fields | undefined } | undefined;
  let last: { record: EdgeRecord; serial: number; view: RecordView } | undefined;
  return (record) => {
    if (last?.record === record && last.serial === record.serial) return last.view;
    const { path, text } = record;
    if (ofPath?.path !== path) {
      const fields = container ? containerFields(path) : undefined;
      ofPath = {
        path,
        fields,
        outer: fields && rule.add ? { ...fields, ...rule.add } : (rule.add ?? fields),
      };
    }
    const parsed = record.piece ? unread() : compiled.parse(text, record.capturedMs, ofPath.fields);
    const view: RecordView = { parsed, text, outer: ofPath.outer };
    last = { record, serial: record.serial, view };
    return view;
  };
}

function unread(): Parsed {
  return {
    fields: undefined,
    access: undefined,
    time: undefined,
    message: undefined,
    level: undefined,
    error: undefined,
  };
}
