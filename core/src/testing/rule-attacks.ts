import { ByteWriter } from '../wire/varint.ts';
import { type Attack, block, limit, refusedRule, rendered, text } from './attack.ts';
import { blockOfBody, ruleNone } from './hostile-blocks.ts';

const heavyRule = JSON.stringify({
  add: Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`k${i}`, 'x'.repeat(8_000)])),
  parse: { type: 'none' },
  v: 1,
});
const regexp = (expression: string) => JSON.stringify({ parse: { type: 'regexp', expression }, v: 1 });
const json = '{"parse":{"type":"json"},"v":1}';

export const ruleAttacks: Record<string, Attack> = {
  'a rule of 10 MB': {
    block: () => blockOfBody(new ByteWriter().raw(Uint8Array.of(0)).varint(10_000_000).bytes()),
    outcome: limit,
  },
  'a rule of 65 KB': {
    block: () => text('x\n', { rules: [`${ruleNone}${' '.repeat(65_536)}`] }),
    outcome: limit,
  },
  'a hundred thousand rules': {
    block: () => text('x\n', { rules: Array(100_000).fill(ruleNone) }),
    outcome: limit,
  },
  'a rule that is no JSON': { block: () => text('x\n', { rules: ['{'] }), outcome: refusedRule },
  'a rule that is deep': { block: () => text('x\n', { rules: ['['.repeat(60_000)] }), outcome: refusedRule },
  'a rule of thousands of wrong steps': {
    block: () =>
      text('x\n', {
        rules: [JSON.stringify({ v: 1, parse: { type: 'none' }, steps: Array(3_000).fill({ op: 'set' }) })],
      }),
    outcome: refusedRule,
  },
  'a rule with __proto__': {
    block: () => text('x\n', { rules: ['{"v":1,"parse":{"type":"none"},"__proto__":{"x":1}}'] }),
    outcome: refusedRule,
  },
  'a rule that adds __proto__ and reserved names': {
    block: () =>
      text('x\n', {
        rules: [
          '{"v":1,"parse":{"type":"none"},"add":{"__proto__":"1","@timestamp":"2","event":"3","_id":"4"}}',
        ],
      }),
    outcome: rendered(1),
  },
  'a rule that adds 56 KB to each of 100,000 lines': {
    block: () => text(Buffer.alloc(100_000, '\n'), { rules: [heavyRule] }),
    outcome: refusedRule,
  },
  '16,000 sources of a rule of 56 KB': {
    block: () => {
      const count = 16_000;
      return block(
        {
          rules: [heavyRule],
          sources: Array.from({ length: count }, () => ({})),
          runs: Array.from({ length: count }, (_, source) => ({ source, length: 1 })),
        },
        Buffer.alloc(count, '\n'),
      );
    },
    outcome: { documents: 0, unrendered: Array(16_000).fill('RULE_INVALID'), indices: [] },
  },
  'an expression that backtracks': {
    block: () => text(`${'a'.repeat(60_000)}!\n`, { rules: [regexp('^(?<x>(a+)+)$')] }),
    outcome: rendered(1),
  },
  'an expression with a lookbehind': {
    block: () => text('x\n', { rules: [regexp('(?<x>a)(?<=b)')] }),
    outcome: refusedRule,
  },
  'an expression with a backreference': {
    block: () => text('x\n', { rules: [regexp('(?<x>a+)\\1+$')] }),
    outcome: refusedRule,
  },
  'an expression of counts of counts': {
    block: () => text('x\n', { rules: [regexp('(?<x>((((a{16}){16}){16}){16}){16})')] }),
    outcome: refusedRule,
  },
  'an expression nested 5,000 deep': {
    block: () => text('x\n', { rules: [regexp(`${'('.repeat(5_000)}(?<x>a)${')'.repeat(5_000)}`)] }),
    outcome: refusedRule,
  },
  'an encoding that does not exist': {
    block: () => text('x\n', { rules: ['{"encoding":"nope","parse":{"type":"none"},"v":1}'] }),
    outcome: refusedRule,
  },
};

export const fieldAttacks: Record<string, Attack> = {
  '60,000 field names': {
    block: () =>
      text(
        `${JSON.stringify(Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`f${i}`, i])))}\n`,
        { rules: [json] },
      ),
    outcome: rendered(1),
  },
  'reserved, empty, dotted and odd names': {
    block: () =>
      text(
        '{"__proto__":{"polluted":1},"constructor":{"prototype":1},"":1,"a..b":2,".":3,"@timestamp":"x","_id":"y","kv":["evil=1"],"fields":{"a":1},"event":{"generation":"z"}}\n',
        { rules: [json] },
      ),
    outcome: rendered(1),
  },
  'JSON nested 400,000 deep': {
    block: () => text(`${'['.repeat(400_000)}\n`, { rules: [json] }),
    outcome: rendered(1),
  },
  'JSON nested 100,000 objects deep': {
    block: () => text(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}\n`, { rules: [json] }),
    outcome: rendered(1),
  },
  'a megabyte of quotes and controls': {
    block: () => text(`{"a":"${'\\u0001'.repeat(150_000)}"}\n`, { rules: [json] }),
    outcome: rendered(1),
  },
  'numbers at the ends of numbers': {
    block: () =>
      text(`{"a":1e999,"b":-1e999,"c":${'9'.repeat(10_000)},"d":1e-999,"e":-0}\n`, { rules: [json] }),
    outcome: rendered(1),
  },
};
