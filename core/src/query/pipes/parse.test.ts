import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isMillraceError } from '../../errors.ts';
import { compileQuery } from '../compile.ts';
import { parseQuery, parseSearch } from '../parser.ts';
import type { Pipe, PipeField } from './pipe.ts';

/** Pipes in one spelling. */
function spelled(pipe: Pipe): string {
  const names = (fields: PipeField[]) => fields.map(({ name }) => `<${name}>`).join(' ');
  switch (pipe.type) {
    case 'count':
      return `count ${names(pipe.by)}`.trim();
    case 'top':
    case 'rare':
      return `${pipe.type} ${pipe.size} ${names([pipe.field])}`;
    case 'timechart':
      return `timechart ${pipe.intervalMs ?? 'chosen'} ${names(pipe.by === undefined ? [] : [pipe.by])}`.trim();
    case 'fields':
    case 'dedup':
      return `${pipe.type} ${names(pipe.fields)}`;
    case 'sort':
      return `sort ${pipe.keys.map(({ name, descending }) => `${descending ? '-' : ''}<${name}>`).join(' ')}`;
    default:
      return `${pipe.type} ${pipe.size}`;
  }
}

const accepted: [text: string, condition: string, ...pipes: string[]][] = [
  ['error', 'error'],
  ['error | count', 'error ', 'count'],
  ['| count', '', 'count'],
  ['  | COUNT BY Tag', '  ', 'count <Tag>'],
  ['error|count by tag,level , host.name', 'error', 'count <tag> <level> <host.name>'],
  ['a || b | count', 'a || b ', 'count'],
  ['a||b | count', 'a||b ', 'count'],
  ['(a || b)| count', '(a || b)', 'count'],
  ['"a | b" | count', '"a | b" ', 'count'],
  ['a\\|b | count', 'a\\|b ', 'count'],
  ['/a|b/ | count', '/a|b/ ', 'count'],
  ['/a|b/| count', '/a|b/', 'count'],
  ['path:/var/log/ | count', 'path:/var/log/ ', 'count'],
  ['size:[1 TO 5]|count', 'size:[1 TO 5]', 'count'],
  ['size:>5|count', 'size:>5', 'count'],
  ['a^2|count', 'a^2', 'count'],
  ['x | top url.original', 'x ', 'top 10 <url.original>'],
  ['x | top 20 url.original', 'x ', 'top 20 <url.original>'],
  ['x | rare 5 user', 'x ', 'rare 5 <user>'],
  ['x | top "20"', 'x ', 'top 10 <20>'],
  ['x | timechart', 'x ', 'timechart chosen'],
  ['x | timechart by level', 'x ', 'timechart chosen <level>'],
  ['x | timechart 5m by level', 'x ', 'timechart 300000 <level>'],
  ['x | timechart span=500ms', 'x ', 'timechart 500'],
  ['x | timechart 2d', 'x ', 'timechart 172800000'],
  ['x | fields a,b', 'x ', 'fields <a> <b>'],
  ['x | fields @timestamp, "a b", a\\,b, "x|y"', 'x ', 'fields <@timestamp> <a b> <a,b> <x|y>'],
  ['x | sort a', 'x ', 'sort <a>'],
  ['x | sort -a, +b, c desc, d ASC', 'x ', 'sort -<a> <b> -<c> <d>'],
  ['x | sort -"a b", \\-c', 'x ', 'sort -<a b> <-c>'],
  ['x | head 10', 'x ', 'head 10'],
  ['x | limit 10 | dedup a, b', 'x ', 'head 10', 'dedup <a> <b>'],
  ['x | patterns', 'x ', 'patterns 20'],
  ['x | patterns 5', 'x ', 'patterns 5'],
  [
    'x | count by tag | sort -count | head 3 | fields tag',
    'x ',
    'count <tag>',
    'sort -<count>',
    'head 3',
    'fields <tag>',
  ],
  ['x | timechart by tag | sort -error', 'x ', 'timechart chosen <tag>', 'sort -<error>'],
];

test('pipes are read after the condition', () => {
  for (const [text, condition, ...pipes] of accepted) {
    const search = parseSearch(text);
    assert.equal(search.condition, condition, text);
    assert.deepEqual(search.pipes.map(spelled), pipes, text);
    assert.deepEqual(search.query, parseQuery(condition), text);
  }
});

const refused: [text: string, at: string, what: RegExp, hint: RegExp][] = [
  ['x | cuont by tag', 'cuont', /unknown pipe "cuont"/, /did you mean "count"\?/],
  ['x | count(tag)', 'count(tag)', /unknown pipe/, /did you mean "count"\?/],
  ['x | stats count', 'stats', /unknown pipe/, /count by FIELD/],
  ['x | zzz', 'zzz', /unknown pipe/, /known are count, top/],
  ['x | by', 'by', /unknown pipe "by"/, /known are/],
  ['x | "count"', '"count"', /unknown pipe/, /./],
  ['x |', '|', /nothing follows the pipe/, /quotes around text/],
  ['x | | count', '|', /nothing follows the pipe/, /known are/],
  ['x | count || head 5', '|', /nothing follows the pipe/, /known are/],
  ['x | count tag', 'tag', /"tag" is not understood after count/, /count by FIELD/],
  ['x | count b tag', 'b', /not understood/, /did you mean "by"/],
  ['x | count by', '', /name of a field is missing after "by"/, /count by FIELD/],
  ['x | count by a,', '', /name of a field is missing after ","/, /./],
  ['x | count by ,a', ',', /name of a field is missing/, /./],
  ['x | count by a, b, c, d', ',', /3 fields at most/, /./],
  ['x | count by a b', 'b', /not understood/, /./],
  ['x | count by ""', '""', /an empty name/, /./],
  ['x | top', '', /missing after "top"/, /top \[N\] FIELD/],
  ['x | top 5', '', /missing after "5"/, /./],
  ['x | top 0 a', '0', /from 1 to 1000, not 0/, /./],
  ['x | top 1001 a', '1001', /from 1 to 1000/, /./],
  ['x | top -3 a', '-3', /from 1 to 1000/, /./],
  ['x | top 2.5 a', '2.5', /whole number/, /./],
  ['x | top a 5', '5', /not understood after top/, /top \[N\] FIELD/],
  ['x | head', '| head', /head takes a number/, /head 100/],
  ['x | head ten', 'ten', /not understood/, /head N/],
  ['x | limit 1e3', '1e3', /not understood/, /limit N/],
  ['x | timechart 5 by a', '5', /no width of time/, /30s, 1m/],
  ['x | timechart 0m', '0m', /no width of time/, /./],
  ['x | timechart level', 'level', /no width of time/, /./],
  ['x | timechart 5m level', 'level', /not understood after timechart/, /timechart 5m by level/],
  ['x | sort a dsec', 'dsec', /not understood/, /did you mean "desc"/],
  ['x | count | dedup a', '| dedup a', /dedup needs events, and count/, /sort, head and fields/],
  ['x | count by a | top b', '| top b', /top needs events/, /./],
  ['x | count by host | sort -cuont', '-cuont', /makes no column "cuont"/, /did you mean "count"/],
  ['x | top host | fields zzz', 'zzz', /makes no column/, /columns are host, count/],
  ['x | fields "a', '"a', /quotation mark is not closed/, /./],
  ['x | fields a\\', '\\', /nothing follows the backslash/, /./],
  ['(a | count)', '(', /parenthesis is not closed/, /./],
  ['a OR | count', '', /query ends where a condition should follow/, /./],
  ['level: | count', 'level:', /has no value/, /./],
  ['size:>| count', '>', /nothing to compare with/, /./],
  [`x ${'| head 1'.repeat(17)}`, '| head 1', /more than 16 pipes/, /./],
];

test('what is wrong with a pipe is said with its place and the cure', () => {
  for (const [text, place, what, hint] of refused)
    assert.throws(
      () => parseSearch(text),
      (error) => {
        assert.ok(isMillraceError(error, 'QUERY_INVALID'), text);
        assert.match(error.message, what, text);
        assert.match(error.hint ?? '', hint, text);
        assert.equal(text.slice(error.at?.start, error.at?.end), place, text);
        return true;
      },
      text,
    );
});

test('where only a condition is meant, pipes are refused', () => {
  assert.throws(() => parseQuery('a | count'), { code: 'QUERY_INVALID', at: { start: 2, end: 9 } });
});

test('any text with pipes is understood, or refused with a place within it', () => {
  const words = fc.constantFrom(
    ...['count', 'by', 'top', 'rare', 'timechart', 'fields', 'sort', 'head', 'limit', 'dedup', 'patterns'],
    ...['10', '0', '5m', '-', '+', ',', '"', '"a b"', '\\', '|', '||', ' | ', ' ', ' ', ' ', 'tag', 'level:'],
    ...['(', ')', '[', '/', 'a', 'AND ', 'NOT ', '\ud83d', '*', '@timestamp', '[1 TO 2]', '^2', '>', 'desc'],
  );
  const texts = fc.array(words, { maxLength: 20 }).map((list) => list.join(''));
  fc.assert(
    fc.property(fc.oneof(texts, fc.string({ unit: 'binary' })), (text) => {
      try {
        compileQuery(parseSearch(text).query, { nowMs: 1_790_000_000_000 });
      } catch (error) {
        assert.ok(isMillraceError(error, 'QUERY_INVALID'), `${text}: ${String(error)}`);
        const { start, end } = error.at ?? { start: -1, end: -1 };
        assert.ok(start >= 0 && start <= end && end <= text.length, `${text}: ${start} to ${end}`);
        assert.ok(error.hint !== undefined && error.hint !== '', text);
      }
    }),
    { numRuns: 5000 },
  );
});
