import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { refusal, testEnvironment } from '../testing.ts';
import { parseConfig } from './include.ts';
import type { ConfigSection } from './tree.ts';

function parse(text: string, files: Record<string, string> = {}): ConfigSection {
  const { readFile, glob } = testEnvironment(text, { files });
  assert(readFile && glob);
  const env = { SET: 'value', EMPTY: '', QUOTE: 'a"b' };
  return parseConfig('/etc/agent.conf', { env, hostname: 'web-1' }, { read: readFile, glob });
}

/** The value of `key` in a text; null for nil; undefined when it is not there. */
function readValue(text: string, key = 'k'): string | null | undefined {
  const param = parse(text).params.get(key);
  return param?.nil === undefined ? param?.value : null;
}

test('values are read as fluentd reads them', () => {
  const cases: [text: string, value: string | null | undefined][] = [
    ['k value', 'value'],
    ['k   two words  ', 'two words'],
    ['\tk\tvalue\t', 'value'],
    ['k', ''],
    ['k\r\nx y\r\n', ''],
    ['k a#b', 'a#b'],
    ['k a # comment', 'a'],
    ['k a\t# comment', 'a'],
    ['k #x', '#x'],
    ['# k a\nk b', 'b'],
    ['k a\nk b', 'b'],
    ['k back\\slash \\d+', 'back\\slash \\d+'],
    ['k #{ENV["SET"]}', '#{ENV["SET"]}'],
    ['k /^[^ ]* "(?<a>.*)"$/', '/^[^ ]* "(?<a>.*)"$/'],
    ["k ''", ''],
    ["k 'a # b' # comment", 'a # b'],
    ["k 'it\\'s \\\\ \\d #{x}'", "it's \\ \\d #{x}"],
    ["k 'two\nlines'", 'two\nlines'],
    ['k ""', ''],
    ['k "a # b"# comment', 'a # b'],
    ['k "\\n\\t\\r\\f\\b\\0\\"\\\\\\.\\한"', '\n\t\r\f\b\0"\\.한'],
    ['k "two\nlines"', 'two\nlines'],
    ['k "one \\\nline"', 'one line'],
    ['k "#{hostname}-#{Socket.gethostname}-#{worker_id}"', 'web-1-web-1-0'],
    ['k "a#b#{ENV[\'SET\']}c"', 'a#bvaluec'],
    ['k "#{ENV["SET"]}"', 'value'],
    ['k "#{ ENV[ \'SET\' ] }"', 'value'],
    ["k \"#{ENV['UNSET'] || 'd'}\"", 'd'],
    ["k \"#{ENV['EMPTY'] || 'd'}\"", ''],
    ["k \"#{ENV['UNSET'] || ENV['SET'] || 'd'}\"", 'value'],
    ['k "#{ENV[\'UNSET\'] or 8080}"', '8080'],
    ["k \"#{ENV.fetch('UNSET', 'd')}\"", 'd'],
    ["k \"#{ENV.fetch('SET', 'd')}\"", 'value'],
    ["k \"#{ENV['SET'] || ENV.fetch('UNSET')}\"", 'value'],
    ['k "#{ENV[\'UNSET\']}"', null],
    ['k "pre-#{ENV[\'UNSET\']}-post"', null],
    ['k "#{ENV[\'UNSET\'] || use_nil}"', null],
    ['k "#{ENV[\'SET\'] || use_nil}"', 'value'],
    ['k "#{use_default}"', undefined],
    ['k a\nk "x#{ENV[\'UNSET\'] || use_default}"', undefined],
    ['k ["a", # first\n  "b#c"]', '["a","b#c"]'],
    [
      'k {"a": {"b": [1, true, null]},\n# whole line\n "c": "#{ENV[\'QUOTE\']}"} # end',
      '{"a":{"b":[1,true,null]},"c":"a\\"b"}',
    ],
    ['"k" v', 'v'],
    ['\uFEFFk v', 'v'],
    ['k v\r\n# c\r\nx y\r\n', 'v'],
    ['k _.%$!,', '_.%$!,'],
    ['k /=~-~@`:?', '/=~-~@`:?'],
    ['k ()*{}.[]', '()*{}.[]'],
    ['k #not_comment # comment', '#not_comment'],
    ["k '\\['", '\\['],
    ['k "\\["', '['],
  ];
  for (const [text, value] of cases) assert.equal(readValue(text), value, text);
});

test('sections nest and keep their place', () => {
  const root = parse(
    '\n<source>\n  @type tail\n  <parse>\n  </parse>\n</source>\n<match a.** "#{ENV[\'SET\']}">\n</match>\n<match "#{hostname}.*"> # c\n</match>',
  );
  assert.deepEqual(
    root.children.map(({ name, arg, file, line }) => [name, arg, file, line]),
    [
      ['source', '', '/etc/agent.conf', 2],
      ['match', 'a.** "#{ENV[\'SET\']}"', '/etc/agent.conf', 7],
      ['match', 'web-1.*', '/etc/agent.conf', 9],
    ],
  );
  assert.equal(root.children[0]?.children[0]?.line, 4);
  assert.deepEqual(root.children[0]?.params.get('@type'), {
    value: 'tail',
    quoted: false,
    file: '/etc/agent.conf',
    line: 3,
  });
});

test('included files stand where they are included, in sorted order, with their own places', () => {
  const files = {
    '/etc/conf.d/b.conf': '<match b>\n</match>',
    '/etc/conf.d/a.conf': '<match a>\n</match>\n@include more/c.conf',
    '/etc/conf.d/more/c.conf': '\n<match c>\n  @include /etc/shared\n</match>',
    '/etc/shared': 'region r\n',
  };
  const root = parse('@include conf.d/*.conf\n<match z>\n</match>\n', { ...files });
  assert.deepEqual(
    root.children.map(({ arg, file, line }) => [arg, file, line]),
    [
      ['a', '/etc/conf.d/a.conf', 1],
      ['c', '/etc/conf.d/more/c.conf', 2],
      ['b', '/etc/conf.d/b.conf', 1],
      ['c', '/etc/conf.d/more/c.conf', 2],
      ['z', '/etc/agent.conf', 2],
    ],
  );
  assert.equal(root.children[1]?.params.get('region')?.file, '/etc/shared');
  assert.equal(parse('@include none/*.conf').children.length, 0);
  assert.equal(parse('include shared', { ...files }).params.get('region')?.value, 'r');
});

test('every mistake is named with file and line', () => {
  const cases: [text: string, message: string][] = [
    ['\n<source>\n a b\n', '/etc/agent.conf:2: <source> is never closed'],
    ['<a>\n</b>', '/etc/agent.conf:2: </b> found where </a> is due (opened in line 1)'],
    ['\n</a>', '/etc/agent.conf:2: </a> closes nothing'],
    ['<a>\n</a', '/etc/agent.conf:2: </a: the end tag has no closing ">"'],
    ['<a>\n</a> x', '/etc/agent.conf:2: </a>: text behind the end tag'],
    ['<a b\n', '/etc/agent.conf:1: <a: the tag has no closing ">"'],
    ['<a> x', '/etc/agent.conf:1: <a>: text behind the tag: x'],
    ['<a #b>\n</a>', '/etc/agent.conf:1: <a #b>: a comment cannot stand in a tag'],
    ['<a></a>', '/etc/agent.conf:1: <a>: text behind the tag: </a>'],
    ['<a>\n</a><a>\n</a>', '/etc/agent.conf:2: </a>: text behind the end tag'],
    ['<match>\n@k v\n</match>', '/etc/agent.conf:2: @k: unknown parameter'],
    ['<-a>', '/etc/agent.conf:1: "<-a>": a section\'s name is expected behind "<"'],
    [
      '<a "#{ENV[\'U\']}">\n</a>',
      '/etc/agent.conf:1: <a>: its argument is nil: the environment variable U is not set',
    ],
    ['x y\nk "a\nb', '/etc/agent.conf:2: a value that begins with " has no closing "'],
    ["k 'a", "/etc/agent.conf:1: a value that begins with ' has no closing '"],
    ['k "a" b', '/etc/agent.conf:1: k: text behind the end of its value: b'],
    ['k "a\n\\d"', '/etc/agent.conf:2: "\\d" is no escape of a value in double quotes'],
    ['k [%d/%b/%Y]', "/etc/agent.conf:1: a value is not valid JSON: Unexpected token '%'"],
    ['k ["a",\n', '/etc/agent.conf:1: a JSON value has no end'],
    ['k ["a\n"]', '/etc/agent.conf:1: a string in a JSON value has no closing "'],
    ['k [1] x', '/etc/agent.conf:1: k: text behind the end of its value: x'],
    [`k ${'['.repeat(40)}`, '/etc/agent.conf:1: a JSON value is nested more than 32 deep'],
    ['@idd x', '/etc/agent.conf:1: @idd: unknown parameter, did you mean "@id"?'],
    [
      'k "#{File.read(\'/etc/passwd\')}"',
      "/etc/agent.conf:1: #{File.read('/etc/passwd')}: this Ruby is not evaluated",
    ],
    ['\nk "#{`id`}"', '/etc/agent.conf:2: #{`id`}: this Ruby is not evaluated'],
    ['k "#{hostname.upcase}"', '/etc/agent.conf:1: #{hostname.upcase}: this Ruby is not evaluated'],
    ["k \"#{ENV['SET'] + 'x'}\"", "/etc/agent.conf:1: #{ENV['SET'] + 'x'}: this Ruby is not evaluated"],
    ['k "#{ENV.fetch(\'U\')}"', "/etc/agent.conf:1: ENV.fetch('U'): the environment variable U is not set"],
    ['@include http://x/y', '/etc/agent.conf:1: @include: "http://x/y" is not a file'],
    ['@include', '/etc/agent.conf:1: @include: a path is expected'],
    ['a b\n@include gone.conf', '/etc/agent.conf:2: @include: "/etc/gone.conf" cannot be read: no such file'],
    [
      '\n@include agent.conf',
      '/etc/agent.conf:2: @include: "/etc/agent.conf" includes itself: /etc/agent.conf → /etc/agent.conf',
    ],
    ['<a>'.repeat(40).replaceAll('>', '>\n'), '/etc/agent.conf:33: sections are nested more than 32 deep'],
  ];
  for (const [text, message] of cases)
    assert.equal(
      refusal(() => parse(text)),
      message,
      text,
    );
});

test('a configuration that cannot be read is named', () => {
  const { readFile, glob } = testEnvironment('');
  assert(readFile && glob);
  const load = () => parseConfig('/none', { env: {}, hostname: '' }, { read: readFile, glob });
  assert.equal(refusal(load), '/none:1: "/none" cannot be read: no such file');
});

test('files that include each other without end are refused', () => {
  const files: Record<string, string> = {};
  for (let i = 0; i < 30; i++) files[`/etc/f${i}`] = `@include f${i + 1}`;
  assert.equal(
    refusal(() => parse('@include f0', files)),
    '/etc/f14:1: @include: files include each other more than 16 deep',
  );
});

test('names in nested sections may begin with @', () => {
  const [filter] = parse('<filter>\n<record>\n@timestamp x\n</record>\n</filter>').children;
  assert.equal(filter?.children[0]?.params.get('@timestamp')?.value, 'x');
});

test('any text is a tree or a CONFIG_INVALID', () => {
  const pieces = fc.constantFrom(
    ...[
      '<',
      '</',
      '>',
      'a',
      '"',
      "'",
      '\\',
      '#',
      '#{',
      '}',
      "ENV['X']",
      '||',
      'ENV.fetch(',
      '[',
      ']',
      '{',
      ':',
      ',',
      ' ',
    ],
    ...[
      '\n',
      '\r',
      '\t',
      '@include',
      '@type',
      '/',
      '*',
      'use_nil',
      'hostname',
      '<a>\n',
      '</a>\n',
      '한',
      '\u0000',
      '😀',
    ],
  );
  const text = fc.oneof(fc.string({ unit: pieces, maxLength: 80 }), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(text, (input) => {
      try {
        parse(input);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'CONFIG_INVALID');
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a tree written as text is read as that tree, whatever its names and values are', () => {
  const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/).filter((each) => each !== 'include');
  const value = fc.string({ unit: fc.constantFrom(...'ab #"\'\\{}[]<>/\n\r\t$한'), maxLength: 12 });
  const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`;
  interface Tree {
    params: [string, string][];
    children: [name: string, arg: string, tree: Tree][];
  }
  const treeOfDepth = (depth: number): fc.Arbitrary<Tree> =>
    fc.record(
      {
        params: fc.uniqueArray(fc.tuple(name, value), { maxLength: 3, selector: ([key]) => key }),
        children: fc.array(fc.tuple(name, value, depth === 0 ? leaf : treeOfDepth(depth - 1)), {
          maxLength: 2,
        }),
      },
      { noNullPrototype: true },
    );
  const leaf = fc.constant<Tree>({ params: [], children: [] });
  const textOf = ({ params, children }: Tree, end: string): string =>
    [
      ...params.map(([key, text]) => `\t ${key}\t${quoted(text)} # ${end.length}${end}`),
      ...children.map(
        ([key, arg, inside]) => `<${key} ${quoted(arg)}>${end}# c${end}${textOf(inside, end)}</${key}>${end}`,
      ),
    ].join('');
  const treeOf = ({ params, children }: ConfigSection): Tree => ({
    params: [...params].map(([key, param]) => [key, param.value]),
    children: children.map((child) => [child.name, child.arg, treeOf(child)]),
  });
  fc.assert(
    fc.property(treeOfDepth(3), fc.constantFrom('\n', '\r\n'), (given, end) => {
      assert.deepEqual(treeOf(parse(`\uFEFF${textOf(given, end)}`)), given);
    }),
  );
});

test('long runs of anything are read in linear time', () => {
  const n = 300_000;
  for (const text of [
    ' '.repeat(n),
    `k ${' '.repeat(n)}x`,
    '#\n'.repeat(n),
    `k '${"\\'".repeat(n)}'`,
    'k a '.repeat(n),
    `k "${'a#'.repeat(n)}"`,
  ])
    parse(text);
});
